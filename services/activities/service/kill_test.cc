#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "helhed/activities/v1/activity_service.pb.h"
#include "helhed/activities/v1/registration_service.pb.h"
#include "services/activities/activities.h"
#include "services/activities/testing/history.h"
#include "services/platform/client/channel.h"
#include "services/platform/server/instance.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"
#include "tests/e2e/process.h"

// Callers race for seats while the service is killed again and again: what the event log says in the end is a history that could
// have come about one act after the other, and holds everything that was answered.
namespace helhed::activities::testing {
namespace {

using helhed::testing::IsOk;
using helhed::testing::Process;
using helhed::testing::RunProgram;

constexpr int kCapacity = 5;
constexpr int kRounds = 3;
constexpr int kCallers = 8;

class KillTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  void SetUp() override {
    address_ = absl::StrCat("127.0.0.1:", helhed::testing::FreePort());
    std::ofstream(folder_ + "/key.pub") << signer_.PublicKeyText() << "\n";
    auto const migrated = RunProgram(Service("migrate"));
    ASSERT_EQ(migrated.exit_code, 0) << migrated.output;
    Start();
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << helhed::testing::ReadWhole(folder_ + "/service.log");
    service_.reset();
  }

  std::vector<std::string> Service(std::string const& command) {
    return {helhed::testing::Binary("helhed-activities"),
            command,
            "--log-level",
            "warning",
            GetParam() == storage::Engine::kSqlite ? "--sqlite" : "--postgres",
            fresh_.location(),
            "--listen",
            address_,
            "--admin-listen",
            "",
            "--identity-key-file",
            folder_ + "/key.pub",
            "--roles-file",
            std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto"};
  }
  void Start() {
    service_ = std::make_unique<Process>(Service("serve"), folder_ + "/service.log");
    for (int i = 0; i < 400; ++i) {
      if (RunProgram({helhed::testing::Binary("helhed-activities"), "healthcheck", "--listen", address_}).exit_code == 0) return;
      ASSERT_TRUE(service_->Running()) << helhed::testing::ReadWhole(folder_ + "/service.log");
      absl::SleepFor(absl::Milliseconds(25));
    }
    FAIL() << "the service did not get ready";
  }

  std::string Identity() {
    common::v1::Identity identity;
    identity.set_issuer("gateway");
    identity.set_subject("anna");
    identity.set_audience("helhed");
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(absl::Now() + absl::Minutes(30)));
    identity.add_grants()->set_role("operator");
    return signer_.Sign(identity);
  }
  template <typename Response>
  absl::StatusOr<Response> Call(client::Channel& channel, std::string_view method, google::protobuf::Message const& request) {
    return client::Invoke<Response>(channel, "/helhed.activities.v1." + std::string(method), request,
                                    {.deadline = absl::Now() + absl::Seconds(2), .identity = Identity()});
  }

  void MakeActivity() {
    auto const channel = client::ConnectGrpc({.target = address_});
    v1::CreateSubGoalRequest goal;
    goal.set_parent("plans/amager");
    goal.set_sub_goal_id("sprog");
    goal.mutable_sub_goal()->set_display_name("Sprog");
    goal.mutable_sub_goal()->set_focus_area("uddannelse");
    goal.mutable_sub_goal()->set_purpose("Sprog");
    ASSERT_THAT(Call<v1::SubGoal>(*channel, "ActivityService/CreateSubGoal", goal), IsOk());
    v1::CreateActivityRequest create;
    create.set_parent("plans/amager");
    create.set_activity_id("a");
    create.mutable_activity()->set_display_name("Café");
    create.mutable_activity()->set_sub_goal("plans/amager/subGoals/sprog");
    create.mutable_activity()->set_activity_type("activityTypes/lektiehjaelp");
    create.mutable_activity()->set_responsible("anna");
    create.mutable_activity()->set_capacity(kCapacity);
    ASSERT_THAT(Call<v1::Activity>(*channel, "ActivityService/CreateActivity", create), IsOk());
    for (auto const step : {v1::ACTIVITY_STEP_PLAN, v1::ACTIVITY_STEP_OPEN}) {
      v1::AdvanceActivityRequest advance;
      advance.set_name(activity_);
      advance.set_step(step);
      ASSERT_THAT(Call<v1::Activity>(*channel, "ActivityService/AdvanceActivity", advance), IsOk());
    }
  }

  // Registers and cancels until the service is killed. A call that fails before that (a deadline on a slow machine, a channel
  // that has not found the restarted service yet) is not the end of a caller: what it asked for is neither promised nor denied.
  void Race(std::uint64_t seed, std::atomic<int>& answered, std::atomic<bool> const& killed) {
    SeededRandom random(seed);
    auto const channel = client::ConnectGrpc({.target = address_});
    std::vector<std::string> mine;
    for (; !killed; absl::SleepFor(absl::Milliseconds(1))) {
      if (mine.empty() || random.Between(0, 2) > 0) {
        v1::CreateRegistrationRequest request;
        request.set_parent(activity_);
        request.mutable_registration();
        auto const entered = Call<v1::Registration>(*channel, "RegistrationService/CreateRegistration", request);
        if (!entered.ok()) continue;
        mine.push_back(entered->name());
        std::lock_guard const lock(mutex_);
        promised_.insert(entered->name());
      } else {
        v1::CancelRegistrationRequest request;
        request.set_name(mine.back());
        mine.pop_back();
        if (!Call<v1::Registration>(*channel, "RegistrationService/CancelRegistration", request).ok()) continue;
      }
      ++answered;
    }
  }

  void KillWhileTheyRace(int round) {
    std::atomic<int> answered = 0;
    std::atomic<bool> killed = false;
    std::vector<std::jthread> callers;
    for (int i = 0; i < kCallers; ++i) {
      auto const seed = static_cast<std::uint64_t>(round) * 100 + static_cast<std::uint64_t>(i) + 1;
      callers.emplace_back([&, seed] { Race(seed, answered, killed); });
    }
    auto const until = absl::Now() + absl::Seconds(60);
    while (answered < 60 && absl::Now() < until) absl::SleepFor(absl::Milliseconds(1));
    service_->Signal(SIGKILL);
    EXPECT_EQ(service_->Wait(), -SIGKILL);
    killed = true;
    callers.clear();
    EXPECT_GE(answered, 60);
  }

  std::vector<events::v1::Event> History() {
    server::InstanceOptions options;
    (GetParam() == storage::Engine::kSqlite ? options.storage.sqlite_path : options.storage.postgres) = fresh_.location();
    options.roles_file = std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto";
    options.threads = 1;
    SystemClock clock;
    SystemRandom random;
    telemetry::Log log({.service = "activities", .destination = "/dev/null"});
    telemetry::Metrics metrics;
    auto const instance = server::Instance::Open(ActivitiesDefinition(), options, clock, random, log, metrics);
    helhed::testing::AbortUnlessOk(instance.status(), "Instance::Open");
    std::vector<events::v1::Event> all;
    std::string cursor;
    for (;;) {
      auto batch = (*instance)->events().Read({}, cursor, 500, {});
      EXPECT_THAT(batch, IsOk());
      if (!batch.ok() || batch->events.empty()) return all;
      cursor = batch->next_cursor;
      for (auto& event : batch->events) all.push_back(std::move(event));
    }
  }

  std::string const activity_ = "plans/amager/activities/a";
  helhed::testing::Folder const temporary_;
  std::string const folder_ = temporary_.path();
  std::string address_;
  identity::Signer signer_ = identity::Signer::FromSeed("test", "0123456789abcdef0123456789abcdef");
  helhed::testing::FreshDatabase fresh_{GetParam()};
  std::unique_ptr<Process> service_;
  std::mutex mutex_;
  std::set<std::string> promised_;
};

TEST_P(KillTest, EveryHistoryIsOneThatCouldHaveBeen) {
  ASSERT_NO_FATAL_FAILURE(MakeActivity());
  for (int round = 0; round < kRounds; ++round) {
    KillWhileTheyRace(round);
    if (round + 1 < kRounds) {
      ASSERT_NO_FATAL_FAILURE(Start());
    }
  }
  service_.reset();
  auto const events = History();
  EXPECT_THAT(CheckHistory(events, activity_, kCapacity), IsOk());
  std::set<std::string> told;
  for (auto const& event : events) told.insert(event.subject());
  for (auto const& name : promised_) EXPECT_EQ(told.count(name), 1U) << "what was answered is there: " << name;
}

INSTANTIATE_TEST_SUITE_P(Engines, KillTest, ::testing::Values(storage::Engine::kSqlite, storage::Engine::kPostgres),
                         helhed::testing::EngineName);

}  // namespace
}  // namespace helhed::activities::testing
