#include "services/funding/service/plan_service.h"

namespace helhed::funding {

void PlanService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.PlanService", method, this, handler);
  };
  on("GetPlan", &PlanService::GetPlan);
  on("ListPlans", &PlanService::ListPlans);
  on("CreatePlan", &PlanService::CreatePlan);
  on("UpdatePlan", &PlanService::UpdatePlan);
}

}  // namespace helhed::funding
