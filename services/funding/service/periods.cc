#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/ledger_service.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

// The month of `plans/a/periods/2022-03`, or BAD_REQUEST.
absl::StatusOr<absl::CivilMonth> MonthOf(std::string_view name) {
  auto const first = FromIsoDate(absl::StrCat(Av(contract::LastPart(name)), "-01"));
  if (!first) return BadRequest({{"name", "must end in a month: `2022-03`"}});
  return absl::CivilMonth(*first);
}

std::string StateName(v1::AccountingPeriod const& period) { return contract::EnumText(period.state()); }

absl::Status AppendChanged(WriteTransaction& tx, v1::AccountingPeriod const& period) {
  v1::PeriodChanged event;
  *event.mutable_period() = period;
  return tx.Append(event, period.name(), PlanOf(period.name()));
}

}  // namespace

absl::StatusOr<v1::AccountingPeriod> LedgerService::GetAccountingPeriod(CallContext const& call,
                                                                        v1::GetAccountingPeriodRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::AccountingPeriod>(request.name()); });
}

absl::StatusOr<v1::ListAccountingPeriodsResponse> LedgerService::ListAccountingPeriods(
    CallContext const& call, v1::ListAccountingPeriodsRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return ListOfPlan<v1::ListAccountingPeriodsResponse>(tx, request, "periods", "p"); });
}

absl::StatusOr<v1::AccountingPeriod> LedgerService::RequestPeriodClosing(CallContext const& call,
                                                                         v1::RequestPeriodClosingRequest const& request) {
  ASSIGN_OR_RETURN(auto const month, MonthOf(request.name()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::AccountingPeriod> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    if (absl::CivilMonth(call.Today()) <= month) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIOD_NOT_OVER,
                   absl::StrCat(request.name(), " is not over."), {{"period", request.name()}});
    }
    ASSIGN_OR_RETURN(bool const exists, tx.Exists<v1::AccountingPeriod>(request.name()));
    v1::AccountingPeriod period;
    period.set_name(request.name());
    if (exists) {
      ASSIGN_OR_RETURN(period, tx.Get<v1::AccountingPeriod>(request.name()));
      if (period.state() != v1::PERIOD_STATE_OPEN) return AlreadyDecided(period.name(), StateName(period));
    }
    period.set_state(v1::PERIOD_STATE_CLOSING);
    period.set_closing_requested_by(call.identity().subject());
    RETURN_IF_ERROR(exists ? tx.Update(period) : tx.Insert(period));
    RETURN_IF_ERROR(AppendChanged(tx, period));
    return period;
  });
}

absl::StatusOr<v1::AccountingPeriod> LedgerService::ClosePeriod(CallContext const& call, v1::ClosePeriodRequest const& request) {
  RETURN_IF_ERROR(MonthOf(request.name()).status());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::AccountingPeriod> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    ASSIGN_OR_RETURN(auto period, tx.Get<v1::AccountingPeriod>(request.name()));
    if (period.state() != v1::PERIOD_STATE_CLOSING) return AlreadyDecided(period.name(), StateName(period));
    RETURN_IF_ERROR(RequireFourEyes(call, period.name(), period.closing_requested_by()));
    period.set_state(v1::PERIOD_STATE_CLOSED);
    period.set_closed_by(call.identity().subject());
    std::int64_t const micros = absl::ToUnixMicros(call.Now());
    period.mutable_close_time()->set_seconds(micros / 1'000'000);
    period.mutable_close_time()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
    RETURN_IF_ERROR(tx.Update(period));
    RETURN_IF_ERROR(AppendChanged(tx, period));
    return period;
  });
}

}  // namespace helhed::funding
