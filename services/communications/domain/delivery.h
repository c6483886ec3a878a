#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/campaign.pb.h"
#include "helhed/communications/v1/delivery.pb.h"
#include "helhed/communications/v1/delivery_rule.pb.h"
#include "services/platform/base/status.h"

// By what a household is told, and what becomes of it: the ledger of a campaign at one household.
namespace helhed::communications {

// `Remisevej 14, 2. th, 2300 København S` -> `Remisevej 14`: road and house number, which stand before the first comma.
std::string StairwellOf(std::string_view address);

// What is known of a household.
struct HouseholdWish {
  bool has_email = false;
  bool declined = false;  // messages of the campaign's kind
};
// By what a household is told at first; nothing when it declined and no law asks for the message. Otherwise there is always
// something: paper where nothing digital is known (domain rule C2).
std::vector<v1::Channel> ChannelsFor(v1::Campaign const& campaign, HouseholdWish const& wish);

// A message to the household by one channel.
struct Attempt {
  v1::Channel channel = v1::CHANNEL_UNSPECIFIED;
  v1::DeliveryState state = v1::DELIVERY_STATE_QUEUED;
  std::int64_t attempt_count = 0;
  std::optional<absl::Time> accept_time;
  std::optional<absl::Time> deliver_time;
  v1::DeliveryFailure failure = v1::DELIVERY_FAILURE_UNSPECIFIED;
  std::string print_run = {};
  // When there is something to do for it without anybody asking.
  std::optional<absl::Time> due_time;
  friend bool operator==(Attempt const&, Attempt const&) = default;
};
// A new one; a letter waits for a print run.
Attempt NewAttempt(v1::Channel channel, absl::Time now);

// How long is waited and how often is tried.
struct DeliveryRule {
  std::int64_t attempts_max = 1;
  absl::Duration backoff_first;
  absl::Duration backoff_max;
  absl::Duration confirm_within;
};

enum class Happening {
  kAccepted,     // a carrier took it
  kFailedNow,    // it did not work this time
  kFailed,       // it never will
  kDelivered,    // it arrived
  kUnconfirmed,  // nobody has said in time that it arrived
  kCancelled,    // the campaign was
};
struct Happened {
  Happening what = Happening::kAccepted;
  absl::Time at;
  v1::DeliveryFailure failure = v1::DELIVERY_FAILURE_UNSPECIFIED;
  std::string print_run = {};
};

// What the attempts at a household are after something happened to the one by `channel`: it may have changed, and a letter may
// have taken its place. nullopt where the state of the attempt does not allow it, or there is none: what comes late or twice
// changes nothing.
std::optional<std::vector<Attempt>> After(std::vector<Attempt> attempts, v1::Channel channel, Happened const& happened,
                                          v1::Campaign const& campaign, DeliveryRule const& rule);

// What became of the household. Of none it is that it declined.
v1::RecipientOutcome OutcomeOf(std::span<Attempt const> attempts, bool statutory);

// It waits to be handed to a carrier, for the first time or again.
bool IsWaiting(Attempt const& attempt);

// Counts a household of that outcome, `change` times, which may be negative.
void CountHousehold(v1::RecipientOutcome outcome, std::int64_t change, v1::CampaignCounts& counts);
// The same for attempts at households.
void CountAttempts(std::span<Attempt const> attempts, std::int64_t change, v1::CampaignCounts& counts);

// Whether it is what a distributor of letters can meet at a door.
bool IsDistributors(v1::DeliveryFailure failure);

// How long to wait after this many attempts: doubled each time, up to the most.
absl::Duration Backoff(std::int64_t attempt_count, DeliveryRule const& rule);

// Adds what is wrong with a rule that is to be entered beyond what the contract says: the most that is waited is less than the
// first wait.
void CheckDeliveryRule(v1::DeliveryRule const& rule, std::vector<FieldViolation>& violations);

}  // namespace helhed::communications
