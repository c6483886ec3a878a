#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/campaign.pb.h"
#include "helhed/communications/v1/delivery.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/communications/paper/route.h"
#include "services/platform/service/store.h"

// How a campaign's audience becomes its ledger.
namespace helhed::communications {

// The households of the audience, each once, numbered in the order of the distributor's route. Errors: FAILED_PRECONDITION
// AUDIENCE_EMPTY, AUDIENCE_TOO_LARGE.
absl::StatusOr<std::vector<v1::Recipient>> RecipientsOf(v1::Campaign const& campaign,
                                                        residents::v1::FetchHouseholdAddressesResponse const& households,
                                                        std::string const& date);

// Where it is on the distributor's route.
paper::Stop StopOf(v1::Recipient const& recipient);

// Enters recipients and their first deliveries, counts and work, and sets `campaign.counts`. The campaign is RUNNING by then.
absl::Status EnterAudience(WriteTransaction& tx, v1::Campaign& campaign, std::vector<v1::Recipient>& recipients);

// What identifies an audience: the same households in the same order have the same digest.
class AudienceDigest {
 public:
  void Add(std::string_view organisation, std::string_view household) {
    text_.append(organisation).append("/").append(household).append("\n");
  }
  std::string Get() const;

 private:
  std::string text_;
};

}  // namespace helhed::communications
