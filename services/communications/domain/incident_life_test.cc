#include "services/communications/domain/incident_life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "services/platform/base/times.h"
#include "services/platform/testing/matchers.h"

namespace helhed::communications {
namespace {

TEST(IncidentLife, StepsLeadWhereTheDomainSaysAndNowhereElse) {
  using S = v1::IncidentState;
  std::set<std::tuple<int, int, int>> edges;
  for (int state = v1::IncidentState_MIN; state <= v1::IncidentState_MAX; ++state) {
    for (int step = v1::IncidentStep_MIN; step <= v1::IncidentStep_MAX; ++step) {
      if (auto const to = After(static_cast<S>(state), static_cast<v1::IncidentStep>(step))) edges.emplace(state, step, *to);
    }
  }
  std::set<std::tuple<int, int, int>> const expected = {
      {v1::INCIDENT_STATE_TRIAGED, v1::INCIDENT_STEP_COORDINATE, v1::INCIDENT_STATE_COORDINATED},
      {v1::INCIDENT_STATE_REOPENED, v1::INCIDENT_STEP_COORDINATE, v1::INCIDENT_STATE_COORDINATED},
      {v1::INCIDENT_STATE_COORDINATED, v1::INCIDENT_STEP_MONITOR, v1::INCIDENT_STATE_MONITORED},
      {v1::INCIDENT_STATE_MONITORED, v1::INCIDENT_STEP_CLOSE, v1::INCIDENT_STATE_CLOSED},
      {v1::INCIDENT_STATE_CLOSED, v1::INCIDENT_STEP_REOPEN, v1::INCIDENT_STATE_REOPENED},
  };
  EXPECT_EQ(edges, expected);
}

TEST(IncidentLife, ARefusalSaysTheStateAndWhatIsNeeded) {
  v1::Incident incident;
  incident.set_name("plans/amager/incidents/1");
  incident.set_state(v1::INCIDENT_STATE_REPORTED);
  auto const refused = StepRefused(incident, v1::INCIDENT_STEP_COORDINATE);
  EXPECT_THAT(refused, helhed::testing::StatusIs(absl::StatusCode::kFailedPrecondition, "INCIDENT_STATE"));
  EXPECT_EQ(MetadataOf(refused).at("state"), "REPORTED");
  EXPECT_EQ(MetadataOf(refused).at("needed"), "TRIAGED, REOPENED");
}

TEST(IncidentLife, OnlyWhatNamesNobodyOutlastsTheRetention) {
  v1::Incident incident;
  incident.set_name("plans/amager/incidents/1");
  incident.set_kind(v1::INCIDENT_KIND_ARSON);
  incident.set_department("organisations/9001/departments/001");
  incident.set_severity(v1::INCIDENT_SEVERITY_HIGH);
  incident.set_scope(v1::INCIDENT_SCOPE_LOCAL);
  incident.set_place("torvet");
  incident.set_description("bål");
  incident.set_external_id("p-1");
  incident.set_reporter("anna");
  incident.set_state(v1::INCIDENT_STATE_CLOSED);
  incident.set_action_plan("vagt");
  incident.set_public_information("der er ro");
  incident.set_outcome("slukket");
  incident.set_contingency_plan("plans/amager/contingencyPlans/2126-01-01");
  incident.mutable_publish_time()->set_seconds(1);
  incident.mutable_close_time()->set_seconds(2);
  incident.mutable_retain_until_date()->set_year(2126);
  auto const month = absl::FromCivil(absl::CivilMinute(2026, 3, 31, 22), absl::UTCTimeZone());
  *incident.mutable_occur_time() = Stamp(month + absl::Minutes(30));
  Anonymise(incident, month);
  v1::Incident left;
  left.set_name("plans/amager/incidents/1");
  left.set_kind(v1::INCIDENT_KIND_ARSON);
  left.set_department("organisations/9001/departments/001");
  left.set_severity(v1::INCIDENT_SEVERITY_HIGH);
  left.set_scope(v1::INCIDENT_SCOPE_LOCAL);
  left.set_state(v1::INCIDENT_STATE_ANONYMISED);
  *left.mutable_occur_time() = Stamp(month);
  EXPECT_THAT(incident, helhed::testing::EqualsProto(left));
  EXPECT_EQ(MonthOf(absl::CivilDay(2026, 4, 1)), "2026-04");
}

TEST(IncidentLife, GraverIsAnsweredSooner) {
  v1::IncidentRule rule;
  rule.set_report_minutes(60);
  rule.set_acute_minutes(15);
  rule.set_high_minutes(30);
  rule.set_medium_minutes(480);
  rule.set_low_minutes(1440);
  EXPECT_EQ(TimeToAnswer(rule, v1::INCIDENT_SEVERITY_UNSPECIFIED), absl::Hours(1));
  EXPECT_EQ(TimeToAnswer(rule, v1::INCIDENT_SEVERITY_ACUTE), absl::Minutes(15));
  EXPECT_EQ(TimeToAnswer(rule, v1::INCIDENT_SEVERITY_HIGH), absl::Minutes(30));
  EXPECT_EQ(TimeToAnswer(rule, v1::INCIDENT_SEVERITY_MEDIUM), absl::Hours(8));
  EXPECT_EQ(TimeToAnswer(rule, v1::INCIDENT_SEVERITY_LOW), absl::Hours(24));
}

TEST(IncidentLife, AContingencyPlanHasACoordinatorAndNoRoleTwice) {
  v1::ContingencyPlan plan;
  for (int i = 0; i < 2; ++i) {
    auto& role = *plan.add_roles();
    role.set_role("vagt");
    role.add_holders("anna");
    role.add_holders(i == 0 ? "bo" : "");
  }
  std::vector<FieldViolation> violations;
  CheckContingencyPlan(plan, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("contingency_plan.roles[1].role", "contingency_plan.roles[1].holders[1]",
                                             "contingency_plan.roles"));
}

TEST(IncidentLife, TheStaffOfAPlanIsNoAuthority) {
  EXPECT_TRUE(IsAuthority(v1::PARTY_KIND_POLICE));
  EXPECT_TRUE(IsAuthority(v1::PARTY_KIND_SSP));
  EXPECT_FALSE(IsAuthority(v1::PARTY_KIND_SOCIAL_PLAN));
  EXPECT_FALSE(IsAuthority(v1::PARTY_KIND_HOUSING_ORGANISATION));
  EXPECT_FALSE(IsAuthority(v1::PARTY_KIND_INSTITUTION));
}

}  // namespace
}  // namespace helhed::communications
