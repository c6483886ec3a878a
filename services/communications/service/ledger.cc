#include "services/communications/service/ledger.h"

#include <algorithm>
#include <utility>

#include "services/communications/service/campaign_store.h"
#include "services/communications/service/names.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// SQLite has one writer.
Statement const kLockCounts("communications.lock_campaign",
                            "SELECT households FROM campaign_counts WHERE plan = $1 AND campaign = $2",
                            "SELECT households FROM campaign_counts WHERE plan = $1 AND campaign = $2 FOR NO KEY UPDATE");
Statement const kSaveCounts(
    "communications.save_campaign_counts",
    "UPDATE campaign_counts SET waiting = $3, reached = $4, unreached = $5, opted_out = $6, cancelled = $7, "
    "queued = $8, accepted = $9, presumed = $10 WHERE plan = $1 AND campaign = $2");
Statement const kAttempts("communications.attempts",
                          "SELECT channel, state, attempt_count, accept_time, deliver_time, failure, print_run, due_time "
                          "FROM deliveries WHERE plan = $1 AND campaign = $2 AND recipient = $3 ORDER BY channel");
Statement const kSaveAttempt("communications.save_attempt",
                             "UPDATE deliveries SET state = $5, attempt_count = $6, accept_time = $7, deliver_time = $8, "
                             "failure = $9, print_run = $10, due_time = $11, revision = revision + 1, update_time = $12 "
                             "WHERE plan = $1 AND campaign = $2 AND recipient = $3 AND delivery = $4");
Statement const kAddAttempt(
    "communications.add_attempt",
    "INSERT INTO deliveries (plan, campaign, recipient, delivery, channel, state, attempt_count, failure, "
    "due_time, revision, create_time, update_time) VALUES ($1, $2, $3, $4, $5, 1, 0, 0, $6, 1, $7, $7)");
Statement const kSaveOutcome("communications.save_outcome",
                             "UPDATE campaign_recipients SET outcome = $4, revision = revision + 1, update_time = $5 "
                             "WHERE plan = $1 AND campaign = $2 AND recipient = $3");
// A subquery that gives one value: a planner that knows nothing yet of new rows would join every household with every letter.
Statement const kReach(
    "communications.reach_print_run",
    "UPDATE campaign_recipients SET outcome = 2, revision = revision + 1, update_time = $5 "
    "WHERE plan = $1 AND campaign = $2 AND outcome = $4 AND (SELECT d.state FROM deliveries d WHERE d.plan = $1 "
    "AND d.campaign = $2 AND d.recipient = campaign_recipients.recipient AND d.delivery = 'paper' AND d.print_run = $3) = 2");
Statement const kDeliver("communications.deliver_print_run",
                         "UPDATE deliveries SET state = 3, deliver_time = $4, due_time = NULL, revision = revision + 1, "
                         "update_time = $5 WHERE plan = $1 AND campaign = $2 AND print_run = $3 AND state = 2");
Statement const kPrint("communications.enter_print_run",
                       "UPDATE deliveries SET state = 2, attempt_count = attempt_count + 1, accept_time = $4, failure = 0, "
                       "print_run = $3, revision = revision + 1, update_time = $4 "
                       "WHERE plan = $1 AND campaign = $2 AND channel = 1 AND state IN (1, 4) AND print_run IS NULL");
Statement const kNextDue("communications.next_due_delivery",
                         "SELECT due_time FROM deliveries WHERE plan = $1 AND campaign = $2 AND due_time IS NOT NULL "
                         "ORDER BY due_time LIMIT 1");

std::optional<absl::Time> TimeAt(storage::Rows const& rows, std::size_t row, std::size_t column) {
  if (rows.IsNull(row, column)) return std::nullopt;
  return absl::FromUnixMicros(rows.Int64(row, column));
}

storage::Bind BindOf(std::optional<absl::Time> time) {
  return time ? storage::Bind(absl::ToUnixMicros(*time)) : storage::Bind(nullptr);
}

}  // namespace

std::string_view DeliveryId(v1::Channel channel) { return channel == v1::CHANNEL_EMAIL ? "email" : "paper"; }

Ledger::Ledger(WriteTransaction& tx, v1::Campaign campaign, DeliveryRule const& rule)
    : tx_(tx), campaign_(std::move(campaign)), former_(campaign_.state()), rule_(rule) {
  auto key = KeyOf<v1::Campaign>(campaign_.name());
  plan_ = std::move(key[0]);
  id_ = std::move(key[1]);
}

absl::StatusOr<Ledger> Ledger::Open(WriteTransaction& tx, std::string_view campaign) {
  auto const key = KeyOf<v1::Campaign>(campaign);
  ASSIGN_OR_RETURN(auto const locked, tx.Query(kLockCounts, {key[0], key[1]}));
  ASSIGN_OR_RETURN(auto loaded, tx.Get<v1::Campaign>(campaign));
  if (locked.empty()) return CampaignStateError(loaded, "the campaign was not started");
  RETURN_IF_ERROR(AddCounts(tx, key[0], {{key[1], &loaded}}));
  ASSIGN_OR_RETURN(auto const rule, DeliveryRuleOn(tx, tx.call().Today()));
  return Ledger(tx, std::move(loaded), rule);
}

absl::StatusOr<std::vector<Attempt>> Ledger::Attempts(std::string const& recipient) {
  ASSIGN_OR_RETURN(auto const rows, tx_.Query(kAttempts, {plan_, id_, recipient}));
  std::vector<Attempt> attempts(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    attempts[i] = {.channel = static_cast<v1::Channel>(rows.Int64(i, 0)),
                   .state = static_cast<v1::DeliveryState>(rows.Int64(i, 1)),
                   .attempt_count = rows.Int64(i, 2),
                   .accept_time = TimeAt(rows, i, 3),
                   .deliver_time = TimeAt(rows, i, 4),
                   .failure = static_cast<v1::DeliveryFailure>(rows.Int64(i, 5)),
                   .print_run = rows.IsNull(i, 6) ? std::string() : rows.Text(i, 6),
                   .due_time = TimeAt(rows, i, 7)};
  }
  return attempts;
}

absl::StatusOr<bool> Ledger::Enter(std::string const& recipient, v1::Channel channel, Happened const& happened) {
  ASSIGN_OR_RETURN(auto const before, Attempts(recipient));
  auto const after = After(before, channel, happened, campaign_, rule_);
  if (!after) return false;
  RETURN_IF_ERROR(Store(recipient, before, *after));
  CountAttempts(before, -1, Counts());
  CountAttempts(*after, 1, Counts());
  auto const former = OutcomeOf(before, campaign_.statutory());
  auto const outcome = OutcomeOf(*after, campaign_.statutory());
  if (happened.what == Happening::kDelivered) NoteDelivery(happened.at);
  if (outcome == former) return true;
  CountHousehold(former, -1, Counts());
  CountHousehold(outcome, 1, Counts());
  RETURN_IF_ERROR(tx_.Enqueue(kSaveOutcome,
                              {plan_, id_, recipient, static_cast<std::int64_t>(outcome), absl::ToUnixMicros(tx_.call().Now())}));
  return true;
}

absl::Status Ledger::Store(std::string const& recipient, std::span<Attempt const> before, std::span<Attempt const> after) {
  auto const now = absl::ToUnixMicros(tx_.call().Now());
  for (std::size_t i = 0; i < after.size(); ++i) {
    auto const& attempt = after[i];
    auto const id = DeliveryId(attempt.channel);
    if (i >= before.size()) {
      RETURN_IF_ERROR(tx_.Enqueue(
          kAddAttempt, {plan_, id_, recipient, id, static_cast<std::int64_t>(attempt.channel), BindOf(attempt.due_time), now}));
    } else if (!(attempt == before[i])) {
      RETURN_IF_ERROR(tx_.Enqueue(
          kSaveAttempt, {plan_, id_, recipient, id, static_cast<std::int64_t>(attempt.state), attempt.attempt_count,
                         BindOf(attempt.accept_time), BindOf(attempt.deliver_time), static_cast<std::int64_t>(attempt.failure),
                         storage::OrNull(attempt.print_run), BindOf(attempt.due_time), now}));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Ledger::EnterPrinted(std::string const& print_run) {
  ASSIGN_OR_RETURN(auto const letters, tx_.Execute(kPrint, {plan_, id_, print_run, absl::ToUnixMicros(tx_.call().Now())}));
  CountQueued(-letters);
  CountAccepted(letters);
  return letters;
}

absl::StatusOr<std::int64_t> Ledger::EnterDelivered(std::string const& print_run, absl::Time when) {
  auto const now = absl::ToUnixMicros(tx_.call().Now());
  for (auto const former : {v1::RECIPIENT_OUTCOME_WAITING, v1::RECIPIENT_OUTCOME_UNREACHED, v1::RECIPIENT_OUTCOME_PRESUMED}) {
    ASSIGN_OR_RETURN(auto const reached, tx_.Execute(kReach, {plan_, id_, print_run, static_cast<std::int64_t>(former), now}));
    CountHousehold(former, -reached, Counts());
    CountHousehold(v1::RECIPIENT_OUTCOME_REACHED, reached, Counts());
  }
  ASSIGN_OR_RETURN(auto const delivered, tx_.Execute(kDeliver, {plan_, id_, print_run, absl::ToUnixMicros(when), now}));
  CountAccepted(-delivered);
  if (delivered > 0) NoteDelivery(when);
  return delivered;
}

void Ledger::NoteDelivery(absl::Time when) {
  if (campaign_.has_last_delivery_time() && TimeOf(campaign_.last_delivery_time()) >= when) return;
  *campaign_.mutable_last_delivery_time() = Stamp(when);
  changed_ = true;
}

absl::Status Ledger::Close() {
  auto const& counts = campaign_.counts();
  bool const done = counts.waiting_count() == 0 && counts.queued_count() == 0;
  auto const state = campaign_.state();
  if (state == v1::CAMPAIGN_STATE_RUNNING && done) {
    campaign_.set_state(v1::CAMPAIGN_STATE_COMPLETED);
    *campaign_.mutable_complete_time() = Stamp(tx_.call().Now());
  } else if (state == v1::CAMPAIGN_STATE_COMPLETED && !done) {
    // Something came back after all.
    campaign_.set_state(v1::CAMPAIGN_STATE_RUNNING);
    campaign_.clear_complete_time();
  } else if (state == v1::CAMPAIGN_STATE_CANCELLING && counts.queued_count() == 0) {
    campaign_.set_state(v1::CAMPAIGN_STATE_CANCELLED);
  }
  RETURN_IF_ERROR(tx_.Enqueue(kSaveCounts, {plan_, id_, counts.waiting_count(), counts.reached_count(), counts.unreached_count(),
                                            counts.opted_out_count(), counts.cancelled_count(), counts.queued_count(),
                                            counts.accepted_count(), counts.presumed_count()}));
  RETURN_IF_ERROR(Schedule());
  if (!changed_ && campaign_.state() == former_) return absl::OkStatus();
  return SaveCampaign(tx_, campaign_, former_);
}

absl::Status Ledger::Schedule() {
  if (campaign_.state() == v1::CAMPAIGN_STATE_PAUSED) return ScheduleCampaign(tx_, campaign_, std::nullopt);
  if (campaign_.state() == v1::CAMPAIGN_STATE_CANCELLING) return ScheduleCampaign(tx_, campaign_, tx_.call().Now());
  ASSIGN_OR_RETURN(auto const next, tx_.Query(kNextDue, {plan_, id_}));
  std::optional<absl::Time> due;
  if (!next.empty()) due = absl::FromUnixMicros(next.Int64(0, 0));
  return ScheduleCampaign(tx_, campaign_, due);
}

}  // namespace helhed::communications
