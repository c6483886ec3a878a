#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "helhed/funding/v1/budget.pb.h"
#include "helhed/funding/v1/extension.pb.h"
#include "helhed/funding/v1/source.pb.h"
#include "services/funding/domain/money.h"
#include "services/platform/base/civil.h"

// What a budget must be: equal to the sources that pay it, within the plan, never below what is used (M2, M6, M7, M9).
namespace helhed::funding {

// Where a line stands. Ordered so that budgets are written in one order.
struct Cell {
  std::string focus_area;
  std::string cost_kind;
  std::string source;
  int year = 0;
  friend auto operator<=>(Cell const&, Cell const&) = default;
};

// A line that is there.
struct Line {
  std::string name;
  Ore amount = 0;
  // Reserved and spent.
  Ore used = 0;
};
using Lines = std::map<Cell, Line>;

// The time that the budget of an extension is for (M9): from the end that the plan had, or has as long as the extension is only
// proposed. `plan` is the plan's period.
Period TimeOf(v1::Extension const& extension, Period const& plan);

// What a budget is held against.
struct BudgetFrame {
  std::set<std::string> focus_areas;  // those that the plan has chosen
  // What each budget is for, which has an end: that of an extension by its last part, the plan's own by the empty one (M9).
  std::map<std::string, Period> times;
  std::vector<v1::Source> sources;
};

template <typename Message>
Cell CellOf(Message const& message) {
  return {message.focus_area(), message.cost_kind(), message.source(), message.year()};
}

// The amounts of a complete budget. Errors: INVALID_ARGUMENT BAD_REQUEST for cells that are named twice, and sources, years and
// amounts that cannot be; FAILED_PRECONDITION FOCUS_AREA_NOT_CHOSEN, BUDGET_UNEQUAL (a source and what is spent of it differ),
// BUDGET_LINE_FIXED (a line of an approved source would change), BUDGET_LINE_USED.
absl::StatusOr<std::map<Cell, Ore>> CheckBudget(std::span<v1::BudgetAmount const> wanted, Lines const& current,
                                                BudgetFrame const& frame);

// What a reallocation does.
struct Reallocated {
  std::map<Cell, Ore> amounts;  // every line afterwards
  Ore moved_between_focus_areas = 0;
};
// Errors: as CheckBudget, and FAILED_PRECONDITION REALLOCATION_UNBALANCED.
absl::StatusOr<Reallocated> CheckReallocation(std::span<v1::BudgetMove const> moves, Lines const& current,
                                              BudgetFrame const& frame);

// Whether a reallocation is more than a plan may decide by itself (M7). Without a threshold every move between focus areas is.
bool NeedsFundApproval(Ore moved_between_focus_areas, Ore total, std::optional<std::int64_t> threshold_basis_points);

// Whether sources and budget are equal (M2): what differs, by source; empty when they are.
struct Difference {
  std::string source;
  Ore source_amount = 0;
  Ore budget_amount = 0;
};
std::vector<Difference> Compare(std::span<v1::Source const> sources, Lines const& lines);

// When expenses of a budget line may be dated.
struct ExpenseTime {
  Period plan;
  Period budget;  // what the line's budget is for, which has an end (M9)
  bool of_extension = false;
  int year = 0;  // of the line
};
// M6 and M9: whether a window that the fund has approved would allow the day. Not where it is allowed anyway, and not for the
// money of an extension before that begins: what the fund approves before the plan is no part of an extension.
bool NeedsExpenseWindow(ExpenseTime const& time, absl::CivilDay day);
// The period or the year that the day would have to lie in; empty when it may be the date of an expense. M6: the plan's period,
// or a window that the fund has approved (`in_window`), and the year of the line; what is paid before the first year or after the
// last one is of that year. M9: an extension does not stretch what was paid for the plan before, nor does its money pay for that.
std::string ExpensePeriodMissed(ExpenseTime const& time, absl::CivilDay day, bool in_window);

// A source whose budget is fixed: only a reallocation changes it.
bool IsApprovedSource(v1::SourceState state);

}  // namespace helhed::funding
