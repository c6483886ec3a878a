#include "services/funding/testing/fixture.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace helhed::funding::testing {
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

common::v1::DateRange Range(std::string_view start, std::string_view end) {
  common::v1::DateRange range;
  *range.mutable_start_date() = Date(start);
  if (!end.empty()) *range.mutable_end_date() = Date(end);
  return range;
}

common::v1::Money Dkk(std::int64_t ore) {
  common::v1::Money money;
  money.set_currency_code("DKK");
  money.set_minor_units(ore);
  return money;
}

absl::StatusOr<MoneyAnswer> ScriptedMoney::Open(ReadTransaction& /*tx*/, MoneyQuestion const& question) const {
  asked.push_back(question);
  auto const found = answers.find(question.step);
  return found == answers.end() ? MoneyAnswer() : found->second;
}

PlanPeers FakePeers(std::shared_ptr<client::FakeChannel> fake, std::shared_ptr<MoneyGate const> money) {
  return {.residents = {std::move(fake), [](absl::Time) { return std::string("signed"); }}, .money = std::move(money)};
}

PlansOnlyTest::PlansOnlyTest(std::shared_ptr<client::FakeChannel> residents, std::shared_ptr<ScriptedMoney> money)
    : ServiceTest([&] {
        server::Definition definition;
        definition.name = "funding";
        AddPlans(definition);
        definition.handlers = [peers = FakePeers(residents, money)](server::Environment const& environment, Router& router) {
          return RegisterPlans(environment, router, peers);
        };
        return definition;
      }()),
      residents_(std::move(residents)),
      money_(std::move(money)) {}

ServiceTest::ServiceTest(server::Definition const& definition)
    : fresh_(GetParam(), server::AllMigrations(definition)),
      signer_(identity::Signer::FromSeed("test", "0123456789abcdef0123456789abcdef")) {
  log_ = std::make_unique<telemetry::Log>(
      telemetry::Log::Options{.service = "funding", .minimum = telemetry::Severity::kDebug, .destination = folder_ / "log"});
  server::InstanceOptions options;
  options.storage = StorageOf(fresh_);
  options.roles_file = HELHED_ROLES_FILE;
  options.threads = 2;
  auto opened = server::Instance::Open(definition, options, clock_, random_, *log_, metrics_);
  helhed::testing::AbortUnlessOk(opened.status(), "Instance::Open");
  instance_ = *std::move(opened);
  helhed::testing::AbortUnlessOk(instance_->verifier().AddKey(signer_.PublicKeyText()), "AddKey");
  channel_ = client::ConnectInProcess(instance_->pipeline());
  operator_ = As("operator", "");
}

ServiceTest::~ServiceTest() {
  channel_.reset();
  instance_.reset();
}

std::string ServiceTest::As(std::vector<std::pair<std::string, std::string>> const& grants, std::string_view subject) {
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

v1::CreatePlanRequest ServiceTest::PlanRequest(std::string const& id) {
  v1::CreatePlanRequest request;
  request.set_plan_id(id);
  auto& plan = *request.mutable_plan();
  plan.set_display_name("Amagerplanen");
  plan.set_regulation("regulations/2019-26");
  *plan.mutable_period() = Range("2022-01-01", "2026-01-01");
  plan.set_municipality_code("0101");
  *plan.mutable_budget_total() = Dkk(31'000'000'00);
  for (auto const* area :
       {"uddannelse-livschancer", "beskaeftigelse", "kriminalitetsforebyggelse", "sammenhaengskraft-medborgerskab"}) {
    plan.add_focus_areas(area);
  }
  return request;
}

std::vector<std::string> ServiceTest::ListedIn(google::protobuf::Message const& response) {
  std::vector<std::string> ids;
  auto const* const items = response.GetDescriptor()->field(0);
  for (int i = 0; i < response.GetReflection()->FieldSize(response, items); ++i) {
    auto const& item = response.GetReflection()->GetRepeatedMessage(response, items, i);
    std::string const name = item.GetReflection()->GetString(item, item.GetDescriptor()->FindFieldByName("name"));
    ids.push_back(name.substr(name.rfind('/') + 1));
  }
  return ids;
}

std::string ServiceTest::LogText() {
  log_->Flush();
  std::ifstream file(folder_ / "log");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string ServiceTest::Content() {
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

std::vector<events::v1::Event> ServiceTest::Events() {
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

}  // namespace helhed::funding::testing
