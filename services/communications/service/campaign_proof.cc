#include <google/protobuf/util/message_differencer.h>

#include <optional>
#include <string>
#include <vector>

#include "services/communications/service/campaign_service.h"
#include "services/communications/service/campaign_start.h"
#include "services/communications/service/campaign_store.h"
#include "services/communications/service/names.h"

// That every household of a campaign is accounted for, from its rows.
namespace helhed::communications {
namespace {

using google::protobuf::util::MessageDifferencer;
using storage::Statement;

// A page of recipients after $3, and the deliveries from its first to its last. Two ranges of two keys, not a join: before
// PostgreSQL has statistics of the tables it would read all deliveries of the campaign for each recipient.
Statement const kRecipients("communications.prove_recipients",
                            "SELECT recipient, household_organisation, household, outcome FROM campaign_recipients "
                            "WHERE plan = $1 AND campaign = $2 AND recipient > $3 ORDER BY recipient LIMIT 1000");
Statement const kDeliveries(
    "communications.prove_deliveries",
    "SELECT recipient, channel, state, due_time FROM deliveries "
    "WHERE plan = $1 AND campaign = $2 AND recipient > $3 AND recipient <= $4 ORDER BY recipient, channel");
Statement const kDigest("communications.audience_digest",
                        "SELECT audience_digest FROM campaigns WHERE plan = $1 AND campaign = $2");

// Counts rows as the ledger counts what happens.
class HouseholdTally {
 public:
  HouseholdTally(v1::CampaignProof& proof, bool statutory) : proof_(proof), statutory_(statutory) {}

  void Add(v1::RecipientOutcome outcome, std::vector<Attempt> const& attempts) {
    auto& counts = *proof_.mutable_counts();
    proof_.set_recipient_count(proof_.recipient_count() + 1);
    counts.set_household_count(counts.household_count() + 1);
    CountHousehold(outcome, 1, counts);
    CountAttempts(attempts, 1, counts);
    if (OutcomeOf(attempts, statutory_) != outcome) proof_.set_without_delivery_count(proof_.without_delivery_count() + 1);
  }

 private:
  v1::CampaignProof& proof_;
  bool statutory_;
};

// The attempts at a recipient, whose deliveries begin at `row`, which is moved past them.
std::vector<Attempt> AttemptsAt(std::string_view recipient, storage::Rows const& deliveries, std::size_t& row) {
  std::vector<Attempt> attempts;
  for (; row < deliveries.size() && deliveries.Text(row, 0) == recipient; ++row) {
    auto& attempt = attempts.emplace_back();
    attempt.channel = static_cast<v1::Channel>(deliveries.Int64(row, 1));
    attempt.state = static_cast<v1::DeliveryState>(deliveries.Int64(row, 2));
    if (!deliveries.IsNull(row, 3)) attempt.due_time = absl::FromUnixMicros(deliveries.Int64(row, 3));
  }
  return attempts;
}

// Reads a page; `last` is the last recipient before it, and after it, unchanged when there were no more.
absl::Status ReadPage(ReadTransaction& tx, std::vector<std::string> const& key, HouseholdTally& tally, AudienceDigest& digest,
                      std::string& last) {
  std::string const after = last;
  ASSIGN_OR_RETURN(auto const recipients,
                   tx.Query(kRecipients, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(after)}));
  if (recipients.empty()) return absl::OkStatus();
  last = recipients.Text(recipients.size() - 1, 0);
  ASSIGN_OR_RETURN(auto const deliveries, tx.Query(kDeliveries, {std::string_view(key[0]), std::string_view(key[1]),
                                                                 std::string_view(after), std::string_view(last)}));
  std::size_t delivery = 0;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    digest.Add(recipients.Text(i, 1), recipients.Text(i, 2));
    tally.Add(static_cast<v1::RecipientOutcome>(recipients.Int64(i, 3)), AttemptsAt(recipients.Text(i, 0), deliveries, delivery));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CampaignProof> CampaignService::VerifyCampaign(CallContext const& call,
                                                                  v1::VerifyCampaignRequest const& request) {
  auto const key = KeyOf<v1::Campaign>(request.name());
  ASSIGN_OR_RETURN(auto const campaign, store_.Read(call, [&](ReadTransaction& tx) { return LoadCampaign(tx, request.name()); }));
  if (!campaign.has_counts()) return CampaignStateError(campaign, "the campaign was not started");
  v1::CampaignProof proof;
  auto limits = call.limits();
  limits.snapshot = true;
  auto const status = store_.parts().database->Read(limits, [&](storage::ReadTransaction& unit) -> absl::Status {
    ReadTransaction tx(store_, call, unit);
    proof.Clear();
    HouseholdTally tally(proof, campaign.statutory());
    AudienceDigest digest;
    for (std::string last, before = "x"; last != before;) {
      before = last;
      RETURN_IF_ERROR(call.Check());
      RETURN_IF_ERROR(ReadPage(tx, key, tally, digest, last));
    }
    ASSIGN_OR_RETURN(auto const kept, tx.Query(kDigest, {std::string_view(key[0]), std::string_view(key[1])}));
    proof.set_audience_unchanged(!kept.empty() && !kept.IsNull(0, 0) && kept.Text(0, 0) == digest.Get());
    v1::Campaign kept_counts;
    RETURN_IF_ERROR(AddCounts(tx, key[0], {{key[1], &kept_counts}}));
    proof.set_household_count(kept_counts.counts().household_count());
    proof.set_counts_agree(MessageDifferencer::Equals(kept_counts.counts(), proof.counts()));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  proof.set_complete(proof.audience_unchanged() && proof.counts_agree() && proof.without_delivery_count() == 0 &&
                     proof.household_count() == proof.recipient_count() && proof.counts().waiting_count() == 0 &&
                     proof.counts().queued_count() == 0);
  return proof;
}

}  // namespace helhed::communications
