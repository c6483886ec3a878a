#pragma once

#include <absl/status/status.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/campaign.pb.h"
#include "helhed/communications/v1/notice.pb.h"
#include "helhed/communications/v1/template.pb.h"
#include "services/platform/base/status.h"

// What a campaign says, and to whom.
namespace helhed::communications {

// Adds what is wrong with a campaign that is to be stored: Danish is not among its languages, a part of the audience that is
// another organisation's, more places than a notice takes where it is to be posted.
void CheckCampaign(v1::Campaign const& campaign, std::vector<FieldViolation>& violations);

// What the campaign says in a language; a campaign that corrects another says so in its subject (domain rule C6). The errors of
// Render; BAD_REQUEST where filling in makes the subject or the text too long.
absl::StatusOr<v1::RenderedText> RenderCampaign(v1::Campaign const& campaign, v1::TemplateVersion const& version,
                                                std::string_view language);

// The departments that households are to be asked for.
std::set<std::string> DepartmentsOf(v1::Campaign const& campaign);

// Where somebody lives.
struct Home {
  std::string_view department;
  std::string_view stairwell;
  std::string_view dwelling;
};
bool IsInAudience(v1::Campaign const& campaign, Home const& home);

// The notice that the campaign is published as, without a name: to its departments and stairwells. A single dwelling is not named
// in public; its department is.
absl::StatusOr<v1::Notice> PostingOf(v1::Campaign const& campaign, v1::TemplateVersion const& version);

}  // namespace helhed::communications
