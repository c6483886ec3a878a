#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <optional>
#include <string_view>

#include "helhed/communications/v1/campaign.pb.h"
#include "services/communications/domain/delivery.h"
#include "services/communications/service/names.h"
#include "services/platform/service/store.h"

// A campaign and what lies below it, but for its ledger (ledger.h).
namespace helhed::communications {

// With arguments, languages, audience and counts, or NOT_FOUND.
absl::StatusOr<v1::Campaign> LoadCampaign(ReadTransaction& tx, std::string_view name);
// Sets what does not stand in the campaigns' own rows. `plan` is the last part of its name.
absl::Status CompleteCampaigns(ReadTransaction& tx, std::string_view plan, ById<v1::Campaign> const& campaigns);
// The counts alone, of those that were started.
absl::Status AddCounts(ReadTransaction& tx, std::string_view plan, ById<v1::Campaign> const& campaigns);

// Stores arguments, languages and audience of a draft in place of those that are there.
absl::Status StoreCampaignParts(WriteTransaction& tx, v1::Campaign const& campaign);

// Stores a changed campaign, and says so.
absl::Status SaveCampaign(WriteTransaction& tx, v1::Campaign& campaign, v1::CampaignState former);

// Enters when there is something to do for a campaign by itself, if ever.
absl::Status ScheduleCampaign(WriteTransaction& tx, v1::Campaign const& campaign, std::optional<absl::Time> due);

// How long is waited and how often is tried, on the day. FAILED_PRECONDITION NO_RULE.
absl::StatusOr<DeliveryRule> DeliveryRuleOn(ReadTransaction& tx, absl::CivilDay day);

// FAILED_PRECONDITION CAMPAIGN_STATE.
absl::Status CampaignStateError(v1::Campaign const& campaign, std::string_view message);

}  // namespace helhed::communications
