#include "services/communications/paper/print_run.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::communications::paper {
namespace {

constexpr std::size_t kHeld = 500;
constexpr std::string_view kToResidents = "Til beboerne";
// The address block shrinks before it leaves the window of the envelope.
constexpr std::array<double, 4> kAddressSizes = {11, 9.5, 8, 6.5};
// What is looked for first, in this order (fontconfig): letters that none of them has come from any other font there is.
constexpr char kFonts[] = "Noto Sans, Noto Sans Arabic";
constexpr std::size_t kAddressLinesMax = 5;

absl::Status Misused(std::string_view message) {
  return Error(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL, message);
}

std::string AddressBlock(Letter const& letter) {
  std::vector<std::string> lines = {std::string(kToResidents)};
  auto const rest = std::min(letter.address.size(), kAddressLinesMax);
  lines.insert(lines.end(), letter.address.begin(), letter.address.begin() + static_cast<std::ptrdiff_t>(rest));
  return Lines(lines);
}

bool SameStairwell(Stop const& a, Stop const& b) { return a.department == b.department && a.stairwell == b.stairwell; }

std::string Stairwell(Stop const& stop) { return stop.stairwell.empty() ? "Uden opgang" : OneLine(stop.stairwell); }

}  // namespace

PrintRun::PrintRun(PrintRunOptions options, Sink letters, Sink route_list)
    : options_(std::move(options)),
      typesetter_(kFonts),
      letters_(std::move(letters), OneLine(options_.title), options_.created),
      list_(typesetter_, std::move(route_list), options_.title, options_.created) {}

absl::Status PrintRun::Keep(absl::Status status) {
  if (!status.ok()) over_ = status;
  return status;
}

absl::StatusOr<BodyId> PrintRun::AddBody(Body const& body, std::string_view field) {
  ASSIGN_OR_RETURN(auto pages, RecordBody(typesetter_, {options_.sender, options_.date}, body, field));
  bodies_.push_back(std::move(pages));
  return static_cast<BodyId>(bodies_.size() - 1);
}

absl::Status PrintRun::AddLetter(Letter letter) {
  RETURN_IF_ERROR(over_);
  if (static_cast<std::size_t>(letter.body) >= bodies_.size()) return Keep(Misused("the letter's body is not of this print run"));
  auto key = RouteKey(letter.stop);
  if (key <= last_key_) return Keep(Misused("letters come in the order of the route, each dwelling once"));
  last_key_ = std::move(key);

  bool const is_next = !stairwell_.empty() && !SameStairwell(stairwell_.back().stop, letter.stop);
  if (is_next || stairwell_.size() == kHeld) {
    RETURN_IF_ERROR(Keep(WriteStairwell()));
    part_ = is_next ? 0 : part_ + 1;
  }
  stairwell_.push_back(std::move(letter));
  return absl::OkStatus();
}

absl::Status PrintRun::Finish() {
  RETURN_IF_ERROR(over_);
  over_ = Misused("the print run is finished");
  if (!stairwell_.empty()) {
    RETURN_IF_ERROR(WriteStairwell());
  }
  RETURN_IF_ERROR(list_.Close(departments_));
  return letters_.Close();
}

absl::Status PrintRun::WriteStairwell() {
  auto const& first = stairwell_.front();
  if (departments_.empty() || departments_.back().department != first.stop.department) {
    RETURN_IF_ERROR(WriteDepartment(first));
  }
  auto& total = departments_.back();
  total.letters += static_cast<int>(stairwell_.size());
  if (part_ == 0) ++total.stairwells;

  auto const name = part_ == 0 ? Stairwell(first.stop) : absl::StrCat(Stairwell(first.stop), ", fortsat (", part_ + 1, ")");
  auto const count = absl::StrCat("breve: ", stairwell_.size());
  RETURN_IF_ERROR(WriteSeparator(name, count));
  RETURN_IF_ERROR(list_.AddStairwell(absl::StrCat(name, ", ", count)));
  for (auto const& letter : stairwell_) {
    RETURN_IF_ERROR(WriteLetter(letter));
    RETURN_IF_ERROR(list_.AddStop(letter.stop, letter.address.empty() ? "" : letter.address.front()));
  }
  stairwell_.clear();
  return absl::OkStatus();
}

absl::Status PrintRun::WriteDepartment(Letter const& first) {
  departments_.push_back({first.stop.department, first.department_name});
  auto const name = OneLine(first.department_name);
  auto const number = OneLine(first.stop.department);
  RETURN_IF_ERROR(list_.AddHeading(name.empty() ? number : absl::StrCat(number, " ", name)));
  return name.empty() ? WriteSeparator(number, "") : WriteSeparator(name, number);
}

absl::Status PrintRun::WriteSeparator(std::string const& heading, std::string const& line) {
  constexpr double kLeft = Millimetres(20);
  constexpr double kWidth = Millimetres(170);
  auto const large = typesetter_.SetLeft(heading, {32, true}, kWidth);
  Draw(letters_.canvas(), large, kLeft, Millimetres(60));
  Draw(letters_.canvas(), typesetter_.SetLeft(line, {20}, kWidth), kLeft, Millimetres(65) + HeightOf(large));
  return letters_.EndPage();
}

absl::Status PrintRun::WriteLetter(Letter const& letter) {
  auto const text = AddressBlock(letter);
  Layout block;
  for (double const size : kAddressSizes) {
    block = typesetter_.SetLeft(text, {size}, kAddressWidth);
    if (HeightOf(block) <= kAddressHeight) break;
  }
  Draw(letters_.canvas(), block, kAddressLeft, kAddressTop);
  for (auto const& page : bodies_[static_cast<std::size_t>(letter.body)]) {
    letters_.Paint(page);
    RETURN_IF_ERROR(letters_.EndPage());
  }
  return absl::OkStatus();
}

}  // namespace helhed::communications::paper
