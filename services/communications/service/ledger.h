#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/campaign.pb.h"
#include "services/communications/domain/delivery.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// What became of a campaign at each household, within one write. Whoever changes a delivery does so here: so that the households
// are accounted for after each transaction, one after the other, and a campaign is completed with its last delivery.
class Ledger {
 public:
  // Has the campaign's ledger alone until the transaction ends. NOT_FOUND; FAILED_PRECONDITION CAMPAIGN_STATE while it is a
  // draft.
  static absl::StatusOr<Ledger> Open(WriteTransaction& tx, std::string_view campaign);

  // Its own row and its counts: what it says, and to whom, is not needed to keep a ledger.
  v1::Campaign const& campaign() const { return campaign_; }

  // The attempts at a household, by its recipient's number.
  absl::StatusOr<std::vector<Attempt>> Attempts(std::string const& recipient);

  // Enters what happened. False, and nothing changes, where the state of the delivery does not allow it: it came late, or twice.
  absl::StatusOr<bool> Enter(std::string const& recipient, v1::Channel channel, Happened const& happened);

  // Enters that every letter of the print run arrived but those that the distributor has been heard about, and returns how many.
  absl::StatusOr<std::int64_t> EnterDelivered(std::string const& print_run, absl::Time when);
  // Puts every letter that is waiting into a print run, and returns how many there are.
  absl::StatusOr<std::int64_t> EnterPrinted(std::string const& print_run);

  // Changes the campaign's state otherwise than by deliveries.
  void SetState(v1::CampaignState state) { campaign_.set_state(state); }

  // Stores counts and campaign, and when there is something to do next.
  absl::Status Close();

 private:
  Ledger(WriteTransaction& tx, v1::Campaign campaign, DeliveryRule const& rule);
  absl::Status Store(std::string const& recipient, std::span<Attempt const> before, std::span<Attempt const> after);
  void CountQueued(std::int64_t change) { Counts().set_queued_count(Counts().queued_count() + change); }
  void CountAccepted(std::int64_t change) { Counts().set_accepted_count(Counts().accepted_count() + change); }
  v1::CampaignCounts& Counts() { return *campaign_.mutable_counts(); }
  void NoteDelivery(absl::Time when);
  absl::Status Schedule();

  WriteTransaction& tx_;
  v1::Campaign campaign_;
  v1::CampaignState former_;
  bool changed_ = false;  // more of it than its state and counts
  DeliveryRule rule_;
  std::string plan_;
  std::string id_;
};

// A delivery's channel as the last part of its name.
std::string_view DeliveryId(v1::Channel channel);

}  // namespace helhed::communications
