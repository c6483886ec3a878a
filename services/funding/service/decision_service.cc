#include "services/funding/service/decision_service.h"

namespace helhed::funding {

void DecisionService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.DecisionService", method, this, handler);
  };
  on("GetDecision", &DecisionService::GetDecision);
  on("ListDecisions", &DecisionService::ListDecisions);
  on("CreateDecision", &DecisionService::CreateDecision);
  on("CallMeeting", &DecisionService::CallMeeting);
  on("SendMaterial", &DecisionService::SendMaterial);
  on("HoldMeeting", &DecisionService::HoldMeeting);
  on("RegisterTurnout", &DecisionService::RegisterTurnout);
  on("OpenDigitalWindow", &DecisionService::OpenDigitalWindow);
  on("RequestBallot", &DecisionService::RequestBallot);
  on("OpenBallot", &DecisionService::OpenBallot);
  on("CountVotes", &DecisionService::CountVotes);
  on("OverrideDecision", &DecisionService::OverrideDecision);
  on("ConfirmRejection", &DecisionService::ConfirmRejection);
  on("AnnulDecision", &DecisionService::AnnulDecision);
  on("GetApproval", &DecisionService::GetApproval);
  on("ListApprovals", &DecisionService::ListApprovals);
  on("CreateApproval", &DecisionService::CreateApproval);
  on("AnnulApproval", &DecisionService::AnnulApproval);
}

}  // namespace helhed::funding
