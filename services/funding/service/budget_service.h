#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/budget_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of BudgetService, one for each method of the contract, which says what they do and refuse.
class BudgetService {
 public:
  explicit BudgetService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // budgets.cc
  absl::StatusOr<v1::Budget> GetBudget(CallContext const& call, v1::GetBudgetRequest const& request);
  absl::StatusOr<v1::ListBudgetsResponse> ListBudgets(CallContext const& call, v1::ListBudgetsRequest const& request);
  absl::StatusOr<v1::Budget> CreateBudget(CallContext const& call, v1::CreateBudgetRequest const& request);
  absl::StatusOr<v1::BudgetLine> GetBudgetLine(CallContext const& call, v1::GetBudgetLineRequest const& request);
  absl::StatusOr<v1::ListBudgetLinesResponse> ListBudgetLines(CallContext const& call, v1::ListBudgetLinesRequest const& request);

  // reallocations.cc
  absl::StatusOr<v1::Reallocation> GetReallocation(CallContext const& call, v1::GetReallocationRequest const& request);
  absl::StatusOr<v1::ListReallocationsResponse> ListReallocations(CallContext const& call,
                                                                  v1::ListReallocationsRequest const& request);
  absl::StatusOr<v1::Reallocation> CreateReallocation(CallContext const& call, v1::CreateReallocationRequest const& request);
  absl::StatusOr<v1::Reallocation> ApproveReallocation(CallContext const& call, v1::ApproveReallocationRequest const& request);
  absl::StatusOr<v1::Reallocation> RejectReallocation(CallContext const& call, v1::RejectReallocationRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
