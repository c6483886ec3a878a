#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/funding/v1/regulation.pb.h"
#include "services/funding/service/resident_democracy.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of DecisionService, one for each method of the contract, which says what they do and refuse.
class DecisionService {
 public:
  DecisionService(Store& store, ResidentDemocracy residents) : store_(store), residents_(std::move(residents)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // decisions.cc
  absl::StatusOr<v1::Decision> GetDecision(CallContext const& call, v1::GetDecisionRequest const& request);
  absl::StatusOr<v1::ListDecisionsResponse> ListDecisions(CallContext const& call, v1::ListDecisionsRequest const& request);
  absl::StatusOr<v1::Decision> CreateDecision(CallContext const& call, v1::CreateDecisionRequest const& request);
  absl::StatusOr<v1::Decision> CallMeeting(CallContext const& call, v1::CallMeetingRequest const& request);
  absl::StatusOr<v1::Decision> SendMaterial(CallContext const& call, v1::SendMaterialRequest const& request);
  absl::StatusOr<v1::Decision> HoldMeeting(CallContext const& call, v1::HoldMeetingRequest const& request);
  absl::StatusOr<v1::Decision> RegisterTurnout(CallContext const& call, v1::RegisterTurnoutRequest const& request);
  absl::StatusOr<v1::Decision> OpenDigitalWindow(CallContext const& call, v1::OpenDigitalWindowRequest const& request);
  absl::StatusOr<v1::Decision> RequestBallot(CallContext const& call, v1::RequestBallotRequest const& request);
  absl::StatusOr<v1::Decision> OpenBallot(CallContext const& call, v1::OpenBallotRequest const& request);
  absl::StatusOr<v1::Decision> CountVotes(CallContext const& call, v1::CountVotesRequest const& request);
  absl::StatusOr<v1::Decision> OverrideDecision(CallContext const& call, v1::OverrideDecisionRequest const& request);
  absl::StatusOr<v1::Decision> ConfirmRejection(CallContext const& call, v1::ConfirmRejectionRequest const& request);
  absl::StatusOr<v1::Decision> AnnulDecision(CallContext const& call, v1::AnnulDecisionRequest const& request);

  // approvals.cc
  absl::StatusOr<v1::Approval> GetApproval(CallContext const& call, v1::GetApprovalRequest const& request);
  absl::StatusOr<v1::ListApprovalsResponse> ListApprovals(CallContext const& call, v1::ListApprovalsRequest const& request);
  absl::StatusOr<v1::Approval> CreateApproval(CallContext const& call, v1::CreateApprovalRequest const& request);
  absl::StatusOr<v1::Approval> AnnulApproval(CallContext const& call, v1::AnnulApprovalRequest const& request);

 private:
  // What an act does, within the transaction that stores the decision afterwards.
  using Change = absl::FunctionRef<absl::Status(WriteTransaction&, v1::VotingRules const&, v1::Decision&)>;
  // Does an act on a decision of a plan in local decision, and stores what it came to.
  absl::StatusOr<v1::Decision> Do(CallContext const& call, std::string const& name, std::string const& etag, Change change);

  Store& store_;
  ResidentDemocracy residents_;
};

}  // namespace helhed::funding
