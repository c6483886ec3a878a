#include "services/communications/domain/campaign.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::communications {
namespace {

using helhed::testing::StatusIs;
using ::testing::ElementsAre;

constexpr char const* kAudienceDepartment = "organisations/9001/departments/001";

v1::Campaign ToDwelling(std::string const& dwelling) {
  v1::Campaign campaign;
  campaign.set_kind(v1::MESSAGE_KIND_CONSTRUCTION);
  campaign.add_languages("da");
  auto& part = *campaign.add_audience();
  part.set_department(kAudienceDepartment);
  part.set_dwelling(dwelling);
  return campaign;
}

v1::TemplateVersion VersionSaying(std::string const& subject, std::string const& body) {
  v1::TemplateVersion version;
  auto& text = *version.add_texts();
  text.set_language("da");
  text.set_subject(subject);
  text.set_body(body);
  return version;
}

std::vector<std::string> WrongWithCampaign(v1::Campaign const& campaign) {
  std::vector<FieldViolation> violations;
  CheckCampaign(campaign, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  return fields;
}

TEST(Campaign, IsToDwellingsOfTheDepartmentsOrganisation) {
  EXPECT_THAT(WrongWithCampaign(ToDwelling("organisations/9001/dwellings/a")), ElementsAre());
  EXPECT_THAT(WrongWithCampaign(ToDwelling("organisations/9002/dwellings/a")), ElementsAre("campaign.audience[0].dwelling"));
  auto campaign = ToDwelling("");
  campaign.mutable_audience(0)->set_stairwell("Remisevej 14\nRemisevej 16");
  EXPECT_THAT(WrongWithCampaign(campaign), ElementsAre("campaign.audience[0].stairwell"));
}

TEST(Campaign, SaysNoMoreThanALetterHolds) {
  auto const campaign = ToDwelling("");
  auto const rendered = [&](std::size_t subject, std::size_t body) {
    // A letter of two bytes is one of the text.
    std::string title;
    for (std::size_t i = 0; i < subject; ++i) title += "ø";
    return RenderCampaign(campaign, VersionSaying(title, std::string(body, 'x')), "da").status();
  };
  // The text ends with a line feed.
  EXPECT_THAT(rendered(200, 9'999), helhed::testing::IsOk());
  EXPECT_THAT(rendered(201, 9'999), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(rendered(200, 10'000), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

// Everybody reads a notice: which dwelling a message was for is nobody's business.
TEST(Campaign, IsPostedWithoutTheDwelling) {
  auto campaign = ToDwelling("organisations/9001/dwellings/a");
  campaign.mutable_audience(0)->set_stairwell("Remisevej 14");
  auto const notice = PostingOf(campaign, VersionSaying("Vand", "Lukket."));
  ASSERT_THAT(notice, helhed::testing::IsOk());
  ASSERT_EQ(notice->audiences_size(), 1);
  EXPECT_EQ(notice->audiences(0).level(), v1::AUDIENCE_LEVEL_DEPARTMENT);
  EXPECT_EQ(notice->audiences(0).stairwell(), "");
  campaign.mutable_audience(0)->clear_dwelling();
  EXPECT_EQ(PostingOf(campaign, VersionSaying("Vand", "Lukket."))->audiences(0).stairwell(), "Remisevej 14");
}

}  // namespace
}  // namespace helhed::communications
