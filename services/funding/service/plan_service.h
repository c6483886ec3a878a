#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/plan_service.pb.h"
#include "services/funding/service/money_gate.h"
#include "services/funding/service/plan_facts.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of PlanService, one for each method of the contract, which says what they do and refuse.
class PlanService {
 public:
  PlanService(Store& store, MoneyGate const& money) : store_(store), money_(money) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // plans.cc
  absl::StatusOr<v1::Plan> GetPlan(CallContext const& call, v1::GetPlanRequest const& request);
  absl::StatusOr<v1::ListPlansResponse> ListPlans(CallContext const& call, v1::ListPlansRequest const& request);
  absl::StatusOr<v1::Plan> CreatePlan(CallContext const& call, v1::CreatePlanRequest const& request);
  absl::StatusOr<v1::Plan> UpdatePlan(CallContext const& call, v1::UpdatePlanRequest const& request);

  // plan_steps.cc
  absl::StatusOr<v1::Plan> DraftPrequalification(CallContext const& call, v1::DraftPrequalificationRequest const& request);
  absl::StatusOr<v1::Plan> SubmitPrequalification(CallContext const& call, v1::SubmitPrequalificationRequest const& request);
  absl::StatusOr<v1::Plan> PrequalifyPlan(CallContext const& call, v1::PrequalifyPlanRequest const& request);
  absl::StatusOr<v1::Plan> RejectPrequalification(CallContext const& call, v1::RejectPrequalificationRequest const& request);
  absl::StatusOr<v1::Plan> DraftPlan(CallContext const& call, v1::DraftPlanRequest const& request);
  absl::StatusOr<v1::Plan> OpenLocalDecision(CallContext const& call, v1::OpenLocalDecisionRequest const& request);
  absl::StatusOr<v1::Plan> SubmitPlan(CallContext const& call, v1::SubmitPlanRequest const& request);
  absl::StatusOr<v1::Plan> ApprovePlan(CallContext const& call, v1::ApprovePlanRequest const& request);
  absl::StatusOr<v1::Plan> ReturnPlan(CallContext const& call, v1::ReturnPlanRequest const& request);
  absl::StatusOr<v1::Plan> RejectPlan(CallContext const& call, v1::RejectPlanRequest const& request);
  absl::StatusOr<v1::Plan> StartPlan(CallContext const& call, v1::StartPlanRequest const& request);
  absl::StatusOr<v1::Plan> BeginClosing(CallContext const& call, v1::BeginClosingRequest const& request);
  absl::StatusOr<v1::Plan> SubmitAccounts(CallContext const& call, v1::SubmitAccountsRequest const& request);
  absl::StatusOr<v1::Plan> RecordAudit(CallContext const& call, v1::RecordAuditRequest const& request);
  absl::StatusOr<v1::Plan> FinishPlan(CallContext const& call, v1::FinishPlanRequest const& request);
  absl::StatusOr<v1::Plan> WithdrawPlan(CallContext const& call, v1::WithdrawPlanRequest const& request);
  absl::StatusOr<v1::Plan> SupersedePlan(CallContext const& call, v1::SupersedePlanRequest const& request);
  absl::StatusOr<v1::Plan> TransferRegulation(CallContext const& call, v1::TransferRegulationRequest const& request);
  absl::StatusOr<v1::Plan> PublishOverview(CallContext const& call, v1::PublishOverviewRequest const& request);
  absl::StatusOr<v1::WhatIsMissingResponse> WhatIsMissing(CallContext const& call, v1::WhatIsMissingRequest const& request);
  absl::StatusOr<v1::ListPlanChangesResponse> ListPlanChanges(CallContext const& call, v1::ListPlanChangesRequest const& request);

  // extensions.cc
  absl::StatusOr<v1::Extension> GetExtension(CallContext const& call, v1::GetExtensionRequest const& request);
  absl::StatusOr<v1::ListExtensionsResponse> ListExtensions(CallContext const& call, v1::ListExtensionsRequest const& request);
  absl::StatusOr<v1::Extension> CreateExtension(CallContext const& call, v1::CreateExtensionRequest const& request);
  absl::StatusOr<v1::Plan> ApplyExtension(CallContext const& call, v1::ApplyExtensionRequest const& request);
  absl::StatusOr<v1::Extension> WithdrawExtension(CallContext const& call, v1::WithdrawExtensionRequest const& request);

 private:
  // Takes a step that changes nothing but the state.
  absl::StatusOr<v1::Plan> Take(CallContext const& call, Act const& act);

  Store& store_;
  MoneyGate const& money_;
};

}  // namespace helhed::funding
