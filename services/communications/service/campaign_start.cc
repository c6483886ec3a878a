#include "services/communications/service/campaign_start.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/domain/campaign.h"
#include "services/communications/domain/delivery.h"
#include "services/communications/service/campaign_store.h"
#include "services/communications/service/ledger.h"
#include "services/communications/service/names.h"
#include "services/platform/base/hash.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// One transaction enters them all, which nobody else should have to wait for long.
constexpr std::size_t kHouseholdsMax = 10'000;

// $2 is a JSON array of the last parts of households' names, which need no escaping.
Statement const kWishes(
    "communications.household_wishes",
    "SELECT c.household_contact, c.email, c.declined FROM json_each($2) AS wanted CROSS JOIN household_contacts c "
    "ON c.organisation = $1 AND c.household_contact = wanted.value",
    "SELECT c.household_contact, c.email, c.declined "
    "FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted (value) JOIN household_contacts c "
    "ON c.organisation = $1 AND c.household_contact = wanted.value");
Statement const kMakeCounts("communications.make_campaign_counts",
                            "INSERT INTO campaign_counts (plan, campaign, households, waiting, reached, unreached, opted_out, "
                            "cancelled, queued, accepted, presumed) VALUES ($1, $2, $3, $4, 0, 0, $5, 0, $6, 0, 0)");
Statement const kSaveDigest("communications.save_audience_digest",
                            "UPDATE campaigns SET audience_digest = $3 WHERE plan = $1 AND campaign = $2");

using Wishes = std::map<std::pair<std::string, std::string>, HouseholdWish>;

std::vector<std::string> HouseholdKey(v1::Recipient const& recipient) {
  return *contract::PatternOfType("helhed.dk/Household")->Match(recipient.household());
}

absl::StatusOr<Wishes> LoadWishes(ReadTransaction& tx, v1::MessageKind kind, std::vector<v1::Recipient> const& recipients) {
  std::map<std::string, std::vector<std::string>> by_organisation;
  for (auto const& recipient : recipients) {
    auto const key = HouseholdKey(recipient);
    by_organisation[key[0]].push_back(absl::StrCat("\"", key[1], "\""));
  }
  Wishes wishes;
  for (auto const& [organisation, households] : by_organisation) {
    auto const wanted = absl::StrCat("[", absl::StrJoin(households, ","), "]");
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kWishes, {organisation, std::string_view(wanted)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      bool const declined = ((static_cast<std::uint64_t>(rows.Int64(i, 2)) >> static_cast<unsigned>(kind)) & 1U) != 0;
      wishes[{organisation, rows.Text(i, 0)}] = {.has_email = !rows.IsNull(i, 1), .declined = declined};
    }
  }
  return wishes;
}

v1::Recipient MakeRecipient(residents::v1::HouseholdAddress const& household) {
  v1::Recipient recipient;
  recipient.set_household(household.household());
  recipient.set_dwelling(household.dwelling());
  recipient.set_department(household.department());
  recipient.set_department_display_name(household.department_display_name());
  recipient.set_stairwell(StairwellOf(household.address()));
  recipient.set_address(household.address());
  recipient.set_floor(household.floor());
  recipient.set_door(household.door());
  return recipient;
}

v1::Delivery MakeDelivery(v1::Recipient const& recipient, v1::Channel channel, absl::Time now) {
  v1::Delivery delivery;
  delivery.set_name(absl::StrCat(recipient.name(), "/deliveries/", Av(DeliveryId(channel))));
  delivery.set_channel(channel);
  auto const attempt = NewAttempt(channel, now);
  delivery.set_state(attempt.state);
  if (attempt.due_time) *delivery.mutable_due_time() = Stamp(*attempt.due_time);
  return delivery;
}

}  // namespace

paper::Stop StopOf(v1::Recipient const& recipient) {
  auto const department = *contract::PatternOfType("helhed.dk/Department")->Match(recipient.department());
  return {.department = absl::StrCat(department[0], "-", department[1]),
          .stairwell = recipient.stairwell(),
          .floor = recipient.floor(),
          .door = recipient.door(),
          .dwelling = recipient.dwelling()};
}

std::string AudienceDigest::Get() const { return Sha256Hex(text_); }

absl::StatusOr<std::vector<v1::Recipient>> RecipientsOf(v1::Campaign const& campaign,
                                                        residents::v1::FetchHouseholdAddressesResponse const& households,
                                                        std::string const& date) {
  std::vector<std::pair<std::string, v1::Recipient>> route;
  std::set<std::string> seen;
  for (auto const& household : households.households()) {
    auto const stairwell = StairwellOf(household.address());
    if (!IsInAudience(campaign, {household.department(), stairwell, household.dwelling()})) continue;
    if (!seen.insert(household.household()).second) continue;
    auto recipient = MakeRecipient(household);
    auto key = paper::RouteKey(StopOf(recipient));
    route.emplace_back(std::move(key), std::move(recipient));
  }
  if (route.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_AUDIENCE_EMPTY,
                 "no household lives where the audience is", {{"date", date}});
  }
  if (route.size() > kHouseholdsMax) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_AUDIENCE_TOO_LARGE, "make several campaigns of it",
                 {{"campaign", campaign.name()}, {"households_max", absl::StrCat(kHouseholdsMax)}});
  }
  std::sort(route.begin(), route.end(), [](auto const& a, auto const& b) {
    return std::tie(a.first, a.second.household()) < std::tie(b.first, b.second.household());
  });
  std::vector<v1::Recipient> recipients;
  recipients.reserve(route.size());
  for (auto& [_, recipient] : route) {
    recipient.set_name(absl::StrFormat("%s/recipients/%06d", campaign.name(), recipients.size() + 1));
    recipients.push_back(std::move(recipient));
  }
  return recipients;
}

absl::Status EnterAudience(WriteTransaction& tx, v1::Campaign& campaign, std::vector<v1::Recipient>& recipients) {
  auto const key = KeyOf<v1::Campaign>(campaign.name());
  ASSIGN_OR_RETURN(auto wishes, LoadWishes(tx, campaign.kind(), recipients));
  std::vector<v1::Delivery> deliveries;
  deliveries.reserve(recipients.size());
  AudienceDigest digest;
  std::int64_t opted_out = 0;
  for (auto& recipient : recipients) {
    auto const household = HouseholdKey(recipient);
    digest.Add(household[0], household[1]);
    auto const channels = ChannelsFor(campaign, wishes[{household[0], household[1]}]);
    recipient.set_outcome(channels.empty() ? v1::RECIPIENT_OUTCOME_OPTED_OUT : v1::RECIPIENT_OUTCOME_WAITING);
    opted_out += channels.empty() ? 1 : 0;
    for (auto const channel : channels) deliveries.push_back(MakeDelivery(recipient, channel, tx.call().Now()));
  }
  auto const all = static_cast<std::int64_t>(recipients.size());
  auto const queued = static_cast<std::int64_t>(deliveries.size());
  RETURN_IF_ERROR(tx.InsertMany(recipients));
  if (!deliveries.empty()) {
    RETURN_IF_ERROR(tx.InsertMany(deliveries));
  }
  auto const digest_text = digest.Get();
  RETURN_IF_ERROR(tx.Enqueue(kSaveDigest, {key[0], key[1], std::string_view(digest_text)}));
  auto& counts = *campaign.mutable_counts();
  counts.set_household_count(all);
  counts.set_waiting_count(all - opted_out);
  counts.set_opted_out_count(opted_out);
  counts.set_queued_count(queued);
  return tx.Enqueue(kMakeCounts, {key[0], key[1], all, all - opted_out, opted_out, queued});
}

}  // namespace helhed::communications
