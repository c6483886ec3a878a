#pragma once

#include <string>
#include <string_view>
#include <vector>

// Text that people read: as it is checked before it is stored, and as it is put into markup.
namespace helhed::communications {

// Danish, which every text has.
inline constexpr std::string_view kDanish = "da";

// No control characters, none of those that turn the direction of what follows (U+202A to U+202E, U+2066 to U+2069) or part
// lines in another way than a line feed does, with which a text could look like another than it is, and neither U+FFFE nor
// U+FFFF, which no XML document may hold (XML 1.0, 2.2). `text` is UTF-8.
bool IsPlainLine(std::string_view text);
// The same with line feeds.
bool IsPlainText(std::string_view text);

// For an element's content and for attributes in double quotes, of HTML and of XML.
std::string EscapeMarkup(std::string_view text);

// A paragraph of a text, of one or more lines.
struct Paragraph {
  bool heading = false;
  std::string text;
};
// Parted by empty lines; a line that begins with `# ` and is a paragraph by itself is a heading.
std::vector<Paragraph> ParagraphsOf(std::string_view text);

}  // namespace helhed::communications
