#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "helhed/funding/v1/agreement_service.pb.h"
#include "helhed/funding/v1/coverage_service.pb.h"
#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/residents/v1/democracy_service.pb.h"
#include "services/funding/testing/fixture.h"

namespace helhed::funding::testing {

// What it takes to bring a plan through its life. Plans, departments and decisions are named by their last parts.
class PlanLifeTest : public PlansOnlyTest {
 protected:
  PlanLifeTest();

  // A document that proves something.
  static v1::Evidence Proof();
  static std::string PlanNamed(std::string_view plan) { return "plans/" + std::string(plan); }
  static std::string DecisionNamed(std::string_view plan, std::string_view decision) {
    return PlanNamed(plan) + "/decisions/" + std::string(decision);
  }
  // The method of PlanService that takes a step: `SubmitPlan`.
  static std::string MethodOf(v1::PlanTransition step);

  // Takes a step of a plan's life on `date` (today when empty), with whatever proof it needs.
  absl::StatusOr<v1::Plan> Take(std::string const& plan, v1::PlanTransition step, std::string_view date = "");
  // The same where it must succeed.
  v1::Plan Taken(std::string const& plan, v1::PlanTransition step, std::string_view date = "");
  // Expects the step to be refused, and returns what the refusal says.
  ErrorMetadata TakeRefused(std::string const& plan, v1::PlanTransition step, std::string_view date = "");

  static v1::CreateCoveredDepartmentRequest CoverRequest(std::string const& plan, std::string const& organisation,
                                                         std::string const& department, std::int64_t dwellings);
  v1::CoveredDepartment Cover(std::string const& plan, std::string const& organisation, std::string const& department,
                              std::int64_t dwellings);
  static v1::CreateApprovalRequest ApprovalRequest(std::string const& plan, v1::Party party, v1::ApprovalStage stage,
                                                   std::string const& organisation = "", std::string const& subject = "");
  v1::Approval Approve(std::string const& plan, v1::Party party, v1::ApprovalStage stage, std::string const& organisation = "",
                       std::string const& subject = "") {
    return Must<v1::Approval>("DecisionService/CreateApproval", ApprovalRequest(plan, party, stage, organisation, subject));
  }
  // An agreement with one version.
  void Agree(std::string const& plan, std::string const& agreement, std::string_view valid_from = "2022-01-01");
  static v1::CreateAgreementVersionRequest VersionRequest(std::string const& plan, std::string const& agreement,
                                                          std::string_view valid_from);

  // A plan with agreements, that departments are deciding on: `9001-001` with 100 dwellings and `9002-001` with 300.
  void InLocalDecision(std::string const& plan, std::string const& predecessor = "");
  // Everything that submission needs but the decisions.
  void EverythingButDecisions(std::string const& plan);

  // A decision of `9001-001`, entered.
  v1::Decision Enter(std::string const& plan, std::string const& decision, std::string const& covered);
  // Brings a decision to its meeting, which was on 2021-10-01.
  v1::Decision Meet(std::string const& plan, std::string const& decision, std::int64_t rent_increase_basis_points = 0,
                    std::string const& proxy_exemption = "");
  static v1::RegisterTurnoutRequest TurnoutRequest(std::string const& plan, std::string const& decision, v1::VoteChannel channel,
                                                   std::vector<std::pair<std::string, int>> const& households,
                                                   std::string const& organisation = "9001");
  static v1::CountVotesRequest CountRequest(std::string const& plan, std::string const& decision, std::int64_t yes,
                                            std::int64_t no);
  // The whole decision of a department, by paper at the meeting.
  v1::Decision Decide(std::string const& plan, std::string const& covered, std::int64_t yes, std::int64_t no);
  v1::Decision GetDecision(std::string const& plan, std::string const& decision);
  v1::WhatIsMissingResponse Missing(std::string const& plan);

  // What the register of residents says of every department.
  void SetEligible(std::int64_t households, std::int64_t votes);
};

}  // namespace helhed::funding::testing
