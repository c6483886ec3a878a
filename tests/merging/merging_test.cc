#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "helhed/activities/v1/activity_service.pb.h"
#include "helhed/activities/v1/attendance_service.pb.h"
#include "helhed/activities/v1/registration_service.pb.h"
#include "helhed/activities/v1/session_service.pb.h"
#include "helhed/common/v1/merge.pb.h"
#include "helhed/communications/v1/incident_service.pb.h"
#include "helhed/communications/v1/template_service.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "helhed/funding/v1/budget_service.pb.h"
#include "helhed/funding/v1/coverage_service.pb.h"
#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "helhed/funding/v1/ledger_service.pb.h"
#include "helhed/funding/v1/merge_service.pb.h"
#include "helhed/funding/v1/plan_service.pb.h"
#include "helhed/funding/v1/source_service.pb.h"
#include "services/platform/client/channel.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "tests/e2e/process.h"

// Two plans become one, across three services that are processes of their own. Whoever dies at whatever step, and is started
// again, carries on: in the end there is what there is when nobody dies.
namespace helhed {
namespace {

namespace av1 = activities::v1;
namespace cv1 = common::v1;
namespace mv1 = communications::v1;
namespace fv1 = funding::v1;
using storage::Engine;

constexpr char kMerge[] = "plans/s/merges/m";

// Plans as their own acts would have made them: `p` and `q` run, `s` is approved and goes on from both.
storage::Statement const kPlan(
    "test.plan_to_merge",
    "INSERT INTO plans (plan, display_name, display_name_sort, regulation, state, period_start_date, period_end_date, "
    "municipality_code, budget_total_currency_code, budget_total_minor_units, budget_precision, revision, create_time, "
    "update_time) "
    "VALUES ($1, $1, $2, '2019-26', $3, '2022-01-01', '2100-01-01', '0101', 'DKK', 0, 1, 1, 0, 0)");
storage::Statement const kFocusArea("test.focus_area_of_merge",
                                    "INSERT INTO plan_focus_areas (plan, position, focus_area) VALUES ($1, 0, 'beskaeftigelse')");
storage::Statement const kPredecessor("test.predecessor",
                                      "INSERT INTO plan_predecessors (plan, position, predecessor) VALUES ('s', $1, $2)");
storage::Statement const kCovered(
    "test.covered_by_plan",
    "INSERT INTO covered_departments (plan, covered_department, department_organisation, department, dwelling_count, "
    "area_square_metres, state, exclude_reason, revision, create_time, update_time) "
    "VALUES ($1, $2, '9001', $3, 100, 0, 1, '', 1, 0, 0)");

// One of the processes.
class Server {
 public:
  Server(std::string name, Engine engine, std::string folder)
      : name_(std::move(name)), engine_(engine), folder_(std::move(folder)) {
    address_ = absl::StrCat("127.0.0.1:", testing::FreePort());
  }

  std::string const& address() const { return address_; }
  testing::FreshDatabase& database() { return *fresh_; }
  std::string log() const { return absl::StrCat(folder_, "/", name_, ".log"); }

  std::vector<std::string> Command(std::string const& command, testing::FreshDatabase const& database) const {
    return {testing::Binary("helhed-" + name_),
            command,
            "--log-level",
            "error",
            engine_ == Engine::kSqlite ? "--sqlite" : "--postgres",
            database.location(),
            "--listen",
            address_,
            "--admin-listen",
            "",
            "--peer",
            peer_,
            "--signing-key-file",
            folder_ + "/key",
            "--identity-key-file",
            folder_ + "/key.pub",
            "--roles-file",
            std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto"};
  }
  void Migrate(std::string const& peer) {
    peer_ = peer;
    fresh_ = std::make_unique<testing::FreshDatabase>(engine_, name_, [&](testing::FreshDatabase const& empty) {
      auto const migrated = testing::RunProgram(Command("migrate", empty));
      EXPECT_EQ(migrated.exit_code, 0) << migrated.output;
    });
  }
  // Does not wait: whoever needs it insists.
  void Start() { process_ = std::make_unique<testing::Process>(Command("serve", *fresh_), log()); }
  void Kill() {
    process_->Signal(SIGKILL);
    EXPECT_EQ(process_->Wait(), -SIGKILL);
  }
  void Stop() { process_.reset(); }

 private:
  std::string name_;
  Engine engine_;
  std::unique_ptr<testing::FreshDatabase> fresh_;
  std::string folder_;
  std::string address_;
  std::string peer_;
  std::unique_ptr<testing::Process> process_;
};

// Who is killed at a step, and how long after it began.
struct Deaths {
  bool funding = false;
  bool activities = false;
  bool communications = false;
  std::uint64_t seed = 1;
};

class House {
 public:
  House(Engine engine, Deaths deaths) : deaths_(deaths), random_(deaths.seed) {
    std::string pattern = (std::filesystem::temp_directory_path() / "helhed-merging-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    auto const key = testing::RunProgram(
        {testing::Binary("helhed"), "token", "--new-key", folder_ + "/key", folder_ + "/key.pub", "--key-id", "e2e"});
    EXPECT_EQ(key.exit_code, 0) << key.output;
    funding_ = std::make_unique<Server>("funding", engine, folder_);
    activities_ = std::make_unique<Server>("activities", engine, folder_);
    communications_ = std::make_unique<Server>("communications", engine, folder_);
    anna_ = Identity("anna");
    bo_ = Identity("bo");
  }
  ~House() {
    if (::testing::Test::HasFailure()) {
      for (auto const* server : {funding_.get(), activities_.get(), communications_.get()}) {
        std::cerr << testing::ReadWhole(server->log());
      }
    }
    funding_->Stop();
    activities_->Stop();
    communications_->Stop();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    funding_->Migrate(absl::StrCat("activities=", activities_->address(), ",communications=", communications_->address()));
    activities_->Migrate("funding=" + funding_->address());
    communications_->Migrate("funding=" + funding_->address());
    MakePlans();
    funding_->Start();
    activities_->Start();
    communications_->Start();
    to_funding_ = client::ConnectGrpc({.target = funding_->address()});
    to_activities_ = client::ConnectGrpc({.target = activities_->address()});
    to_communications_ = client::ConnectGrpc({.target = communications_->address()});
    Fund();
    MakeActivities();
    MakeCommunications();
  }

  // Proposes, assesses, decides, approves and executes, while they die.
  void Merge() {
    Step([&] { Propose(); });
    Step([&] { Assess(); });
    Step([&] { Decide(); });
    Step([&] { Approve(); });
    Step([&] { Act<fv1::ExecutePlanMergeRequest>("ExecutePlanMerge"); });
    Step([&] { Await(fv1::PLAN_MERGE_STATE_EXECUTED); });
    Step([&] { Live(); });
  }
  void Seal() {
    Step([&] {
      fv1::SealPlanMergeRequest request;
      request.set_name(kMerge);
      request.set_request_id(UuidOf("seal"));
      request.mutable_voucher()->set_reference("the settlement");
      Insist<fv1::PlanMerge>(*to_funding_, "funding.v1.MergeService/SealPlanMerge", request, anna_);
    });
  }
  void Undo() {
    Step([&] { Act<fv1::UndoPlanMergeRequest>("UndoPlanMerge"); });
    Step([&] { Await(fv1::PLAN_MERGE_STATE_UNDONE); });
  }

  // Everything that must not depend on who died: names, states, money, people; no times.
  std::string Digest() {
    std::string text;
    DigestMerge(text);
    DigestPlans(text);
    DigestBooks(text);
    DigestActivities(text);
    DigestCommunications(text);
    DigestEvents(text);
    return text;
  }

 private:
  std::string Identity(std::string const& subject) {
    auto const token = testing::RunProgram({testing::Binary("helhed"), "token", "--identity-key", folder_ + "/key", "--subject",
                                            subject, "--grant", "operator", "--lifetime", "1h"});
    EXPECT_EQ(token.exit_code, 0) << token.output;
    std::string bytes;
    EXPECT_TRUE(absl::Base64Unescape(absl::StripAsciiWhitespace(token.output), &bytes));
    return bytes;
  }

  // Runs a step; who is to die dies somewhere in it and is started again.
  void Step(std::function<void()> const& step) {
    if (::testing::Test::HasFatalFailure()) return;
    std::vector<std::thread> deaths;
    auto const die = [&](Server& server) {
      auto const after = absl::Milliseconds(random_.Between(0, 60));
      deaths.emplace_back([&server, after] {
        absl::SleepFor(after);
        server.Kill();
        server.Start();
      });
    };
    if (deaths_.funding) die(*funding_);
    if (deaths_.activities) die(*activities_);
    if (deaths_.communications) die(*communications_);
    step();
    for (auto& death : deaths) death.join();
  }

  // Tries until it is answered, as a caller does: with the same request_id each time.
  template <typename Response>
  Response Insist(client::Channel& channel, std::string const& method, google::protobuf::Message const& request,
                  std::string const& identity) {
    auto const until = absl::Now() + absl::Seconds(60);
    absl::Status last;
    while (absl::Now() < until) {
      auto const answer = client::Invoke<Response>(channel, "/helhed." + method, request,
                                                   {.deadline = absl::Now() + absl::Seconds(5), .identity = identity});
      if (answer.ok()) return *answer;
      last = answer.status();
      bool const away = absl::IsUnavailable(last) || absl::IsDeadlineExceeded(last) || absl::IsCancelled(last) ||
                        absl::IsUnknown(last) || absl::IsInternal(last);
      if (!away) break;
      absl::SleepFor(absl::Milliseconds(20));
    }
    ADD_FAILURE() << method << ": " << last;
    return {};
  }
  template <typename Response>
  Response Funding(std::string const& method, google::protobuf::Message const& request, bool bo = false) {
    return Insist<Response>(*to_funding_, "funding.v1." + method, request, bo ? bo_ : anna_);
  }
  template <typename Response>
  Response Activities(std::string const& method, google::protobuf::Message const& request) {
    return Insist<Response>(*to_activities_, "activities.v1." + method, request, anna_);
  }
  template <typename Response>
  Response Communications(std::string const& method, google::protobuf::Message const& request) {
    return Insist<Response>(*to_communications_, "communications.v1." + method, request, anna_);
  }
  // A request_id of its own for everything that is done once.
  template <typename Request>
  static Request Once(Request request) {
    request.set_request_id(UuidOf(request.GetTypeName() + request.SerializeAsString()));
    return request;
  }

  void MakePlans() {
    auto const database = funding_->database().Open();
    std::byte const sort{'a'};
    auto const plan = [&](storage::WriteTransaction& tx, std::string_view id, fv1::PlanState state) -> absl::Status {
      RETURN_IF_ERROR(tx.Execute(kPlan, {id, storage::Bytes(&sort, 1), static_cast<std::int64_t>(state)}).status());
      return tx.Execute(kFocusArea, {id}).status();
    };
    auto const cover = [&](storage::WriteTransaction& tx, std::string_view id, std::string_view department) {
      std::string const covered = absl::StrCat("9001-", Av(department));
      return tx.Execute(kCovered, {id, std::string_view(covered), department}).status();
    };
    ASSERT_THAT(database->Write({},
                                [&](storage::WriteTransaction& tx) -> absl::Status {
                                  RETURN_IF_ERROR(plan(tx, "p", fv1::PLAN_STATE_ACTIVE));
                                  RETURN_IF_ERROR(plan(tx, "q", fv1::PLAN_STATE_ACTIVE));
                                  RETURN_IF_ERROR(plan(tx, "s", fv1::PLAN_STATE_APPROVED));
                                  RETURN_IF_ERROR(tx.Execute(kPredecessor, {std::int64_t{0}, std::string_view("p")}).status());
                                  RETURN_IF_ERROR(tx.Execute(kPredecessor, {std::int64_t{1}, std::string_view("q")}).status());
                                  RETURN_IF_ERROR(cover(tx, "p", "001"));
                                  RETURN_IF_ERROR(cover(tx, "q", "001"));
                                  RETURN_IF_ERROR(cover(tx, "q", "002"));
                                  return cover(tx, "s", "001");
                                }),
                testing::IsOk());
  }

  static void SetKroner(cv1::Money& money, std::int64_t kroner) {
    money.set_currency_code("DKK");
    money.set_minor_units(kroner * 100);
  }
  static void SetDate(google::type::Date& date, int year, int month, int day) {
    date.set_year(year);
    date.set_month(month);
    date.set_day(day);
  }

  // A thousand kroner of `p`, 300 of them released, 100 spent.
  void Fund() {
    fv1::CreateSourceRequest source;
    source.set_parent("plans/p");
    source.set_source_id("lbf");
    source.mutable_source()->set_display_name("Landsbyggefonden");
    source.mutable_source()->set_kind(fv1::SOURCE_KIND_FUND);
    SetKroner(*source.mutable_source()->mutable_amount(), 1000);
    Funding<fv1::Source>("SourceService/CreateSource", Once(source));
    fv1::CreateBudgetRequest budget;
    budget.set_parent("plans/p");
    auto& line = *budget.mutable_budget()->add_lines();
    line.set_focus_area("beskaeftigelse");
    line.set_cost_kind("wages");
    line.set_source("plans/p/sources/lbf");
    line.set_year(2022);
    SetKroner(*line.mutable_amount(), 1000);
    Funding<fv1::Budget>("BudgetService/CreateBudget", Once(budget));
    fv1::PledgeSourceRequest pledge;
    pledge.set_name("plans/p/sources/lbf");
    pledge.mutable_voucher()->set_reference("pledge");
    Funding<fv1::Source>("SourceService/PledgeSource", Once(pledge));
    fv1::ApproveSourceRequest approve;
    approve.set_name(pledge.name());
    approve.mutable_voucher()->set_reference("approval");
    Funding<fv1::Source>("SourceService/ApproveSource", Once(approve));
    fv1::CreateReleaseRequest release;
    release.set_parent(pledge.name());
    release.set_release_id("first");
    SetKroner(*release.mutable_release()->mutable_amount(), 300);
    SetDate(*release.mutable_release()->mutable_release_date(), 2022, 3, 4);
    release.mutable_release()->mutable_voucher()->set_reference("release");
    fv1::ApproveReleaseRequest decide;
    decide.set_name(Funding<fv1::Release>("SourceService/CreateRelease", Once(release)).name());
    Funding<fv1::Release>("SourceService/ApproveRelease", Once(decide), true);
    fv1::CreateDisbursementRequest reserve;
    reserve.set_parent("plans/p");
    reserve.set_disbursement_id("d");
    reserve.mutable_disbursement()->set_budget_line("plans/p/budgetLines/0001");
    SetKroner(*reserve.mutable_disbursement()->mutable_amount(), 100);
    SetDate(*reserve.mutable_disbursement()->mutable_expense_date(), 2022, 3, 4);
    reserve.mutable_disbursement()->mutable_voucher()->set_reference("invoice");
    Funding<fv1::Disbursement>("LedgerService/CreateDisbursement", Once(reserve));
    fv1::PostDisbursementRequest post;
    post.set_name("plans/p/disbursements/d");
    Funding<fv1::Disbursement>("LedgerService/PostDisbursement", Once(post), true);
  }

  // `cafe` in both plans, with two seats, three people and a session that is to come.
  void MakeActivities() {
    for (std::string const plan : {"plans/p", "plans/q"}) {
      av1::CreateSubGoalRequest goal;
      goal.set_parent(plan);
      goal.set_sub_goal_id("sprog");
      goal.mutable_sub_goal()->set_display_name("Sprog");
      goal.mutable_sub_goal()->set_focus_area("beskaeftigelse");
      goal.mutable_sub_goal()->set_purpose("Sprog");
      Activities<av1::SubGoal>("ActivityService/CreateSubGoal", Once(goal));
      av1::CreateActivityRequest create;
      create.set_parent(plan);
      create.set_activity_id("cafe");
      create.mutable_activity()->set_display_name("Café");
      create.mutable_activity()->set_sub_goal(plan + "/subGoals/sprog");
      create.mutable_activity()->set_activity_type("activityTypes/lektiehjaelp");
      create.mutable_activity()->set_responsible("anna");
      create.mutable_activity()->set_capacity(2);
      Activities<av1::Activity>("ActivityService/CreateActivity", Once(create));
      for (auto const step : {av1::ACTIVITY_STEP_PLAN, av1::ACTIVITY_STEP_OPEN}) {
        av1::AdvanceActivityRequest advance;
        advance.set_name(plan + "/activities/cafe");
        advance.set_step(step);
        Activities<av1::Activity>("ActivityService/AdvanceActivity", Once(advance));
      }
      for (auto const* id : {"r1", "r2", "r3"}) Register(plan + "/activities/cafe", id);
      av1::CreateSessionRequest session;
      session.set_parent(plan + "/activities/cafe");
      session.set_session_id("next");
      session.mutable_session()->set_local_start("2090-04-01T16:00");
      session.mutable_session()->set_duration_minutes(60);
      Activities<av1::Session>("SessionService/CreateSession", Once(session));
    }
  }
  void Register(std::string const& activity, std::string const& id) {
    av1::CreateRegistrationRequest request;
    request.set_parent(activity);
    request.set_registration_id(id);
    request.mutable_registration();
    Activities<av1::Registration>("RegistrationService/CreateRegistration", Once(request));
  }

  // A letter in both plans, and an incident that is open.
  void MakeCommunications() {
    for (std::string const plan : {"plans/p", "plans/q"}) {
      mv1::CreateTemplateRequest letter;
      letter.set_parent(plan);
      letter.set_template_id("brev");
      letter.mutable_template_()->set_display_name("Et brev");
      Communications<mv1::Template>("TemplateService/CreateTemplate", Once(letter));
      Write(plan, "Kom til møde");
      mv1::CreateIncidentRequest incident;
      incident.set_parent(plan);
      incident.set_incident_id("brand");
      incident.mutable_incident()->set_kind(mv1::INCIDENT_KIND_ARSON);
      incident.mutable_incident()->mutable_occur_time()->set_seconds(1'700'000'000);
      incident.mutable_incident()->set_place("Ved containerne");
      incident.mutable_incident()->set_description("Der blev sat ild til en container.");
      Communications<mv1::Incident>("IncidentService/CreateIncident", Once(incident));
      Note(plan + "/incidents/brand", "vagt");
    }
  }
  void Write(std::string const& plan, std::string const& body) {
    mv1::CreateTemplateVersionRequest request;
    request.set_parent(plan + "/templates/brev");
    auto& text = *request.mutable_template_version()->add_texts();
    text.set_language("da");
    text.set_subject("Møde");
    text.set_body(body);
    Communications<mv1::TemplateVersion>("TemplateService/CreateTemplateVersion", Once(request));
  }
  void Note(std::string const& incident, std::string const& text) {
    mv1::CreateTimelineEntryRequest request;
    request.set_parent(incident);
    request.mutable_timeline_entry()->set_text(text);
    Communications<mv1::TimelineEntry>("IncidentService/CreateTimelineEntry", Once(request));
  }

  void Propose() {
    fv1::CreatePlanMergeRequest request;
    request.set_parent("plans/s");
    request.set_plan_merge_id("m");
    request.mutable_plan_merge()->add_predecessors("plans/p");
    request.mutable_plan_merge()->add_predecessors("plans/q");
    SetDate(*request.mutable_plan_merge()->mutable_effective_date(), 2022, 7, 1);
    request.mutable_plan_merge()->set_reason("one frame, one plan");
    Funding<fv1::PlanMerge>("MergeService/CreatePlanMerge", Once(request));
  }
  // Until every service has answered: that one is away is said, not waited for.
  void Assess() {
    for (int i = 0; i < 300; ++i) {
      fv1::AssessPlanMergeRequest request;
      request.set_name(kMerge);
      request.set_request_id(UuidOf(absl::StrCat("assess ", i)));
      auto const merge = Funding<fv1::PlanMerge>("MergeService/AssessPlanMerge", request);
      bool const whole = std::all_of(merge.parts().begin(), merge.parts().end(),
                                     [](fv1::MergePart const& part) { return part.state() == fv1::MERGE_PART_STATE_REPORTED; });
      if (merge.parts_size() == 3 && whole) return;
      absl::SleepFor(absl::Milliseconds(50));
    }
    ADD_FAILURE() << "the report was never whole";
  }
  std::vector<fv1::MergeConflict> Conflicts() {
    fv1::ListMergeConflictsRequest request;
    request.set_parent(kMerge);
    request.set_page_size(1000);
    auto const page = Funding<fv1::ListMergeConflictsResponse>("MergeService/ListMergeConflicts", request);
    return {page.merge_conflicts().begin(), page.merge_conflicts().end()};
  }
  void Decide() {
    for (auto const& conflict : Conflicts()) {
      fv1::ResolveMergeConflictRequest request;
      request.set_name(conflict.name());
      request.set_resolution(conflict.choices(0));
      Funding<fv1::MergeConflict>("MergeService/ResolveMergeConflict", Once(request));
    }
  }
  void Approve() {
    for (auto const party : {fv1::PARTY_FUND, fv1::PARTY_MUNICIPALITY, fv1::PARTY_ORGANISATION}) {
      fv1::CreateApprovalRequest request;
      request.set_parent("plans/s");
      request.set_approval_id(absl::StrCat("a", static_cast<int>(party)));
      auto& approval = *request.mutable_approval();
      approval.set_party(party);
      if (party == fv1::PARTY_ORGANISATION) approval.set_organisation("organisations/9001");
      approval.set_stage(fv1::APPROVAL_STAGE_FINAL);
      approval.set_subject(kMerge);
      approval.set_outcome(fv1::APPROVAL_OUTCOME_APPROVED);
      SetDate(*approval.mutable_decide_date(), 2022, 6, 1);
      approval.mutable_evidence()->set_sha256(std::string(64, 'a'));
      Funding<fv1::Approval>("DecisionService/CreateApproval", Once(request));
    }
  }
  template <typename Request>
  void Act(std::string const& method) {
    Request request;
    request.set_name(kMerge);
    Funding<fv1::PlanMerge>("MergeService/" + method, Once(request));
  }
  void Await(fv1::PlanMergeState state) {
    fv1::GetPlanMergeRequest request;
    request.set_name(kMerge);
    auto const until = absl::Now() + absl::Seconds(90);
    fv1::PlanMerge merge;
    while (absl::Now() < until) {
      merge = Funding<fv1::PlanMerge>("MergeService/GetPlanMerge", request);
      if (merge.state() == state) return;
      absl::SleepFor(absl::Milliseconds(50));
    }
    FAIL() << "still " << merge.ShortDebugString();
  }
  // The successor's life goes on before it is sealed or undone: who comes now waits behind those from before.
  void Live() {
    Register("plans/s/activities/cafe", "r4");
    Write("plans/s", "Kom alle");
    Note("plans/s/incidents/brand", "siden");
  }

  void DigestMerge(std::string& text) {
    fv1::GetPlanMergeRequest request;
    request.set_name(kMerge);
    auto const merge = Funding<fv1::PlanMerge>("MergeService/GetPlanMerge", request);
    absl::StrAppend(&text, "merge ", fv1::PlanMergeState_Name(merge.state()), "\n");
    for (auto const& part : merge.parts()) {
      absl::StrAppend(&text, "part ", part.service(), " ", part.conflict_count(), " ", part.carried_count(), " ",
                      part.has_execute_time(), part.has_undo_time(), "\n");
    }
    for (auto const& conflict : Conflicts()) {
      absl::StrAppend(&text, "conflict ", conflict.description(), " ", cv1::MergeResolution_Name(conflict.resolution()), "\n");
    }
  }
  void DigestPlans(std::string& text) {
    for (auto const* name : {"plans/p", "plans/q", "plans/s"}) {
      fv1::GetPlanRequest request;
      request.set_name(name);
      auto const plan = Funding<fv1::Plan>("PlanService/GetPlan", request);
      absl::StrAppend(&text, name, " ", fv1::PlanState_Name(plan.state()), " ", plan.successor(), "\n");
      fv1::ListCoveredDepartmentsRequest list;
      list.set_parent(name);
      auto const page = Funding<fv1::ListCoveredDepartmentsResponse>("CoverageService/ListCoveredDepartments", list);
      for (auto const& covered : page.covered_departments()) {
        absl::StrAppend(&text, covered.name(), " ", covered.state(), " ", covered.period().ShortDebugString(), "\n");
      }
      fv1::ListPlanChangesRequest changes;
      changes.set_parent(name);
      auto const history = Funding<fv1::ListPlanChangesResponse>("PlanService/ListPlanChanges", changes);
      for (auto const& change : history.changes()) {
        absl::StrAppend(&text, change.name(), " ", fv1::PlanTransition_Name(change.transition()), "\n");
      }
    }
  }
  void DigestBooks(std::string& text) {
    for (auto const* plan : {"plans/p", "plans/s"}) {
      fv1::ListAccountsRequest list;
      list.set_parent(plan);
      auto const accounts = Funding<fv1::ListAccountsResponse>("LedgerService/ListAccounts", list);
      std::int64_t sum = 0;
      for (auto const& account : accounts.accounts()) {
        sum += account.balance().minor_units();
        absl::StrAppend(&text, account.name(), " ", account.balance().minor_units(), "\n");
      }
      EXPECT_EQ(sum, 0) << "the books of " << plan << " do not balance";
      fv1::ListEntriesRequest entries;
      entries.set_parent(plan);
      auto const journal = Funding<fv1::ListEntriesResponse>("LedgerService/ListEntries", entries);
      for (auto const& entry : journal.entries()) {
        absl::StrAppend(&text, entry.name(), " ", fv1::EntryKind_Name(entry.kind()), " ", entry.cause(), "\n");
      }
    }
    fv1::VerifyEntriesRequest verify;
    verify.set_parent("plans/p");
    EXPECT_TRUE(Funding<fv1::VerifyEntriesResponse>("LedgerService/VerifyEntries", verify).intact());
  }
  void DigestActivities(std::string& text) {
    for (auto const* plan : {"plans/p", "plans/q", "plans/s"}) {
      av1::ListActivitiesRequest list;
      list.set_parent(plan);
      auto const page_of_plan = Activities<av1::ListActivitiesResponse>("ActivityService/ListActivities", list);
      for (auto const& activity : page_of_plan.activities()) {
        absl::StrAppend(&text, activity.name(), " ", activity.state(), " ", activity.predecessor(), ">", activity.successor(),
                        " ", activity.taken_count(), "+", activity.waiting_count(), " ", activity.sub_goal(), "\n");
        av1::ListRegistrationsRequest people;
        people.set_parent(activity.name());
        auto const page = Activities<av1::ListRegistrationsResponse>("RegistrationService/ListRegistrations", people);
        for (auto const& one : page.registrations()) absl::StrAppend(&text, one.name(), " ", one.state(), "\n");
        av1::ListSessionsRequest sessions;
        sessions.set_parent(activity.name());
        auto const times = Activities<av1::ListSessionsResponse>("SessionService/ListSessions", sessions);
        for (auto const& one : times.sessions()) absl::StrAppend(&text, one.name(), " ", one.local_start(), "\n");
      }
    }
  }
  void DigestCommunications(std::string& text) {
    for (auto const* plan : {"plans/p", "plans/q", "plans/s"}) {
      mv1::ListTemplatesRequest list;
      list.set_parent(plan);
      auto const letters = Communications<mv1::ListTemplatesResponse>("TemplateService/ListTemplates", list);
      for (auto const& letter : letters.templates()) {
        absl::StrAppend(&text, letter.name(), " ", letter.predecessor(), ">", letter.successor(), " ", letter.latest_version(),
                        "\n");
      }
      mv1::ListIncidentsRequest incidents;
      incidents.set_parent(plan);
      auto const open = Communications<mv1::ListIncidentsResponse>("IncidentService/ListIncidents", incidents);
      for (auto const& incident : open.incidents()) {
        absl::StrAppend(&text, incident.name(), " ", incident.state(), "\n");
        mv1::ListTimelineEntriesRequest timeline;
        timeline.set_parent(incident.name());
        auto const entries = Communications<mv1::ListTimelineEntriesResponse>("IncidentService/ListTimelineEntries", timeline);
        for (auto const& entry : entries.timeline_entries()) absl::StrAppend(&text, entry.name(), " ", entry.text(), "\n");
      }
    }
    for (auto const* name : {"plans/p/incidents/brand", "plans/q/incidents/brand"}) {
      mv1::ResolveIncidentRequest request;
      request.set_name(name);
      absl::StrAppend(&text, name, " is ", Communications<mv1::Incident>("IncidentService/ResolveIncident", request).name(),
                      "\n");
    }
  }
  // Each fact once: in funding's log how the merge went, in the others' what they did.
  void DigestEvents(std::string& text) {
    auto const read = [&](client::Channel& channel, std::string const& type) {
      events::v1::ReadEventsRequest request;
      request.set_page_size(500);
      request.add_types(type);
      auto const page = Insist<events::v1::ReadEventsResponse>(channel, "events.v1.EventService/ReadEvents", request, anna_);
      for (auto const& event : page.events()) {
        fv1::PlanMergeChanged change;
        cv1::MergeReceipt receipt;
        // How often somebody assessed depends on who was away then.
        if (event.data().UnpackTo(&change) && change.state() != fv1::PLAN_MERGE_STATE_PROPOSED) {
          absl::StrAppend(&text, "event ", fv1::PlanMergeState_Name(change.state()), "\n");
        }
        if (event.data().UnpackTo(&receipt)) absl::StrAppend(&text, "event ", receipt.ShortDebugString(), "\n");
      }
    };
    read(*to_funding_, "helhed.funding.v1.PlanMergeChanged");
    read(*to_activities_, "helhed.common.v1.MergeReceipt");
    read(*to_communications_, "helhed.common.v1.MergeReceipt");
  }

  Deaths deaths_;
  SeededRandom random_;
  std::string folder_;
  std::string anna_;
  std::string bo_;
  std::unique_ptr<Server> funding_;
  std::unique_ptr<Server> activities_;
  std::unique_ptr<Server> communications_;
  std::unique_ptr<client::Channel> to_funding_;
  std::unique_ptr<client::Channel> to_activities_;
  std::unique_ptr<client::Channel> to_communications_;
};

std::string Sealed(Engine engine, Deaths deaths) {
  House house(engine, deaths);
  house.Open();
  house.Merge();
  house.Seal();
  return house.Digest();
}
std::string Undone(Engine engine, Deaths deaths) {
  House house(engine, deaths);
  house.Open();
  house.Merge();
  house.Undo();
  return house.Digest();
}

class MergingTest : public ::testing::TestWithParam<Engine> {};
HELHED_BOTH_ENGINES(MergingTest);

TEST_P(MergingTest, SealedItIsTheSameWhoeverDiesOnTheWay) {
  auto const undisturbed = Sealed(GetParam(), {});
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("merge PLAN_MERGE_STATE_SEALED"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p PLAN_STATE_SUPERSEDED plans/s"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p/accounts/granted.lbf -10000"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/s/activities/cafe/registrations/r4"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p/incidents/brand is plans/s/incidents/brand\n"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/s/templates/brev plans/p/templates/brev> 2\n"));
  for (Deaths const deaths :
       {Deaths{.funding = true, .seed = 2}, Deaths{.activities = true, .seed = 3}, Deaths{.communications = true, .seed = 8},
        Deaths{.funding = true, .activities = true, .communications = true, .seed = 4}}) {
    SCOPED_TRACE(absl::StrCat("seed ", deaths.seed));
    EXPECT_EQ(Sealed(GetParam(), deaths), undisturbed);
  }
}

TEST_P(MergingTest, UndoneItIsTheSameWhoeverDiesOnTheWay) {
  auto const undisturbed = Undone(GetParam(), {});
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("merge PLAN_MERGE_STATE_UNDONE"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p PLAN_STATE_ACTIVE \n"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p/activities/cafe/registrations/r4"));
  EXPECT_THAT(undisturbed, ::testing::Not(::testing::HasSubstr("plans/s/activities/cafe")));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p/incidents/brand is plans/p/incidents/brand\n"));
  EXPECT_THAT(undisturbed, ::testing::HasSubstr("plans/p/templates/brev > 2\n"));
  for (Deaths const deaths :
       {Deaths{.funding = true, .seed = 5}, Deaths{.activities = true, .seed = 6}, Deaths{.communications = true, .seed = 9},
        Deaths{.funding = true, .activities = true, .communications = true, .seed = 7}}) {
    SCOPED_TRACE(absl::StrCat("seed ", deaths.seed));
    EXPECT_EQ(Undone(GetParam(), deaths), undisturbed);
  }
}

}  // namespace
}  // namespace helhed
