#include <absl/strings/str_cat.h>

#include <utility>

#include "helhed/funding/v1/agreement.pb.h"
#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "helhed/funding/v1/extension.pb.h"
#include "helhed/funding/v1/merge.pb.h"
#include "services/funding/domain/plan_life.h"
#include "services/funding/service/decision_service.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

using storage::Statement;

static_assert(v1::APPROVAL_STATE_STANDING == 1);
Statement const kStanding("funding.standing_approval",
                          "SELECT approval FROM approvals WHERE plan = $1 AND party = $2 AND organisation = $3 AND stage = $4 "
                          "AND subject = $5 AND state = 1");

absl::Status AppendChanged(WriteTransaction& tx, v1::Approval const& approval) {
  v1::ApprovalChanged event;
  event.set_approval(approval.name());
  event.set_party(approval.party());
  event.set_organisation(approval.organisation());
  event.set_stage(approval.stage());
  event.set_subject(approval.subject());
  event.set_outcome(approval.outcome());
  event.set_state(approval.state());
  return tx.Append(event, approval.name(), PlanOf(approval.name()));
}

absl::Status Check(v1::Approval const& approval, absl::CivilDay today) {
  std::vector<FieldViolation> violations;
  bool const decides = approval.party() == v1::PARTY_ORGANISATION || approval.party() == v1::PARTY_MUNICIPALITY ||
                       approval.party() == v1::PARTY_FUND;
  if (!decides) violations.push_back({"approval.party", "must be ORGANISATION, MUNICIPALITY or FUND"});
  if ((approval.party() == v1::PARTY_ORGANISATION) == approval.organisation().empty()) {
    violations.push_back({"approval.organisation", "must be set when an organisation decided, and only then"});
  }
  auto const decided = ToCivil(approval.decide_date());
  if (!decided || *decided > today) violations.push_back({"approval.decide_date", "must be a date not later than today"});
  if (approval.evidence().sha256().empty()) violations.push_back({"approval.evidence.sha256", "must be set"});
  return Verdict(std::move(violations));
}

// The role of the policy file that whoever decides for a party holds: for the plan, or in the organisation that decides.
std::string_view RoleOf(v1::Party party) {
  if (party == v1::PARTY_FUND) return "fund";
  return party == v1::PARTY_MUNICIPALITY ? "municipality" : "housing-organisation";
}

// What a party has decided is entered and annulled by itself, or by who runs the installation for what comes on paper: not by
// the plan, which lives from it, nor by one party for another.
absl::Status RequireOfParty(CallContext const& call, v1::Approval const& approval) {
  bool const of_one = approval.party() == v1::PARTY_ORGANISATION;
  std::string_view const plan = PlanOf(approval.name());
  std::string_view const where = of_one ? std::string_view(approval.organisation()) : plan;
  for (auto const& grant : call.identity().grants()) {
    if (grant.role() == "operator" && contract::Covers(grant.scope(), plan)) return absl::OkStatus();
    if (grant.role() == RoleOf(approval.party()) && contract::Covers(grant.scope(), where)) return absl::OkStatus();
  }
  std::string const party = contract::EnumText(approval.party());
  ErrorMetadata metadata = {{"party", party}};
  if (of_one) metadata["organisation"] = approval.organisation();
  return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NOT_OF_PARTY,
               "what a party decides is entered by who belongs to it", std::move(metadata));
}

// What is approved besides the plan itself lies below the same plan: an extension, or a version of an agreement, which is entered
// once it is approved.
absl::Status CheckSubject(ReadTransaction& tx, std::string const& subject, std::string_view plan) {
  if (subject.empty()) return absl::OkStatus();
  auto const wrong =
      BadRequest({{"approval.subject", "must be an extension, a merge, or a version of an agreement, of the plan, or empty"}});
  if (PlanOf(subject) != plan) return wrong;
  if (contract::PatternOf(*v1::Extension::descriptor())->Fits(subject)) return tx.Get<v1::Extension>(subject).status();
  if (contract::PatternOf(*v1::PlanMerge::descriptor())->Fits(subject)) return tx.Get<v1::PlanMerge>(subject).status();
  if (contract::PatternOf(*v1::AgreementVersion::descriptor())->Fits(subject)) {
    return tx.Get<v1::Agreement>(contract::ParentOf(subject)).status();
  }
  return wrong;
}

absl::Status CheckNoneStands(ReadTransaction& tx, v1::Approval const& approval) {
  auto const organisation = contract::LastPart(approval.organisation());
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kStanding, {PlanIdOf(approval.name()), static_cast<std::int64_t>(approval.party()), organisation,
                                        static_cast<std::int64_t>(approval.stage()), std::string_view(approval.subject())}));
  if (rows.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_DECISION_STANDS,
               "this party has decided on this already; annul that first",
               {{"resource", absl::StrCat(Av(PlanOf(approval.name())), "/approvals/", rows.Text(0, 0))}});
}

}  // namespace

absl::StatusOr<v1::Approval> DecisionService::GetApproval(CallContext const& call, v1::GetApprovalRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Approval>(request.name()); });
}

absl::StatusOr<v1::ListApprovalsResponse> DecisionService::ListApprovals(CallContext const& call,
                                                                         v1::ListApprovalsRequest const& request) {
  return ListBelowPlan<v1::ListApprovalsResponse>(store_, call, request, "approvals t");
}

absl::StatusOr<v1::Approval> DecisionService::CreateApproval(CallContext const& call, v1::CreateApprovalRequest const& request) {
  RETURN_IF_ERROR(Check(request.approval(), call.Today()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Approval> {
    RETURN_IF_ERROR(LockPlan(tx, request.parent()));
    v1::Approval approval = request.approval();
    approval.set_name(absl::StrCat(request.parent(), "/approvals/", IdOr(call, request.approval_id())));
    approval.set_state(v1::APPROVAL_STATE_STANDING);
    RETURN_IF_ERROR(RequireOfParty(call, approval));
    RETURN_IF_ERROR(CheckSubject(tx, approval.subject(), request.parent()));
    RETURN_IF_ERROR(CheckNoneStands(tx, approval));
    RETURN_IF_ERROR(tx.Insert(approval));
    RETURN_IF_ERROR(AppendChanged(tx, approval));
    return approval;
  });
}

absl::StatusOr<v1::Approval> DecisionService::AnnulApproval(CallContext const& call, v1::AnnulApprovalRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Approval> {
    RETURN_IF_ERROR(LockPlan(tx, request.name()));
    ASSIGN_OR_RETURN(auto approval, tx.Get<v1::Approval>(request.name()));
    RETURN_IF_ERROR(RequireOfParty(call, approval));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), approval.etag(), approval.name()));
    if (approval.state() != v1::APPROVAL_STATE_STANDING) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DECISION_STATE, "it was annulled before",
                   {{"decision", approval.name()}, {"state", "ANNULLED"}, {"allowed", ""}});
    }
    approval.set_state(v1::APPROVAL_STATE_ANNULLED);
    approval.set_annul_reason(request.reason());
    *approval.mutable_annul_date() = ToProtoDate(call.Today());
    RETURN_IF_ERROR(tx.Update(approval));
    RETURN_IF_ERROR(AppendChanged(tx, approval));
    return approval;
  });
}

}  // namespace helhed::funding
