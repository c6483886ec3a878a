#include "services/funding/testing/plan_life.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/dynamic_message.h>

#include <memory>

#include "services/funding/testing/fake_residents.h"
#include "services/platform/contract/contract.h"

namespace helhed::funding::testing {
namespace {

constexpr char kHash[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

google::protobuf::Message& Mutable(google::protobuf::Message& message, char const* field) {
  return *message.GetReflection()->MutableMessage(&message, message.GetDescriptor()->FindFieldByName(field));
}

}  // namespace

PlanLifeTest::PlanLifeTest() { SetEligible(100, 200); }

void PlanLifeTest::SetEligible(std::int64_t households, std::int64_t votes) { SayEligible(residents(), households, votes); }

v1::Evidence PlanLifeTest::Proof() {
  v1::Evidence evidence;
  evidence.set_sha256(kHash);
  evidence.set_reference("2021-17/4");
  return evidence;
}

std::string PlanLifeTest::MethodOf(v1::PlanTransition step) {
  static std::map<v1::PlanTransition, std::string> const methods = {
      {v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION, "DraftPrequalification"},
      {v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION, "SubmitPrequalification"},
      {v1::PLAN_TRANSITION_PREQUALIFY, "PrequalifyPlan"},
      {v1::PLAN_TRANSITION_REJECT_PREQUALIFICATION, "RejectPrequalification"},
      {v1::PLAN_TRANSITION_DRAFT, "DraftPlan"},
      {v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION, "OpenLocalDecision"},
      {v1::PLAN_TRANSITION_SUBMIT, "SubmitPlan"},
      {v1::PLAN_TRANSITION_APPROVE, "ApprovePlan"},
      {v1::PLAN_TRANSITION_RETURN, "ReturnPlan"},
      {v1::PLAN_TRANSITION_REJECT, "RejectPlan"},
      {v1::PLAN_TRANSITION_START, "StartPlan"},
      {v1::PLAN_TRANSITION_BEGIN_CLOSING, "BeginClosing"},
      {v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS, "SubmitAccounts"},
      {v1::PLAN_TRANSITION_RECORD_AUDIT, "RecordAudit"},
      {v1::PLAN_TRANSITION_FINISH, "FinishPlan"},
      {v1::PLAN_TRANSITION_WITHDRAW, "WithdrawPlan"},
      {v1::PLAN_TRANSITION_PUBLISH_OVERVIEW, "PublishOverview"},
  };
  return methods.at(step);
}

absl::StatusOr<v1::Plan> PlanLifeTest::Take(std::string const& plan, v1::PlanTransition step, std::string_view date) {
  auto const method = "PlanService/" + MethodOf(step);
  auto const* const found = contract::FindMethod("/helhed.funding.v1." + method);
  auto const* const type = found->descriptor().input_type();
  std::unique_ptr<google::protobuf::Message> const request(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  request->GetReflection()->SetString(request.get(), type->FindFieldByName("name"), PlanNamed(plan));
  if (!date.empty()) Mutable(*request, "effective_date").CopyFrom(Date(date));
  if (type->FindFieldByName("evidence") != nullptr) Mutable(*request, "evidence").CopyFrom(Proof());
  return Call<v1::Plan>(method, *request);
}

v1::Plan PlanLifeTest::Taken(std::string const& plan, v1::PlanTransition step, std::string_view date) {
  auto taken = Take(plan, step, date);
  EXPECT_THAT(taken, IsOk()) << MethodOf(step);
  return taken.value_or(v1::Plan());
}

ErrorMetadata PlanLifeTest::TakeRefused(std::string const& plan, v1::PlanTransition step, std::string_view date) {
  auto const before = Content();
  auto const taken = Take(plan, step, date);
  EXPECT_THAT(taken, StatusIs(kPrecondition, "PLAN_NOT_READY")) << MethodOf(step);
  EXPECT_EQ(Content(), before);
  return MetadataOf(taken.status());
}

v1::CreateCoveredDepartmentRequest PlanLifeTest::CoverRequest(std::string const& plan, std::string const& organisation,
                                                              std::string const& department, std::int64_t dwellings) {
  v1::CreateCoveredDepartmentRequest request;
  request.set_parent(PlanNamed(plan));
  auto& covered = *request.mutable_covered_department();
  covered.set_department(absl::StrCat("organisations/", organisation, "/departments/", department));
  covered.set_dwelling_count(dwellings);
  return request;
}

v1::CoveredDepartment PlanLifeTest::Cover(std::string const& plan, std::string const& organisation, std::string const& department,
                                          std::int64_t dwellings) {
  return Must<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment",
                                     CoverRequest(plan, organisation, department, dwellings));
}

v1::CreateApprovalRequest PlanLifeTest::ApprovalRequest(std::string const& plan, v1::Party party, v1::ApprovalStage stage,
                                                        std::string const& organisation, std::string const& subject) {
  v1::CreateApprovalRequest request;
  request.set_parent(PlanNamed(plan));
  auto& approval = *request.mutable_approval();
  approval.set_party(party);
  approval.set_stage(stage);
  if (!organisation.empty()) approval.set_organisation("organisations/" + organisation);
  approval.set_subject(subject);
  approval.set_outcome(v1::APPROVAL_OUTCOME_APPROVED);
  *approval.mutable_decide_date() = Date("2021-11-11");
  approval.set_body("TMU");
  *approval.mutable_evidence() = Proof();
  return request;
}

v1::CreateAgreementVersionRequest PlanLifeTest::VersionRequest(std::string const& plan, std::string const& agreement,
                                                               std::string_view valid_from) {
  v1::CreateAgreementVersionRequest request;
  request.set_parent(PlanNamed(plan) + "/agreements/" + agreement);
  auto& version = *request.mutable_agreement_version();
  *version.mutable_valid_from_date() = Date(valid_from);
  version.set_goals("Flere unge i uddannelse.");
  *version.mutable_document() = Proof();
  return request;
}

void PlanLifeTest::Agree(std::string const& plan, std::string const& agreement, std::string_view valid_from) {
  v1::CreateAgreementRequest request;
  request.set_parent(PlanNamed(plan));
  request.set_agreement_id(agreement);
  request.mutable_agreement()->set_display_name("Aftale");
  Must<v1::Agreement>("AgreementService/CreateAgreement", request);
  Must<v1::AgreementVersion>("AgreementService/CreateAgreementVersion", VersionRequest(plan, agreement, valid_from));
}

void PlanLifeTest::InLocalDecision(std::string const& plan, std::string const& predecessor) {
  auto request = PlanRequest(plan);
  if (!predecessor.empty()) request.mutable_plan()->add_predecessors(PlanNamed(predecessor));
  request.mutable_plan()->clear_focus_areas();
  request.mutable_plan()->add_focus_areas("beskaeftigelse");
  Must<v1::Plan>("PlanService/CreatePlan", request);
  Cover(plan, "9001", "001", 100);
  Cover(plan, "9002", "001", 300);
  Approve(plan, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_PRELIMINARY);
  Approve(plan, v1::PARTY_FUND, v1::APPROVAL_STAGE_PRELIMINARY);
  Agree(plan, "strategic");
  Agree(plan, "beskaeftigelse");
  for (auto const step : {v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION, v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION,
                          v1::PLAN_TRANSITION_PREQUALIFY, v1::PLAN_TRANSITION_DRAFT, v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION}) {
    Taken(plan, step, "2021-06-01");
  }
}

void PlanLifeTest::EverythingButDecisions(std::string const& plan) {
  Approve(plan, v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "9001");
  Approve(plan, v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "9002");
  Approve(plan, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL);
  Taken(plan, v1::PLAN_TRANSITION_PUBLISH_OVERVIEW, "2021-11-20");
}

v1::Decision PlanLifeTest::Enter(std::string const& plan, std::string const& decision, std::string const& covered) {
  v1::CreateDecisionRequest request;
  request.set_parent(PlanNamed(plan));
  request.set_decision_id(decision);
  request.mutable_decision()->set_covered_department(PlanNamed(plan) + "/coveredDepartments/" + covered);
  request.mutable_decision()->set_question("Skal afdelingen være med i planen?");
  return Must<v1::Decision>("DecisionService/CreateDecision", request);
}

v1::Decision PlanLifeTest::Meet(std::string const& plan, std::string const& decision, std::int64_t rent_increase_basis_points,
                                std::string const& proxy_exemption) {
  v1::CallMeetingRequest call;
  call.set_name(DecisionNamed(plan, decision));
  call.set_meeting_kind(v1::MEETING_KIND_ORDINARY);
  *call.mutable_call_date() = Date("2021-09-01");
  *call.mutable_meeting_date() = Date("2021-10-01");
  call.set_agenda("Punkt 4: boligsocial helhedsplan");
  call.set_proxy_exemption(proxy_exemption);
  Must<v1::Decision>("DecisionService/CallMeeting", call);
  v1::SendMaterialRequest send;
  send.set_name(call.name());
  *send.mutable_material_date() = Date("2021-09-15");
  *send.mutable_material() = Proof();
  Must<v1::Decision>("DecisionService/SendMaterial", send);
  v1::HoldMeetingRequest hold;
  hold.set_name(call.name());
  hold.set_attending_voter_count(40);
  hold.set_rent_increase_basis_points(rent_increase_basis_points);
  *hold.mutable_minutes() = Proof();
  return Must<v1::Decision>("DecisionService/HoldMeeting", hold);
}

v1::RegisterTurnoutRequest PlanLifeTest::TurnoutRequest(std::string const& plan, std::string const& decision,
                                                        v1::VoteChannel channel,
                                                        std::vector<std::pair<std::string, int>> const& households,
                                                        std::string const& organisation) {
  v1::RegisterTurnoutRequest request;
  request.set_name(DecisionNamed(plan, decision));
  request.set_channel(channel);
  for (auto const& [household, votes] : households) {
    auto& given = *request.add_households();
    given.set_household(absl::StrCat("organisations/", organisation, "/households/", household));
    given.set_vote_count(votes);
  }
  return request;
}

v1::CountVotesRequest PlanLifeTest::CountRequest(std::string const& plan, std::string const& decision, std::int64_t yes,
                                                 std::int64_t no) {
  v1::CountVotesRequest request;
  request.set_name(DecisionNamed(plan, decision));
  request.mutable_paper_tally()->set_yes_count(yes);
  request.mutable_paper_tally()->set_no_count(no);
  return request;
}

v1::Decision PlanLifeTest::Decide(std::string const& plan, std::string const& covered, std::int64_t yes, std::int64_t no) {
  auto const id = "d" + covered;
  Enter(plan, id, covered);
  Meet(plan, id);
  std::vector<std::pair<std::string, int>> households;
  for (std::int64_t i = 0; i < yes + no; ++i) households.emplace_back(absl::StrCat("h", i), 1);
  if (!households.empty()) {
    Must<v1::Decision>("DecisionService/RegisterTurnout",
                       TurnoutRequest(plan, id, v1::VOTE_CHANNEL_PAPER, households, covered.substr(0, 4)));
  }
  return Must<v1::Decision>("DecisionService/CountVotes", CountRequest(plan, id, yes, no));
}

v1::Decision PlanLifeTest::GetDecision(std::string const& plan, std::string const& decision) {
  v1::GetDecisionRequest request;
  request.set_name(DecisionNamed(plan, decision));
  return Must<v1::Decision>("DecisionService/GetDecision", request);
}

v1::WhatIsMissingResponse PlanLifeTest::Missing(std::string const& plan) {
  v1::WhatIsMissingRequest request;
  request.set_name(PlanNamed(plan));
  return Must<v1::WhatIsMissingResponse>("PlanService/WhatIsMissing", request);
}

}  // namespace helhed::funding::testing
