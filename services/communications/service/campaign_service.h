#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

#include "helhed/communications/v1/campaign_service.pb.h"
#include "services/communications/service/household_register.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of CampaignService, one for each method of the contract, which says what they do and refuse.
class CampaignService {
 public:
  CampaignService(Store& store, HouseholdRegister households) : store_(store), households_(std::move(households)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Campaign> GetCampaign(CallContext const& call, v1::GetCampaignRequest const& request);
  absl::StatusOr<v1::ListCampaignsResponse> ListCampaigns(CallContext const& call, v1::ListCampaignsRequest const& request);
  absl::StatusOr<v1::Campaign> CreateCampaign(CallContext const& call, v1::CreateCampaignRequest const& request);
  absl::StatusOr<v1::Campaign> UpdateCampaign(CallContext const& call, v1::UpdateCampaignRequest const& request);
  absl::StatusOr<v1::Campaign> StartCampaign(CallContext const& call, v1::StartCampaignRequest const& request);
  absl::StatusOr<v1::Campaign> PauseCampaign(CallContext const& call, v1::PauseCampaignRequest const& request);
  absl::StatusOr<v1::Campaign> ResumeCampaign(CallContext const& call, v1::ResumeCampaignRequest const& request);
  absl::StatusOr<v1::Campaign> CancelCampaign(CallContext const& call, v1::CancelCampaignRequest const& request);
  absl::StatusOr<v1::ListRecipientsResponse> ListRecipients(CallContext const& call, v1::ListRecipientsRequest const& request);
  absl::StatusOr<v1::ListDeliveriesResponse> ListDeliveries(CallContext const& call, v1::ListDeliveriesRequest const& request);
  absl::StatusOr<v1::Delivery> ReportDelivery(CallContext const& call, v1::ReportDeliveryRequest const& request);

  // campaign_proof.cc
  absl::StatusOr<v1::CampaignProof> VerifyCampaign(CallContext const& call, v1::VerifyCampaignRequest const& request);

 private:
  absl::StatusOr<v1::Campaign> Move(CallContext const& call, std::string const& name, v1::CampaignState from,
                                    v1::CampaignState to);

  Store& store_;
  HouseholdRegister households_;
};

}  // namespace helhed::communications
