#include "services/activities/activities.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <atomic>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "helhed/activities/v1/activity_service.pb.h"
#include "helhed/activities/v1/attendance_service.pb.h"
#include "helhed/activities/v1/indicator_service.pb.h"
#include "helhed/activities/v1/registration_service.pb.h"
#include "helhed/activities/v1/session_service.pb.h"
#include "services/activities/testing/history.h"
#include "services/platform/testing/postgres.h"
#include "tests/bench/bench.h"

// A race for few seats, against writes that nobody races for, and the attendance of a nation against that of one plan.
namespace helhed::bench {
namespace {

namespace av1 = activities::v1;

constexpr int kCallers = 200;
constexpr int kSeats = 30;
constexpr int kAttempts = 100'000;

// One plan has an activity with 100 sessions of 50 people.
constexpr int kSessions = 100;
constexpr int kPeople = 50;

std::string PlanOf(int plan) { return absl::StrFormat("plans/p%04d", plan); }

// An activity `a` of a plan, open for registrations.
std::string OpenActivity(Service& service, std::string const& plan, int capacity) {
  av1::CreateSubGoalRequest goal;
  goal.set_parent(plan);
  goal.set_sub_goal_id("sprog");
  goal.mutable_sub_goal()->set_display_name("Sprog");
  goal.mutable_sub_goal()->set_focus_area("uddannelse");
  goal.mutable_sub_goal()->set_purpose("Sprog");
  service.Call<av1::SubGoal>("ActivityService/CreateSubGoal", goal);
  av1::CreateActivityRequest create;
  create.set_parent(plan);
  create.set_activity_id("a");
  create.mutable_activity()->set_display_name("Sprogcafé");
  create.mutable_activity()->set_sub_goal(plan + "/subGoals/sprog");
  create.mutable_activity()->set_activity_type("activityTypes/lektiehjaelp");
  create.mutable_activity()->set_responsible("anna");
  if (capacity > 0) create.mutable_activity()->set_capacity(capacity);
  auto const name = service.Call<av1::Activity>("ActivityService/CreateActivity", create).name();
  for (auto const step : {av1::ACTIVITY_STEP_PLAN, av1::ACTIVITY_STEP_OPEN}) {
    av1::AdvanceActivityRequest advance;
    advance.set_name(name);
    advance.set_step(step);
    service.Call<av1::Activity>("ActivityService/AdvanceActivity", advance);
  }
  return name;
}

// One caller's acts: registers, and gives up what it has last now and then. Every refusal ends the benchmark.
void Race(Service& service, std::string const& activity, std::uint64_t seed, std::atomic<int>& left) {
  SeededRandom random(seed);
  std::vector<std::string> mine;
  while (left.fetch_sub(1) > 0) {
    if (mine.empty() || random.Between(0, 2) > 0) {
      av1::CreateRegistrationRequest request;
      request.set_parent(activity);
      request.mutable_registration();
      mine.push_back(service.Call<av1::Registration>("RegistrationService/CreateRegistration", request).name());
    } else {
      av1::CancelRegistrationRequest request;
      request.set_name(mine.back());
      mine.pop_back();
      service.Call<av1::Registration>("RegistrationService/CancelRegistration", request);
    }
  }
}

std::vector<events::v1::Event> History(Service& service) {
  std::vector<events::v1::Event> all;
  std::string cursor;
  for (;;) {
    auto batch = Must("events", service.instance().events().Read({}, cursor, 1000, {}));
    if (batch.events.empty()) return all;
    cursor = batch.next_cursor;
    for (auto& event : batch.events) all.push_back(std::move(event));
  }
}

void RaceForSeats(std::string const& engine, server::StorageOptions const& storage, std::string const& roles_file) {
  Folder folder;
  Service service(activities::ActivitiesDefinition(), storage, folder.path(), roles_file);
  auto const activity = OpenActivity(service, "plans/amager", kSeats);
  // A row, its event, its idempotency record and its audit row, each caller its own.
  auto const plain = RoundsPerSecond(kCallers, absl::Seconds(4), [&](int caller, std::int64_t round) {
    av1::CreateRoomRequest request;
    request.set_parent("plans/amager");
    request.set_room_id(absl::StrCat("r", caller, "-", round));
    request.mutable_room()->set_display_name("Fælleshuset");
    service.Call<av1::Room>("SessionService/CreateRoom", request);
  });
  std::atomic<int> left = kAttempts;
  std::vector<std::jthread> callers;
  auto const begin = absl::Now();
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] { Race(service, activity, static_cast<std::uint64_t>(i + 1), left); });
  }
  callers.clear();
  auto const raced = kAttempts / absl::ToDoubleSeconds(absl::Now() - begin);
  auto const history = History(service);
  Must("a history that could not have been", activities::testing::CheckHistory(history, activity, kSeats));
  Report(absl::StrCat(engine, ": ", kCallers, " callers race for ", kSeats, " seats, against a plain durable write"), raced,
         plain, "acts/s", 0);
  std::cout << absl::StrFormat("# %s: %d acts on %d seats: none oversold, the queue in order (%d events replayed)\n", engine,
                               kAttempts, kSeats, history.size())
            << std::flush;
}

// Numbers from 0, in both engines' SQL, below the bound $2.
constexpr std::string_view kNumbers =
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < CAST($2 AS BIGINT)) ";

storage::Statement MakeRows(std::string_view name, std::string_view insert) {
  return storage::Statement(storage::Statement::Dynamic{std::string(name), absl::StrCat(Av(kNumbers), Av(insert))});
}

// A plan with its activity, sessions and who came, and an indicator that counts them.
void FillPlan(Service& service, int number) {
  static auto const sessions = MakeRows(
      "bench.sessions",
      "INSERT INTO sessions (plan, activity, session, local_start, duration_minutes, start_time, end_time, responsible, state, "
      "cancel_reason, sequence, revision, create_time, update_time) SELECT $1, 'a', 's' || CAST(1000 + i AS TEXT), "
      "'2024-03-01T17:00', 120, 1709308800000000 + i, 1709316000000000 + i, 'anna', 1, '', 0, 1, 0, 0 FROM n");
  static auto const entries = MakeRows(
      "bench.entries",
      "INSERT INTO attendance_entries (plan, activity, session, attendance, entry, presence, head_count, observe_time, recorder, "
      "note, revision, create_time, update_time) SELECT $1, 'a', 's' || CAST(1000 + i / 50 AS TEXT), 'p' || CAST(100 + i % 50 AS "
      "TEXT), '018f0000-0000-7000-8000-' || CAST(100000000000 + i AS TEXT), 1, 1, 1709310000000000, 'bench', '', 1, 0, 0 FROM n");
  static auto const attendances = MakeRows(
      "bench.attendances",
      "INSERT INTO attendances (plan, activity, session, attendance, presence, head_count, observe_time, entry, revision, "
      "create_time, update_time) SELECT $1, 'a', 's' || CAST(1000 + i / 50 AS TEXT), 'p' || CAST(100 + i % 50 AS TEXT), 1, 1, "
      "1709310000000000, '018f0000-0000-7000-8000-' || CAST(100000000000 + i AS TEXT), 1, 0, 0 FROM n");
  static storage::Statement const tally("bench.tally", "UPDATE activity_tallies SET attended = $2 WHERE plan = $1");

  auto const plan = PlanOf(number);
  OpenActivity(service, plan, 0);
  av1::CreateIndicatorRequest indicator;
  indicator.set_parent(plan);
  indicator.set_indicator_id("fremmoede");
  indicator.mutable_indicator()->set_display_name("Fremmøde");
  indicator.mutable_indicator()->set_sub_goal(plan + "/subGoals/sprog");
  indicator.mutable_indicator()->set_kind(av1::INDICATOR_KIND_ATTENDANCES);
  indicator.mutable_indicator()->set_unit("deltagelser");
  service.Call<av1::Indicator>("IndicatorService/CreateIndicator", indicator);

  auto const id = plan.substr(plan.find('/') + 1);
  Must("fill", service.database().Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute(sessions, {id, std::int64_t{kSessions}}).status());
    RETURN_IF_ERROR(tx.Execute(entries, {id, std::int64_t{kSessions * kPeople}}).status());
    RETURN_IF_ERROR(tx.Execute(attendances, {id, std::int64_t{kSessions * kPeople}}).status());
    return tx.Execute(tally, {id, std::int64_t{kSessions * kPeople}}).status();
  }));
}

// A store with so many plans, and how it is asked.
class Plans {
 public:
  Plans(server::StorageOptions const& storage, std::string const& folder, std::string const& roles_file, int plans)
      : service_(activities::ActivitiesDefinition(), storage, folder, roles_file), plans_(plans) {
    for (int plan = 0; plan < plans; ++plan) FillPlan(service_, plan);
  }

  void List() {
    av1::ListAttendancesRequest request;
    request.set_parent(RandomSession());
    auto const page = service_.Call<av1::ListAttendancesResponse>("AttendanceService/ListAttendances", request);
    if (page.attendances_size() != kPeople) Fail("list", absl::InternalError(absl::StrCat(page.attendances_size())));
  }
  // One more was there.
  void Mark() {
    av1::RecordAttendanceRequest request;
    request.set_parent(RandomSession());
    auto& mark = *request.add_marks();
    mark.set_mark_id(service_.RequestId());
    mark.set_count("p100");
    mark.set_presence(av1::PRESENCE_PRESENT);
    mark.set_head_count(2);
    service_.Call<av1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", request);
  }
  void Indicators() {
    av1::ListIndicatorsRequest request;
    request.set_parent(RandomPlan());
    auto const page = service_.Call<av1::ListIndicatorsResponse>("IndicatorService/ListIndicators", request);
    if (page.indicators(0).current_value() < kSessions * kPeople) Fail("indicators", absl::InternalError("too few"));
  }
  storage::Database& database() { return service_.database(); }

 private:
  std::string RandomPlan() { return PlanOf(static_cast<int>(random_.Between(0, plans_ - 1))); }
  std::string RandomSession() {
    return absl::StrCat(RandomPlan(), "/activities/a/sessions/s", 1000 + random_.Between(0, kSessions - 1));
  }

  Service service_;
  int plans_;
  SeededRandom random_{1};
};

void CompareSizes(std::string const& engine, server::StorageOptions const& small_storage,
                  server::StorageOptions const& large_storage, std::string const& roles_file, int attendances) {
  Folder folder;
  Plans plan(small_storage, folder.path(), roles_file, 1);
  Plans nation(large_storage, folder.path(), roles_file, std::max(1, attendances / (kSessions * kPeople)));
  if (engine == "PostgreSQL") {
    Analyze(plan.database());
    Analyze(nation.database());
  }
  using Question = void (Plans::*)();
  for (auto const& [what, question] : {std::pair<std::string, Question>{"a session's list", &Plans::List},
                                       {"marking it", &Plans::Mark},
                                       {"a plan's indicators", &Plans::Indicators}}) {
    ReportInTurns(
        absl::StrCat(engine, ": ", what, ", ", attendances, " attendances against one plan"),
        [&, ask = question] { (nation.*ask)(); }, [&, ask = question] { (plan.*ask)(); }, "calls/s", 0.7);
  }
}

}  // namespace

void BenchActivities(std::string const& roles_file, int attendances) {
  {
    Folder folder;
    RaceForSeats("SQLite", {.sqlite_path = folder.path() + "/race.db"}, roles_file);
    CompareSizes("SQLite", {.sqlite_path = folder.path() + "/small.db"}, {.sqlite_path = folder.path() + "/large.db"}, roles_file,
                 attendances);
  }
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  RaceForSeats("PostgreSQL", {.postgres = server.NewDatabase()}, roles_file);
  CompareSizes("PostgreSQL", {.postgres = server.NewDatabase()}, {.postgres = server.NewDatabase()}, roles_file, attendances);
}

}  // namespace helhed::bench
