#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/plan_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of PlanService, one for each method of the contract, which says what they do and refuse.
class PlanService {
 public:
  explicit PlanService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // plans.cc
  absl::StatusOr<v1::Plan> GetPlan(CallContext const& call, v1::GetPlanRequest const& request);
  absl::StatusOr<v1::ListPlansResponse> ListPlans(CallContext const& call, v1::ListPlansRequest const& request);
  absl::StatusOr<v1::Plan> CreatePlan(CallContext const& call, v1::CreatePlanRequest const& request);
  absl::StatusOr<v1::Plan> UpdatePlan(CallContext const& call, v1::UpdatePlanRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
