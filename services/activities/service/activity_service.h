#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

#include "helhed/activities/v1/activity_service.pb.h"
#include "services/activities/service/resident_consents.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of ActivityService, one for each method of the contract, which says what they do and refuse.
class ActivityService {
 public:
  ActivityService(Store& store, ResidentConsents consents) : store_(store), consents_(std::move(consents)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // terms.cc
  absl::StatusOr<v1::ActivityType> GetActivityType(CallContext const& call, v1::GetActivityTypeRequest const& request);
  absl::StatusOr<v1::ListActivityTypesResponse> ListActivityTypes(CallContext const& call,
                                                                  v1::ListActivityTypesRequest const& request);
  absl::StatusOr<v1::ActivityType> CreateActivityType(CallContext const& call, v1::CreateActivityTypeRequest const& request);
  absl::StatusOr<v1::ListActivityRulesResponse> ListActivityRules(CallContext const& call,
                                                                  v1::ListActivityRulesRequest const& request);
  absl::StatusOr<v1::ActivityRule> CreateActivityRule(CallContext const& call, v1::CreateActivityRuleRequest const& request);
  absl::StatusOr<v1::SubGoal> GetSubGoal(CallContext const& call, v1::GetSubGoalRequest const& request);
  absl::StatusOr<v1::ListSubGoalsResponse> ListSubGoals(CallContext const& call, v1::ListSubGoalsRequest const& request);
  absl::StatusOr<v1::SubGoal> CreateSubGoal(CallContext const& call, v1::CreateSubGoalRequest const& request);
  absl::StatusOr<v1::SubGoal> UpdateSubGoal(CallContext const& call, v1::UpdateSubGoalRequest const& request);

  // activity_service.cc
  absl::StatusOr<v1::Activity> GetActivity(CallContext const& call, v1::GetActivityRequest const& request);
  absl::StatusOr<v1::ListActivitiesResponse> ListActivities(CallContext const& call, v1::ListActivitiesRequest const& request);
  absl::StatusOr<v1::Activity> CreateActivity(CallContext const& call, v1::CreateActivityRequest const& request);
  absl::StatusOr<v1::Activity> UpdateActivity(CallContext const& call, v1::UpdateActivityRequest const& request);
  absl::StatusOr<v1::Activity> AdvanceActivity(CallContext const& call, v1::AdvanceActivityRequest const& request);

  // proposals.cc
  absl::StatusOr<v1::Proposal> GetProposal(CallContext const& call, v1::GetProposalRequest const& request);
  absl::StatusOr<v1::ListProposalsResponse> ListProposals(CallContext const& call, v1::ListProposalsRequest const& request);
  absl::StatusOr<v1::Proposal> CreateProposal(CallContext const& call, v1::CreateProposalRequest const& request);
  absl::StatusOr<v1::Proposal> AcceptProposal(CallContext const& call, v1::AcceptProposalRequest const& request);
  absl::StatusOr<v1::Proposal> DeclineProposal(CallContext const& call, v1::DeclineProposalRequest const& request);
  absl::StatusOr<v1::Proposal> WithdrawProposal(CallContext const& call, v1::WithdrawProposalRequest const& request);

 private:
  absl::StatusOr<v1::Proposal> Close(CallContext const& call, std::string const& name, v1::ProposalState state,
                                     std::string const& note);

  // FAILED_PRECONDITION CONSENT_MISSING. Nobody is asked about nobody.
  absl::Status CheckConsent(CallContext const& call, std::string const& resident);

  Store& store_;
  ResidentConsents consents_;
};

// Enters a new activity, as a draft.
absl::Status EnterActivity(WriteTransaction& tx, v1::Activity& activity);

}  // namespace helhed::activities
