#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/report_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of ReportService, one for each method of the contract, which says what they do and refuse.
class ReportService {
 public:
  explicit ReportService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // reports.cc
  absl::StatusOr<v1::BudgetReport> GetBudgetReport(CallContext const& call, v1::GetBudgetReportRequest const& request);
  absl::StatusOr<v1::CofundingReport> GetCofundingReport(CallContext const& call, v1::GetCofundingReportRequest const& request);

  // open_items.cc
  absl::StatusOr<v1::OpenItems> GetOpenItems(CallContext const& call, v1::GetOpenItemsRequest const& request);

  // journal_export.cc
  absl::StatusOr<v1::ExportJournalResponse> ExportJournal(CallContext const& call, v1::ExportJournalRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
