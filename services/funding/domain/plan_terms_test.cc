#include "services/funding/domain/plan_terms.h"

#include <gmock/gmock.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

v1::Regulation SomeRegulation() {
  v1::Regulation regulation;
  regulation.set_name("regulations/2019-26");
  *regulation.mutable_period() = ToProtoRange({absl::CivilDay(2019, 1, 1), absl::CivilDay(2027, 1, 1)});
  regulation.add_focus_areas()->set_focus_area_id("beskaeftigelse");
  return regulation;
}

v1::Plan SomePlan(absl::CivilDay start = absl::CivilDay(2022, 1, 1)) {
  v1::Plan plan;
  plan.set_name("plans/amagerplanen");
  *plan.mutable_period() = ToProtoRange({start, start + 1461});
  plan.mutable_budget_total()->set_currency_code("DKK");
  return plan;
}

std::vector<std::string> FaultsOf(v1::Plan const& plan) {
  std::vector<FieldViolation> violations;
  CheckPlan(plan, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  return fields;
}

TEST(CheckPlan, NeedsAnEndKronerAndOtherPredecessors) {
  EXPECT_THAT(FaultsOf(SomePlan()), IsEmpty());
  auto plan = SomePlan();
  plan.mutable_period()->clear_end_date();
  plan.mutable_budget_total()->set_currency_code("EUR");
  plan.mutable_budget_total()->set_minor_units(-1);
  plan.add_predecessors("plans/urbanplanen");
  plan.add_predecessors(plan.name());
  EXPECT_THAT(FaultsOf(plan), ElementsAre("plan.period.end_date", "plan.budget_total.currency_code",
                                          "plan.budget_total.minor_units", "plan.predecessors[1]"));
}

TEST(CheckRegulation, FocusAreasOnceAndBasesOfItsFields) {
  auto regulation = SomeRegulation();
  regulation.add_bases()->set_field("voting.votes_per_household");
  std::vector<FieldViolation> violations;
  CheckRegulation(regulation, violations);
  EXPECT_THAT(violations, IsEmpty());
  regulation.add_focus_areas()->set_focus_area_id("beskaeftigelse");
  regulation.add_bases()->set_field("voting.votes_per_household.more");
  regulation.add_bases()->set_field("votes");
  CheckRegulation(regulation, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  EXPECT_THAT(fields,
              ElementsAre("regulation.focus_areas[1].focus_area_id", "regulation.bases[1].field", "regulation.bases[2].field"));
}

TEST(CheckUnder, APlanStartsWithinTheGrantYears) {
  EXPECT_THAT(CheckUnder(SomeRegulation(), SomePlan(absl::CivilDay(2019, 1, 1))), IsOk());
  EXPECT_THAT(CheckUnder(SomeRegulation(), SomePlan(absl::CivilDay(2026, 12, 31))), IsOk());
  for (auto const day : {absl::CivilDay(2018, 12, 31), absl::CivilDay(2027, 1, 1)}) {
    EXPECT_THAT(CheckUnder(SomeRegulation(), SomePlan(day)),
                StatusIs(absl::StatusCode::kFailedPrecondition, "REGULATION_NOT_VALID"));
  }
}

TEST(CheckUnder, APlanChoosesWhatItsRegulationHas) {
  auto plan = SomePlan();
  plan.add_focus_areas("beskaeftigelse");
  EXPECT_THAT(CheckUnder(SomeRegulation(), plan), IsOk());
  plan.add_focus_areas("sundhed");
  EXPECT_THAT(CheckUnder(SomeRegulation(), plan), StatusIs(absl::StatusCode::kInvalidArgument, "FOCUS_AREA_UNKNOWN"));
}

}  // namespace
}  // namespace helhed::funding
