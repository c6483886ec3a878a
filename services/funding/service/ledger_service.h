#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/ledger_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of LedgerService, one for each method of the contract, which says what they do and refuse.
class LedgerService {
 public:
  explicit LedgerService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // disbursements.cc
  absl::StatusOr<v1::Disbursement> GetDisbursement(CallContext const& call, v1::GetDisbursementRequest const& request);
  absl::StatusOr<v1::ListDisbursementsResponse> ListDisbursements(CallContext const& call,
                                                                  v1::ListDisbursementsRequest const& request);
  absl::StatusOr<v1::Disbursement> CreateDisbursement(CallContext const& call, v1::CreateDisbursementRequest const& request);
  absl::StatusOr<v1::BatchCreateDisbursementsResponse> BatchCreateDisbursements(
      CallContext const& call, v1::BatchCreateDisbursementsRequest const& request);
  absl::StatusOr<v1::Disbursement> PostDisbursement(CallContext const& call, v1::PostDisbursementRequest const& request);
  absl::StatusOr<v1::BatchPostDisbursementsResponse> BatchPostDisbursements(CallContext const& call,
                                                                            v1::BatchPostDisbursementsRequest const& request);
  absl::StatusOr<v1::Disbursement> VoidDisbursement(CallContext const& call, v1::VoidDisbursementRequest const& request);

  // entries.cc
  absl::StatusOr<v1::JournalEntry> GetEntry(CallContext const& call, v1::GetEntryRequest const& request);
  absl::StatusOr<v1::ListEntriesResponse> ListEntries(CallContext const& call, v1::ListEntriesRequest const& request);
  absl::StatusOr<v1::JournalEntry> ReverseEntry(CallContext const& call, v1::ReverseEntryRequest const& request);
  absl::StatusOr<v1::ListPostingsResponse> ListPostings(CallContext const& call, v1::ListPostingsRequest const& request);
  absl::StatusOr<v1::VerifyEntriesResponse> VerifyEntries(CallContext const& call, v1::VerifyEntriesRequest const& request);

  // accounts.cc
  absl::StatusOr<v1::Account> GetAccount(CallContext const& call, v1::GetAccountRequest const& request);
  absl::StatusOr<v1::ListAccountsResponse> ListAccounts(CallContext const& call, v1::ListAccountsRequest const& request);

  // periods.cc
  absl::StatusOr<v1::AccountingPeriod> GetAccountingPeriod(CallContext const& call,
                                                           v1::GetAccountingPeriodRequest const& request);
  absl::StatusOr<v1::ListAccountingPeriodsResponse> ListAccountingPeriods(CallContext const& call,
                                                                          v1::ListAccountingPeriodsRequest const& request);
  absl::StatusOr<v1::AccountingPeriod> RequestPeriodClosing(CallContext const& call,
                                                            v1::RequestPeriodClosingRequest const& request);
  absl::StatusOr<v1::AccountingPeriod> ClosePeriod(CallContext const& call, v1::ClosePeriodRequest const& request);

  // expense_windows.cc
  absl::StatusOr<v1::ExpenseWindow> GetExpenseWindow(CallContext const& call, v1::GetExpenseWindowRequest const& request);
  absl::StatusOr<v1::ListExpenseWindowsResponse> ListExpenseWindows(CallContext const& call,
                                                                    v1::ListExpenseWindowsRequest const& request);
  absl::StatusOr<v1::ExpenseWindow> CreateExpenseWindow(CallContext const& call, v1::CreateExpenseWindowRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
