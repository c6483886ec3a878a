#include "services/communications/domain/plain_text.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace helhed::communications {
namespace {

// What IsPlainLine refuses beyond the control characters, as UTF-8.
constexpr std::array<std::string_view, 14> kTreacherous = {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
                                                           "\u2066", "\u2067", "\u2068", "\u2069", "\u0085", "\ufffe", "\uffff"};

bool IsPlain(std::string_view text, bool line_feeds) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n' && line_feeds) continue;
    if (byte < 0x20 || byte == 0x7f) return false;
    // U+0080 to U+009F.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
  }
  return std::none_of(kTreacherous.begin(), kTreacherous.end(),
                      [&](std::string_view bad) { return text.find(bad) != std::string_view::npos; });
}

void EndParagraph(std::string& lines, std::vector<Paragraph>& paragraphs) {
  if (lines.empty()) return;
  bool const heading = lines.starts_with("# ") && lines.find('\n') == std::string::npos;
  paragraphs.push_back({heading, heading ? lines.substr(2) : lines});
  lines.clear();
}

}  // namespace

bool IsPlainLine(std::string_view text) { return IsPlain(text, false); }
bool IsPlainText(std::string_view text) { return IsPlain(text, true); }

std::string EscapeMarkup(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 8);
  for (char const c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::vector<Paragraph> ParagraphsOf(std::string_view text) {
  std::vector<Paragraph> paragraphs;
  std::string lines;
  while (!text.empty()) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.find_first_not_of(' ') == std::string_view::npos) {
      EndParagraph(lines, paragraphs);
      continue;
    }
    if (!lines.empty()) lines += '\n';
    lines += line;
  }
  EndParagraph(lines, paragraphs);
  return paragraphs;
}

}  // namespace helhed::communications
