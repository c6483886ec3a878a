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

// To the residents of a dwelling, of whom nobody is named.
struct Letter {
  Stop stop;
  std::string department_name;       // `Hørgården I`, for the sheet before the department; may be empty
  std::vector<std::string> address;  // five lines at most: `Remisevej 4, 2. th`, `2300 København S`
  BodyId body;
};

struct PrintRunOptions {
  std::string title;                // of both files, and at the head of the route list
  std::vector<std::string> sender;  // lines at the upper right of each letter: who writes, where to ask
  std::string date;                 // as it is to be read: `28. marts 2022`
  absl::Time created;               // written into the files
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
  absl::Status Finish();

 private:
  absl::Status Keep(absl::Status status);
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
  absl::Status over_;                         // what ended the run
  std::vector<DepartmentTotal> departments_;  // in the order of the route
};

}  // namespace helhed::communications::paper
