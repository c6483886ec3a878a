#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/service/activity_service.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::activities {
namespace {

// SQLite has one writer; PostgreSQL compares the revision when the proposal is stored, and who comes second is refused as
// ABORTED.
absl::StatusOr<v1::Proposal> Submitted(ReadTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto proposal, tx.Get<v1::Proposal>(name));
  if (proposal.state() == v1::PROPOSAL_STATE_SUBMITTED) return proposal;
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PROPOSAL_REVIEWED,
               "the proposal was reviewed or withdrawn", {{"proposal", name}, {"state", contract::EnumText(proposal.state())}});
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Proposal const& proposal) {
  v1::ProposalChanged event;
  event.set_proposal(proposal.name());
  event.set_state(proposal.state());
  event.set_activity(proposal.activity());
  return tx.Append(event, proposal.name(), PlanOf(proposal.name()));
}

}  // namespace

absl::StatusOr<v1::Proposal> ActivityService::GetProposal(CallContext const& call, v1::GetProposalRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Proposal>(request.name()); });
}

absl::StatusOr<v1::ListProposalsResponse> ActivityService::ListProposals(CallContext const& call,
                                                                         v1::ListProposalsRequest const& request) {
  return ListBelow<v1::ListProposalsResponse>(store_, call, request, "proposals t");
}

// P4: who wants to be known has said so to the register, too. Who does not proposes without a name.
absl::Status ActivityService::CheckConsent(CallContext const& call, std::string const& resident) {
  if (resident.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const rule, store_.Read(call, [&](ReadTransaction& tx) { return RuleOn(tx, call.Today()); }));
  return consents_.Require(resident, rule.purpose(), call);
}

absl::StatusOr<v1::Proposal> ActivityService::CreateProposal(CallContext const& call, v1::CreateProposalRequest const& request) {
  RETURN_IF_ERROR(CheckConsent(call, request.proposal().resident()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Proposal> {
    v1::Proposal proposal = request.proposal();
    proposal.set_name(absl::StrCat(request.parent(), "/proposals/", IdOr(call, request.proposal_id())));
    proposal.set_state(v1::PROPOSAL_STATE_SUBMITTED);
    RETURN_IF_ERROR(tx.Insert(proposal));
    RETURN_IF_ERROR(AppendChanged(tx, proposal));
    tx.AnswerIsAbout(proposal.resident());
    return proposal;
  });
}

absl::StatusOr<v1::Proposal> ActivityService::AcceptProposal(CallContext const& call, v1::AcceptProposalRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Proposal> {
    ASSIGN_OR_RETURN(auto proposal, Submitted(tx, request.name()));
    v1::Activity activity = request.activity();
    activity.set_name(absl::StrCat(PlanOf(request.name()), "/activities/", IdOr(call, request.activity_id())));
    if (activity.description().empty()) activity.set_description(proposal.description());
    RETURN_IF_ERROR(EnterActivity(tx, activity));
    proposal.set_state(v1::PROPOSAL_STATE_ACCEPTED);
    proposal.set_review_note(request.note());
    proposal.set_activity(activity.name());
    RETURN_IF_ERROR(tx.Update(proposal));
    RETURN_IF_ERROR(AppendChanged(tx, proposal));
    tx.AnswerIsAbout(proposal.resident());
    return proposal;
  });
}

absl::StatusOr<v1::Proposal> ActivityService::Close(CallContext const& call, std::string const& name, v1::ProposalState state,
                                                    std::string const& note) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Proposal> {
    ASSIGN_OR_RETURN(auto proposal, Submitted(tx, name));
    proposal.set_state(state);
    proposal.set_review_note(note);
    RETURN_IF_ERROR(tx.Update(proposal));
    RETURN_IF_ERROR(AppendChanged(tx, proposal));
    tx.AnswerIsAbout(proposal.resident());
    return proposal;
  });
}

absl::StatusOr<v1::Proposal> ActivityService::DeclineProposal(CallContext const& call,
                                                              v1::DeclineProposalRequest const& request) {
  return Close(call, request.name(), v1::PROPOSAL_STATE_DECLINED, request.note());
}

absl::StatusOr<v1::Proposal> ActivityService::WithdrawProposal(CallContext const& call,
                                                               v1::WithdrawProposalRequest const& request) {
  return Close(call, request.name(), v1::PROPOSAL_STATE_WITHDRAWN, "");
}

}  // namespace helhed::activities
