#include "services/activities/domain/activity_life.h"

#include <gmock/gmock.h>

#include <set>

#include "services/platform/testing/matchers.h"

namespace helhed::activities {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The arrows of domain.md 8.4, drawn once more.
std::set<std::string> StepsFrom(v1::ActivityState state) {
  std::set<std::string> steps;
  for (int step = 1; step <= v1::ActivityStep_MAX; ++step) {
    auto const to = After(state, static_cast<v1::ActivityStep>(step), v1::ACTIVITY_STATE_RUNNING);
    if (to) steps.insert(NameOf(static_cast<v1::ActivityStep>(step)) + " " + NameOf(*to));
  }
  return steps;
}

TEST(ActivityLife, GoesAsTheDomainSays) {
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_DRAFT), ElementsAre("PLAN PLANNED"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_PLANNED), ElementsAre("CANCEL CANCELLED", "OPEN OPEN_FOR_SIGNUP", "PAUSE PAUSED"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP), ElementsAre("CANCEL CANCELLED", "PAUSE PAUSED", "START RUNNING"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_FULL), ElementsAre("CANCEL CANCELLED", "PAUSE PAUSED", "START RUNNING"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_RUNNING), ElementsAre("CANCEL CANCELLED", "COMPLETE COMPLETED", "PAUSE PAUSED"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_PAUSED), ElementsAre("CANCEL CANCELLED", "RESUME RUNNING"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_COMPLETED), ElementsAre("REPORT REPORTED"));
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_REPORTED), IsEmpty());
  EXPECT_THAT(StepsFrom(v1::ACTIVITY_STATE_CANCELLED), IsEmpty());
}

TEST(ActivityLife, ARefusalSaysWhatIsAllowed) {
  v1::Activity activity;
  activity.set_state(v1::ACTIVITY_STATE_COMPLETED);
  auto const status = StepNotAllowed(activity, v1::ACTIVITY_STEP_OPEN);
  EXPECT_EQ(ReasonOf(status), "STEP_NOT_ALLOWED");
  EXPECT_EQ(MetadataOf(status).at("allowed"), "REPORT");
}

TEST(ActivityLife, ConfidentialKindsAreNotOpenToAll) {
  v1::Activity activity;
  v1::ActivityType type;
  type.set_confidential(true);
  EXPECT_TRUE(CheckType(activity, type).ok());
  activity.set_open_to_all(true);
  EXPECT_EQ(ReasonOf(CheckType(activity, type)), "CONFIDENTIAL_NOT_PUBLIC");
  type.set_confidential(false);
  EXPECT_TRUE(CheckType(activity, type).ok());
}

TEST(ActivityLife, WithoutALowerAgeChildrenMayCome) {
  v1::Activity activity;
  EXPECT_TRUE(TakesBelow(activity, 15));
  activity.set_age_min(14);
  EXPECT_TRUE(TakesBelow(activity, 15));
  activity.set_age_min(15);
  EXPECT_FALSE(TakesBelow(activity, 15));
}

}  // namespace
}  // namespace helhed::activities
