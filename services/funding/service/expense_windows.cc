#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/ledger_service.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"

// M6: the windows before and after a plan that the fund has approved.
namespace helhed::funding {
namespace {

// `own` is the time that the plan's own budget is for: after it, also while an extension runs, the fund may allow more.
absl::Status Check(v1::ExpenseWindow const& window, Period const& own) {
  std::vector<FieldViolation> violations;
  auto const period = ReadPeriod(window.period(), "expense_window.period", violations);
  if (period && !period->end) violations.push_back({"expense_window.period.end_date", "must be set"});
  if (period && period->Overlaps(own)) {
    violations.push_back(
        {"expense_window.period", absl::StrCat("must lie outside ", ToIsoPeriod(own), ", which the plan's budget is for")});
  }
  if (window.approval().sha256().empty()) violations.push_back({"expense_window.approval.sha256", "must be set"});
  return Verdict(std::move(violations));
}

}  // namespace

absl::StatusOr<v1::ExpenseWindow> LedgerService::GetExpenseWindow(CallContext const& call,
                                                                  v1::GetExpenseWindowRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::ExpenseWindow>(request.name()); });
}

absl::StatusOr<v1::ListExpenseWindowsResponse> LedgerService::ListExpenseWindows(CallContext const& call,
                                                                                 v1::ListExpenseWindowsRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return ListOfPlan<v1::ListExpenseWindowsResponse>(tx, request, "expense_windows", "w"); });
}

absl::StatusOr<v1::ExpenseWindow> LedgerService::CreateExpenseWindow(CallContext const& call,
                                                                     v1::CreateExpenseWindowRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ExpenseWindow> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.parent(), false));
    RETURN_IF_ERROR(session->RequireAlive());
    RETURN_IF_ERROR(Check(request.expense_window(), session->plan().own));
    v1::ExpenseWindow window = request.expense_window();
    window.set_name(absl::StrCat(request.parent(), "/expenseWindows/", IdOr(call, request.expense_window_id())));
    window.set_allowed_by(call.identity().subject());
    RETURN_IF_ERROR(tx.Insert(window));
    v1::ExpenseWindowCreated event;
    *event.mutable_expense_window() = window;
    RETURN_IF_ERROR(tx.Append(event, window.name(), request.parent()));
    return window;
  });
}

}  // namespace helhed::funding
