#include "services/communications/domain/plan_merge.h"

#include <gmock/gmock.h>

namespace helhed::communications {
namespace {

namespace cv1 = common::v1;
using ::testing::ElementsAre;

v1::Template Titled(std::string const& name, std::string const& title) {
  v1::Template made;
  made.set_name(name);
  made.set_display_name(title);
  return made;
}

TEST(PlanMerge, WhatHasToBeDecidedIsToldByKindAndName) {
  auto const findings =
      FindMergeConflicts({.templates = {Titled("plans/q/templates/a", "Vand"), Titled("plans/p/templates/b", "vand"),
                                        Titled("plans/p/templates/c", "El"), Titled("plans/p/templates/d", "EL")},
                          .incidents = {"plans/q/incidents/2", "plans/p/incidents/1"},
                          .campaigns = {"plans/p/campaigns/1"}});
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_EQ(findings[0].kind(), cv1::MERGE_CONFLICT_KIND_TEMPLATES_ALIKE) << "two of one plan are its own affair";
  EXPECT_THAT(findings[0].subjects(), ElementsAre("plans/p/templates/b", "plans/q/templates/a"));
  EXPECT_THAT(findings[0].resolutions(), ElementsAre(cv1::MERGE_RESOLUTION_CARRY_BOTH, cv1::MERGE_RESOLUTION_CARRY_FIRST));
  EXPECT_THAT(findings[1].subjects(), ElementsAre("plans/p/incidents/1"));
  EXPECT_THAT(findings[1].resolutions(), ElementsAre(cv1::MERGE_RESOLUTION_CARRY));
  EXPECT_THAT(findings[2].subjects(), ElementsAre("plans/q/incidents/2"));
  EXPECT_EQ(findings[3].kind(), cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING);
  EXPECT_THAT(findings[3].resolutions(), ElementsAre(cv1::MERGE_RESOLUTION_BY_HAND, cv1::MERGE_RESOLUTION_END));
}

TEST(PlanMerge, WhatWasDecidedIsRead) {
  std::vector<cv1::MergeDecision> decisions(3);
  decisions[0].set_kind(cv1::MERGE_CONFLICT_KIND_TEMPLATES_ALIKE);
  decisions[0].set_resolution(cv1::MERGE_RESOLUTION_CARRY_FIRST);
  for (auto const* name : {"plans/p/templates/a", "plans/q/templates/a"}) decisions[0].add_subjects(name);
  decisions[1] = decisions[0];
  decisions[1].set_kind(cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE);
  decisions[1].set_subjects(1, "plans/q/activities/a");
  decisions[2].set_kind(cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING);
  decisions[2].set_resolution(cv1::MERGE_RESOLUTION_END);
  decisions[2].add_subjects("plans/p/campaigns/c");
  EXPECT_THAT(NotCarried(decisions), ElementsAre("plans/q/templates/a"));
  EXPECT_THAT(Ending(decisions), ElementsAre("plans/p/campaigns/c"));
  for (auto& decision : decisions) decision.set_resolution(cv1::MERGE_RESOLUTION_BY_HAND);
  EXPECT_TRUE(NotCarried(decisions).empty());
  EXPECT_TRUE(Ending(decisions).empty());
}

}  // namespace
}  // namespace helhed::communications
