#include <gmock/gmock.h>

#include "services/funding/testing/fixture.h"

namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlansTest : public PlansOnlyTest {
 protected:
  absl::StatusOr<v1::Plan> Get(std::string const& id, std::string const& identity = "") {
    v1::GetPlanRequest request;
    request.set_name("plans/" + id);
    return Call<v1::Plan>("PlanService/GetPlan", request, identity);
  }
};
HELHED_BOTH_ENGINES(PlansTest);

TEST_P(PlansTest, APlanIsEnteredAsAnIdea) {
  auto request = PlanRequest("amagerplanen");
  request.mutable_plan()->add_predecessors("plans/urbanplanen");
  request.mutable_plan()->set_budget_precision(v1::PRECISION_APPROXIMATE);
  auto const created = Must<v1::Plan>("PlanService/CreatePlan", request);
  EXPECT_EQ(created.name(), "plans/amagerplanen");
  EXPECT_EQ(created.state(), v1::PLAN_STATE_IDEA);
  EXPECT_THAT(LastEvent<v1::PlanCreated>("plans/amagerplanen").plan(), EqualsProto(created));
  EXPECT_THAT(*Get("amagerplanen"), EqualsProto(created));
  Refused<v1::Plan>("PlanService/CreatePlan", request, kExists, "RESOURCE_EXISTS");
}

TEST_P(PlansTest, WhatCannotBeIsRefusedAtOnce) {
  auto request = PlanRequest("amagerplanen");
  request.mutable_plan()->mutable_period()->clear_end_date();
  request.mutable_plan()->mutable_budget_total()->set_currency_code("SEK");
  request.mutable_plan()->mutable_budget_total()->set_minor_units(-1);
  EXPECT_THAT(Refused<v1::Plan>("PlanService/CreatePlan", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("plan.period.end_date", "plan.budget_total.currency_code", "plan.budget_total.minor_units"));
  request = PlanRequest("amagerplanen");
  request.mutable_plan()->set_regulation("regulations/2015-18");
  EXPECT_EQ(Refused<v1::Plan>("PlanService/CreatePlan", request, kPrecondition, "REGULATION_NOT_VALID").metadata.at("start_date"),
            "2022-01-01");
  request.mutable_plan()->set_regulation("regulations/1999");
  Refused<v1::Plan>("PlanService/CreatePlan", request, kAbsent, "RESOURCE_NOT_FOUND");
  request = PlanRequest("amagerplanen");
  request.mutable_plan()->add_focus_areas("sundhed");
  Refused<v1::Plan>("PlanService/CreatePlan", request, kInvalid, "FOCUS_AREA_UNKNOWN");
}

TEST_P(PlansTest, ACallerSeesThePlansThatItIsGranted) {
  for (auto const* id : {"a", "b", "c"}) Plan(id);
  v1::ListPlansRequest request;
  auto const listed = [&](std::vector<std::pair<std::string, std::string>> const& grants) {
    return ListedIn(Must<v1::ListPlansResponse>("PlanService/ListPlans", request, As(grants)));
  };
  EXPECT_THAT(listed({{"plan-leader", ""}}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(listed({{"plan-leader", "plans/a"}, {"plan-staff", "plans/c"}}), ElementsAre("a", "c"));
  EXPECT_THAT(listed({{"plan-leader", "organisations/9001"}}), IsEmpty());
  EXPECT_THAT(Get("b", As("plan-leader", "plans/a")), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(PlansTest, AnUpdateChangesWhatTheMaskNames) {
  auto const before = Plan("amagerplanen");
  v1::UpdatePlanRequest request;
  *request.mutable_plan() = before;
  request.mutable_plan()->set_display_name("Planen");
  request.mutable_plan()->clear_focus_areas();
  request.mutable_plan()->add_focus_areas("beskaeftigelse");
  request.mutable_update_mask()->add_paths("focus_areas");
  auto const after = Must<v1::Plan>("PlanService/UpdatePlan", request);
  EXPECT_THAT(after.focus_areas(), ElementsAre("beskaeftigelse"));
  EXPECT_EQ(after.display_name(), "Amagerplanen");
  EXPECT_THAT(*Get("amagerplanen"), EqualsProto(after));
  Refused<v1::Plan>("PlanService/UpdatePlan", request, absl::StatusCode::kAborted, "ETAG_MISMATCH");
}

}  // namespace
}  // namespace helhed::funding::testing
