#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/communications/paper/typeset.h"

// The part of a letter that many households get alike.
namespace helhed::communications::paper {

struct Paragraph {
  std::string text;  // plain; a newline breaks the line
  bool heading = false;
};

// The text in one language.
struct Section {
  std::string language;  // BCP 47: `da`, `ar`. Decides the direction of the text and the shapes of its letters
  std::string title;
  std::vector<Paragraph> paragraphs;
};

struct Body {
  std::vector<Section> sections;  // in the order in which they are printed
};

// What stands round every body of a run.
struct Letterhead {
  std::vector<std::string> sender;  // lines at the upper right: who writes, where to ask
  std::string date;                 // as it is to be read: `28. marts 2022`
};

// Where the address block stands on the first page, for the window of an envelope.
constexpr double kAddressLeft = Millimetres(20);
constexpr double kAddressTop = Millimetres(50);
constexpr double kAddressWidth = Millimetres(85);
constexpr double kAddressHeight = Millimetres(40);

// The pages of a body with their letterhead, without the address block. INVALID_ARGUMENT with every violation, named below
// `field`
// (`sections[0].title`, `sections[1].paragraphs[2]`): nothing to print, text that is not UTF-8 or holds control characters, a
// character that no installed font has, more than 20 pages.
absl::StatusOr<std::vector<Surface>> RecordBody(Typesetter const& typesetter, Letterhead const& head, Body const& body,
                                                std::string_view field);

// `text` as one line that can be set: control characters and those that turn the direction of what follows are spaces, and what
// is not UTF-8 is a replacement character. An address line is printed whatever it holds.
std::string OneLine(std::string_view text);

// The lines below each other.
std::string Lines(std::vector<std::string> const& lines);

}  // namespace helhed::communications::paper
