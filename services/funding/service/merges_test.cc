#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "helhed/activities/v1/merge_service.pb.h"
#include "helhed/communications/v1/merge_service.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "helhed/funding/v1/coverage_service.pb.h"
#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/funding/v1/merge_service.pb.h"
#include "services/funding/testing/money_fixture.h"
#include "services/platform/server/jobs.h"

// Merging plans as funding does it, with a service activities that is not there: it finds what a test sets, and its log holds the
// receipts that a test writes.
namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
namespace cv1 = common::v1;
namespace av1 = activities::v1;

constexpr char kMerge[] = "plans/s/merges/m";

// What the other service does.
struct FakeActivities {
  std::shared_ptr<client::FakeChannel> channel = std::make_shared<client::FakeChannel>();
  std::vector<cv1::MergeFinding> findings;
  std::vector<cv1::MergeReceipt> receipts;
  bool away = false;
  bool refuses = false;

  static std::shared_ptr<FakeActivities> Make() {
    auto fake = std::make_shared<FakeActivities>();
    auto* const self = fake.get();
    self->channel->On<av1::ReportMergeRequest, av1::ReportMergeResponse>(
        "/helhed.activities.v1.MergeService/ReportMerge",
        [self](av1::ReportMergeRequest const& request, client::CallOptions const&) -> absl::StatusOr<av1::ReportMergeResponse> {
          if (self->away) return absl::UnavailableError("away");
          if (self->refuses) return absl::InvalidArgumentError("what?");
          EXPECT_EQ(request.plan(), "plans/s");
          av1::ReportMergeResponse response;
          response.mutable_findings()->Add(self->findings.begin(), self->findings.end());
          return response;
        });
    // Communications is there, too, by the same way, and has nothing to say.
    using Question = helhed::communications::v1::ReportMergeRequest;
    using Answer = helhed::communications::v1::ReportMergeResponse;
    self->channel->On<Question, Answer>(
        "/helhed.communications.v1.MergeService/ReportMerge",
        [](Question const&, client::CallOptions const&) -> absl::StatusOr<Answer> { return Answer(); });
    self->channel->On<events::v1::ReadEventsRequest, events::v1::ReadEventsResponse>(
        "/helhed.events.v1.EventService/ReadEvents",
        [self](events::v1::ReadEventsRequest const& request,
               client::CallOptions const&) -> absl::StatusOr<events::v1::ReadEventsResponse> {
          if (self->away) return absl::UnavailableError("away");
          EXPECT_THAT(request.types(), ElementsAre("helhed.common.v1.MergeReceipt"));
          std::size_t const from = request.cursor().empty() ? 0 : std::stoul(request.cursor());
          events::v1::ReadEventsResponse response;
          for (std::size_t i = from; i < self->receipts.size(); ++i) {
            auto& event = *response.add_events();
            event.set_cursor(std::to_string(i + 1));
            event.set_type(self->receipts[i].GetTypeName());
            event.mutable_data()->PackFrom(self->receipts[i]);
          }
          response.set_next_cursor(std::to_string(self->receipts.size()));
          return response;
        });
    return fake;
  }
};

class MergeTest : public MoneyTest {
 protected:
  MergeTest() : MergeTest(FakeActivities::Make()) {}

  // Two plans that run, `p` and `q`, and the approved plan `s` that goes on from both. `p` covers 9001-001 and 9002-001, `q`
  // covers 9001-001 and 9003-001, `s` covers 9001-001 and 9002-001. `p` has 1000 kr., of which `released` are released.
  void Plans(Ore released = 0) {
    if (released >= 0) {
      Funded(released);
    } else {
      Plan("p");
    }
    Plan("q");
    auto request = PlanRequest("s");
    request.mutable_plan()->add_predecessors("plans/p");
    request.mutable_plan()->add_predecessors("plans/q");
    Must<v1::Plan>("PlanService/CreatePlan", request);
    SetState("p", v1::PLAN_STATE_DRAFTING);
    Cover("p", "9001", "001");
    Cover("p", "9002", "001");
    Cover("q", "9001", "001");
    Cover("q", "9003", "001");
    Cover("s", "9001", "001");
    Cover("s", "9002", "001");
    SetState("p", v1::PLAN_STATE_ACTIVE);
    SetState("q", v1::PLAN_STATE_ACTIVE);
    SetState("s", v1::PLAN_STATE_APPROVED);
  }
  void SetState(std::string const& plan, v1::PlanState state) {
    static storage::Statement const set("test.set_state_of_plan", "UPDATE plans SET state = $1 WHERE plan = $2");
    ASSERT_THAT(database().Write({},
                                 [&](storage::WriteTransaction& tx) -> absl::Status {
                                   return tx.Execute(set, {static_cast<std::int64_t>(state), std::string_view(plan)}).status();
                                 }),
                IsOk());
  }
  void Cover(std::string const& plan, std::string const& organisation, std::string const& department) {
    v1::CreateCoveredDepartmentRequest request;
    request.set_parent("plans/" + plan);
    request.mutable_covered_department()->set_department("organisations/" + organisation + "/departments/" + department);
    request.mutable_covered_department()->set_dwelling_count(100);
    Must<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", request);
  }
  std::string Covered(std::string const& plan, std::string const& department) {
    v1::GetCoveredDepartmentRequest request;
    request.set_name("plans/" + plan + "/coveredDepartments/" + department);
    auto const covered = Call<v1::CoveredDepartment>("CoverageService/GetCoveredDepartment", request);
    if (!covered.ok()) return "none";
    if (covered->state() != v1::COVERAGE_STATE_COVERED) return "left out";
    if (!covered->has_period()) return "whole";
    return absl::StrCat(ToIsoDate(*ToCivil(covered->period().start_date())), " to ",
                        ToIsoDate(*ToCivil(covered->period().end_date())));
  }

  static v1::CreatePlanMergeRequest MergeRequest(std::string const& id = "m") {
    v1::CreatePlanMergeRequest request;
    request.set_parent("plans/s");
    request.set_plan_merge_id(id);
    request.mutable_plan_merge()->add_predecessors("plans/p");
    request.mutable_plan_merge()->add_predecessors("plans/q");
    *request.mutable_plan_merge()->mutable_effective_date() = Date("2022-03-01");
    request.mutable_plan_merge()->set_reason("one frame, one plan");
    return request;
  }
  v1::PlanMerge Propose() { return Must<v1::PlanMerge>("MergeService/CreatePlanMerge", MergeRequest()); }
  template <typename Request>
  Request On() const {
    Request request;
    request.set_name(merge_);
    return request;
  }
  v1::PlanMerge Assess() { return Must<v1::PlanMerge>("MergeService/AssessPlanMerge", On<v1::AssessPlanMergeRequest>()); }
  std::vector<v1::MergeConflict> Conflicts() {
    v1::ListMergeConflictsRequest request;
    request.set_parent(merge_);
    request.set_page_size(1000);
    auto const listed = Must<v1::ListMergeConflictsResponse>("MergeService/ListMergeConflicts", request);
    return {listed.merge_conflicts().begin(), listed.merge_conflicts().end()};
  }
  // Takes what is suggested, but for what a test says otherwise.
  void ResolveAll(std::map<cv1::MergeConflictKind, cv1::MergeResolution> const& otherwise = {}) {
    for (auto const& conflict : Conflicts()) {
      v1::ResolveMergeConflictRequest request;
      request.set_name(conflict.name());
      auto const found = otherwise.find(conflict.kind());
      request.set_resolution(found == otherwise.end() ? conflict.choices(0) : found->second);
      Must<v1::MergeConflict>("MergeService/ResolveMergeConflict", request);
    }
  }
  v1::Approval Approval(v1::Party party, std::string const& organisation = "",
                        v1::ApprovalOutcome outcome = v1::APPROVAL_OUTCOME_APPROVED) {
    v1::CreateApprovalRequest request;
    request.set_parent("plans/s");
    auto& approval = *request.mutable_approval();
    approval.set_party(party);
    approval.set_organisation(organisation);
    approval.set_stage(v1::APPROVAL_STAGE_FINAL);
    approval.set_subject(merge_);
    approval.set_outcome(outcome);
    *approval.mutable_decide_date() = Date("2022-02-01");
    approval.mutable_evidence()->set_sha256(std::string(64, 'a'));
    return Must<v1::Approval>("DecisionService/CreateApproval", request);
  }
  void ApproveMerge() {
    Approval(v1::PARTY_FUND);
    Approval(v1::PARTY_MUNICIPALITY);
    for (auto const* organisation : {"9001", "9002", "9003"}) {
      Approval(v1::PARTY_ORGANISATION, std::string("organisations/") + organisation);
    }
  }
  v1::PlanMerge Execute() { return Must<v1::PlanMerge>("MergeService/ExecutePlanMerge", On<v1::ExecutePlanMergeRequest>()); }
  v1::PlanMerge Undo() { return Must<v1::PlanMerge>("MergeService/UndoPlanMerge", On<v1::UndoPlanMergeRequest>()); }
  v1::SealPlanMergeRequest SealRequest() const {
    auto request = On<v1::SealPlanMergeRequest>();
    *request.mutable_voucher() = Proof("the settlement");
    return request;
  }
  v1::PlanMerge Seal() { return Must<v1::PlanMerge>("MergeService/SealPlanMerge", SealRequest()); }
  v1::PlanMerge Get() { return Must<v1::PlanMerge>("MergeService/GetPlanMerge", On<v1::GetPlanMergeRequest>()); }
  v1::Plan GetPlan(std::string const& plan) {
    v1::GetPlanRequest request;
    request.set_name("plans/" + plan);
    return Must<v1::Plan>("PlanService/GetPlan", request);
  }

  // The other service has left a receipt, and this one looks for it.
  void Receipt(cv1::MergeStep step, std::int64_t count = 3) {
    auto& receipt = fake_->receipts.emplace_back();
    receipt.set_merge(merge_);
    receipt.set_service("activities");
    receipt.set_step(step);
    receipt.set_carried_count(count);
    auto const again = receipt;
    fake_->receipts.emplace_back(again).set_service("communications");
    Follow();
  }
  void Follow() {
    for (auto const& job : instance().jobs()) {
      if (job.name == "follow-activities") {
        EXPECT_THAT(server::Jobs::RunToEnd(job, {}), IsOk());
        return;
      }
    }
    ADD_FAILURE() << "nobody follows activities";
  }
  // Up to the execution.
  void Executing(Ore released = 0, std::map<cv1::MergeConflictKind, cv1::MergeResolution> const& otherwise = {}) {
    Plans(released);
    Propose();
    Assess();
    ResolveAll(otherwise);
    ApproveMerge();
    Execute();
  }
  void Executed(Ore released = 0, std::map<cv1::MergeConflictKind, cv1::MergeResolution> const& otherwise = {}) {
    Executing(released, otherwise);
    Receipt(cv1::MERGE_STEP_EXECUTE);
  }
  static std::vector<std::string> MissingOf(Refusal const& refusal) {
    std::vector<std::string> missing;
    std::string const& text = refusal.metadata.at("missing");
    for (std::size_t at = 0; at < text.size();) {
      auto const end = std::min(text.find("; ", at), text.size());
      missing.push_back(text.substr(at, end - at));
      at = end + 2;
    }
    return missing;
  }

  FakeActivities& other() { return *fake_; }

  // The merge that is worked on.
  std::string merge_ = kMerge;

 private:
  explicit MergeTest(std::shared_ptr<FakeActivities> fake)
      : MoneyTest([&] {
          auto peers = FakePeers(std::make_shared<client::FakeChannel>(), nullptr);
          peers.activities = {fake->channel, [](absl::Time) { return std::string("signed"); }};
          peers.communications = peers.activities;
          return peers;
        }()),
        fake_(std::move(fake)) {}

  std::shared_ptr<FakeActivities> fake_;
};
HELHED_BOTH_ENGINES(MergeTest);

cv1::MergeFinding Alike(std::string const& one, std::string const& other) {
  cv1::MergeFinding finding;
  finding.set_kind(cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE);
  finding.add_subjects(one);
  finding.add_subjects(other);
  finding.set_description("alike");
  finding.add_resolutions(cv1::MERGE_RESOLUTION_CARRY_BOTH);
  finding.add_resolutions(cv1::MERGE_RESOLUTION_CARRY_FIRST);
  return finding;
}

TEST_P(MergeTest, TheReportHasAPartOfEveryServiceAndSaysWhichIsMissing) {
  Plans(300'00);
  Propose();
  other().findings = {Alike("plans/p/activities/1", "plans/q/activities/2")};
  other().away = true;
  auto merge = Assess();
  ASSERT_THAT(merge.parts(), SizeIs(3));
  EXPECT_EQ(merge.parts(0).service(), "activities");
  EXPECT_EQ(merge.parts(0).state(), v1::MERGE_PART_STATE_MISSING);
  EXPECT_EQ(merge.parts(2).service(), "funding");
  EXPECT_EQ(merge.parts(2).state(), v1::MERGE_PART_STATE_REPORTED);
  EXPECT_EQ(merge.parts(2).conflict_count(), 3);
  other().away = false;
  merge = Assess();
  EXPECT_EQ(merge.parts(0).state(), v1::MERGE_PART_STATE_REPORTED);
  std::map<int, v1::MergeConflict> by_kind;
  for (auto const& conflict : Conflicts()) by_kind[conflict.kind()] = conflict;
  ASSERT_THAT(by_kind, SizeIs(4));
  EXPECT_THAT(by_kind[cv1::MERGE_CONFLICT_KIND_DEPARTMENT_IN_SEVERAL].subjects(),
              ElementsAre("plans/p/coveredDepartments/9001-001", "plans/q/coveredDepartments/9001-001"));
  EXPECT_THAT(by_kind[cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED].subjects(),
              ElementsAre("plans/q/coveredDepartments/9003-001"));
  auto const& money = by_kind[cv1::MERGE_CONFLICT_KIND_MONEY_REMAINING];
  EXPECT_THAT(money.subjects(), ElementsAre("plans/p/sources/lbf"));
  EXPECT_THAT(money.description(), HasSubstr("700"));
  EXPECT_EQ(money.choices(0), cv1::MERGE_RESOLUTION_SETTLE);
  EXPECT_EQ(by_kind[cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE].service(), "activities");
}

TEST_P(MergeTest, WhatWasChosenStaysWhileTheConflictDoes) {
  Plans();
  Propose();
  other().findings = {Alike("plans/p/activities/1", "plans/q/activities/2")};
  Assess();
  ResolveAll({{cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE, cv1::MERGE_RESOLUTION_CARRY_FIRST}});
  other().findings.push_back(Alike("plans/p/activities/3", "plans/q/activities/4"));
  Assess();
  int chosen = 0;
  int open = 0;
  for (auto const& conflict : Conflicts()) ++(conflict.resolution() == cv1::MERGE_RESOLUTION_UNSPECIFIED ? open : chosen);
  EXPECT_EQ(open, 1);
  EXPECT_EQ(chosen, 4);
  other().findings.clear();
  Assess();
  EXPECT_THAT(Conflicts(), SizeIs(3));
}

TEST_P(MergeTest, WhatWasChosenWaitsForAServiceThatDoesNotAnswer) {
  Plans();
  Propose();
  other().findings = {Alike("plans/p/activities/1", "plans/q/activities/2")};
  Assess();
  ResolveAll();
  auto const before = Conflicts();
  auto const expect_as_before = [&] {
    auto const now = Conflicts();
    ASSERT_EQ(now.size(), before.size());
    // The same resources: whoever holds an etag of one still may use it.
    for (std::size_t i = 0; i < now.size(); ++i) EXPECT_THAT(now[i], EqualsProto(before[i]));
  };
  clock().Advance(absl::Minutes(1));
  other().away = true;
  auto const merge = Assess();
  EXPECT_EQ(merge.parts(0).state(), v1::MERGE_PART_STATE_MISSING);
  EXPECT_EQ(merge.parts(0).conflict_count(), 1);
  expect_as_before();
  other().away = false;
  EXPECT_EQ(Assess().parts(0).state(), v1::MERGE_PART_STATE_REPORTED);
  expect_as_before();
  // What is offered no more was not chosen.
  other().findings[0].clear_resolutions();
  other().findings[0].add_resolutions(cv1::MERGE_RESOLUTION_CARRY_FIRST);
  Assess();
  int open = 0;
  for (auto const& conflict : Conflicts()) {
    if (conflict.resolution() != cv1::MERGE_RESOLUTION_UNSPECIFIED) continue;
    ++open;
    EXPECT_THAT(conflict.choices(), ElementsAre(cv1::MERGE_RESOLUTION_CARRY_FIRST));
    EXPECT_EQ(conflict.resolver(), "");
  }
  EXPECT_EQ(open, 1);
}

TEST_P(MergeTest, AServiceThatDoesNotUnderstandTheQuestionIsNotTakenForAway) {
  Plans();
  Propose();
  other().refuses = true;
  auto const refusal = Call<v1::PlanMerge>("MergeService/AssessPlanMerge", On<v1::AssessPlanMergeRequest>());
  EXPECT_EQ(refusal.status().code(), absl::StatusCode::kInternal) << refusal.status();
  EXPECT_THAT(Get().parts(), IsEmpty());
}

TEST_P(MergeTest, ANoDoesNotKeepTheMergeAsItIs) {
  Plans();
  Propose();
  Assess();
  Approval(v1::PARTY_MUNICIPALITY, "", v1::APPROVAL_OUTCOME_REFUSED);
  Assess();
  ResolveAll();
}

TEST_P(MergeTest, AReportThatIsOlderThanTheCoverageIsMadeAnew) {
  Plans();
  Propose();
  Assess();
  ResolveAll();
  ApproveMerge();
  SetState("p", v1::PLAN_STATE_DRAFTING);
  Cover("p", "9003", "002");
  SetState("p", v1::PLAN_STATE_ACTIVE);
  auto const refusal = Refused<v1::PlanMerge>("MergeService/ExecutePlanMerge", On<v1::ExecutePlanMergeRequest>(), kPrecondition,
                                              "MERGE_NOT_READY");
  EXPECT_THAT(MissingOf(refusal), ElementsAre("a new conflict report, for plans/p/coveredDepartments/9003-002"));
}

TEST_P(MergeTest, OnlyWhatIsOfferedIsChosen) {
  Plans();
  Propose();
  Assess();
  v1::ResolveMergeConflictRequest request;
  request.set_name(Conflicts().front().name());
  request.set_resolution(cv1::MERGE_RESOLUTION_JOIN);
  Refused<v1::MergeConflict>("MergeService/ResolveMergeConflict", request, kInvalid, "RESOLUTION_NOT_OFFERED");
}

TEST_P(MergeTest, WhatWasApprovedIsNotDecidedAnew) {
  Plans();
  Propose();
  Assess();
  ResolveAll();
  Approval(v1::PARTY_FUND);
  Refused<v1::PlanMerge>("MergeService/AssessPlanMerge", On<v1::AssessPlanMergeRequest>(), kPrecondition, "MERGE_APPROVED");
  v1::ResolveMergeConflictRequest request;
  request.set_name(Conflicts().front().name());
  request.set_resolution(Conflicts().front().choices(0));
  Refused<v1::MergeConflict>("MergeService/ResolveMergeConflict", request, kPrecondition, "MERGE_APPROVED");
}

TEST_P(MergeTest, WhatIsProposedFitsTheSuccessor) {
  Plans();
  auto request = MergeRequest();
  request.mutable_plan_merge()->set_predecessors(1, "plans/s");
  *request.mutable_plan_merge()->mutable_effective_date() = Date("2026-01-01");
  auto const refusal = Refused<v1::PlanMerge>("MergeService/CreatePlanMerge", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refusal.fields, ElementsAre("plan_merge.effective_date", "plan_merge.predecessors[1]"));
}

TEST_P(MergeTest, WhoLeadsTheSuccessorAloneDoesNotDecideAboutOtherPlans) {
  Plans();
  auto const lea = As("plan-leader", "plans/s", "lea");
  auto const refusal = Refused<v1::PlanMerge>("MergeService/CreatePlanMerge", MergeRequest(), kDenied, "PERMISSION_MISSING", lea);
  EXPECT_EQ(refusal.metadata.at("resource"), "plans/p");
  auto const all = As({{"plan-leader", "plans/s"}, {"plan-leader", "plans/p"}, {"plan-board", "plans/q"}}, "lea");
  Must<v1::PlanMerge>("MergeService/CreatePlanMerge", MergeRequest(), all);
}

TEST_P(MergeTest, IsNotExecutedBeforeEverythingIsDecidedAndApproved) {
  Plans();
  Propose();
  other().away = true;
  Assess();
  auto refusal = Refused<v1::PlanMerge>("MergeService/ExecutePlanMerge", On<v1::ExecutePlanMergeRequest>(), kPrecondition,
                                        "MERGE_NOT_READY");
  EXPECT_THAT(MissingOf(refusal), SizeIs(1 + 3 + 5));
  other().away = false;
  Assess();
  ResolveAll();
  ApproveMerge();
  Execute();
}

TEST_P(MergeTest, DepartmentsMoveOnTheEffectiveDateAndTheOthersAreTold) {
  Executing();
  EXPECT_EQ(Covered("p", "9001-001"), "2022-01-01 to 2022-03-01");
  EXPECT_EQ(Covered("p", "9002-001"), "2022-01-01 to 2022-03-01");
  EXPECT_EQ(Covered("q", "9003-001"), "2022-01-01 to 2022-03-01");
  EXPECT_EQ(Covered("s", "9001-001"), "2022-03-01 to 2026-01-01");
  EXPECT_EQ(Covered("s", "9003-001"), "none");
  auto const event = LastEvent<v1::PlanMergeChanged>(kMerge);
  EXPECT_EQ(event.state(), v1::PLAN_MERGE_STATE_EXECUTING);
  EXPECT_THAT(event.predecessors(), ElementsAre("plans/p", "plans/q"));
  EXPECT_EQ(event.decisions_size(), 3);
  auto const merge = Get();
  EXPECT_FALSE(merge.parts(0).has_execute_time());
  EXPECT_TRUE(merge.parts(2).has_execute_time());
  EXPECT_EQ(merge.parts(2).carried_count(), 6);
}

TEST_P(MergeTest, ADepartmentThatIsTakenInIsTheSuccessors) {
  Executing(0, {{cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED, cv1::MERGE_RESOLUTION_TAKE_IN}});
  EXPECT_EQ(Covered("s", "9003-001"), "2022-03-01 to 2026-01-01");
}

TEST_P(MergeTest, WhatWasTakenInAndGivenBackIsTakenInByTheNextMerge) {
  std::map<cv1::MergeConflictKind, cv1::MergeResolution> const in = {
      {cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED, cv1::MERGE_RESOLUTION_TAKE_IN}};
  Executing(0, in);
  Undo();
  Receipt(cv1::MERGE_STEP_UNDO);
  EXPECT_EQ(Covered("s", "9003-001"), "left out");
  merge_ = "plans/s/merges/again";
  Must<v1::PlanMerge>("MergeService/CreatePlanMerge", MergeRequest("again"));
  Assess();
  ResolveAll(in);
  ApproveMerge();
  Execute();
  EXPECT_EQ(Covered("s", "9003-001"), "2022-03-01 to 2026-01-01");
  Undo();
  EXPECT_EQ(Covered("s", "9003-001"), "left out");
  v1::GetCoveredDepartmentRequest get;
  get.set_name("plans/s/coveredDepartments/9003-001");
  EXPECT_EQ(Must<v1::CoveredDepartment>("CoverageService/GetCoveredDepartment", get).exclude_merge(), merge_);
}

TEST_P(MergeTest, WhatIsCoveredIsNotChangedWhileAMergeRunsThroughThePlan) {
  Executing();
  for (auto const* name : {"plans/p/coveredDepartments/9002-001", "plans/s/coveredDepartments/9001-001"}) {
    v1::UpdateCoveredDepartmentRequest request;
    request.mutable_covered_department()->set_name(name);
    *request.mutable_covered_department()->mutable_period()->mutable_start_date() = Date("2022-06-01");
    *request.mutable_covered_department()->mutable_period()->mutable_end_date() = Date("2023-01-01");
    request.mutable_update_mask()->add_paths("period");
    auto const refusal =
        Refused<v1::CoveredDepartment>("CoverageService/UpdateCoveredDepartment", request, kPrecondition, "PLAN_MERGING");
    EXPECT_EQ(refusal.metadata.at("merge"), kMerge);
  }
}

TEST_P(MergeTest, TheLastReceiptFinishesTheExecution) {
  Executing();
  auto refusal = Refused<v1::PlanMerge>("MergeService/SealPlanMerge", SealRequest(), kPrecondition, "MERGE_NOT_READY");
  EXPECT_THAT(MissingOf(refusal), ElementsAre("the receipt of activities", "the receipt of communications"));
  other().away = true;
  for (auto const& job : instance().jobs()) {
    if (job.name == "follow-activities") {
      EXPECT_THAT(server::Jobs::RunToEnd(job, {}), Not(IsOk()));
    }
  }
  other().away = false;
  Receipt(cv1::MERGE_STEP_EXECUTE, 7);
  auto const merge = Get();
  EXPECT_EQ(merge.state(), v1::PLAN_MERGE_STATE_EXECUTED);
  EXPECT_EQ(merge.parts(0).carried_count(), 7);
  // A receipt is entered once.
  Receipt(cv1::MERGE_STEP_EXECUTE, 9);
  EXPECT_THAT(Get(), EqualsProto(merge));
}

TEST_P(MergeTest, AReceiptForWhatIsNotThereHoldsNothingUp) {
  Executing();
  auto& receipt = other().receipts.emplace_back();
  receipt.set_merge("plans/s/merges/another");
  receipt.set_service("activities");
  receipt.set_step(cv1::MERGE_STEP_EXECUTE);
  Receipt(cv1::MERGE_STEP_EXECUTE);
  EXPECT_EQ(Get().state(), v1::PLAN_MERGE_STATE_EXECUTED);
}

TEST_P(MergeTest, UndoneIsAsBefore) {
  Plans(300'00);
  std::map<std::string, std::string> before;
  auto const all = [&] {
    std::map<std::string, std::string> covered;
    for (auto const* plan : {"p", "q", "s"}) {
      for (auto const* department : {"9001-001", "9002-001"}) covered[std::string(plan) + department] = Covered(plan, department);
    }
    return covered;
  };
  before = all();
  auto const books = CheckBooks();
  Propose();
  Assess();
  ResolveAll();
  ApproveMerge();
  Execute();
  EXPECT_NE(all(), before);
  Undo();
  EXPECT_EQ(all(), before);
  // The other service did its part, and took it back.
  Receipt(cv1::MERGE_STEP_EXECUTE);
  EXPECT_EQ(Get().state(), v1::PLAN_MERGE_STATE_UNDOING);
  Receipt(cv1::MERGE_STEP_UNDO);
  EXPECT_EQ(Get().state(), v1::PLAN_MERGE_STATE_UNDONE);
  EXPECT_EQ(CheckBooks(), books);
  EXPECT_EQ(GetPlan("p").state(), v1::PLAN_STATE_ACTIVE);
  Refused<v1::PlanMerge>("MergeService/SealPlanMerge", SealRequest(), kPrecondition, "MERGE_NOT_READY");
  // And may be merged again.
  Must<v1::PlanMerge>("MergeService/CreatePlanMerge", MergeRequest("again"));
}

TEST_P(MergeTest, APlanIsInOneMergeAndDoesNotEndInAnotherWayMeanwhile) {
  Executing();
  auto again = MergeRequest("again");
  Must<v1::PlanMerge>("MergeService/CreatePlanMerge", again);
  v1::WithdrawPlanRequest withdraw;
  withdraw.set_name("plans/p");
  withdraw.set_reason("given up");
  auto const refusal = Refused<v1::Plan>("PlanService/WithdrawPlan", withdraw, kPrecondition, "PLAN_MERGING");
  EXPECT_EQ(refusal.metadata.at("merge"), kMerge);
  v1::SupersedePlanRequest supersede;
  supersede.set_name("plans/q");
  supersede.set_successor("plans/s");
  supersede.set_reason("by hand");
  Refused<v1::Plan>("PlanService/SupersedePlan", supersede, kPrecondition, "PLAN_MERGING");
}

TEST_P(MergeTest, SealedThePredecessorsEndAndTheirBooksAreSettled) {
  Plans(300'00);
  Post(Reserve("0001", 120'00));
  Propose();
  Assess();
  ResolveAll();
  ApproveMerge();
  Execute();
  Receipt(cv1::MERGE_STEP_EXECUTE);
  auto const merge = Seal();
  EXPECT_EQ(merge.state(), v1::PLAN_MERGE_STATE_SEALED);
  EXPECT_TRUE(merge.has_seal_date());
  for (auto const* plan : {"p", "q"}) {
    EXPECT_EQ(GetPlan(plan).state(), v1::PLAN_STATE_SUPERSEDED);
    EXPECT_EQ(GetPlan(plan).successor(), "plans/s");
  }
  auto const books = CheckBooks();
  EXPECT_EQ(books.at("granted.lbf"), -120'00);
  EXPECT_EQ(books.at("spent.0001"), 120'00);
  EXPECT_EQ(books.at("approved.lbf"), 0);
  EXPECT_EQ(books.at("released.lbf"), 0);
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_RECONCILED);
  v1::ListEntriesRequest list;
  list.set_parent("plans/p");
  list.set_filter(std::string("cause = \"") + kMerge + "\"");
  auto const entries = Must<v1::ListEntriesResponse>("LedgerService/ListEntries", list).entries();
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].kind(), v1::ENTRY_KIND_REPAYMENT);
  EXPECT_EQ(entries[1].kind(), v1::ENTRY_KIND_LAPSE);
  // It holds for good.
  Refused<v1::PlanMerge>("MergeService/UndoPlanMerge", On<v1::UndoPlanMergeRequest>(), kPrecondition, "MERGE_NOT_READY");
  Refused<v1::PlanMerge>("MergeService/SealPlanMerge", SealRequest(), kPrecondition, "MERGE_NOT_READY");
}

TEST_P(MergeTest, ASealThatIsRepeatedPostsNothingTwice) {
  Executed(300'00);
  auto request = SealRequest();
  request.set_request_id("018f0000-0000-7000-8000-000000000001");
  auto const first = Must<v1::PlanMerge>("MergeService/SealPlanMerge", request);
  auto const books = CheckBooks();
  EXPECT_THAT(Must<v1::PlanMerge>("MergeService/SealPlanMerge", request), EqualsProto(first));
  EXPECT_EQ(CheckBooks(), books);
}

TEST_P(MergeTest, WhatIsUnderWayComesToItsEndFirst) {
  Plans(300'00);
  auto const reserved = Reserve("0001", 120'00);
  Propose();
  Assess();
  ResolveAll();
  ApproveMerge();
  Execute();
  Receipt(cv1::MERGE_STEP_EXECUTE);
  auto const refusal = Refused<v1::PlanMerge>("MergeService/SealPlanMerge", SealRequest(), kPrecondition, "MERGE_NOT_READY");
  EXPECT_THAT(MissingOf(refusal), ElementsAre("an end of " + reserved.name()));
  Post(reserved);
  Seal();
  EXPECT_EQ(CheckBooks().at("spent.0001"), 120'00);
}

TEST_P(MergeTest, WhatIsToBeSettledByHandIs) {
  Executed(300'00, {{cv1::MERGE_CONFLICT_KIND_MONEY_REMAINING, cv1::MERGE_RESOLUTION_BY_HAND}});
  auto const refusal = Refused<v1::PlanMerge>("MergeService/SealPlanMerge", SealRequest(), kPrecondition, "MERGE_NOT_READY");
  EXPECT_THAT(MissingOf(refusal), ElementsAre("the settlement of plans/p/sources/lbf by hand"));
  Must<v1::Source>("SourceService/LapseSource", ActRequest<v1::LapseSourceRequest>("lbf"), anna_);
  Must<v1::Source>("SourceService/DemandRepaymentSource", ActRequest<v1::DemandRepaymentSourceRequest>("lbf"), anna_);
  Must<v1::Source>("SourceService/RepaySource", ActRequest<v1::RepaySourceRequest>("lbf"), anna_);
  Seal();
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_REPAID);
}

// Money before is money after: whatever was granted, released and spent, every øre of it is afterwards spent, lapsed or paid
// back, and the books of the successor know nothing of it.
TEST_P(MergeTest, EveryOereIsAccountedFor) {
  SeededRandom random(GetParam() == storage::Engine::kSqlite ? 1 : 2);
  Ore const released = random.Between(1'00, 1000'00);
  Plans(released);
  Ore spent = 0;
  for (int i = 0; i < 5 && released - spent > 2; ++i) {
    Ore const amount = random.Between(1, std::min<Ore>(released - spent, 100'00));
    Post(Reserve("0001", amount));
    spent += amount;
  }
  auto const before = CheckBooks();
  Propose();
  Assess();
  ResolveAll();
  ApproveMerge();
  Execute();
  Receipt(cv1::MERGE_STEP_EXECUTE);
  Seal();
  auto const after = CheckBooks();
  v1::ListPostingsRequest list;
  list.set_parent("plans/p");
  list.set_page_size(1000);
  std::map<v1::EntryKind, Ore> moved;
  auto const booked = Must<v1::ListPostingsResponse>("LedgerService/ListPostings", list);
  for (auto const& posting : booked.postings()) moved[posting.kind()] += posting.amount().minor_units();
  EXPECT_EQ(moved[v1::ENTRY_KIND_LAPSE] + moved[v1::ENTRY_KIND_REPAYMENT] + spent, 1000'00);
  EXPECT_EQ(-after.at("granted.lbf"), spent);
  EXPECT_EQ(before.at("spent.0001"), after.at("spent.0001"));
  list.set_parent("plans/s");
  EXPECT_THAT(Must<v1::ListPostingsResponse>("LedgerService/ListPostings", list).postings(), IsEmpty());
}

TEST_P(MergeTest, AWithdrawnMergeIsOver) {
  Plans();
  Propose();
  Must<v1::PlanMerge>("MergeService/WithdrawPlanMerge", On<v1::WithdrawPlanMergeRequest>());
  auto const refusal =
      Refused<v1::PlanMerge>("MergeService/AssessPlanMerge", On<v1::AssessPlanMergeRequest>(), kPrecondition, "MERGE_NOT_READY");
  EXPECT_EQ(refusal.metadata.at("state"), "WITHDRAWN");
  EXPECT_EQ(refusal.metadata.at("allowed"), "");
}

}  // namespace
}  // namespace helhed::funding::testing
