#include "services/funding/domain/budget_rules.h"

#include <absl/numeric/int128.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/funding/v1/errors.pb.h"

namespace helhed::funding {
namespace {

std::string TextOf(Cell const& cell) {
  return absl::StrCat(cell.focus_area, "/", cell.cost_kind, "/", cell.source, "/", cell.year);
}

v1::Source const* Find(std::span<v1::Source const> sources, std::string const& name) {
  auto const found = std::find_if(sources.begin(), sources.end(), [&](auto const& source) { return source.name() == name; });
  return found == sources.end() ? nullptr : &*found;
}

// What is wrong with a cell by itself.
void CheckCell(Cell const& cell, std::string const& field, BudgetFrame const& frame, std::set<Cell>& seen,
               std::vector<FieldViolation>& violations) {
  if (!seen.insert(cell).second) violations.push_back({field, "must not name the same line as another one"});
  auto const* const source = Find(frame.sources, cell.source);
  if (source == nullptr) violations.push_back({field + ".source", "must be a source of the plan"});
  auto const time = frame.times.find(source == nullptr ? "" : source->extension());
  if (time == frame.times.end()) {
    violations.push_back({field + ".source", "must not be a source of an extension that was given up"});
    return;
  }
  // The last day is the one before the end.
  absl::CivilDay const last = time->second.end.value_or(absl::CivilDay::max()) - 1;
  if (cell.year < time->second.start.year() || cell.year > last.year()) {
    violations.push_back({field + ".year", absl::StrCat("must be one of the years that the source is for, ",
                                                        time->second.start.year(), " to ", last.year())});
  }
}

absl::Status CheckFocusAreas(std::map<Cell, Ore> const& amounts, BudgetFrame const& frame) {
  for (auto const& [cell, amount] : amounts) {
    if (amount == 0 || frame.focus_areas.contains(cell.focus_area)) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_FOCUS_AREA_NOT_CHOSEN,
                 absl::StrCat("The plan has not chosen the focus area ", cell.focus_area, "."),
                 {{"focus_area", cell.focus_area}});
  }
  return absl::OkStatus();
}

absl::Status CheckUsed(std::map<Cell, Ore> const& amounts, Lines const& current) {
  for (auto const& [cell, line] : current) {
    auto const found = amounts.find(cell);
    Ore const amount = found == amounts.end() ? 0 : found->second;
    if (amount >= line.used) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BUDGET_LINE_USED,
                 absl::StrCat(line.name, " would get ", ToKroner(amount), " kr., and ", ToKroner(line.used),
                              " kr. of it are reserved or spent."),
                 {{"budget_line", line.name}, {"amount", absl::StrCat(amount)}, {"used", absl::StrCat(line.used)}});
  }
  return absl::OkStatus();
}

absl::Status CheckEqual(std::map<Cell, Ore> const& amounts, BudgetFrame const& frame) {
  Lines lines;
  for (auto const& [cell, amount] : amounts) lines[cell].amount = amount;
  for (auto const& difference : Compare(frame.sources, lines)) {
    // A source that nothing is planned for is not in the budget yet; the plan's own rules ask for it before it is submitted.
    auto const* const source = Find(frame.sources, difference.source);
    if (difference.budget_amount == 0 && source != nullptr && !IsApprovedSource(source->state())) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BUDGET_UNEQUAL,
                 absl::StrCat(difference.source, " contributes ", ToKroner(difference.source_amount),
                              " kr. and the budget spends ", ToKroner(difference.budget_amount), " kr. of it."),
                 {{"source", difference.source},
                  {"source_amount", absl::StrCat(difference.source_amount)},
                  {"budget_amount", absl::StrCat(difference.budget_amount)},
                  {"difference", absl::StrCat(difference.source_amount - difference.budget_amount)}});
  }
  return absl::OkStatus();
}

absl::Status CheckFixed(std::map<Cell, Ore> const& amounts, Lines const& current, BudgetFrame const& frame) {
  auto const refuse = [&](Cell const& cell) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BUDGET_LINE_FIXED,
                 absl::StrCat("The line ", TextOf(cell), " is paid by an approved source; only a reallocation changes it."),
                 {{"source", cell.source}, {"line", TextOf(cell)}});
  };
  auto const fixed = [&](Cell const& cell) {
    auto const* const source = Find(frame.sources, cell.source);
    return source != nullptr && IsApprovedSource(source->state());
  };
  for (auto const& [cell, amount] : amounts) {
    auto const found = current.find(cell);
    if (amount != (found == current.end() ? 0 : found->second.amount) && fixed(cell)) return refuse(cell);
  }
  for (auto const& [cell, line] : current) {
    if (line.amount != 0 && !amounts.contains(cell) && fixed(cell)) return refuse(cell);
  }
  return absl::OkStatus();
}

bool IsWithin(ExpenseTime const& time, absl::CivilDay day) { return time.budget.Contains(day) && time.plan.Contains(day); }

// The year of a budget that a day belongs to.
absl::civil_year_t YearOf(Period const& budget, absl::CivilDay day) {
  absl::CivilDay const last = budget.end.value_or(absl::CivilDay::max()) - 1;
  return std::clamp(day, budget.start, last).year();
}

}  // namespace

Period TimeOf(v1::Extension const& extension, Period const& plan) {
  auto const former = ToCivil(extension.former_end_date());
  auto const plan_end = plan.end.value_or(absl::CivilDay::max());
  return {former.value_or(plan_end), ToCivil(extension.end_date()).value_or(plan_end)};
}

bool NeedsExpenseWindow(ExpenseTime const& time, absl::CivilDay day) {
  bool const before_extension = time.of_extension && day < time.budget.start;
  return !IsWithin(time, day) && !before_extension;
}

std::string ExpensePeriodMissed(ExpenseTime const& time, absl::CivilDay day, bool in_window) {
  bool const inside = IsWithin(time, day) || (NeedsExpenseWindow(time, day) && in_window);
  if (!inside) return ToIsoPeriod(time.budget);
  return YearOf(time.budget, day) == time.year ? "" : absl::StrCat(time.year);
}

bool IsApprovedSource(v1::SourceState state) {
  return state != v1::SOURCE_STATE_UNSPECIFIED && state != v1::SOURCE_STATE_PROPOSED && state != v1::SOURCE_STATE_PLEDGED;
}

std::vector<Difference> Compare(std::span<v1::Source const> sources, Lines const& lines) {
  std::map<std::string, Difference> by_source;
  for (auto const& source : sources) by_source[source.name()] = {source.name(), source.amount().minor_units(), 0};
  for (auto const& [cell, line] : lines) {
    auto& entry = by_source[cell.source];
    entry.source = cell.source;
    // Amounts are checked to be small enough for thousands of lines.
    entry.budget_amount += line.amount;
  }
  std::vector<Difference> differences;
  for (auto& [_, entry] : by_source) {
    if (entry.source_amount != entry.budget_amount) differences.push_back(std::move(entry));
  }
  return differences;
}

absl::StatusOr<std::map<Cell, Ore>> CheckBudget(std::span<v1::BudgetAmount const> wanted, Lines const& current,
                                                BudgetFrame const& frame) {
  std::vector<FieldViolation> violations;
  std::map<Cell, Ore> amounts;
  std::set<Cell> seen;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::string const field = absl::StrCat("budget.lines[", i, "]");
    CheckCell(CellOf(wanted[i]), field, frame, seen, violations);
    CheckAmount(wanted[i].amount(), field + ".amount", Sign::kNotNegative, violations);
    amounts[CellOf(wanted[i])] = wanted[i].amount().minor_units();
  }
  if (!violations.empty()) return BadRequest(std::move(violations));
  RETURN_IF_ERROR(CheckFocusAreas(amounts, frame));
  RETURN_IF_ERROR(CheckFixed(amounts, current, frame));
  RETURN_IF_ERROR(CheckUsed(amounts, current));
  RETURN_IF_ERROR(CheckEqual(amounts, frame));
  return amounts;
}

absl::StatusOr<Reallocated> CheckReallocation(std::span<v1::BudgetMove const> moves, Lines const& current,
                                              BudgetFrame const& frame) {
  std::vector<FieldViolation> violations;
  std::set<Cell> seen;
  std::map<std::string, Ore> by_source;
  std::map<std::string, Ore> by_focus_area;
  Reallocated result;
  for (auto const& [cell, line] : current) result.amounts[cell] = line.amount;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    std::string const field = absl::StrCat("reallocation.moves[", i, "]");
    CheckCell(CellOf(moves[i]), field, frame, seen, violations);
    CheckAmount(moves[i].change(), field + ".change", Sign::kNotZero, violations);
    if (!violations.empty()) continue;
    Ore const change = moves[i].change().minor_units();
    by_source[moves[i].source()] += change;
    by_focus_area[moves[i].focus_area()] += change;
    if ((result.amounts[CellOf(moves[i])] += change) < 0) {
      violations.push_back({field + ".change", "must not take more than the line has"});
    }
  }
  if (!violations.empty()) return BadRequest(std::move(violations));
  for (auto const& [source, sum] : by_source) {
    if (sum == 0) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_REALLOCATION_UNBALANCED,
                 absl::StrCat("The changes of ", source, " sum to ", ToKroner(sum), " kr., not to nothing."),
                 {{"source", source}, {"sum", absl::StrCat(sum)}});
  }
  for (auto const& [_, sum] : by_focus_area) result.moved_between_focus_areas += std::max<Ore>(sum, 0);
  // A line that was used may lie in a focus area that is no longer chosen; only what grows must lie in a chosen one.
  std::map<Cell, Ore> grown;
  for (auto const& move : moves) {
    if (move.change().minor_units() > 0) grown[CellOf(move)] = move.change().minor_units();
  }
  RETURN_IF_ERROR(CheckFocusAreas(grown, frame));
  RETURN_IF_ERROR(CheckUsed(result.amounts, current));
  RETURN_IF_ERROR(CheckEqual(result.amounts, frame));
  return result;
}

bool NeedsFundApproval(Ore moved_between_focus_areas, Ore total, std::optional<std::int64_t> threshold_basis_points) {
  if (moved_between_focus_areas == 0) return false;
  if (!threshold_basis_points) return true;
  return absl::int128(moved_between_focus_areas) * 10000 > absl::int128(*threshold_basis_points) * total;
}

}  // namespace helhed::funding
