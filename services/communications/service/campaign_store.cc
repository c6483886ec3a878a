#include "services/communications/service/campaign_store.h"

#include <absl/strings/str_cat.h>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/service/names.h"
#include "services/platform/base/civil.h"
#include "services/platform/contract/fields.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// $2 is a JSON array of campaigns of the plan.
Statement const kCounts(
    "communications.campaign_counts",
    "SELECT campaign, households, waiting, reached, unreached, opted_out, cancelled, queued, accepted, presumed "
    "FROM campaign_counts WHERE plan = $1 AND campaign IN (SELECT wanted.value FROM json_each($2) AS wanted)",
    "SELECT campaign, households, waiting, reached, unreached, opted_out, cancelled, queued, accepted, presumed "
    "FROM campaign_counts WHERE plan = $1 "
    "AND campaign = ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON))))");
Statement const kArguments("communications.campaign_arguments",
                           "SELECT campaign, parameter, value FROM campaign_arguments WHERE plan = $1 "
                           "AND campaign IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY campaign, position",
                           "SELECT campaign, parameter, value FROM campaign_arguments WHERE plan = $1 AND campaign = "
                           "ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON)))) ORDER BY campaign, position");
Statement const kLanguages("communications.campaign_languages",
                           "SELECT campaign, language FROM campaign_languages WHERE plan = $1 "
                           "AND campaign IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY campaign, position",
                           "SELECT campaign, language FROM campaign_languages WHERE plan = $1 AND campaign = "
                           "ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON)))) ORDER BY campaign, position");
Statement const kAudience("communications.campaign_audience",
                          "SELECT campaign, organisation, department, stairwell, dwelling FROM campaign_audiences "
                          "WHERE plan = $1 AND campaign IN (SELECT wanted.value FROM json_each($2) AS wanted) "
                          "ORDER BY campaign, position",
                          "SELECT campaign, organisation, department, stairwell, dwelling FROM campaign_audiences "
                          "WHERE plan = $1 AND campaign = ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON)))) "
                          "ORDER BY campaign, position");
Statement const kDeleteArguments("communications.delete_campaign_arguments",
                                 "DELETE FROM campaign_arguments WHERE plan = $1 AND campaign = $2");
Statement const kDeleteLanguages("communications.delete_campaign_languages",
                                 "DELETE FROM campaign_languages WHERE plan = $1 AND campaign = $2");
Statement const kDeleteAudience("communications.delete_campaign_audience",
                                "DELETE FROM campaign_audiences WHERE plan = $1 AND campaign = $2");
Statement const kStoreArgument("communications.store_campaign_argument",
                               "INSERT INTO campaign_arguments (plan, campaign, position, parameter, value) "
                               "VALUES ($1, $2, $3, $4, $5)");
Statement const kStoreLanguage("communications.store_campaign_language",
                               "INSERT INTO campaign_languages (plan, campaign, position, language) VALUES ($1, $2, $3, $4)");
Statement const kStorePart("communications.store_campaign_audience",
                           "INSERT INTO campaign_audiences (plan, campaign, position, organisation, department, stairwell, "
                           "dwelling) VALUES ($1, $2, $3, $4, $5, $6, $7)");
Statement const kSchedule("communications.schedule_campaign",
                          "INSERT INTO campaign_work (plan, campaign, lane, due_time) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT (plan, campaign) DO UPDATE SET due_time = excluded.due_time");
Statement const kRuleOn("communications.delivery_rule_on",
                        "SELECT attempts_max, backoff_first_seconds, backoff_max_seconds, confirm_hours FROM delivery_rules "
                        "WHERE delivery_rule <= $1 ORDER BY delivery_rule DESC LIMIT 1");

void ReadCounts(storage::Rows const& rows, std::size_t row, v1::CampaignCounts& counts) {
  counts.set_household_count(rows.Int64(row, 1));
  counts.set_waiting_count(rows.Int64(row, 2));
  counts.set_reached_count(rows.Int64(row, 3));
  counts.set_unreached_count(rows.Int64(row, 4));
  counts.set_opted_out_count(rows.Int64(row, 5));
  counts.set_cancelled_count(rows.Int64(row, 6));
  counts.set_queued_count(rows.Int64(row, 7));
  counts.set_accepted_count(rows.Int64(row, 8));
  counts.set_presumed_count(rows.Int64(row, 9));
}

void ReadPart(storage::Rows const& rows, std::size_t row, v1::AudiencePart& part) {
  auto const organisation = absl::StrCat("organisations/", rows.Text(row, 1));
  part.set_department(absl::StrCat(organisation, "/departments/", rows.Text(row, 2)));
  part.set_stairwell(rows.Text(row, 3));
  if (!rows.Text(row, 4).empty()) part.set_dwelling(absl::StrCat(organisation, "/dwellings/", rows.Text(row, 4)));
}

}  // namespace

absl::Status AddCounts(ReadTransaction& tx, std::string_view plan, ById<v1::Campaign> const& campaigns) {
  auto const ids = IdsOf(campaigns);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kCounts, {plan, std::string_view(ids)}));
  for (std::size_t i = 0; i < rows.size(); ++i) ReadCounts(rows, i, *campaigns.at(rows.Text(i, 0))->mutable_counts());
  return absl::OkStatus();
}

absl::Status CompleteCampaigns(ReadTransaction& tx, std::string_view plan, ById<v1::Campaign> const& campaigns) {
  auto const ids = IdsOf(campaigns);
  ASSIGN_OR_RETURN(auto const arguments, tx.Query(kArguments, {plan, std::string_view(ids)}));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& argument = *campaigns.at(arguments.Text(i, 0))->add_arguments();
    argument.set_parameter(arguments.Text(i, 1));
    argument.set_value(arguments.Text(i, 2));
  }
  ASSIGN_OR_RETURN(auto const languages, tx.Query(kLanguages, {plan, std::string_view(ids)}));
  for (std::size_t i = 0; i < languages.size(); ++i) campaigns.at(languages.Text(i, 0))->add_languages(languages.Text(i, 1));
  ASSIGN_OR_RETURN(auto const audience, tx.Query(kAudience, {plan, std::string_view(ids)}));
  for (std::size_t i = 0; i < audience.size(); ++i) {
    ReadPart(audience, i, *campaigns.at(audience.Text(i, 0))->add_audience());
  }
  return AddCounts(tx, plan, campaigns);
}

absl::StatusOr<v1::Campaign> LoadCampaign(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto campaign, tx.Get<v1::Campaign>(name));
  auto const key = KeyOf<v1::Campaign>(name);
  RETURN_IF_ERROR(CompleteCampaigns(tx, key[0], {{key[1], &campaign}}));
  return campaign;
}

absl::Status StoreCampaignParts(WriteTransaction& tx, v1::Campaign const& campaign) {
  auto const key = KeyOf<v1::Campaign>(campaign.name());
  for (auto const* statement : {&kDeleteArguments, &kDeleteLanguages, &kDeleteAudience}) {
    RETURN_IF_ERROR(tx.Enqueue(*statement, {key[0], key[1]}));
  }
  for (int i = 0; i < campaign.arguments_size(); ++i) {
    auto const& argument = campaign.arguments(i);
    RETURN_IF_ERROR(tx.Enqueue(kStoreArgument, {key[0], key[1], std::int64_t{i}, argument.parameter(), argument.value()}));
  }
  for (int i = 0; i < campaign.languages_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreLanguage, {key[0], key[1], std::int64_t{i}, campaign.languages(i)}));
  }
  for (int i = 0; i < campaign.audience_size(); ++i) {
    auto const& part = campaign.audience(i);
    auto const department = *contract::PatternOfType("helhed.dk/Department")->Match(part.department());
    std::string_view const dwelling = part.dwelling().empty() ? "" : contract::LastPart(part.dwelling());
    RETURN_IF_ERROR(tx.Enqueue(kStorePart, {key[0], key[1], std::int64_t{i}, department[0], department[1],
                                            std::string_view(part.stairwell()), dwelling}));
  }
  return absl::OkStatus();
}

absl::Status SaveCampaign(WriteTransaction& tx, v1::Campaign& campaign, v1::CampaignState former) {
  RETURN_IF_ERROR(tx.Update(campaign));
  if (campaign.state() == former) return absl::OkStatus();
  v1::CampaignChanged event;
  event.set_campaign(campaign.name());
  event.set_state(campaign.state());
  event.set_former_state(former);
  *event.mutable_counts() = campaign.counts();
  return tx.Append(event, campaign.name(), PlanOf(campaign.name()));
}

absl::Status ScheduleCampaign(WriteTransaction& tx, v1::Campaign const& campaign, std::optional<absl::Time> due) {
  auto const key = KeyOf<v1::Campaign>(campaign.name());
  return tx.Enqueue(kSchedule, {key[0], key[1], static_cast<std::int64_t>(campaign.lane()),
                                due ? storage::Bind(absl::ToUnixMicros(*due)) : storage::Bind(nullptr)});
}

absl::StatusOr<DeliveryRule> DeliveryRuleOn(ReadTransaction& tx, absl::CivilDay day) {
  auto const date = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kRuleOn, {std::string_view(date)}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_RULE, "no rule about deliveries holds on this date",
                 {{"date", date}});
  }
  return DeliveryRule{.attempts_max = rows.Int64(0, 0),
                      .backoff_first = absl::Seconds(rows.Int64(0, 1)),
                      .backoff_max = absl::Seconds(rows.Int64(0, 2)),
                      .confirm_within = absl::Hours(rows.Int64(0, 3))};
}

absl::Status CampaignStateError(v1::Campaign const& campaign, std::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CAMPAIGN_STATE, message,
               {{"campaign", campaign.name()}, {"state", contract::EnumText(campaign.state())}});
}

}  // namespace helhed::communications
