#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/funding/service/source_service.h"

// Releasing is an act of its own: money that was approved and by mistake never released is what domain.md 1.3.7 tells of.
namespace helhed::funding {
namespace {

absl::Status AppendChanged(WriteTransaction& tx, v1::Release const& release) {
  v1::ReleaseChanged event;
  *event.mutable_release() = release;
  return tx.Append(event, release.name(), PlanOf(release.name()));
}

// The release that is to be decided on.
absl::StatusOr<v1::Release> LoadProposed(WriteTransaction& tx, std::string const& name, std::string const& etag) {
  ASSIGN_OR_RETURN(auto release, tx.Get<v1::Release>(name));
  CompleteMoney(release);
  RETURN_IF_ERROR(storage::CheckEtag(etag, release.etag(), name));
  if (release.state() == v1::PROPOSAL_STATE_PROPOSED) return release;
  return AlreadyDecided(name, release.state() == v1::PROPOSAL_STATE_APPROVED ? "APPROVED" : "REJECTED");
}

void Decide(CallContext const& call, v1::Release& release, v1::ProposalState state) {
  release.set_state(state);
  release.set_decided_by(call.identity().subject());
  std::int64_t const micros = absl::ToUnixMicros(call.Now());
  release.mutable_decide_time()->set_seconds(micros / 1'000'000);
  release.mutable_decide_time()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
}

// M4: no more than is approved, looked at again when it is booked.
absl::Status CheckRelease(MoneySession& session, v1::Source const& source, v1::Release const& release) {
  auto const totals = session.Totals(source.name());
  RETURN_IF_ERROR(CheckAct(source, SourceAct::kRelease, totals));
  Ore const amount = release.amount().minor_units();
  if (amount <= totals.approved) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BEYOND_APPROVED,
               absl::StrCat(source.name(), " has ", ToKroner(totals.approved), " kr. approved and not released, not ",
                            ToKroner(amount), "."),
               {{"source", source.name()},
                {"amount", absl::StrCat(amount)},
                {"available", absl::StrCat(totals.approved)},
                {"missing", absl::StrCat(amount - totals.approved)}});
}

}  // namespace

absl::StatusOr<v1::Release> SourceService::GetRelease(CallContext const& call, v1::GetReleaseRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Release> {
    ASSIGN_OR_RETURN(auto release, tx.Get<v1::Release>(request.name()));
    return WithMoney(std::move(release));
  });
}

absl::StatusOr<v1::ListReleasesResponse> SourceService::ListReleases(CallContext const& call,
                                                                     v1::ListReleasesRequest const& request) {
  return store_.Read(call,
                     [&](ReadTransaction& tx) { return ListOfSource<v1::ListReleasesResponse>(tx, request, "releases", "r"); });
}

absl::StatusOr<v1::Release> SourceService::CreateRelease(CallContext const& call, v1::CreateReleaseRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckAmount(request.release().amount(), "release.amount", Sign::kPositive, violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Release> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.parent(), false));
    RETURN_IF_ERROR(session->RequireRunning());
    ASSIGN_OR_RETURN(auto const* const source, session->Source(request.parent()));
    v1::Release release = request.release();
    release.set_name(absl::StrCat(request.parent(), "/releases/", IdOr(call, request.release_id())));
    RETURN_IF_ERROR(CheckRelease(*session, *source, release));
    release.set_state(v1::PROPOSAL_STATE_PROPOSED);
    release.set_proposed_by(call.identity().subject());
    RETURN_IF_ERROR(tx.Insert(release));
    RETURN_IF_ERROR(AppendChanged(tx, release));
    return release;
  });
}

absl::StatusOr<v1::Release> SourceService::ApproveRelease(CallContext const& call, v1::ApproveReleaseRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Release> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    RETURN_IF_ERROR(session->RequireRunning());
    ASSIGN_OR_RETURN(auto release, LoadProposed(tx, request.name(), request.etag()));
    RETURN_IF_ERROR(RequireFourEyes(call, release.name(), release.proposed_by()));
    std::string const source_name(contract::ParentOf(release.name()));
    ASSIGN_OR_RETURN(auto const* const source, session->Source(source_name));
    RETURN_IF_ERROR(CheckRelease(*session, *source, release));
    Draft draft;
    draft.kind = v1::ENTRY_KIND_RELEASE;
    draft.date = ToCivil(release.release_date()).value_or(call.Today());
    draft.source = source_name;
    draft.cause = release.name();
    draft.voucher = release.voucher();
    draft.made_by = release.proposed_by();
    draft.approved_by = call.identity().subject();
    draft.moves = {
        session->MoveOf(v1::ACCOUNT_KIND_RELEASED, v1::ACCOUNT_KIND_APPROVED, release.amount().minor_units(), source_name)};
    ASSIGN_OR_RETURN(auto entry, session->Book(draft));
    RETURN_IF_ERROR(session->Save());
    Decide(call, release, v1::PROPOSAL_STATE_APPROVED);
    release.set_entry(std::move(entry));
    RETURN_IF_ERROR(tx.Update(release));
    RETURN_IF_ERROR(AppendChanged(tx, release));
    return release;
  });
}

absl::StatusOr<v1::Release> SourceService::RejectRelease(CallContext const& call, v1::RejectReleaseRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Release> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    ASSIGN_OR_RETURN(auto release, LoadProposed(tx, request.name(), request.etag()));
    Decide(call, release, v1::PROPOSAL_STATE_REJECTED);
    RETURN_IF_ERROR(tx.Update(release));
    RETURN_IF_ERROR(AppendChanged(tx, release));
    return release;
  });
}

}  // namespace helhed::funding
