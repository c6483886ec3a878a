#include "services/communications/service/campaign_service.h"

#include <absl/strings/str_cat.h>

#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/domain/campaign.h"
#include "services/communications/domain/template_text.h"
#include "services/communications/service/campaign_start.h"
#include "services/communications/service/campaign_store.h"
#include "services/communications/service/ledger.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/communications/service/notice_store.h"
#include "services/communications/service/template_service.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"

namespace helhed::communications {
namespace {

// The version that a campaign names, which must be one of its plan.
absl::StatusOr<v1::TemplateVersion> VersionOf(ReadTransaction& tx, v1::Campaign const& campaign) {
  auto version = PlanOf(campaign.template_version()) == PlanOf(campaign.name())
                     ? LoadTemplateVersion(tx, campaign.template_version())
                     : absl::StatusOr<v1::TemplateVersion>(absl::NotFoundError(""));
  if (!absl::IsNotFound(version.status())) return version;
  return BadRequest({{"campaign.template_version", "must be a version of a template of the plan"}});
}

// What can be known before anything is sent.
absl::Status Check(ReadTransaction& tx, v1::Campaign const& campaign) {
  std::vector<FieldViolation> violations;
  CheckCampaign(campaign, violations);
  if (!campaign.corrects().empty()) {
    ASSIGN_OR_RETURN(bool const there, tx.Exists<v1::Campaign>(campaign.corrects()));
    if (!there || PlanOf(campaign.corrects()) != PlanOf(campaign.name()) || campaign.corrects() == campaign.name()) {
      violations.push_back({"campaign.corrects", "must be another campaign of the plan"});
    }
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  ASSIGN_OR_RETURN(auto const version, VersionOf(tx, campaign));
  RETURN_IF_ERROR(CheckLanguages(version, campaign.languages()));
  for (auto const& language : campaign.languages()) RETURN_IF_ERROR(RenderCampaign(campaign, version, language).status());
  return absl::OkStatus();
}

void FillIn(v1::Campaign& campaign) {
  if (campaign.lane() == v1::LANE_UNSPECIFIED) campaign.set_lane(v1::LANE_ORDINARY);
  if (campaign.channel_choice() == v1::CHANNEL_CHOICE_UNSPECIFIED) {
    campaign.set_channel_choice(v1::CHANNEL_CHOICE_DIGITAL_FIRST);
  }
}

// Publishes what the campaign says, where it asks for that.
absl::Status Post(WriteTransaction& tx, v1::Campaign& campaign) {
  if (!campaign.posting()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const version, VersionOf(tx, campaign));
  ASSIGN_OR_RETURN(auto notice, PostingOf(campaign, version));
  notice.set_name(absl::StrCat(PlanOf(campaign.name()), "/notices/", tx.call().NewId()));
  notice.set_state(v1::NOTICE_STATE_PUBLISHED);
  *notice.mutable_publish_time() = Stamp(tx.call().Now());
  RETURN_IF_ERROR(tx.Insert(notice));
  RETURN_IF_ERROR(StoreNoticeParts(tx, notice));
  RETURN_IF_ERROR(AppendNoticeChanged(tx, notice));
  campaign.set_notice(notice.name());
  return absl::OkStatus();
}

absl::Status RequireDraft(v1::Campaign const& campaign) {
  if (campaign.state() == v1::CAMPAIGN_STATE_DRAFT) return absl::OkStatus();
  return CampaignStateError(campaign, "the campaign was started");
}

}  // namespace

void CampaignService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.communications.v1.CampaignService", method, this, handler);
  };
  on("GetCampaign", &CampaignService::GetCampaign);
  on("ListCampaigns", &CampaignService::ListCampaigns);
  on("CreateCampaign", &CampaignService::CreateCampaign);
  on("UpdateCampaign", &CampaignService::UpdateCampaign);
  on("StartCampaign", &CampaignService::StartCampaign);
  on("PauseCampaign", &CampaignService::PauseCampaign);
  on("ResumeCampaign", &CampaignService::ResumeCampaign);
  on("CancelCampaign", &CampaignService::CancelCampaign);
  on("VerifyCampaign", &CampaignService::VerifyCampaign);
  on("ListRecipients", &CampaignService::ListRecipients);
  on("ListDeliveries", &CampaignService::ListDeliveries);
  on("ReportDelivery", &CampaignService::ReportDelivery);
}

absl::StatusOr<v1::Campaign> CampaignService::GetCampaign(CallContext const& call, v1::GetCampaignRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadCampaign(tx, request.name()); });
}

absl::StatusOr<v1::ListCampaignsResponse> CampaignService::ListCampaigns(CallContext const& call,
                                                                         v1::ListCampaignsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListCampaignsResponse> {
    ASSIGN_OR_RETURN(auto response, PageOfPlan<v1::ListCampaignsResponse>(tx, request, "campaigns t"));
    RETURN_IF_ERROR(CompleteCampaigns(tx, contract::LastPart(request.parent()), ByIdOf(*response.mutable_campaigns())));
    return response;
  });
}

absl::StatusOr<v1::Campaign> CampaignService::CreateCampaign(CallContext const& call, v1::CreateCampaignRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Campaign> {
    v1::Campaign campaign = request.campaign();
    campaign.set_name(absl::StrCat(request.parent(), "/campaigns/", IdOr(call, request.campaign_id())));
    campaign.set_state(v1::CAMPAIGN_STATE_DRAFT);
    RETURN_IF_ERROR(HoldPlanHere(tx, campaign.name()));
    FillIn(campaign);
    RETURN_IF_ERROR(Check(tx, campaign));
    RETURN_IF_ERROR(tx.Insert(campaign));
    RETURN_IF_ERROR(StoreCampaignParts(tx, campaign));
    return campaign;
  });
}

absl::StatusOr<v1::Campaign> CampaignService::UpdateCampaign(CallContext const& call, v1::UpdateCampaignRequest const& request) {
  auto const& given = request.campaign();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Campaign> {
    ASSIGN_OR_RETURN(auto campaign, LoadCampaign(tx, given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), campaign.etag(), given.name()));
    RETURN_IF_ERROR(RequireDraft(campaign));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, campaign, "campaign"));
    FillIn(campaign);
    RETURN_IF_ERROR(Check(tx, campaign));
    RETURN_IF_ERROR(StoreCampaignParts(tx, campaign));
    RETURN_IF_ERROR(SaveCampaign(tx, campaign, campaign.state()));
    return campaign;
  });
}

// Residents is asked before the write, and what was asked for must still be what the campaign says by then. A start that died in
// between has left nothing; one that is tried again under the same request_id is answered with what it came to.
absl::StatusOr<v1::Campaign> CampaignService::StartCampaign(CallContext const& call, v1::StartCampaignRequest const& request) {
  ASSIGN_OR_RETURN(auto const day, AsOf(call, request));
  ASSIGN_OR_RETURN(auto const asked, store_.Read(call, [&](ReadTransaction& tx) { return LoadCampaign(tx, request.name()); }));
  std::vector<v1::Recipient> audience;
  if (asked.state() == v1::CAMPAIGN_STATE_DRAFT) {
    ASSIGN_OR_RETURN(auto const households, households_.Fetch(DepartmentsOf(asked), day, call));
    ASSIGN_OR_RETURN(audience, RecipientsOf(asked, households, ToIsoDate(day)));
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Campaign> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.name()));
    ASSIGN_OR_RETURN(auto campaign, LoadCampaign(tx, request.name()));
    RETURN_IF_ERROR(RequireDraft(campaign));
    RETURN_IF_ERROR(storage::CheckEtag(asked.etag(), campaign.etag(), request.name()));
    auto recipients = audience;
    campaign.set_state(v1::CAMPAIGN_STATE_RUNNING);
    *campaign.mutable_as_of_date() = ToProtoDate(day);
    *campaign.mutable_start_time() = Stamp(call.Now());
    RETURN_IF_ERROR(Post(tx, campaign));
    RETURN_IF_ERROR(EnterAudience(tx, campaign, recipients));
    RETURN_IF_ERROR(SaveCampaign(tx, campaign, v1::CAMPAIGN_STATE_DRAFT));
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, request.name()));
    RETURN_IF_ERROR(ledger.Close());
    return LoadCampaign(tx, request.name());
  });
}

absl::StatusOr<v1::Campaign> CampaignService::Move(CallContext const& call, std::string const& name, v1::CampaignState from,
                                                   v1::CampaignState to) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Campaign> {
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, name));
    if (ledger.campaign().state() == to) return LoadCampaign(tx, name);
    if (ledger.campaign().state() != from) return CampaignStateError(ledger.campaign(), "the campaign is in another state");
    ledger.SetState(to);
    RETURN_IF_ERROR(ledger.Close());
    return LoadCampaign(tx, name);
  });
}

absl::StatusOr<v1::Campaign> CampaignService::PauseCampaign(CallContext const& call, v1::PauseCampaignRequest const& request) {
  return Move(call, request.name(), v1::CAMPAIGN_STATE_RUNNING, v1::CAMPAIGN_STATE_PAUSED);
}

absl::StatusOr<v1::Campaign> CampaignService::ResumeCampaign(CallContext const& call, v1::ResumeCampaignRequest const& request) {
  return Move(call, request.name(), v1::CAMPAIGN_STATE_PAUSED, v1::CAMPAIGN_STATE_RUNNING);
}

absl::StatusOr<v1::Campaign> CampaignService::CancelCampaign(CallContext const& call, v1::CancelCampaignRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Campaign> {
    ASSIGN_OR_RETURN(auto campaign, LoadCampaign(tx, request.name()));
    if (campaign.state() == v1::CAMPAIGN_STATE_DRAFT) {
      campaign.set_state(v1::CAMPAIGN_STATE_CANCELLED);
      RETURN_IF_ERROR(SaveCampaign(tx, campaign, v1::CAMPAIGN_STATE_DRAFT));
      return campaign;
    }
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, request.name()));
    auto const state = ledger.campaign().state();
    if (state == v1::CAMPAIGN_STATE_COMPLETED) return CampaignStateError(ledger.campaign(), "the campaign is completed");
    if (state == v1::CAMPAIGN_STATE_RUNNING || state == v1::CAMPAIGN_STATE_PAUSED) {
      ledger.SetState(v1::CAMPAIGN_STATE_CANCELLING);
      RETURN_IF_ERROR(ledger.Close());
    }
    return LoadCampaign(tx, request.name());
  });
}

absl::StatusOr<v1::ListRecipientsResponse> CampaignService::ListRecipients(CallContext const& call,
                                                                           v1::ListRecipientsRequest const& request) {
  auto const key = KeyOf<v1::Campaign>(request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) {
    return PageBelow<v1::ListRecipientsResponse>(tx, request, "campaign_recipients t",
                                                 {{"t.plan = ?", {key[0]}}, {"t.campaign = ?", {key[1]}}});
  });
}

absl::StatusOr<v1::ListDeliveriesResponse> CampaignService::ListDeliveries(CallContext const& call,
                                                                           v1::ListDeliveriesRequest const& request) {
  auto const key = KeyOf<v1::Campaign>(request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) {
    return PageBelow<v1::ListDeliveriesResponse>(tx, request, "deliveries t",
                                                 {{"t.plan = ?", {key[0]}}, {"t.campaign = ?", {key[1]}}});
  });
}

absl::StatusOr<v1::Delivery> CampaignService::ReportDelivery(CallContext const& call, v1::ReportDeliveryRequest const& request) {
  auto const key = KeyOf<v1::Delivery>(request.name());
  bool const delivered = request.report() == v1::DELIVERY_REPORT_DELIVERED;
  auto const when = request.has_deliver_time() ? TimeOf(request.deliver_time()) : call.Now();
  if (when > call.Now()) return BadRequest({{"deliver_time", "must not be in the future"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Delivery> {
    ASSIGN_OR_RETURN(auto const known, tx.Get<v1::Delivery>(request.name()));
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, contract::PatternOfType("helhed.dk/Campaign")->Make({key[0], key[1]})));
    Happened const happened{.what = delivered ? Happening::kDelivered : Happening::kFailed,
                            .at = delivered ? when : call.Now(),
                            .failure = delivered ? v1::DELIVERY_FAILURE_UNSPECIFIED : v1::DELIVERY_FAILURE_BOUNCED};
    if (delivered && known.has_accept_time() && when < TimeOf(known.accept_time())) {
      return BadRequest({{"deliver_time", "must not be before a carrier took the mail"}});
    }
    // Of letters the distributor speaks, by the print run. What nobody has sent nobody can have got.
    bool const sent = known.channel() == v1::CHANNEL_EMAIL && known.has_accept_time();
    ASSIGN_OR_RETURN(bool const entered, sent ? ledger.Enter(key[2], known.channel(), happened) : absl::StatusOr<bool>(false));
    if (!entered) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DELIVERY_STATE,
                   "a mail is reported on that a carrier took and nobody has reported on before",
                   {{"delivery", request.name()}, {"state", contract::EnumText(known.state())}});
    }
    RETURN_IF_ERROR(ledger.Close());
    return tx.Get<v1::Delivery>(request.name());
  });
}

}  // namespace helhed::communications
