#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "services/communications/paper/body.h"
#include "services/communications/paper/document.h"
#include "services/communications/paper/route.h"
#include "services/communications/paper/route_list.h"
#include "services/communications/paper/typeset.h"

// Letters to households as two PDF files: the letters in the order of the distributor's route, and the route list that the
// distributor walks with.
namespace helhed::communications::paper {

// A body that a print run knows.
enum class BodyId : std::size_t {};

struct Letter {
  Stop stop;
  std::string department_name;       // `Hørgården I`, for the sheet before the department
  std::vector<std::string> names;    // to whom; none gives "Til beboerne", as for people whose names must
                                     // not be shown; after the fourth, "m.fl."
  std::vector<std::string> address;  // five lines at most: `Remisevej 4, 2. th`, `2300 København S`
  BodyId body;
};

struct PrintRunOptions {
  std::string title;                // of both files, and at the head of the route list
  std::vector<std::string> sender;  // lines at the upper right of each letter: who writes, where to ask
  std::string date;                 // as it is to be read: `28. marts 2022`
  absl::Time created;               // written into the files
  bool two_sided = false;           // every letter and every sheet begins on a sheet of paper of its own
  // What is looked for first, in this order (fontconfig): letters that none of them has come from any other font there is.
  std::string font_family = "Noto Sans, Noto Sans Arabic";
};

struct PrintRunSummary {
  int letters = 0;
  int separators = 0;  // sheets before departments and stairwells
  int pages = 0;       // of the file of letters, separators and blank backs included
  int route_list_pages = 0;
  // Letters with a character in the address block that no installed font has; they are printed, with a box for it.
  int letters_lacking_glyphs = 0;
  std::vector<DepartmentTotal> departments;  // in the order of the route
};

// One print run. Bodies are shaped once; letters come one at a time and leave at once: what is held is at most one stairwell (in
// parts of 500 letters). Belongs to one thread.
class PrintRun {
 public:
  // The route list names no resident: floor, door, and room for what became of the letter.
  PrintRun(PrintRunOptions options, Sink letters, Sink route_list);

  // Shapes a body, before the letters that carry it. INVALID_ARGUMENT with every violation, named below `field`
  // (`sections[0].title`, `sections[1].paragraphs[2]`): nothing to print, text that is not UTF-8 or holds control characters, a
  // character that no installed font has, more than 20 pages.
  absl::StatusOr<BodyId> AddBody(Body const& body, std::string_view field = "body");

  // INTERNAL when the letter is not after the last one in the order of RouteKey: so no dwelling can be printed twice. The sinks'
  // errors. After an error the run is over.
  absl::Status AddLetter(Letter letter);

  // Writes what is left and closes both files.
  absl::StatusOr<PrintRunSummary> Finish();

 private:
  absl::Status Keep(absl::Status status);
  absl::Status EndSheet(int pages);
  absl::Status WriteStairwell();
  absl::Status WriteDepartment(Letter const& first);
  absl::Status WriteSeparator(std::string const& heading, std::string const& line);
  absl::Status WriteLetter(Letter const& letter);

  PrintRunOptions options_;
  Typesetter typesetter_;
  std::vector<std::vector<Surface>> bodies_;
  Document letters_;
  RouteList list_;
  std::vector<Letter> stairwell_;  // what came of the stairwell that is open
  int part_ = 0;                   // of that stairwell, when it is too large to hold
  std::string last_key_;
  absl::Status over_;  // what ended the run
  PrintRunSummary summary_;
};

}  // namespace helhed::communications::paper
