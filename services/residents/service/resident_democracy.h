#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "helhed/residents/v1/democracy_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of ResidentDemocracyService, one for each method of the contract, which says what they do and refuse.
class ResidentDemocracy {
 public:
  explicit ResidentDemocracy(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // mandates.cc
  absl::StatusOr<v1::Mandate> GetMandate(CallContext const& call, v1::GetMandateRequest const& request);
  absl::StatusOr<v1::ListMandatesResponse> ListMandates(CallContext const& call, v1::ListMandatesRequest const& request);
  absl::StatusOr<v1::Mandate> CreateMandate(CallContext const& call, v1::CreateMandateRequest const& request);
  absl::StatusOr<v1::Mandate> UpdateMandate(CallContext const& call, v1::UpdateMandateRequest const& request);

  // voters.cc
  absl::StatusOr<v1::FetchEligibleVotersResponse> FetchEligibleVoters(CallContext const& call,
                                                                      v1::FetchEligibleVotersRequest const& request);
  absl::StatusOr<v1::CheckEligibilityResponse> CheckEligibility(CallContext const& call,
                                                                v1::CheckEligibilityRequest const& request);
  absl::StatusOr<v1::CountEligibleVotesResponse> CountEligibleVotes(CallContext const& call,
                                                                    v1::CountEligibleVotesRequest const& request);

  // resident_democracy.cc
  absl::StatusOr<v1::VotingRule> GetVotingRule(CallContext const& call, v1::GetVotingRuleRequest const& request);
  absl::StatusOr<v1::ListVotingRulesResponse> ListVotingRules(CallContext const& call, v1::ListVotingRulesRequest const& request);
  absl::StatusOr<v1::VotingRule> CreateVotingRule(CallContext const& call, v1::CreateVotingRuleRequest const& request);

 private:
  Store& store_;
};

// Removes the mandates of a person who is erased.
absl::Status DeleteMandatesOf(WriteTransaction& tx, std::string_view resident);

}  // namespace helhed::residents
