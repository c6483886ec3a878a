#include <absl/strings/str_cat.h>

#include <set>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/budget_service.h"
#include "services/funding/service/budget_versions.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

storage::Statement const kLinesOfVersion(
    "funding.budget_version_lines",
    "SELECT l.budget_line, l.focus_area, l.cost_kind, l.source, l.year, v.amount_minor_units FROM budget_version_lines v "
    "JOIN budget_lines l ON l.plan = v.plan AND l.budget_line = v.budget_line WHERE v.plan = $1 AND v.budget = $2 "
    "ORDER BY v.budget_line");

void CompleteLine(v1::BudgetLine& line) {
  CompleteMoney(line);
  *line.mutable_available() = ToMoney(line.amount().minor_units() - line.reserved().minor_units() - line.spent().minor_units());
}

// Sources, not approved yet, whose amounts change together with the budget.
absl::Status ChangeAmounts(MoneySession& session, v1::CreateBudgetRequest const& request, BudgetState& state) {
  std::vector<FieldViolation> violations;
  std::set<std::string> seen;
  for (int i = 0; i < request.source_amounts_size(); ++i) {
    auto const& change = request.source_amounts(i);
    CheckAmount(change.amount(), absl::StrCat("source_amounts[", i, "].amount"), Sign::kPositive, violations);
    if (!seen.insert(change.source()).second) {
      violations.push_back({absl::StrCat("source_amounts[", i, "].source"), "must not be named twice"});
    }
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  for (auto const& change : request.source_amounts()) {
    if (PlanOf(change.source()) != request.parent()) return NotFound(change.source());
    ASSIGN_OR_RETURN(auto* const source, session.Source(change.source()));
    if (IsApprovedSource(source->state())) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SOURCE_AMOUNT_FIXED,
                   absl::StrCat(source->name(), " is approved; its amount is fixed."),
                   {{"source", source->name()}, {"state", contract::EnumText(source->state())}});
    }
    *source->mutable_amount() = change.amount();
    session.Touch(source->name());
    for (auto& known : state.frame.sources) {
      if (known.name() == source->name()) *known.mutable_amount() = change.amount();
    }
  }
  return absl::OkStatus();
}

}  // namespace

void BudgetService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.BudgetService", method, this, handler);
  };
  on("GetBudget", &BudgetService::GetBudget);
  on("ListBudgets", &BudgetService::ListBudgets);
  on("CreateBudget", &BudgetService::CreateBudget);
  on("GetBudgetLine", &BudgetService::GetBudgetLine);
  on("ListBudgetLines", &BudgetService::ListBudgetLines);
  on("GetReallocation", &BudgetService::GetReallocation);
  on("ListReallocations", &BudgetService::ListReallocations);
  on("CreateReallocation", &BudgetService::CreateReallocation);
  on("ApproveReallocation", &BudgetService::ApproveReallocation);
  on("RejectReallocation", &BudgetService::RejectReallocation);
}

absl::StatusOr<v1::Budget> BudgetService::GetBudget(CallContext const& call, v1::GetBudgetRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Budget> {
    ASSIGN_OR_RETURN(auto budget, tx.Get<v1::Budget>(request.name()));
    auto const plan = PlanOf(request.name());
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kLinesOfVersion, {contract::LastPart(plan), contract::LastPart(request.name())}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& line = *budget.add_lines();
      line.set_budget_line(absl::StrCat(Av(plan), "/budgetLines/", rows.Text(i, 0)));
      line.set_focus_area(rows.Text(i, 1));
      line.set_cost_kind(rows.Text(i, 2));
      line.set_source(absl::StrCat(Av(plan), "/sources/", rows.Text(i, 3)));
      line.set_year(static_cast<std::int32_t>(rows.Int64(i, 4)));
      *line.mutable_amount() = ToMoney(rows.Int64(i, 5));
    }
    return WithMoney(std::move(budget));
  });
}

absl::StatusOr<v1::ListBudgetsResponse> BudgetService::ListBudgets(CallContext const& call,
                                                                   v1::ListBudgetsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return ListOfPlan<v1::ListBudgetsResponse>(tx, request, "budgets", "b"); });
}

absl::StatusOr<v1::Budget> BudgetService::CreateBudget(CallContext const& call, v1::CreateBudgetRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Budget> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.parent()));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto state, LoadBudgetState(tx, *session));
    RETURN_IF_ERROR(ChangeAmounts(*session, request, state));
    std::vector<v1::BudgetAmount> const wanted(request.budget().lines().begin(), request.budget().lines().end());
    ASSIGN_OR_RETURN(auto const amounts, CheckBudget(wanted, LinesOf(state.lines), state.frame));
    RETURN_IF_ERROR(session->Save());
    v1::Budget budget = request.budget();
    budget.set_occasion(v1::BUDGET_OCCASION_PLANNED);
    budget.set_made_by(call.identity().subject());
    return StoreVersion(tx, *session, state, amounts, std::move(budget));
  });
}

absl::StatusOr<v1::BudgetLine> BudgetService::GetBudgetLine(CallContext const& call, v1::GetBudgetLineRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::BudgetLine> {
    ASSIGN_OR_RETURN(auto line, tx.Get<v1::BudgetLine>(request.name()));
    CompleteLine(line);
    return line;
  });
}

absl::StatusOr<v1::ListBudgetLinesResponse> BudgetService::ListBudgetLines(CallContext const& call,
                                                                           v1::ListBudgetLinesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListBudgetLinesResponse> {
    ASSIGN_OR_RETURN(auto response, ListOfPlan<v1::ListBudgetLinesResponse>(tx, request, "budget_lines", "l"));
    for (auto& line : *response.mutable_budget_lines()) CompleteLine(line);
    return response;
  });
}

}  // namespace helhed::funding
