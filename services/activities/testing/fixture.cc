#include "services/activities/testing/fixture.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace helhed::activities::testing {
namespace {

std::string Text(storage::Rows::Value const& value) {
  if (auto const* text = std::get_if<std::string>(&value)) return *text;
  if (auto const* number = std::get_if<std::int64_t>(&value)) return absl::StrCat(*number);
  if (auto const* truth = std::get_if<bool>(&value)) return *truth ? "1" : "0";
  if (std::holds_alternative<std::nullptr_t>(value)) return "NULL";
  if (auto const* bytes = std::get_if<std::vector<std::byte>>(&value)) return absl::StrCat(bytes->size(), " bytes");
  return "?";
}

server::StorageOptions StorageOf(helhed::testing::FreshDatabase const& fresh) {
  server::StorageOptions options;
  (fresh.engine() == storage::Engine::kSqlite ? options.sqlite_path : options.postgres) = fresh.location();
  options.connections = 4;
  return options;
}

// The tables that the service's own migrations make.
storage::Statement const kTables("test.tables",
                                 "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
                                 "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename");

// Those of the platform, which hold more than what a service has been told.
bool IsPlatform(std::string const& table) {
  static constexpr std::string_view kPlatform[] = {"audit", "chain_links", "chain_pending", "idempotency", "installation"};
  return std::find(std::begin(kPlatform), std::end(kPlatform), table) != std::end(kPlatform) || table.starts_with("event");
}

}  // namespace

google::type::Date Date(std::string_view iso) {
  auto const day = FromIsoDate(iso);
  EXPECT_TRUE(day.has_value()) << iso;
  return ToProtoDate(day.value_or(absl::CivilDay()));
}

google::protobuf::Timestamp Instant(std::string_view rfc3339) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, Av(rfc3339), &time, &error)) << error;
  google::protobuf::Timestamp stamp;
  stamp.set_seconds(absl::ToUnixSeconds(time));
  return stamp;
}

server::Definition ActivitiesTest::Definition() {
  return ActivitiesDefinition({residents_.channel(), [](absl::Time) { return std::string("signed"); }});
}

ActivitiesTest::ActivitiesTest()
    : fresh_(GetParam(), server::AllMigrations(Definition())),
      signer_(identity::Signer::FromSeed("test", "0123456789abcdef0123456789abcdef")) {
  log_ = std::make_unique<telemetry::Log>(
      telemetry::Log::Options{.service = "activities", .minimum = telemetry::Severity::kDebug, .destination = folder_ / "log"});
  auto const definition = Definition();
  server::InstanceOptions options;
  options.storage = StorageOf(fresh_);
  options.roles_file = HELHED_ROLES_FILE;
  options.threads = 2;
  auto opened = server::Instance::Open(definition, options, clock_, random_, *log_, metrics_);
  helhed::testing::AbortUnlessOk(opened.status(), "Instance::Open");
  instance_ = *std::move(opened);
  helhed::testing::AbortUnlessOk(instance_->verifier().AddKey(signer_.PublicKeyText()), "AddKey");
  channel_ = client::ConnectInProcess(instance_->pipeline());
}

ActivitiesTest::~ActivitiesTest() {
  channel_.reset();
  instance_.reset();
}

std::string ActivitiesTest::As(std::vector<std::pair<std::string, std::string>> const& grants, std::string_view subject) {
  common::v1::Identity identity;
  identity.set_issuer("gateway");
  identity.set_subject(std::string(subject));
  identity.set_audience("helhed");
  identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Minutes(30)));
  for (auto const& [role, scope] : grants) {
    auto& grant = *identity.add_grants();
    grant.set_role(role);
    grant.set_scope(scope);
  }
  return signer_.Sign(identity);
}

v1::CreateActivityRequest ActivitiesTest::ActivityRequest(std::string const& id, int capacity) {
  v1::CreateActivityRequest request;
  request.set_parent("plans/amager");
  request.set_activity_id(id);
  auto& activity = *request.mutable_activity();
  activity.set_display_name("Lektiecafé");
  activity.set_sub_goal("plans/amager/subGoals/sprog");
  activity.set_activity_type("activityTypes/lektiehjaelp");
  activity.set_responsible("anna");
  if (capacity > 0) activity.set_capacity(capacity);
  return request;
}

v1::Activity ActivitiesTest::Draft(std::string const& id, int capacity) {
  v1::CreateSubGoalRequest goal;
  goal.set_parent("plans/amager");
  goal.set_sub_goal_id("sprog");
  goal.mutable_sub_goal()->set_display_name("Flere børn læser godt");
  goal.mutable_sub_goal()->set_focus_area("uddannelse-livschancer");
  goal.mutable_sub_goal()->set_purpose("At børn får samme muligheder");
  auto const entered = Call<v1::SubGoal>("ActivityService/CreateSubGoal", goal);
  EXPECT_TRUE(entered.ok() || absl::IsAlreadyExists(entered.status())) << entered.status();
  return Must<v1::Activity>("ActivityService/CreateActivity", ActivityRequest(id, capacity));
}

v1::Activity ActivitiesTest::Advance(std::string const& name, v1::ActivityStep step) {
  v1::AdvanceActivityRequest request;
  request.set_name(name);
  request.set_step(step);
  request.set_reason("as planned");
  return Must<v1::Activity>("ActivityService/AdvanceActivity", request);
}

v1::Activity ActivitiesTest::Open(std::string const& id, int capacity) {
  auto const draft = Draft(id, capacity);
  Advance(draft.name(), v1::ACTIVITY_STEP_PLAN);
  return Advance(draft.name(), v1::ACTIVITY_STEP_OPEN);
}

v1::CreateSessionRequest ActivitiesTest::SessionRequest(std::string const& activity, std::string_view local_start,
                                                        std::string const& room) {
  v1::CreateSessionRequest request;
  request.set_parent(activity);
  request.mutable_session()->set_local_start(std::string(local_start));
  request.mutable_session()->set_duration_minutes(120);
  request.mutable_session()->set_room(room);
  return request;
}

v1::CreateRegistrationRequest ActivitiesTest::RegistrationRequest(std::string const& activity, std::string const& resident) {
  v1::CreateRegistrationRequest request;
  request.set_parent(activity);
  if (!resident.empty()) request.mutable_registration()->set_resident("residents/" + resident);
  request.mutable_registration();
  return request;
}

std::string ActivitiesTest::Room(std::string const& id) {
  v1::CreateRoomRequest request;
  request.set_parent("plans/amager");
  request.set_room_id(id);
  request.mutable_room()->set_display_name("Salen");
  return Must<v1::Room>("SessionService/CreateRoom", request).name();
}

std::vector<std::string> ActivitiesTest::ListedIn(google::protobuf::Message const& response) {
  std::vector<std::string> ids;
  auto const* const items = response.GetDescriptor()->field(0);
  for (int i = 0; i < response.GetReflection()->FieldSize(response, items); ++i) {
    auto const& item = response.GetReflection()->GetRepeatedMessage(response, items, i);
    std::string const name = item.GetReflection()->GetString(item, item.GetDescriptor()->FindFieldByName("name"));
    ids.push_back(name.substr(name.rfind('/') + 1));
  }
  return ids;
}

std::string ActivitiesTest::LogText() {
  log_->Flush();
  std::ifstream file(folder_ / "log");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string ActivitiesTest::Content() {
  std::string content = absl::StrCat(Events().size(), " events\n");
  auto const dump = [&](storage::ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto const tables, tx.Query(kTables, {}));
    for (std::size_t i = 0; i < tables.size(); ++i) {
      auto const& table = tables.Text(i, 0);
      if (IsPlatform(table)) continue;
      storage::Statement const all(
          storage::Statement::Dynamic{absl::StrCat("test.all_", table), absl::StrCat("SELECT * FROM ", table, " ORDER BY 1, 2")});
      ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
      for (std::size_t row = 0; row < rows.size(); ++row) {
        absl::StrAppend(&content, table);
        for (std::size_t column = 0; column < rows.columns().size(); ++column) {
          absl::StrAppend(&content, " | ", Text(rows.At(row, column)));
        }
        content += "\n";
      }
    }
    return absl::OkStatus();
  };
  EXPECT_THAT(database().Read({}, dump), IsOk());
  return content;
}

std::vector<events::v1::Event> ActivitiesTest::Events() {
  std::vector<events::v1::Event> all;
  std::string cursor;
  for (;;) {
    auto batch = instance().events().Read({}, cursor, 500, {});
    EXPECT_THAT(batch, IsOk());
    if (!batch.ok() || batch->events.empty()) return all;
    cursor = batch->next_cursor;
    for (auto& event : batch->events) all.push_back(std::move(event));
  }
}

}  // namespace helhed::activities::testing
