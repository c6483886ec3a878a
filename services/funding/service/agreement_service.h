#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/agreement_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of AgreementService, one for each method of the contract, which says what they do and refuse.
class AgreementService {
 public:
  explicit AgreementService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // agreement_service.cc
  absl::StatusOr<v1::Agreement> GetAgreement(CallContext const& call, v1::GetAgreementRequest const& request);
  absl::StatusOr<v1::ListAgreementsResponse> ListAgreements(CallContext const& call, v1::ListAgreementsRequest const& request);
  absl::StatusOr<v1::Agreement> CreateAgreement(CallContext const& call, v1::CreateAgreementRequest const& request);
  absl::StatusOr<v1::ListAgreementVersionsResponse> ListAgreementVersions(CallContext const& call,
                                                                          v1::ListAgreementVersionsRequest const& request);
  absl::StatusOr<v1::AgreementVersion> CreateAgreementVersion(CallContext const& call,
                                                              v1::CreateAgreementVersionRequest const& request);

  // milestones.cc
  absl::StatusOr<v1::Milestone> GetMilestone(CallContext const& call, v1::GetMilestoneRequest const& request);
  absl::StatusOr<v1::ListMilestonesResponse> ListMilestones(CallContext const& call, v1::ListMilestonesRequest const& request);
  absl::StatusOr<v1::Milestone> CreateMilestone(CallContext const& call, v1::CreateMilestoneRequest const& request);
  absl::StatusOr<v1::Milestone> UpdateMilestone(CallContext const& call, v1::UpdateMilestoneRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
