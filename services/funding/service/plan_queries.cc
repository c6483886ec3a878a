#include "services/funding/service/plan_queries.h"

#include <functional>
#include <map>
#include <vector>

#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

// Who posts shares the plan's row, who changes the plan has it alone. SQLite has one writer.
Statement const kHoldPlan("funding.hold_plan", "SELECT plan FROM plans WHERE plan = $1",
                          "SELECT plan FROM plans WHERE plan = $1 FOR SHARE");
Statement const kLockPlan("funding.lock_plan", "SELECT plan FROM plans WHERE plan = $1",
                          "SELECT plan FROM plans WHERE plan = $1 FOR NO KEY UPDATE");

Statement const kFindPlan("funding.find_plan", "SELECT plan FROM plans WHERE plan = $1");

Statement const kFocusAreas("funding.plan_focus_areas",
                            "SELECT f.plan, f.focus_area FROM json_each($1) AS wanted JOIN plan_focus_areas f "
                            "ON f.plan = wanted.value ORDER BY f.plan, f.position",
                            "SELECT f.plan, f.focus_area FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
                            "JOIN plan_focus_areas f ON f.plan = wanted.value ORDER BY f.plan, f.position");
Statement const kPredecessors("funding.plan_predecessors",
                              "SELECT p.plan, p.predecessor FROM json_each($1) AS wanted JOIN plan_predecessors p "
                              "ON p.plan = wanted.value ORDER BY p.plan, p.position",
                              "SELECT p.plan, p.predecessor FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
                              "JOIN plan_predecessors p ON p.plan = wanted.value ORDER BY p.plan, p.position");
Statement const kDeleteFocusAreas("funding.delete_plan_focus_areas", "DELETE FROM plan_focus_areas WHERE plan = $1");
Statement const kStoreFocusArea("funding.store_plan_focus_area",
                                "INSERT INTO plan_focus_areas (plan, position, focus_area) VALUES ($1, $2, $3)");
Statement const kStorePredecessor("funding.store_plan_predecessor",
                                  "INSERT INTO plan_predecessors (plan, position, predecessor) VALUES ($1, $2, $3)");

Statement const kRegulationAreas(
    "funding.regulation_focus_areas",
    "SELECT f.regulation, f.focus_area, f.display_name FROM json_each($1) AS wanted JOIN regulation_focus_areas f "
    "ON f.regulation = wanted.value ORDER BY f.regulation, f.position",
    "SELECT f.regulation, f.focus_area, f.display_name FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "JOIN regulation_focus_areas f ON f.regulation = wanted.value ORDER BY f.regulation, f.position");
Statement const kRegulationBases(
    "funding.regulation_bases",
    "SELECT b.regulation, b.field, b.certainty, b.source FROM json_each($1) AS wanted JOIN regulation_bases b "
    "ON b.regulation = wanted.value ORDER BY b.regulation, b.position",
    "SELECT b.regulation, b.field, b.certainty, b.source FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "JOIN regulation_bases b ON b.regulation = wanted.value ORDER BY b.regulation, b.position");
Statement const kStoreRegulationArea(
    "funding.store_regulation_focus_area",
    "INSERT INTO regulation_focus_areas (regulation, position, focus_area, display_name) VALUES ($1, $2, $3, $4)");
Statement const kStoreRegulationBasis(
    "funding.store_regulation_basis",
    "INSERT INTO regulation_bases (regulation, position, field, certainty, source) VALUES ($1, $2, $3, $4, $5)");

absl::Status RequireRow(ReadTransaction& tx, Statement const& statement, std::string_view name) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {PlanIdOf(name)}));
  return rows.empty() ? NotFound(PlanOf(name)) : absl::OkStatus();
}

// Runs a statement for the ids of `messages` and hands every row to the message of its first column.
template <typename M>
absl::Status ForEachRow(ReadTransaction& tx, Statement const& statement, std::span<M* const> messages,
                        std::function<void(M&, storage::Rows const&, std::size_t)> const& take) {
  std::map<std::string, M*, std::less<>> by_id;
  std::vector<std::string> ids;
  for (auto* const message : messages) {
    ids.emplace_back(contract::LastPart(message->name()));
    by_id[ids.back()] = message;
  }
  std::string const list = JsonArray(ids);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {list}));
  for (std::size_t row = 0; row < rows.size(); ++row) take(*by_id.find(rows.Text(row, 0))->second, rows, row);
  return absl::OkStatus();
}

}  // namespace

absl::Status HoldPlan(WriteTransaction& tx, std::string_view plan) { return RequireRow(tx, kHoldPlan, plan); }
absl::Status RequirePlan(ReadTransaction& tx, std::string_view plan) { return RequireRow(tx, kFindPlan, plan); }
absl::Status LockPlan(WriteTransaction& tx, std::string_view plan) { return RequireRow(tx, kLockPlan, plan); }

absl::Status CompletePlans(ReadTransaction& tx, std::span<v1::Plan* const> plans) {
  if (plans.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(ForEachRow<v1::Plan>(tx, kFocusAreas, plans, [](v1::Plan& plan, storage::Rows const& rows, std::size_t row) {
    plan.add_focus_areas(rows.Text(row, 1));
  }));
  return ForEachRow<v1::Plan>(tx, kPredecessors, plans, [](v1::Plan& plan, storage::Rows const& rows, std::size_t row) {
    plan.add_predecessors(PlanName(rows.Text(row, 1)));
  });
}

absl::StatusOr<v1::Plan> LoadPlan(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto loaded, tx.Get<v1::Plan>(plan));
  v1::Plan* const one[] = {&loaded};
  RETURN_IF_ERROR(CompletePlans(tx, one));
  return loaded;
}

absl::Status CompleteRegulations(ReadTransaction& tx, std::span<v1::Regulation* const> regulations) {
  if (regulations.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(ForEachRow<v1::Regulation>(tx, kRegulationAreas, regulations,
                                             [](v1::Regulation& regulation, storage::Rows const& rows, std::size_t row) {
                                               auto& area = *regulation.add_focus_areas();
                                               area.set_focus_area_id(rows.Text(row, 1));
                                               area.set_display_name(rows.Text(row, 2));
                                             }));
  return ForEachRow<v1::Regulation>(tx, kRegulationBases, regulations,
                                    [](v1::Regulation& regulation, storage::Rows const& rows, std::size_t row) {
                                      auto& basis = *regulation.add_bases();
                                      basis.set_field(rows.Text(row, 1));
                                      basis.set_certainty(static_cast<v1::Certainty>(rows.Int64(row, 2)));
                                      basis.set_source(rows.Text(row, 3));
                                    });
}

absl::StatusOr<v1::Regulation> LoadRegulation(ReadTransaction& tx, std::string_view regulation) {
  ASSIGN_OR_RETURN(auto loaded, tx.Get<v1::Regulation>(regulation));
  v1::Regulation* const one[] = {&loaded};
  RETURN_IF_ERROR(CompleteRegulations(tx, one));
  return loaded;
}

absl::Status StoreRules(WriteTransaction& tx, v1::Regulation const& regulation) {
  auto const id = contract::LastPart(regulation.name());
  for (int i = 0; i < regulation.focus_areas_size(); ++i) {
    auto const& area = regulation.focus_areas(i);
    RETURN_IF_ERROR(tx.Enqueue(kStoreRegulationArea, {id, std::int64_t{i}, std::string_view(area.focus_area_id()),
                                                      std::string_view(area.display_name())}));
  }
  for (int i = 0; i < regulation.bases_size(); ++i) {
    auto const& basis = regulation.bases(i);
    RETURN_IF_ERROR(
        tx.Enqueue(kStoreRegulationBasis, {id, std::int64_t{i}, std::string_view(basis.field()),
                                           static_cast<std::int64_t>(basis.certainty()), std::string_view(basis.source())}));
  }
  return absl::OkStatus();
}

absl::Status StoreFocusAreas(WriteTransaction& tx, v1::Plan const& plan) {
  auto const id = contract::LastPart(plan.name());
  RETURN_IF_ERROR(tx.Enqueue(kDeleteFocusAreas, {id}));
  for (int i = 0; i < plan.focus_areas_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreFocusArea, {id, std::int64_t{i}, std::string_view(plan.focus_areas(i))}));
  }
  return absl::OkStatus();
}

absl::Status StorePredecessors(WriteTransaction& tx, v1::Plan const& plan) {
  for (int i = 0; i < plan.predecessors_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStorePredecessor,
                               {contract::LastPart(plan.name()), std::int64_t{i}, contract::LastPart(plan.predecessors(i))}));
  }
  return absl::OkStatus();
}

}  // namespace helhed::funding
