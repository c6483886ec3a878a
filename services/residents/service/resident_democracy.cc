#include "services/residents/service/resident_democracy.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/democracy_events.pb.h"
#include "services/residents/service/dated_rules.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {

void ResidentDemocracy::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.ResidentDemocracyService", method, this, handler);
  };
  on("GetMandate", &ResidentDemocracy::GetMandate);
  on("ListMandates", &ResidentDemocracy::ListMandates);
  on("CreateMandate", &ResidentDemocracy::CreateMandate);
  on("UpdateMandate", &ResidentDemocracy::UpdateMandate);
  on("FetchEligibleVoters", &ResidentDemocracy::FetchEligibleVoters);
  on("CheckEligibility", &ResidentDemocracy::CheckEligibility);
  on("CountEligibleVotes", &ResidentDemocracy::CountEligibleVotes);
  on("GetVotingRule", &ResidentDemocracy::GetVotingRule);
  on("ListVotingRules", &ResidentDemocracy::ListVotingRules);
  on("CreateVotingRule", &ResidentDemocracy::CreateVotingRule);
}

absl::StatusOr<v1::VotingRule> ResidentDemocracy::GetVotingRule(CallContext const& call,
                                                                v1::GetVotingRuleRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::VotingRule>(request.name()); });
}

absl::StatusOr<v1::ListVotingRulesResponse> ResidentDemocracy::ListVotingRules(CallContext const& call,
                                                                               v1::ListVotingRulesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListVotingRulesResponse>(request, {}); });
}

absl::StatusOr<v1::VotingRule> ResidentDemocracy::CreateVotingRule(CallContext const& call,
                                                                   v1::CreateVotingRuleRequest const& request) {
  auto const start = ToCivil(request.voting_rule().start_date()).value_or(absl::CivilDay());
  if (start <= call.Today()) return BadRequest({{"voting_rule.start_date", "must be after today"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::VotingRule> {
    v1::VotingRule rule = request.voting_rule();
    rule.set_name(absl::StrCat("votingRules/", request.voting_rule_id()));
    RETURN_IF_ERROR(tx.Lock("residents.voting_rules"));
    RETURN_IF_ERROR(RequireFreeVotingDay(tx, start));
    RETURN_IF_ERROR(tx.Insert(rule));
    v1::VotingRuleCreated event;
    *event.mutable_voting_rule() = rule;
    RETURN_IF_ERROR(tx.Append(event, rule.name()));
    return rule;
  });
}

}  // namespace helhed::residents
