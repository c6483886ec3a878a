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
  on("DraftPrequalification", &PlanService::DraftPrequalification);
  on("SubmitPrequalification", &PlanService::SubmitPrequalification);
  on("PrequalifyPlan", &PlanService::PrequalifyPlan);
  on("RejectPrequalification", &PlanService::RejectPrequalification);
  on("DraftPlan", &PlanService::DraftPlan);
  on("OpenLocalDecision", &PlanService::OpenLocalDecision);
  on("SubmitPlan", &PlanService::SubmitPlan);
  on("ApprovePlan", &PlanService::ApprovePlan);
  on("ReturnPlan", &PlanService::ReturnPlan);
  on("RejectPlan", &PlanService::RejectPlan);
  on("StartPlan", &PlanService::StartPlan);
  on("BeginClosing", &PlanService::BeginClosing);
  on("SubmitAccounts", &PlanService::SubmitAccounts);
  on("RecordAudit", &PlanService::RecordAudit);
  on("FinishPlan", &PlanService::FinishPlan);
  on("WithdrawPlan", &PlanService::WithdrawPlan);
  on("SupersedePlan", &PlanService::SupersedePlan);
  on("TransferRegulation", &PlanService::TransferRegulation);
  on("PublishOverview", &PlanService::PublishOverview);
  on("WhatIsMissing", &PlanService::WhatIsMissing);
  on("ListPlanChanges", &PlanService::ListPlanChanges);
  on("GetExtension", &PlanService::GetExtension);
  on("ListExtensions", &PlanService::ListExtensions);
  on("CreateExtension", &PlanService::CreateExtension);
  on("ApplyExtension", &PlanService::ApplyExtension);
  on("WithdrawExtension", &PlanService::WithdrawExtension);
}

}  // namespace helhed::funding
