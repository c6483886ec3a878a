#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "services/communications/paper/document.h"
#include "services/communications/paper/route.h"
#include "services/communications/paper/typeset.h"

// What the distributor walks with.
namespace helhed::communications::paper {

struct DepartmentTotal {
  std::string department;
  std::string name;
  int stairwells = 0;
  int letters = 0;
};

// The list of stops with a box to tick and room for why a letter was not delivered, and at the end the totals. It names no
// resident: a list lies about, and the door says where the letter goes.
class RouteList {
 public:
  RouteList(Typesetter const& typesetter, Sink sink, std::string title, absl::Time created);

  absl::Status AddHeading(std::string const& text);
  absl::Status AddStairwell(std::string const& text);
  // `address` stands for a stop that has neither floor nor door.
  absl::Status AddStop(Stop const& stop, std::string const& address);
  // Ends the list.
  absl::Status Close(std::vector<DepartmentTotal> const& totals);

 private:
  // Begins a page unless `height` is left on this one.
  absl::Status MakeRoom(double height);
  absl::Status EndPage();
  void Label(std::string const& text, double size, bool bold, double x);

  Typesetter const& typesetter_;
  std::string title_;
  Document document_;
  double y_ = 0;  // where the next row goes; 0 before the first page
};

}  // namespace helhed::communications::paper
