#include "services/communications/domain/campaign.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "services/communications/domain/plain_text.h"
#include "services/communications/domain/template_text.h"
#include "services/platform/base/parent_name.h"

namespace helhed::communications {
namespace {

// What a notice takes, so that a campaign can be posted.
constexpr std::size_t kSubjectMax = 200;
constexpr std::size_t kTextMax = 10'000;
constexpr std::size_t kPlacesMax = 100;

std::size_t CountPoints(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

// Departments and stairwells, as they are named in public: a single dwelling is not, its department is.
std::set<std::pair<std::string, std::string>> PlacesOf(v1::Campaign const& campaign) {
  std::set<std::pair<std::string, std::string>> places;
  for (auto const& part : campaign.audience()) {
    places.emplace(part.department(), part.dwelling().empty() ? part.stairwell() : std::string());
  }
  return places;
}

}  // namespace

void CheckCampaign(v1::Campaign const& campaign, std::vector<FieldViolation>& violations) {
  auto const& languages = campaign.languages();
  // Domain rule C3.
  if (std::find(languages.begin(), languages.end(), kDanish) == languages.end()) {
    violations.push_back({"campaign.languages", "must have `da` among them"});
  }
  for (int i = 0; i < campaign.audience_size(); ++i) {
    auto const& part = campaign.audience(i);
    auto const field = absl::StrCat("campaign.audience[", i, "].");
    if (!part.dwelling().empty() && ParentName(part.dwelling()) != ParentName(part.department())) {
      violations.push_back({field + "dwelling", "must be a dwelling of the department's organisation"});
    }
    if (!IsPlainLine(part.stairwell())) violations.push_back({field + "stairwell", "must be one line"});
  }
  if (campaign.posting() && PlacesOf(campaign).size() > kPlacesMax) {
    violations.push_back({"campaign.audience", absl::StrCat("must not name more than ", kPlacesMax,
                                                            " departments and stairwells where it is also posted")});
  }
}

absl::StatusOr<v1::RenderedText> RenderCampaign(v1::Campaign const& campaign, v1::TemplateVersion const& version,
                                                std::string_view language) {
  ASSIGN_OR_RETURN(auto rendered, Render(version, language, campaign.arguments()));
  if (!campaign.corrects().empty()) {
    rendered.set_subject(absl::StrCat(language == kDanish ? "Rettelse: " : "Correction: ", rendered.subject()));
  }
  if (CountPoints(rendered.subject()) > kSubjectMax || CountPoints(rendered.plain_text()) > kTextMax) {
    return BadRequest({{"campaign.arguments", "make a text longer than a letter can be"}});
  }
  return rendered;
}

std::set<std::string> DepartmentsOf(v1::Campaign const& campaign) {
  std::set<std::string> departments;
  for (auto const& part : campaign.audience()) departments.insert(part.department());
  return departments;
}

bool IsInAudience(v1::Campaign const& campaign, Home const& home) {
  auto const& parts = campaign.audience();
  return std::any_of(parts.begin(), parts.end(), [&](v1::AudiencePart const& part) {
    return part.department() == home.department && (part.stairwell().empty() || part.stairwell() == home.stairwell) &&
           (part.dwelling().empty() || part.dwelling() == home.dwelling);
  });
}

absl::StatusOr<v1::Notice> PostingOf(v1::Campaign const& campaign, v1::TemplateVersion const& version) {
  v1::Notice notice;
  notice.set_kind(campaign.kind());
  for (auto const& [department, stairwell] : PlacesOf(campaign)) {
    auto& scope = *notice.add_audiences();
    scope.set_level(stairwell.empty() ? v1::AUDIENCE_LEVEL_DEPARTMENT : v1::AUDIENCE_LEVEL_STAIRWELL);
    scope.set_department(department);
    scope.set_stairwell(stairwell);
  }
  for (auto const& language : campaign.languages()) {
    ASSIGN_OR_RETURN(auto const rendered, RenderCampaign(campaign, version, language));
    auto& text = *notice.add_texts();
    text.set_language(language);
    text.set_title(rendered.subject());
    text.set_body(rendered.plain_text());
  }
  return notice;
}

}  // namespace helhed::communications
