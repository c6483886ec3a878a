#include "services/communications/testing/fixture.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stop_token>

namespace helhed::communications::testing {
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

// A file of its own, that nobody else reads.
std::string NewPath() {
  char path[] = "/tmp/helhed-communications-XXXXXX";
  int const file = mkstemp(path);
  if (file >= 0) close(file);
  return path;
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

CommunicationsTest::CommunicationsTest()
    : fresh_(GetParam(), server::AllMigrations(CommunicationsDefinition())),
      log_path_(NewPath()),
      key_path_(NewPath()),
      signer_(identity::Signer::FromSeed("test", "0123456789abcdef0123456789abcdef")) {
  log_ = std::make_unique<telemetry::Log>(
      telemetry::Log::Options{.service = "communications", .minimum = telemetry::Severity::kDebug, .destination = log_path_});
  std::ofstream(key_path_) << kDataKey;
  Start();
}

CommunicationsTest::~CommunicationsTest() {
  channel_.reset();
  instance_.reset();
  log_.reset();
  unlink(log_path_.c_str());
  unlink(key_path_.c_str());
}

std::string CommunicationsTest::Logged() const {
  std::ifstream file(log_path_);
  return {std::istreambuf_iterator<char>(file), {}};
}

void CommunicationsTest::Start() {
  server::InstanceOptions options;
  options.storage = StorageOf(fresh_);
  options.roles_file = HELHED_ROLES_FILE;
  options.data_key_file = key_path_;
  options.threads = 2;
  auto const definition =
      CommunicationsDefinition({.residents = {residents_, [](absl::Time) { return std::string("signed"); }}}, mailer_);
  auto opened = server::Instance::Open(definition, options, clock_, random_, *log_, metrics_);
  helhed::testing::AbortUnlessOk(opened.status(), "Instance::Open");
  instance_ = *std::move(opened);
  helhed::testing::AbortUnlessOk(instance_->verifier().AddKey(signer_.PublicKeyText()), "AddKey");
  channel_ = client::ConnectInProcess(instance_->pipeline());
}

void CommunicationsTest::Restart(std::string_view keys) {
  std::ofstream(key_path_) << keys;
  channel_.reset();
  instance_.reset();
  Start();
}

void CommunicationsTest::RunJob(std::string_view name) {
  for (auto const& job : instance_->jobs()) {
    if (job.name != name) continue;
    EXPECT_THAT(server::Jobs::RunToEnd(job, std::stop_token()), IsOk()) << name;
    return;
  }
  ADD_FAILURE() << "there is no job " << name;
}

std::string CommunicationsTest::As(std::vector<std::pair<std::string, std::string>> const& grants, std::string_view subject) {
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

std::string CommunicationsTest::Letter() {
  v1::CreateTemplateRequest request;
  request.set_parent("plans/amager");
  request.set_template_id("brev");
  request.mutable_template_()->set_display_name("Et brev");
  Must<v1::Template>("TemplateService/CreateTemplate", request);
  v1::CreateTemplateVersionRequest version;
  version.set_parent("plans/amager/templates/brev");
  auto& start = *version.mutable_template_version()->add_parameters();
  start.set_parameter("start");
  start.set_type(v1::PARAMETER_TYPE_DATE);
  auto& danish = *version.mutable_template_version()->add_texts();
  danish.set_language("da");
  danish.set_subject("Vandet lukkes");
  danish.set_body("# Vandet lukkes\n\nDet sker den {{start}}.");
  auto& arabic = *version.mutable_template_version()->add_texts();
  arabic.set_language("ar");
  arabic.set_subject("سيتم قطع المياه");
  arabic.set_body("سيتم قطع المياه في {{start}}.");
  return Must<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", version).name();
}

std::vector<std::string> CommunicationsTest::ListedIn(google::protobuf::Message const& response) {
  std::vector<std::string> ids;
  auto const* const items = response.GetDescriptor()->field(0);
  for (int i = 0; i < response.GetReflection()->FieldSize(response, items); ++i) {
    auto const& item = response.GetReflection()->GetRepeatedMessage(response, items, i);
    std::string const name = item.GetReflection()->GetString(item, item.GetDescriptor()->FindFieldByName("name"));
    ids.push_back(name.substr(name.rfind('/') + 1));
  }
  return ids;
}

std::string CommunicationsTest::Content() {
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

std::vector<events::v1::Event> CommunicationsTest::Events() {
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

}  // namespace helhed::communications::testing
