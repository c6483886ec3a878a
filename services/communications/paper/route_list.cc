#include "services/communications/paper/route_list.h"

#include <absl/strings/str_cat.h>

#include <numeric>
#include <utility>

#include "services/communications/paper/body.h"
#include "services/platform/base/status.h"

namespace helhed::communications::paper {
namespace {

constexpr double kListLeft = Millimetres(20);
constexpr double kListTop = Millimetres(20);
constexpr double kListBottom = Millimetres(275);
constexpr double kRow = Millimetres(7);
constexpr double kBox = Millimetres(4);
constexpr double kDoor = Millimetres(45);
constexpr double kDelivered = Millimetres(100);
constexpr double kWhyNot = Millimetres(115);
constexpr double kRight = Millimetres(190);
constexpr double kRowText = 10;
constexpr double kRowSmall = 8;

}  // namespace

RouteList::RouteList(Typesetter const& typesetter, Sink sink, std::string title, absl::Time created)
    : typesetter_(typesetter), title_(OneLine(title)), document_(std::move(sink), title_, created) {}

void RouteList::Label(std::string const& text, double size, bool bold, double x) {
  Draw(document_.canvas(), typesetter_.SetLeft(text, {size, bold}, kRight - x), x, y_);
}

absl::Status RouteList::MakeRoom(double height) {
  if (y_ > 0 && y_ + height <= kListBottom) return absl::OkStatus();
  if (y_ > 0) {
    RETURN_IF_ERROR(EndPage());
  }
  y_ = kListTop;
  Label(title_, kRowSmall, false, kListLeft);
  Label(absl::StrCat("Side ", document_.pages() + 1), kRowSmall, false, kRight - Millimetres(15));
  y_ += kRow;
  Label("Etage", kRowSmall, true, kListLeft);
  Label("Dør", kRowSmall, true, kDoor);
  Label("Afleveret", kRowSmall, true, kDelivered - Millimetres(5));
  Label("Ikke afleveret, fordi", kRowSmall, true, kWhyNot);
  y_ += kRow;
  return absl::OkStatus();
}

absl::Status RouteList::EndPage() {
  y_ = 0;
  return document_.EndPage();
}

absl::Status RouteList::AddHeading(std::string const& text) {
  RETURN_IF_ERROR(MakeRoom(4 * kRow));
  y_ += kRow / 2;
  Label(text, 14, true, kListLeft);
  y_ += 1.5 * kRow;
  return absl::OkStatus();
}

absl::Status RouteList::AddStairwell(std::string const& text) {
  // A stairwell's name is not left alone at the end of a page.
  RETURN_IF_ERROR(MakeRoom(2 * kRow));
  Label(text, kRowText, true, kListLeft);
  y_ += kRow;
  return absl::OkStatus();
}

absl::Status RouteList::AddStop(Stop const& stop, std::string const& address) {
  RETURN_IF_ERROR(MakeRoom(kRow));
  if (stop.floor.empty() && stop.door.empty()) {
    Label(OneLine(address), kRowText, false, kListLeft);
  } else {
    Label(OneLine(stop.floor), kRowText, false, kListLeft);
    Label(OneLine(stop.door), kRowText, false, kDoor);
  }
  auto* const canvas = document_.canvas();
  cairo_set_line_width(canvas, 0.5);
  cairo_rectangle(canvas, kDelivered, y_, kBox, kBox);
  cairo_move_to(canvas, kWhyNot, y_ + kBox);
  cairo_line_to(canvas, kRight, y_ + kBox);
  cairo_stroke(canvas);
  y_ += kRow;
  return absl::OkStatus();
}

absl::Status RouteList::Close(std::vector<DepartmentTotal> const& totals) {
  // The totals stand apart: they stay with the office when the list goes out.
  if (y_ > 0) {
    RETURN_IF_ERROR(EndPage());
  }
  RETURN_IF_ERROR(MakeRoom(kRow));
  for (auto const& total : totals) {
    RETURN_IF_ERROR(MakeRoom(kRow));
    Label(total.name.empty() ? OneLine(total.department) : absl::StrCat(OneLine(total.department), " ", OneLine(total.name)),
          kRowText, false, kListLeft);
    Label(absl::StrCat("opgange: ", total.stairwells), kRowText, false, kWhyNot);
    Label(absl::StrCat("breve: ", total.letters), kRowText, false, kRight - Millimetres(30));
    y_ += kRow;
  }
  RETURN_IF_ERROR(MakeRoom(kRow));
  auto const sum = std::accumulate(totals.begin(), totals.end(), 0, [](int n, auto const& total) { return n + total.letters; });
  Label(absl::StrCat("I alt breve: ", sum), kRowText, true, kListLeft);
  RETURN_IF_ERROR(EndPage());
  return document_.Close();
}

}  // namespace helhed::communications::paper
