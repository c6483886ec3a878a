#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/budget_service.h"
#include "services/funding/service/budget_versions.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

storage::Statement const kMoves("funding.reallocation_moves",
                                "SELECT focus_area, cost_kind, source, year, change_minor_units FROM reallocation_moves "
                                "WHERE plan = $1 AND reallocation = $2 ORDER BY position");
storage::Statement const kNewMove(
    "funding.new_reallocation_move",
    "INSERT INTO reallocation_moves (plan, reallocation, position, focus_area, cost_kind, source, year, "
    "change_minor_units) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");

absl::StatusOr<v1::Reallocation> Load(ReadTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto reallocation, tx.Get<v1::Reallocation>(name));
  auto const plan = PlanOf(name);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMoves, {contract::LastPart(plan), contract::LastPart(name)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& move = *reallocation.add_moves();
    move.set_focus_area(rows.Text(i, 0));
    move.set_cost_kind(rows.Text(i, 1));
    move.set_source(absl::StrCat(Av(plan), "/sources/", rows.Text(i, 2)));
    move.set_year(static_cast<std::int32_t>(rows.Int64(i, 3)));
    *move.mutable_change() = ToMoney(rows.Int64(i, 4));
  }
  return WithMoney(std::move(reallocation));
}

absl::Status StoreMoves(WriteTransaction& tx, v1::Reallocation const& reallocation) {
  for (int i = 0; i < reallocation.moves_size(); ++i) {
    auto const& move = reallocation.moves(i);
    RETURN_IF_ERROR(
        tx.Enqueue(kNewMove, {PlanIdOf(reallocation.name()), contract::LastPart(reallocation.name()), std::int64_t{i},
                              std::string_view(move.focus_area()), std::string_view(move.cost_kind()),
                              contract::LastPart(move.source()), std::int64_t{move.year()}, move.change().minor_units()}));
  }
  return absl::OkStatus();
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Reallocation const& reallocation) {
  v1::ReallocationChanged event;
  event.set_reallocation(reallocation.name());
  event.set_state(reallocation.state());
  *event.mutable_moved_between_focus_areas() = reallocation.moved_between_focus_areas();
  return tx.Append(event, reallocation.name(), PlanOf(reallocation.name()));
}

// What the reallocation comes to with the budget as it is now, entered in `reallocation`.
absl::StatusOr<Reallocated> Weigh(WriteTransaction& tx, MoneySession const& session, BudgetState const& state,
                                  v1::Reallocation& reallocation, std::optional<std::int64_t>& threshold) {
  std::vector<v1::BudgetMove> const moves(reallocation.moves().begin(), reallocation.moves().end());
  ASSIGN_OR_RETURN(auto result, CheckReallocation(moves, LinesOf(state.lines), state.frame));
  ASSIGN_OR_RETURN(auto const regulation, LoadRegulation(tx, session.plan().regulation));
  if (regulation.has_reallocation_threshold_basis_points()) threshold = regulation.reallocation_threshold_basis_points();
  Ore total = 0;
  for (auto const& [_, amount] : result.amounts) {
    ASSIGN_OR_RETURN(total, Add(total, amount));
  }
  *reallocation.mutable_moved_between_focus_areas() = ToMoney(result.moved_between_focus_areas);
  reallocation.set_needs_fund_approval(NeedsFundApproval(result.moved_between_focus_areas, total, threshold));
  return result;
}

// M7: above the threshold the fund has to have approved it.
absl::Status CheckFundApproval(v1::Reallocation const& reallocation, BudgetState const& state,
                               std::optional<std::int64_t> threshold) {
  if (!reallocation.needs_fund_approval() || !reallocation.approval_reference().empty()) return absl::OkStatus();
  Ore total = 0;
  for (auto const& line : state.lines) {
    ASSIGN_OR_RETURN(total, Add(total, line.amount().minor_units()));
  }
  ErrorMetadata metadata = {{"moved", absl::StrCat(reallocation.moved_between_focus_areas().minor_units())},
                            {"total", absl::StrCat(total)}};
  if (threshold) metadata.emplace("threshold_basis_points", absl::StrCat(*threshold));
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_FUND_APPROVAL_MISSING,
               absl::StrCat("It moves ", ToKroner(reallocation.moved_between_focus_areas().minor_units()),
                            " kr. between focus areas, which needs the fund's approval: name it in approval_reference."),
               std::move(metadata));
}

absl::StatusOr<v1::Reallocation> LoadProposed(WriteTransaction& tx, std::string const& name, std::string const& etag) {
  ASSIGN_OR_RETURN(auto reallocation, Load(tx, name));
  RETURN_IF_ERROR(storage::CheckEtag(etag, reallocation.etag(), name));
  if (reallocation.state() == v1::PROPOSAL_STATE_PROPOSED) return reallocation;
  return AlreadyDecided(name, reallocation.state() == v1::PROPOSAL_STATE_APPROVED ? "APPROVED" : "REJECTED");
}

void Decide(CallContext const& call, v1::Reallocation& reallocation, v1::ProposalState state) {
  reallocation.set_state(state);
  reallocation.set_decided_by(call.identity().subject());
  std::int64_t const micros = absl::ToUnixMicros(call.Now());
  reallocation.mutable_decide_time()->set_seconds(micros / 1'000'000);
  reallocation.mutable_decide_time()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
}

}  // namespace

absl::StatusOr<v1::Reallocation> BudgetService::GetReallocation(CallContext const& call,
                                                                v1::GetReallocationRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return Load(tx, request.name()); });
}

absl::StatusOr<v1::ListReallocationsResponse> BudgetService::ListReallocations(CallContext const& call,
                                                                               v1::ListReallocationsRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return ListOfPlan<v1::ListReallocationsResponse>(tx, request, "reallocations", "r"); });
}

absl::StatusOr<v1::Reallocation> BudgetService::CreateReallocation(CallContext const& call,
                                                                   v1::CreateReallocationRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Reallocation> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.parent()));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto const state, LoadBudgetState(tx, *session));
    v1::Reallocation reallocation = request.reallocation();
    reallocation.set_name(absl::StrCat(request.parent(), "/reallocations/", IdOr(call, request.reallocation_id())));
    std::optional<std::int64_t> threshold;
    RETURN_IF_ERROR(Weigh(tx, *session, state, reallocation, threshold).status());
    reallocation.set_state(v1::PROPOSAL_STATE_PROPOSED);
    reallocation.set_proposed_by(call.identity().subject());
    RETURN_IF_ERROR(tx.Insert(reallocation));
    RETURN_IF_ERROR(StoreMoves(tx, reallocation));
    RETURN_IF_ERROR(AppendChanged(tx, reallocation));
    return reallocation;
  });
}

absl::StatusOr<v1::Reallocation> BudgetService::ApproveReallocation(CallContext const& call,
                                                                    v1::ApproveReallocationRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Reallocation> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name()));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto reallocation, LoadProposed(tx, request.name(), request.etag()));
    RETURN_IF_ERROR(RequireFourEyes(call, reallocation.name(), reallocation.proposed_by()));
    if (!request.approval_reference().empty()) reallocation.set_approval_reference(request.approval_reference());
    // The budget may have changed since it was proposed.
    ASSIGN_OR_RETURN(auto const state, LoadBudgetState(tx, *session));
    std::optional<std::int64_t> threshold;
    ASSIGN_OR_RETURN(auto const result, Weigh(tx, *session, state, reallocation, threshold));
    RETURN_IF_ERROR(CheckFundApproval(reallocation, state, threshold));
    v1::Budget budget;
    budget.set_occasion(v1::BUDGET_OCCASION_REALLOCATION);
    budget.set_reason(reallocation.reason());
    budget.set_reallocation(reallocation.name());
    budget.set_made_by(reallocation.proposed_by());
    budget.set_approved_by(call.identity().subject());
    ASSIGN_OR_RETURN(auto const made, StoreVersion(tx, *session, state, result.amounts, std::move(budget)));
    Decide(call, reallocation, v1::PROPOSAL_STATE_APPROVED);
    reallocation.set_budget(made.name());
    RETURN_IF_ERROR(tx.Update(reallocation));
    RETURN_IF_ERROR(AppendChanged(tx, reallocation));
    return reallocation;
  });
}

absl::StatusOr<v1::Reallocation> BudgetService::RejectReallocation(CallContext const& call,
                                                                   v1::RejectReallocationRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Reallocation> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    ASSIGN_OR_RETURN(auto reallocation, LoadProposed(tx, request.name(), request.etag()));
    Decide(call, reallocation, v1::PROPOSAL_STATE_REJECTED);
    RETURN_IF_ERROR(tx.Update(reallocation));
    RETURN_IF_ERROR(AppendChanged(tx, reallocation));
    return reallocation;
  });
}

}  // namespace helhed::funding
