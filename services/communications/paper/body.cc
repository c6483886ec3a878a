#include "services/communications/paper/body.h"

#include <absl/strings/str_cat.h>
#include <pango/pangocairo.h>

#include <functional>

#include "services/platform/base/status.h"

namespace helhed::communications::paper {
namespace {

constexpr double kLeft = Millimetres(20);
constexpr double kWidth = Millimetres(165);
constexpr double kFirstTop = Millimetres(105);
constexpr double kTop = Millimetres(25);
constexpr double kBottom = Millimetres(272);
constexpr double kFootTop = Millimetres(280);
constexpr double kSenderLeft = Millimetres(125);
constexpr double kSenderTop = Millimetres(20);
constexpr double kDateTop = Millimetres(92);
constexpr Face kText{11};
constexpr Face kTitle{15, true};
constexpr Face kHeading{12, true};
constexpr Face kSmall{9};
constexpr std::size_t kMaxPages = 20;

// What turns the direction of the text after it (Unicode Bidirectional Algorithm, 2.1 to 2.3), and what ends a line unasked.
bool TurnsOrBreaks(gunichar c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0x85;
}
bool IsControl(gunichar c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool IsUtf8(std::string_view text) { return g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr) != 0; }

bool HoldsControls(std::string_view text) {
  auto const* const end = text.data() + text.size();
  for (auto const* at = text.data(); at < end; at = g_utf8_next_char(at)) {
    auto const c = g_utf8_get_char(at);
    if (c != '\n' && c != '\t' && IsControl(c)) return true;
  }
  return false;
}

struct Text {
  std::string path;
  std::string const& text;
  std::string const& language;
  Face face;
};
using Visit = std::function<void(Text const& text)>;

// Every text of a body in order.
void ForEachText(Body const& body, std::string_view field, Visit const& visit) {
  for (std::size_t s = 0; s < body.sections.size(); ++s) {
    auto const& section = body.sections[s];
    auto const path = absl::StrCat(Av(field), ".sections[", s, "]");
    visit({path + ".title", section.title, section.language, kTitle});
    for (std::size_t p = 0; p < section.paragraphs.size(); ++p) {
      auto const& paragraph = section.paragraphs[p];
      visit({absl::StrCat(path, ".paragraphs[", p, "]"), paragraph.text, section.language, paragraph.heading ? kHeading : kText});
    }
  }
}

std::vector<FieldViolation> ViolationsIn(Typesetter const& typesetter, Body const& body, std::string_view field) {
  std::vector<FieldViolation> violations;
  bool is_empty = true;
  ForEachText(body, field, [&](Text const& text) {
    is_empty = is_empty && text.text.empty();
    if (!IsUtf8(text.text)) {
      violations.push_back({text.path, "must be UTF-8"});
    } else if (HoldsControls(text.text)) {
      violations.push_back({text.path, "must not hold control characters other than a newline and a tab"});
    } else if (LacksGlyphs(typesetter.Set(text.text, text.face, kWidth, text.language))) {
      violations.push_back({text.path, "holds a character that no font of this installation has; install one, or leave it out"});
    }
  });
  if (is_empty) violations.push_back({std::string(field), "must have something to print"});
  return violations;
}

void DrawHead(Typesetter const& typesetter, Letterhead const& head, cairo_t* canvas) {
  Draw(canvas, typesetter.SetLeft(Lines(head.sender), kSmall, kPageWidth - kSenderLeft - Millimetres(15)), kSenderLeft,
       kSenderTop);
  Draw(canvas, typesetter.SetLeft(OneLine(head.date), kSmall, kWidth), kLeft, kDateTop);
}

}  // namespace

absl::StatusOr<std::vector<Surface>> RecordBody(Typesetter const& typesetter, Letterhead const& head, Body const& body,
                                                std::string_view field) {
  if (auto violations = ViolationsIn(typesetter, body, field); !violations.empty()) return BadRequest(std::move(violations));

  Flow flow(kLeft, kFirstTop, kTop, kBottom);
  ForEachText(body, field, [&](Text const& text) {
    if (text.text.empty()) return;
    auto const layout = typesetter.Set(text.text, text.face, kWidth, text.language);
    if (text.face.bold) {
      flow.AddHeading(layout, Millimetres(3));
    } else {
      flow.Add(layout, Millimetres(3));
    }
  });
  if (flow.pages() > kMaxPages)
    return BadRequest({{std::string(field), absl::StrCat("must not take more than ", kMaxPages, " pages")}});

  DrawHead(typesetter, head, flow.canvas(0));
  for (std::size_t page = 0; flow.pages() > 1 && page < flow.pages(); ++page) {
    auto const foot = absl::StrCat("Side ", page + 1, " af ", flow.pages());
    Draw(flow.canvas(page), typesetter.SetLeft(foot, kSmall, kWidth), kLeft, kFootTop);
  }
  return flow.Take();
}

std::string OneLine(std::string_view text) {
  std::unique_ptr<char, FreedBy<g_free>> const valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  std::string line;
  for (char const* at = valid.get(); *at != '\0';) {
    char const* const next = g_utf8_next_char(at);
    auto const c = g_utf8_get_char(at);
    if (IsControl(c) || TurnsOrBreaks(c)) {
      line.push_back(' ');
    } else {
      line.append(at, next);
    }
    at = next;
  }
  return line;
}

std::string Lines(std::vector<std::string> const& lines) {
  std::string text;
  for (auto const& line : lines) absl::StrAppend(&text, text.empty() ? "" : "\n", OneLine(line));
  return text;
}

}  // namespace helhed::communications::paper
