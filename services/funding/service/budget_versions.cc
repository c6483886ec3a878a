#include "services/funding/service/budget_versions.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

Statement const kLastVersion("funding.last_budget_version",
                             "SELECT version FROM budgets WHERE plan = $1 ORDER BY budget DESC LIMIT 1");
Statement const kSetAmount("funding.set_budget_line_amount",
                           "UPDATE budget_lines SET amount_minor_units = $3, revision = revision + 1, update_time = $4 "
                           "WHERE plan = $1 AND budget_line = $2");
// All lines at once, from a JSON array of pairs of a line and its amount.
Statement const kVersionLines(
    "funding.new_budget_version_lines",
    "INSERT INTO budget_version_lines (plan, budget, budget_line, amount_minor_units) "
    "SELECT $1, $2, json_extract(wanted.value, '$[0]'), json_extract(wanted.value, '$[1]') FROM json_each($3) AS wanted",
    "INSERT INTO budget_version_lines (plan, budget, budget_line, amount_minor_units) "
    "SELECT $1, $2, wanted.value ->> 0, CAST(wanted.value ->> 1 AS BIGINT) FROM json_array_elements(CAST($3 AS JSON)) AS wanted "
    "(value)");

std::string LineName(MoneySession const& session, std::size_t number) {
  return absl::StrCat(session.plan().name, "/budgetLines/", absl::StrFormat("%04d", number));
}

v1::BudgetLine NewLine(std::string name, Cell const& cell, Ore amount) {
  v1::BudgetLine line;
  line.set_name(std::move(name));
  line.set_focus_area(cell.focus_area);
  line.set_cost_kind(cell.cost_kind);
  line.set_source(cell.source);
  line.set_year(cell.year);
  *line.mutable_amount() = ToMoney(amount);
  return line;
}

}  // namespace

absl::StatusOr<BudgetState> LoadBudgetState(WriteTransaction& tx, MoneySession const& session) {
  BudgetState state;
  ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, session.plan().name));
  state.frame.focus_areas.insert(plan.focus_areas().begin(), plan.focus_areas().end());
  state.frame.times[""] = session.plan().own;
  ASSIGN_OR_RETURN(auto const extensions, LoadExtensions(tx, session.plan().name));
  for (auto const& extension : extensions) {
    if (extension.state() == v1::EXTENSION_STATE_WITHDRAWN) continue;
    state.frame.times[std::string(contract::LastPart(extension.name()))] = TimeOf(extension, session.plan().period);
  }
  ASSIGN_OR_RETURN(state.frame.sources, LoadSources(tx, session.plan().name));
  ASSIGN_OR_RETURN(state.lines, LoadBudgetLines(tx, session.plan().name));
  return state;
}

absl::StatusOr<v1::Budget> StoreVersion(WriteTransaction& tx, MoneySession const& session, BudgetState const& state,
                                        std::map<Cell, Ore> const& amounts, v1::Budget budget) {
  auto const plan_id = contract::LastPart(session.plan().name);
  std::int64_t const now = absl::ToUnixMicros(tx.call().Now());
  std::map<Cell, v1::BudgetLine> lines;
  for (auto const& line : state.lines) lines[CellOf(line)] = line;

  std::vector<v1::BudgetLine> added;
  std::string pairs = "[";
  Ore total = 0;
  budget.clear_lines();
  for (auto const& [cell, amount] : amounts) {
    auto const [found, is_new] = lines.try_emplace(cell);
    if (is_new) {
      found->second = NewLine(LineName(session, lines.size()), cell, amount);
      added.push_back(found->second);
    }
    auto const id = contract::LastPart(found->second.name());
    if (!is_new && found->second.amount().minor_units() != amount) {
      RETURN_IF_ERROR(tx.Enqueue(kSetAmount, {plan_id, id, amount, now}));
    }
    absl::StrAppend(&pairs, pairs.size() == 1 ? "" : ",", "[\"", Av(id), "\",", amount, "]");
    ASSIGN_OR_RETURN(total, Add(total, amount));
    auto& line = *budget.add_lines();
    line.set_focus_area(cell.focus_area);
    line.set_cost_kind(cell.cost_kind);
    line.set_source(cell.source);
    line.set_year(cell.year);
    *line.mutable_amount() = ToMoney(amount);
    line.set_budget_line(found->second.name());
  }
  // A line that is no longer named gets nothing and keeps its name.
  for (auto const& [cell, line] : lines) {
    if (amounts.contains(cell) || line.amount().minor_units() == 0) continue;
    RETURN_IF_ERROR(tx.Enqueue(kSetAmount, {plan_id, contract::LastPart(line.name()), Ore{0}, now}));
  }
  RETURN_IF_ERROR(tx.InsertMany(added));

  ASSIGN_OR_RETURN(auto const last, tx.Query(kLastVersion, {plan_id}));
  budget.set_version(last.empty() ? 1 : static_cast<std::int32_t>(last.Int64(0, 0)) + 1);
  budget.set_name(absl::StrCat(session.plan().name, "/budgets/", absl::StrFormat("%06d", budget.version())));
  *budget.mutable_total() = ToMoney(total);
  RETURN_IF_ERROR(tx.Insert(budget));
  pairs += "]";
  RETURN_IF_ERROR(tx.Enqueue(kVersionLines, {plan_id, contract::LastPart(budget.name()), std::string_view(pairs)}));
  v1::BudgetMade event;
  event.set_budget(budget.name());
  event.set_version(budget.version());
  *event.mutable_total() = budget.total();
  RETURN_IF_ERROR(tx.Append(event, budget.name(), session.plan().name));
  return budget;
}

}  // namespace helhed::funding
