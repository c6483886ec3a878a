#include "services/funding/service/plans_of_departments.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

Statement const kRemember("funding.remember_covered",
                          "INSERT INTO plans_of_departments (covered_department, plan) VALUES ($1, $2) "
                          "ON CONFLICT (covered_department, plan) DO NOTHING");
Statement const kOtherPlans(
    "funding.other_plans_of_departments",
    "SELECT o.plan, o.covered_department FROM json_each($1) AS wanted JOIN plans_of_departments o "
    "ON o.covered_department = wanted.value WHERE o.plan <> $2 ORDER BY o.plan, o.covered_department",
    "SELECT o.plan, o.covered_department FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "JOIN plans_of_departments o ON o.covered_department = wanted.value WHERE o.plan <> $2 "
    "ORDER BY o.plan, o.covered_department");

using DepartmentsByPlan = std::map<std::string, std::vector<std::string>>;

absl::StatusOr<DepartmentsByPlan> OtherPlans(ReadTransaction& tx, PlanFacts const& facts) {
  std::vector<std::string> wanted;
  for (auto const& department : facts.departments) wanted.emplace_back(contract::LastPart(department.name));
  DepartmentsByPlan others;
  if (wanted.empty()) return others;
  std::string const list = JsonArray(wanted);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kOtherPlans, {list, contract::LastPart(facts.plan.name())}));
  for (std::size_t row = 0; row < rows.size(); ++row) others[PlanName(rows.Text(row, 0))].push_back(rows.Text(row, 1));
  return others;
}

// When a plan covers a department; nullopt when it was left out.
absl::StatusOr<std::optional<Period>> CoveredBy(ReadTransaction& tx, v1::Plan const& plan, std::string const& department) {
  ASSIGN_OR_RETURN(auto const covered,
                   tx.Get<v1::CoveredDepartment>(absl::StrCat(plan.name(), "/coveredDepartments/", department)));
  if (covered.state() != v1::COVERAGE_STATE_COVERED) return std::nullopt;
  return StoredPeriod(covered.has_period() ? covered.period() : plan.period());
}

v1::MissingItem Item(v1::Plan const& plan, std::string const& department, v1::Plan const& other) {
  v1::MissingItem item;
  item.set_kind(v1::MISSING_KIND_COVERED_TWICE);
  item.set_subject(absl::StrCat(plan.name(), "/coveredDepartments/", department));
  item.set_party(v1::PARTY_PLAN);
  item.set_organisation("organisations/" + department.substr(0, department.find('-')));
  item.set_description(absl::StrCat("covered by ", other.name(), " on the same days"));
  return item;
}

}  // namespace

absl::Status RememberCovered(WriteTransaction& tx, v1::CoveredDepartment const& covered) {
  return tx.Enqueue(kRemember, {contract::LastPart(covered.name()), PlanIdOf(covered.name())});
}

absl::StatusOr<std::vector<v1::MissingItem>> CoveredTwice(ReadTransaction& tx, PlanFacts const& facts) {
  auto const& plan = facts.plan;
  std::vector<v1::MissingItem> items;
  ASSIGN_OR_RETURN(auto const others, OtherPlans(tx, facts));
  for (auto const& [name, departments] : others) {
    auto const& before = plan.predecessors();
    if (std::find(before.begin(), before.end(), name) != before.end()) continue;
    ASSIGN_OR_RETURN(auto const other, LoadPlan(tx, name));
    if (other.state() != v1::PLAN_STATE_APPROVED && other.state() != v1::PLAN_STATE_ACTIVE) continue;
    for (auto const& department : departments) {
      ASSIGN_OR_RETURN(auto const here, CoveredBy(tx, plan, department));
      ASSIGN_OR_RETURN(auto const there, CoveredBy(tx, other, department));
      if (here && there && here->Overlaps(*there)) items.push_back(Item(plan, department, other));
    }
  }
  return items;
}

}  // namespace helhed::funding
