#include <absl/strings/str_cat.h>

#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <utility>

#include "services/communications/domain/incident_life.h"
#include "services/communications/service/incident_service.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/communications/service/validity.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/requests.h"

// Contingency plans, and the rules and counts of incidents.
namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kPlanOn("communications.contingency_plan_on",
                        "SELECT contingency_plan FROM contingency_plans WHERE plan = $1 AND contingency_plan <= $2 "
                        "ORDER BY contingency_plan DESC LIMIT 1");
Statement const kRoles(
    "communications.contingency_roles",
    "SELECT contingency_plan, role, display_name, kind, on_report, coordinates FROM contingency_roles "
    "WHERE plan = $1 AND contingency_plan >= $2 AND contingency_plan <= $3 ORDER BY contingency_plan, position");
Statement const kHolders("communications.contingency_holders",
                         "SELECT contingency_plan, role, subject FROM contingency_holders WHERE plan = $1 "
                         "AND contingency_plan >= $2 AND contingency_plan <= $3 ORDER BY contingency_plan, role, position");
Statement const kStoreRole(
    "communications.store_contingency_role",
    "INSERT INTO contingency_roles (plan, contingency_plan, position, role, display_name, kind, on_report, "
    "coordinates) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
Statement const kStoreHolder("communications.store_contingency_holder",
                             "INSERT INTO contingency_holders (plan, contingency_plan, role, position, subject) "
                             "VALUES ($1, $2, $3, $4, $5)");
Statement const kLatestPlan(
    "communications.latest_contingency_plan",
    "SELECT contingency_plan FROM contingency_plans WHERE plan = $1 ORDER BY contingency_plan DESC LIMIT 1");
Statement const kLatestRule("communications.latest_incident_rule",
                            "SELECT incident_rule FROM incident_rules ORDER BY incident_rule DESC LIMIT 1");

}  // namespace

absl::Status CompleteContingencyPlans(ReadTransaction& tx, std::span<v1::ContingencyPlan* const> plans) {
  if (plans.empty()) return absl::OkStatus();
  std::map<std::string, v1::ContingencyPlan*, std::less<>> by_id;
  for (auto* const plan : plans) by_id.emplace(contract::LastPart(plan->name()), plan);
  auto const above = PlanOf(plans.front()->name());
  std::initializer_list<storage::Bind> const span = {contract::LastPart(above), std::string_view(by_id.begin()->first),
                                                     std::string_view(by_id.rbegin()->first)};
  ASSIGN_OR_RETURN(auto const roles, tx.Query(kRoles, span));
  ASSIGN_OR_RETURN(auto const holders, tx.Query(kHolders, span));
  std::map<std::pair<std::string, std::string>, v1::ContingencyRole*> by_role;
  for (std::size_t row = 0; row < roles.size(); ++row) {
    auto const plan = by_id.find(roles.Text(row, 0));
    if (plan == by_id.end()) continue;
    auto& role = *plan->second->add_roles();
    role.set_role(roles.Text(row, 1));
    role.set_display_name(roles.Text(row, 2));
    role.set_kind(static_cast<v1::PartyKind>(roles.Int64(row, 3)));
    role.set_on_report(roles.Bool(row, 4));
    role.set_coordinates(roles.Bool(row, 5));
    by_role[{roles.Text(row, 0), role.role()}] = &role;
  }
  for (std::size_t row = 0; row < holders.size(); ++row) {
    auto const role = by_role.find({holders.Text(row, 0), holders.Text(row, 1)});
    if (role != by_role.end()) role->second->add_holders(holders.Text(row, 2));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ContingencyPlan> LoadContingencyPlan(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto plan, tx.Get<v1::ContingencyPlan>(name));
  std::array<v1::ContingencyPlan*, 1> const one = {&plan};
  RETURN_IF_ERROR(CompleteContingencyPlans(tx, one));
  return plan;
}

absl::Status StoreRoles(WriteTransaction& tx, v1::ContingencyPlan const& plan) {
  auto const key = KeyOf<v1::ContingencyPlan>(plan.name());
  for (int i = 0; i < plan.roles_size(); ++i) {
    auto const& role = plan.roles(i);
    RETURN_IF_ERROR(tx.Enqueue(
        kStoreRole, {std::string_view(key[0]), std::string_view(key[1]), std::int64_t{i}, std::string_view(role.role()),
                     std::string_view(role.display_name()), std::int64_t{role.kind()}, role.on_report(), role.coordinates()}));
    for (int j = 0; j < role.holders_size(); ++j) {
      RETURN_IF_ERROR(tx.Enqueue(kStoreHolder, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(role.role()),
                                                std::int64_t{j}, std::string_view(role.holders(j))}));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::ContingencyPlan>> ContingencyPlanOfToday(ReadTransaction& tx, std::string_view plan) {
  auto const above = PlanOf(plan);
  auto const today = ToIsoDate(tx.call().Today());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kPlanOn, {contract::LastPart(above), std::string_view(today)}));
  if (rows.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(auto found, LoadContingencyPlan(tx, absl::StrCat(above, "/contingencyPlans/", rows.Text(0, 0))));
  return found;
}

absl::StatusOr<v1::ContingencyPlan> IncidentService::GetContingencyPlan(CallContext const& call,
                                                                        v1::GetContingencyPlanRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadContingencyPlan(tx, request.name()); });
}

absl::StatusOr<v1::ListContingencyPlansResponse> IncidentService::ListContingencyPlans(
    CallContext const& call, v1::ListContingencyPlansRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListContingencyPlansResponse> {
    ASSIGN_OR_RETURN(auto page, PageOfPlan<v1::ListContingencyPlansResponse>(tx, request, "contingency_plans t"));
    std::vector<v1::ContingencyPlan*> const plans(page.mutable_contingency_plans()->pointer_begin(),
                                                  page.mutable_contingency_plans()->pointer_end());
    RETURN_IF_ERROR(CompleteContingencyPlans(tx, plans));
    return page;
  });
}

absl::StatusOr<v1::ContingencyPlan> IncidentService::CreateContingencyPlan(CallContext const& call,
                                                                           v1::CreateContingencyPlanRequest const& request) {
  std::vector<FieldViolation> violations;
  if (!FromIsoDate(request.contingency_plan_id())) violations.push_back({"contingency_plan_id", "must be an existing date"});
  CheckContingencyPlan(request.contingency_plan(), violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ContingencyPlan> {
    RETURN_IF_ERROR(tx.Lock("contingency plans " + request.parent()));
    ASSIGN_OR_RETURN(auto const latest, tx.Query(kLatestPlan, {contract::LastPart(request.parent())}));
    RETURN_IF_ERROR(CheckLater(latest, request.contingency_plan_id()));
    v1::ContingencyPlan plan = request.contingency_plan();
    plan.set_name(absl::StrCat(request.parent(), "/contingencyPlans/", request.contingency_plan_id()));
    RETURN_IF_ERROR(tx.Insert(plan));
    RETURN_IF_ERROR(StoreRoles(tx, plan));
    return plan;
  });
}

absl::StatusOr<v1::ListIncidentRulesResponse> IncidentService::ListIncidentRules(CallContext const& call,
                                                                                 v1::ListIncidentRulesRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return PageBelow<v1::ListIncidentRulesResponse>(tx, request, "incident_rules t", {}); });
}

absl::StatusOr<v1::IncidentRule> IncidentService::CreateIncidentRule(CallContext const& call,
                                                                     v1::CreateIncidentRuleRequest const& request) {
  if (!FromIsoDate(request.incident_rule_id())) return BadRequest({{"incident_rule_id", "must be an existing date"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentRule> {
    RETURN_IF_ERROR(tx.Lock("incident_rules"));
    ASSIGN_OR_RETURN(auto const latest, tx.Query(kLatestRule, {}));
    RETURN_IF_ERROR(CheckLater(latest, request.incident_rule_id()));
    v1::IncidentRule rule = request.incident_rule();
    rule.set_name("incidentRules/" + request.incident_rule_id());
    RETURN_IF_ERROR(tx.Insert(rule));
    return rule;
  });
}

absl::StatusOr<v1::ListIncidentTalliesResponse> IncidentService::ListIncidentTallies(
    CallContext const& call, v1::ListIncidentTalliesRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return PageOfPlan<v1::ListIncidentTalliesResponse>(tx, request, "incident_tallies t"); });
}

}  // namespace helhed::communications
