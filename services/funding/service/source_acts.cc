#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/funding/service/source_entries.h"
#include "services/funding/service/source_service.h"

// What somebody does to a source. The books follow at once: approving, lapsing and repaying are entries.
namespace helhed::funding {
namespace {

bool IsHours(v1::Source const& source) { return source.contribution() == v1::CONTRIBUTION_IN_KIND_HOURS; }

// Only what is exact and wholly in the budget is approved: so what is approved and the budget are equal for good (M2).
absl::Status CheckApproval(WriteTransaction& tx, v1::Source const& source) {
  if (source.precision() != v1::PRECISION_EXACT) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_AMOUNT_APPROXIMATE,
                 absl::StrCat("The amount of ", source.name(), " is stated as about; make it exact first."),
                 {{"source", source.name()}});
  }
  ASSIGN_OR_RETURN(Ore const budgeted, BudgetedOf(tx, source.name()));
  Ore const amount = source.amount().minor_units();
  if (budgeted == amount) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BUDGET_UNEQUAL,
               absl::StrCat(source.name(), " contributes ", ToKroner(amount), " kr. and the budget spends ", ToKroner(budgeted),
                            " kr. of it."),
               {{"source", source.name()},
                {"source_amount", absl::StrCat(amount)},
                {"budget_amount", absl::StrCat(budgeted)},
                {"difference", absl::StrCat(amount - budgeted)}});
}

// What an act books: nothing for hours, which never enter the books (M12).
std::vector<Move> MovesOf(MoneySession const& session, SourceAct act, v1::Source const& source, SourceTotals const& totals) {
  std::vector<Move> moves;
  if (IsHours(source)) return moves;
  if (act == SourceAct::kApprove && source.amount().minor_units() > 0) {
    moves.push_back(
        session.MoveOf(v1::ACCOUNT_KIND_APPROVED, v1::ACCOUNT_KIND_GRANTED, source.amount().minor_units(), source.name()));
  }
  bool const lapses = act == SourceAct::kRepay || act == SourceAct::kLapse;
  if (act == SourceAct::kRepay && totals.released > 0) moves.push_back(RepaymentOf(session, source, totals.released));
  if (lapses && totals.approved > 0) moves.push_back(LapseOf(session, source, totals.approved));
  return moves;
}

v1::EntryKind KindOf(SourceAct act) {
  if (act == SourceAct::kApprove) return v1::ENTRY_KIND_APPROVAL;
  return act == SourceAct::kLapse ? v1::ENTRY_KIND_LAPSE : v1::ENTRY_KIND_REPAYMENT;
}

template <typename Request>
absl::StatusOr<v1::Source> Act(Store& store, CallContext const& call, Request const& request, SourceAct act) {
  absl::CivilDay date = call.Today();
  if (request.has_act_date()) {
    ASSIGN_OR_RETURN(date, ReadDate(request.act_date(), "act_date"));
  }
  return store.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Source> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name()));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto* const source, session->Source(request.name()));
    RETURN_IF_ERROR(CheckAct(*source, act, session->Totals(source->name())));
    if (act == SourceAct::kApprove) {
      RETURN_IF_ERROR(CheckApproval(tx, *source));
      *source->mutable_approval() = request.voucher();
      *source->mutable_approve_date() = ToProtoDate(date);
    }
    if (act == SourceAct::kPledge) *source->mutable_pledge() = request.voucher();
    auto draft = DraftAbout(call, KindOf(act), date, *source, source->name(), request.voucher());
    draft.moves = MovesOf(*session, act, *source, session->Totals(source->name()));
    if (!draft.moves.empty()) {
      RETURN_IF_ERROR(session->Book(draft).status());
    }
    // What lapses in part lives on with the rest.
    bool const lives_on = act == SourceAct::kLapse && session->Totals(source->name()).granted > 0;
    if (!lives_on) source->set_state(StateAfter(act));
    session->Touch(source->name());
    RETURN_IF_ERROR(session->Save());
    v1::Source* const one[] = {source};
    RETURN_IF_ERROR(CompleteSources(tx, session->plan().name, one));
    return *source;
  });
}

}  // namespace

absl::StatusOr<v1::Source> SourceService::PledgeSource(CallContext const& call, v1::PledgeSourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kPledge);
}
absl::StatusOr<v1::Source> SourceService::ApproveSource(CallContext const& call, v1::ApproveSourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kApprove);
}
absl::StatusOr<v1::Source> SourceService::LapseSource(CallContext const& call, v1::LapseSourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kLapse);
}
absl::StatusOr<v1::Source> SourceService::ReconcileSource(CallContext const& call, v1::ReconcileSourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kReconcile);
}
absl::StatusOr<v1::Source> SourceService::DemandRepaymentSource(CallContext const& call,
                                                                v1::DemandRepaymentSourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kDemandRepayment);
}
absl::StatusOr<v1::Source> SourceService::RepaySource(CallContext const& call, v1::RepaySourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kRepay);
}
absl::StatusOr<v1::Source> SourceService::CloseSource(CallContext const& call, v1::CloseSourceRequest const& request) {
  return Act(store_, call, request, SourceAct::kClose);
}

}  // namespace helhed::funding
