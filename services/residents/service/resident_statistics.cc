#include "services/residents/service/resident_statistics.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/residents/v1/democracy_events.pb.h"
#include "services/residents/domain/statistics.h"
#include "services/residents/service/dated_rules.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/visibility.h"

namespace helhed::residents {
namespace {

using storage::Statement;

// The residents of an organisation on a day, those alike together. The dwellings come first: a planner that begins elsewhere
// reads a whole table. The number of the age band is how many of the days of birth that begin one are the person's or later.
Statement const kResidentGroups(
    "residents.resident_groups",
    "SELECT m.department, (SELECT COUNT(*) FROM json_each($3) AS wanted WHERE r.birth_date <= wanted.value) AS age_band, "
    "l.language, COUNT(*) AS residents "
    "FROM dwelling_departments m CROSS JOIN households h CROSS JOIN household_members x CROSS JOIN residents r "
    "LEFT JOIN resident_languages l ON l.resident = r.resident AND l.position = 0 "
    "WHERE m.organisation = $1 AND m.start_date <= $2 AND (m.end_date IS NULL OR m.end_date > $2) "
    "AND h.organisation = m.organisation AND h.dwelling = m.dwelling "
    "AND h.occupation_start_date <= $2 AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $2) "
    "AND x.household_organisation = h.organisation AND x.household = h.household AND x.kind = 1 "
    "AND x.period_start_date <= $2 AND (x.period_end_date IS NULL OR x.period_end_date > $2) "
    "AND r.resident = x.resident GROUP BY 1, 2, 3",
    "SELECT m.department, (SELECT COUNT(*) FROM json_array_elements_text(CAST($3 AS JSON)) AS wanted (value) "
    "WHERE r.birth_date <= wanted.value) AS age_band, l.language, COUNT(*) AS residents "
    "FROM dwelling_departments m CROSS JOIN households h CROSS JOIN household_members x CROSS JOIN residents r "
    "LEFT JOIN resident_languages l ON l.resident = r.resident AND l.position = 0 "
    "WHERE m.organisation = $1 AND m.start_date <= $2 AND (m.end_date IS NULL OR m.end_date > $2) "
    "AND h.organisation = m.organisation AND h.dwelling = m.dwelling "
    "AND h.occupation_start_date <= $2 AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $2) "
    "AND x.household_organisation = h.organisation AND x.household = h.household AND x.kind = 1 "
    "AND x.period_start_date <= $2 AND (x.period_end_date IS NULL OR x.period_end_date > $2) "
    "AND r.resident = x.resident GROUP BY 1, 2, 3");

absl::StatusOr<std::vector<ResidentGroup>> LoadGroups(ReadTransaction& tx, std::string_view organisation_id, absl::CivilDay day,
                                                      v1::StatisticsRule const& rule) {
  std::vector<std::string> births;
  for (auto const birth : AgeBands(rule.age_band_starts()).LatestBirths(day)) births.push_back(ToIsoDate(birth));
  std::string const bands = JsonArray(births);
  std::string const date = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kResidentGroups, {organisation_id, std::string_view(date), std::string_view(bands)}));
  std::vector<ResidentGroup> groups;
  groups.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    groups.push_back({DepartmentName(organisation_id, rows.Text(i, 0)), static_cast<std::size_t>(rows.Int64(i, 1)),
                      rows.IsNull(i, 2) ? std::string() : rows.Text(i, 2), rows.Int64(i, 3)});
  }
  return groups;
}

}  // namespace

void ResidentStatistics::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.ResidentStatisticsService", method, this, handler);
  };
  on("AggregateResidents", &ResidentStatistics::AggregateResidents);
  on("GetStatisticsRule", &ResidentStatistics::GetStatisticsRule);
  on("ListStatisticsRules", &ResidentStatistics::ListStatisticsRules);
  on("CreateStatisticsRule", &ResidentStatistics::CreateStatisticsRule);
}

absl::StatusOr<v1::AggregateResidentsResponse> ResidentStatistics::AggregateResidents(
    CallContext const& call, v1::AggregateResidentsRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  std::vector<FieldViolation> violations;
  if (date > call.Today()) violations.push_back({"as_of_date", "must not be to come"});
  auto const& asked = request.dimensions();
  if (std::find(asked.begin(), asked.end(), v1::RESIDENT_DIMENSION_UNSPECIFIED) != asked.end()) {
    violations.push_back({"dimensions", "must each be given"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const visible = VisibilityIn(call, request.parent());
  if (!visible.everything && visible.departments.empty()) return NotFound(request.parent());
  auto const organisation_id = contract::LastPart(request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::AggregateResidentsResponse> {
    RETURN_IF_ERROR(RequireOrganisation(tx, organisation_id));
    ASSIGN_OR_RETURN(auto const rule, StatisticsRuleOn(tx, date));
    auto const day = StatisticsDay(date, rule.interval_months());
    ASSIGN_OR_RETURN(auto const groups, LoadGroups(tx, organisation_id, day, rule));
    std::vector<v1::ResidentDimension> dimensions;
    for (auto const dimension : request.dimensions()) dimensions.push_back(static_cast<v1::ResidentDimension>(dimension));
    v1::AggregateResidentsResponse response;
    for (auto& count : Aggregate(groups, dimensions, rule)) {
      // What is withheld is decided with all departments, also where only some are shown.
      if (visible.everything || visible.sees_department(contract::LastPart(count.department()))) {
        *response.add_counts() = std::move(count);
      }
    }
    *response.mutable_as_of_date() = ToProtoDate(day);
    response.set_statistics_rule(rule.name());
    return response;
  });
}

absl::StatusOr<v1::StatisticsRule> ResidentStatistics::GetStatisticsRule(CallContext const& call,
                                                                         v1::GetStatisticsRuleRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::StatisticsRule>(request.name()); });
}

absl::StatusOr<v1::ListStatisticsRulesResponse> ResidentStatistics::ListStatisticsRules(
    CallContext const& call, v1::ListStatisticsRulesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListStatisticsRulesResponse>(request, {}); });
}

absl::StatusOr<v1::StatisticsRule> ResidentStatistics::CreateStatisticsRule(CallContext const& call,
                                                                            v1::CreateStatisticsRuleRequest const& request) {
  auto violations = StatisticsRuleViolations(request.statistics_rule());
  auto const start = ToCivil(request.statistics_rule().start_date()).value_or(absl::CivilDay());
  if (start <= call.Today()) violations.push_back({"statistics_rule.start_date", "must be after today"});
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::StatisticsRule> {
    v1::StatisticsRule rule = request.statistics_rule();
    rule.set_name(absl::StrCat("statisticsRules/", request.statistics_rule_id()));
    RETURN_IF_ERROR(tx.Lock("residents.statistics_rules"));
    RETURN_IF_ERROR(RequireFreeStatisticsDay(tx, start));
    RETURN_IF_ERROR(tx.Insert(rule));
    v1::StatisticsRuleCreated event;
    *event.mutable_statistics_rule() = rule;
    RETURN_IF_ERROR(tx.Append(event, rule.name()));
    return rule;
  });
}

}  // namespace helhed::residents
