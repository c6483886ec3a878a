#include "services/communications/domain/delivery.h"

#include <algorithm>
#include <utility>

namespace helhed::communications {
namespace {

bool Has(std::span<Attempt const> attempts, v1::Channel channel) {
  return std::any_of(attempts.begin(), attempts.end(), [&](Attempt const& each) { return each.channel == channel; });
}

void End(Attempt& attempt, v1::DeliveryState state, Happened const& happened) {
  attempt.state = state;
  attempt.failure = happened.failure;
  attempt.due_time.reset();
}

// A carrier's word is no delivery (domain notes, 8.8): where nothing else is under way, somebody has to confirm a mail in time.
void Accept(Attempt& attempt, Happened const& happened, v1::Campaign const& campaign, DeliveryRule const& rule) {
  End(attempt, v1::DELIVERY_STATE_ACCEPTED, happened);
  ++attempt.attempt_count;
  attempt.accept_time = happened.at;
  attempt.print_run = happened.print_run;
  bool const alone = attempt.channel == v1::CHANNEL_EMAIL && campaign.channel_choice() != v1::CHANNEL_CHOICE_EVERY;
  if (alone) attempt.due_time = happened.at + rule.confirm_within;
}

// Whether what fails is tried again or in another way: a campaign that was cancelled has nothing that waits.
bool GoesOn(v1::Campaign const& campaign) {
  return campaign.state() != v1::CAMPAIGN_STATE_CANCELLING && campaign.state() != v1::CAMPAIGN_STATE_CANCELLED;
}

// Domain rule C2: where a mail fails, a letter takes its place, unless there is one, or the campaign goes no further.
void Fail(std::vector<Attempt>& attempts, Attempt& attempt, Happened const& happened, v1::Campaign const& campaign) {
  bool const falls_back = GoesOn(campaign) && attempt.channel != v1::CHANNEL_PAPER && !Has(attempts, v1::CHANNEL_PAPER);
  End(attempt, falls_back ? v1::DELIVERY_STATE_FELL_BACK : v1::DELIVERY_STATE_UNDELIVERABLE, happened);
  if (falls_back) attempts.push_back(NewAttempt(v1::CHANNEL_PAPER, happened.at));
}

void FailNow(std::vector<Attempt>& attempts, Attempt& attempt, Happened const& happened, v1::Campaign const& campaign,
             DeliveryRule const& rule) {
  if (attempt.channel == v1::CHANNEL_EMAIL) ++attempt.attempt_count;
  if (!GoesOn(campaign) || attempt.attempt_count >= rule.attempts_max) return Fail(attempts, attempt, happened, campaign);
  End(attempt, v1::DELIVERY_STATE_FAILED_TEMPORARILY, happened);
  attempt.print_run.clear();
  if (attempt.channel == v1::CHANNEL_EMAIL) attempt.due_time = happened.at + Backoff(attempt.attempt_count, rule);
}

}  // namespace

std::string StairwellOf(std::string_view address) { return std::string(address.substr(0, address.find(','))); }

std::vector<v1::Channel> ChannelsFor(v1::Campaign const& campaign, HouseholdWish const& wish) {
  if (wish.declined && !campaign.statutory()) return {};
  bool const digital = wish.has_email && campaign.channel_choice() != v1::CHANNEL_CHOICE_PAPER;
  if (!digital) return {v1::CHANNEL_PAPER};
  if (campaign.channel_choice() == v1::CHANNEL_CHOICE_EVERY) return {v1::CHANNEL_PAPER, v1::CHANNEL_EMAIL};
  return {v1::CHANNEL_EMAIL};
}

Attempt NewAttempt(v1::Channel channel, absl::Time now) {
  Attempt attempt;
  attempt.channel = channel;
  if (channel == v1::CHANNEL_EMAIL) attempt.due_time = now;
  return attempt;
}

std::optional<std::vector<Attempt>> After(std::vector<Attempt> attempts, v1::Channel channel, Happened const& happened,
                                          v1::Campaign const& campaign, DeliveryRule const& rule) {
  // A letter that takes the place of another attempt is added behind it.
  attempts.reserve(attempts.size() + 1);
  auto const found = std::find_if(attempts.begin(), attempts.end(), [&](Attempt const& each) { return each.channel == channel; });
  if (found == attempts.end()) return std::nullopt;
  bool const accepted = found->state == v1::DELIVERY_STATE_ACCEPTED;
  switch (happened.what) {
    case Happening::kAccepted:
      if (!IsWaiting(*found)) return std::nullopt;
      Accept(*found, happened, campaign, rule);
      break;
    case Happening::kFailedNow:
      // What a distributor could not bring was accepted before.
      if (!IsWaiting(*found) && !(accepted && channel == v1::CHANNEL_PAPER)) return std::nullopt;
      FailNow(attempts, *found, happened, campaign, rule);
      break;
    case Happening::kFailed:
      if (!IsWaiting(*found) && !accepted) return std::nullopt;
      Fail(attempts, *found, happened, campaign);
      break;
    case Happening::kDelivered:
      // A mail may be confirmed after a letter was sent in its place.
      if (!accepted && found->state != v1::DELIVERY_STATE_FELL_BACK) return std::nullopt;
      End(*found, v1::DELIVERY_STATE_DELIVERED, happened);
      found->deliver_time = happened.at;
      break;
    case Happening::kUnconfirmed:
      if (!accepted || !found->due_time || *found->due_time > happened.at) return std::nullopt;
      found->due_time.reset();
      if (campaign.statutory()) Fail(attempts, *found, happened, campaign);
      break;
    case Happening::kCancelled:
      if (!IsWaiting(*found)) return std::nullopt;
      End(*found, v1::DELIVERY_STATE_CANCELLED, happened);
      break;
  }
  return attempts;
}

v1::RecipientOutcome OutcomeOf(std::span<Attempt const> attempts, bool statutory) {
  if (attempts.empty()) return v1::RECIPIENT_OUTCOME_OPTED_OUT;
  auto const any = [&](auto const& is) { return std::any_of(attempts.begin(), attempts.end(), is); };
  if (any([](Attempt const& each) { return each.state == v1::DELIVERY_STATE_DELIVERED; })) return v1::RECIPIENT_OUTCOME_REACHED;
  bool const under_way = any([](Attempt const& each) {
    bool const comes = each.channel == v1::CHANNEL_PAPER || each.due_time;
    return IsWaiting(each) || (each.state == v1::DELIVERY_STATE_ACCEPTED && comes);
  });
  if (under_way) return v1::RECIPIENT_OUTCOME_WAITING;
  bool const taken = any([](Attempt const& each) { return each.state == v1::DELIVERY_STATE_ACCEPTED; });
  if (taken && !statutory) return v1::RECIPIENT_OUTCOME_PRESUMED;
  bool const cancelled = any([](Attempt const& each) { return each.state == v1::DELIVERY_STATE_CANCELLED; });
  return cancelled && !taken ? v1::RECIPIENT_OUTCOME_CANCELLED : v1::RECIPIENT_OUTCOME_UNREACHED;
}

bool IsWaiting(Attempt const& attempt) {
  return attempt.state == v1::DELIVERY_STATE_QUEUED || attempt.state == v1::DELIVERY_STATE_FAILED_TEMPORARILY;
}

void CountHousehold(v1::RecipientOutcome outcome, std::int64_t change, v1::CampaignCounts& counts) {
  switch (outcome) {
    case v1::RECIPIENT_OUTCOME_WAITING:
      return counts.set_waiting_count(counts.waiting_count() + change);
    case v1::RECIPIENT_OUTCOME_REACHED:
      return counts.set_reached_count(counts.reached_count() + change);
    case v1::RECIPIENT_OUTCOME_UNREACHED:
      return counts.set_unreached_count(counts.unreached_count() + change);
    case v1::RECIPIENT_OUTCOME_CANCELLED:
      return counts.set_cancelled_count(counts.cancelled_count() + change);
    case v1::RECIPIENT_OUTCOME_PRESUMED:
      return counts.set_presumed_count(counts.presumed_count() + change);
    default:
      return counts.set_opted_out_count(counts.opted_out_count() + change);
  }
}

void CountAttempts(std::span<Attempt const> attempts, std::int64_t change, v1::CampaignCounts& counts) {
  for (auto const& attempt : attempts) {
    if (IsWaiting(attempt)) counts.set_queued_count(counts.queued_count() + change);
    if (attempt.state == v1::DELIVERY_STATE_ACCEPTED) counts.set_accepted_count(counts.accepted_count() + change);
  }
}

bool IsDistributors(v1::DeliveryFailure failure) {
  return failure == v1::DELIVERY_FAILURE_NO_ACCESS || failure == v1::DELIVERY_FAILURE_NO_LETTER_BOX ||
         failure == v1::DELIVERY_FAILURE_VACANT || failure == v1::DELIVERY_FAILURE_OTHER;
}

absl::Duration Backoff(std::int64_t attempt_count, DeliveryRule const& rule) {
  auto backoff = rule.backoff_first;
  for (; attempt_count > 1 && backoff < rule.backoff_max; --attempt_count) backoff *= 2;
  return std::min(backoff, rule.backoff_max);
}

void CheckDeliveryRule(v1::DeliveryRule const& rule, std::vector<FieldViolation>& violations) {
  if (rule.backoff_max_seconds() >= rule.backoff_first_seconds()) return;
  violations.push_back({"delivery_rule.backoff_max_seconds", "must not be less than `backoff_first_seconds`"});
}

}  // namespace helhed::communications
