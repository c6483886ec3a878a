#include "services/communications/service/sender.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>

#include "services/communications/domain/campaign.h"
#include "services/communications/domain/plain_text.h"
#include "services/communications/service/campaign_store.h"
#include "services/communications/service/ledger.h"
#include "services/communications/service/names.h"
#include "services/communications/service/template_service.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// How long a process has a campaign, which is how long nobody works for it when that process has died; and after how long it
// begins no further delivery, so that one that a carrier keeps waiting still ends in time.
constexpr absl::Duration kLease = absl::Seconds(20);
constexpr std::chrono::seconds kWorkMax(5);

// Whether there is anything is asked without taking it: most of the time there is nothing.
Statement const kNextWork("communications.next_campaign_work",
                          "SELECT plan, campaign FROM campaign_work WHERE lane = $1 AND due_time <= $2 AND leased_until <= $2 "
                          "ORDER BY due_time LIMIT 1");
Statement const kTakeWork("communications.take_campaign_work",
                          "SELECT plan, campaign FROM campaign_work WHERE lane = $1 AND due_time <= $2 AND leased_until <= $2 "
                          "ORDER BY due_time LIMIT 1",
                          "SELECT plan, campaign FROM campaign_work WHERE lane = $1 AND due_time <= $2 AND leased_until <= $2 "
                          "ORDER BY due_time LIMIT 1 FOR UPDATE SKIP LOCKED");
Statement const kLeaseWork("communications.lease_campaign_work",
                           "UPDATE campaign_work SET leased_until = $3 WHERE plan = $1 AND campaign = $2");
// Whoever was slower than its lease may not end another's.
Statement const kReleaseWork("communications.release_campaign_work",
                             "UPDATE campaign_work SET leased_until = 0 WHERE plan = $1 AND campaign = $2 AND leased_until = $3");
constexpr v1::Lane kLanes[] = {v1::LANE_ALERT, v1::LANE_ORDINARY};
// A few: what an alert waits for.
Statement const kDueDeliveries(
    "communications.due_deliveries",
    "SELECT recipient, channel, state FROM deliveries WHERE plan = $1 AND campaign = $2 AND due_time <= $3 "
    "ORDER BY due_time, recipient, delivery LIMIT 10");
Statement const kOpen("communications.open_deliveries",
                      "SELECT recipient, channel FROM deliveries WHERE plan = $1 AND campaign = $2 AND state IN (1, 4) "
                      "AND state IN (1, 2, 4) ORDER BY recipient LIMIT 200");
Statement const kAddressee("communications.addressee",
                           "SELECT c.state, h.email, h.language FROM campaigns c JOIN campaign_recipients r "
                           "ON r.plan = c.plan AND r.campaign = c.campaign AND r.recipient = $3 LEFT JOIN household_contacts h "
                           "ON h.organisation = r.household_organisation AND h.household_contact = r.household "
                           "WHERE c.plan = $1 AND c.campaign = $2");

// The household's language first where the campaign has it, then Danish.
absl::StatusOr<mail::Mail> MailOf(v1::Campaign const& campaign, v1::TemplateVersion const& version, std::string const& language) {
  std::vector<std::string> languages;
  auto const& known = campaign.languages();
  if (language != kDanish && std::find(known.begin(), known.end(), language) != known.end()) languages.push_back(language);
  languages.emplace_back(kDanish);
  mail::Mail mail;
  std::string html;
  for (auto const& each : languages) {
    ASSIGN_OR_RETURN(auto const rendered, RenderCampaign(campaign, version, each));
    absl::StrAppend(&mail.subject, mail.subject.empty() ? "" : " / ", rendered.subject());
    absl::StrAppend(&mail.plain_text, mail.plain_text.empty() ? "" : "\n--------\n\n", rendered.plain_text());
    html += rendered.html();
  }
  mail.html = absl::StrCat("<!DOCTYPE html>\n<html lang=\"", EscapeMarkup(languages.front()),
                           "\">\n<head><meta charset=\"utf-8\"><title>", EscapeMarkup(mail.subject), "</title></head>\n<body>\n",
                           html, "</body>\n</html>\n");
  return mail;
}

Happened Meaning(mail::Answer answer, absl::Time now) {
  switch (answer) {
    case mail::Answer::kAccepted:
      return {.what = Happening::kAccepted, .at = now};
    case mail::Answer::kBusy:
      return {.what = Happening::kFailedNow, .at = now, .failure = v1::DELIVERY_FAILURE_CARRIER_BUSY};
    case mail::Answer::kRefused:
      return {.what = Happening::kFailed, .at = now, .failure = v1::DELIVERY_FAILURE_REFUSED};
    case mail::Answer::kAway:
      break;
  }
  return {.what = Happening::kFailedNow, .at = now, .failure = v1::DELIVERY_FAILURE_CARRIER_AWAY};
}

}  // namespace

absl::StatusOr<bool> Sender::HasWork(CallContext const& call) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<bool> {
    for (auto const lane : kLanes) {
      ASSIGN_OR_RETURN(auto const rows, tx.Query(kNextWork, {static_cast<std::int64_t>(lane), absl::ToUnixMicros(call.Now())}));
      if (!rows.empty()) return true;
    }
    return false;
  });
}

absl::StatusOr<Sender::Lease> Sender::Claim(CallContext const& call) {
  Lease lease;
  auto const status = store_.Apply(call, [&](WriteTransaction& tx) -> absl::Status {
    lease = {.campaign = "", .until = absl::ToUnixMicros(call.Now() + kLease)};
    for (auto const lane : kLanes) {
      ASSIGN_OR_RETURN(auto const rows, tx.Query(kTakeWork, {static_cast<std::int64_t>(lane), absl::ToUnixMicros(call.Now())}));
      if (rows.empty()) continue;
      lease.campaign = absl::StrCat("plans/", rows.Text(0, 0), "/campaigns/", rows.Text(0, 1));
      return tx.Enqueue(kLeaseWork, {rows.Text(0, 0), rows.Text(0, 1), lease.until});
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return lease;
}

absl::StatusOr<Sender::Task> Sender::Load(CallContext const& call, std::string const& name) {
  auto const key = KeyOf<v1::Campaign>(name);
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<Task> {
    Task task;
    ASSIGN_OR_RETURN(task.campaign, LoadCampaign(tx, name));
    ASSIGN_OR_RETURN(task.version, LoadTemplateVersion(tx, task.campaign.template_version()));
    bool const cancelling = task.campaign.state() == v1::CAMPAIGN_STATE_CANCELLING;
    ASSIGN_OR_RETURN(auto const rows, cancelling ? tx.Query(kOpen, {key[0], key[1]})
                                                 : tx.Query(kDueDeliveries, {key[0], key[1], absl::ToUnixMicros(call.Now())}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& due = task.due.emplace_back();
      due.recipient = rows.Text(i, 0);
      due.channel = static_cast<v1::Channel>(rows.Int64(i, 1));
      if (!cancelling) due.state = static_cast<v1::DeliveryState>(rows.Int64(i, 2));
    }
    return task;
  });
}

absl::Status Sender::Enter(CallContext const& call, std::string const& campaign, Due const& due, Happened const& happened) {
  return store_.Apply(call, [&](WriteTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, campaign));
    RETURN_IF_ERROR(ledger.Enter(due.recipient, due.channel, happened).status());
    return ledger.Close();
  });
}

// What was not sent. Many at once: nobody waits for a carrier.
absl::Status Sender::Withdraw(CallContext const& call, Task const& task) {
  return store_.Apply(call, [&](WriteTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, task.campaign.name()));
    for (auto const& due : task.due) {
      RETURN_IF_ERROR(ledger.Enter(due.recipient, due.channel, {Happening::kCancelled, call.Now()}).status());
    }
    return ledger.Close();
  });
}

absl::StatusOr<Happened> Sender::Send(CallContext const& call, Task const& task, Due const& due) {
  auto const key = KeyOf<v1::Campaign>(task.campaign.name());
  ASSIGN_OR_RETURN(auto const rows, store_.Read(call, [&](ReadTransaction& tx) {
    return tx.Query(kAddressee, {key[0], key[1], due.recipient});
  }));
  // Paused or cancelled since: nothing happens.
  if (rows.empty() || rows.Int64(0, 0) != v1::CAMPAIGN_STATE_RUNNING) {
    return absl::CancelledError("the campaign goes no further for now");
  }
  if (mailer_ == nullptr) return Happened{Happening::kFailed, call.Now(), v1::DELIVERY_FAILURE_CARRIER_AWAY};
  if (rows.IsNull(0, 1)) return Happened{Happening::kFailed, call.Now(), v1::DELIVERY_FAILURE_ADDRESS_GONE};
  ASSIGN_OR_RETURN(auto mail, MailOf(task.campaign, task.version, rows.Text(0, 2)));
  mail.to = rows.Text(0, 1);
  mail.message_id = absl::StrCat(key[0], ".", key[1], ".", due.recipient, "@helhed.dk");
  mail.date = call.Now();
  return Meaning(mailer_->Send(mail), call.Now());
}

absl::Status Sender::Work(CallContext const& call, Task const& task) {
  auto const begun = std::chrono::steady_clock::now();
  for (auto const& due : task.due) {
    if (std::chrono::steady_clock::now() - begun > kWorkMax) return absl::OkStatus();
    if (call.limits().stop.stop_requested()) return absl::OkStatus();
    if (due.state == v1::DELIVERY_STATE_ACCEPTED) {
      RETURN_IF_ERROR(
          Enter(call, task.campaign.name(), due, {Happening::kUnconfirmed, call.Now(), v1::DELIVERY_FAILURE_UNCONFIRMED}));
      continue;
    }
    auto const happened = Send(call, task, due);
    if (absl::IsCancelled(happened.status())) return absl::OkStatus();
    if (!happened.ok()) return happened.status();
    RETURN_IF_ERROR(Enter(call, task.campaign.name(), due, *happened));
    // Who is not there for one is not there for the next.
    if (happened->what == Happening::kFailedNow && happened->failure == v1::DELIVERY_FAILURE_CARRIER_AWAY)
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Sender::Release(CallContext const& call, Lease const& lease) {
  auto const key = KeyOf<v1::Campaign>(lease.campaign);
  return store_.Apply(call, [&](WriteTransaction& tx) { return tx.Enqueue(kReleaseWork, {key[0], key[1], lease.until}); });
}

absl::StatusOr<bool> Sender::Run(storage::Limits const& limits) {
  auto const call = OwnContext("communications", store_.parts(), limits);
  ASSIGN_OR_RETURN(bool const has_work, HasWork(call));
  if (!has_work) return false;
  ASSIGN_OR_RETURN(auto const lease, Claim(call));
  if (lease.campaign.empty()) return false;
  ASSIGN_OR_RETURN(auto const task, Load(call, lease.campaign));
  bool const cancelling = task.campaign.state() == v1::CAMPAIGN_STATE_CANCELLING;
  auto const status = cancelling ? Withdraw(call, task) : Work(call, task);
  // An error of the store leaves the lease: the campaign rests until it ends.
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(Release(call, lease));
  return true;
}

}  // namespace helhed::communications
