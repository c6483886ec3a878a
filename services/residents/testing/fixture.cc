#include "services/residents/testing/fixture.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "services/residents/residents.h"

namespace helhed::residents::testing {
namespace {

std::string Text(storage::Rows::Value const& value) {
  if (auto const* text = std::get_if<std::string>(&value)) return *text;
  if (auto const* number = std::get_if<std::int64_t>(&value)) return absl::StrCat(*number);
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

// A new file that only its owner can read.
std::string NewPath() {
  std::string path = "/tmp/helhed_residents_XXXXXX";
  int const file = mkstemp(path.data());
  if (file < 0) std::abort();
  close(file);
  return path;
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

RegisterTest::RegisterTest()
    : fresh_(GetParam(), server::AllMigrations(ResidentsDefinition())),
      log_path_(NewPath()),
      key_path_(NewPath()),
      signer_(identity::Signer::FromSeed("test", "0123456789abcdef0123456789abcdef")) {
  log_ = std::make_unique<telemetry::Log>(
      telemetry::Log::Options{.service = "residents", .minimum = telemetry::Severity::kDebug, .destination = log_path_});
  std::ofstream(key_path_) << kDataKey;
  Open();
}

void RegisterTest::Open() {
  server::InstanceOptions options;
  options.storage = StorageOf(fresh_);
  options.roles_file = HELHED_ROLES_FILE;
  if (std::ifstream(key_path_).peek() != std::ifstream::traits_type::eof()) options.data_key_file = key_path_;
  options.threads = 2;
  auto const definition = ResidentsDefinition();
  auto opened = server::Instance::Open(definition, options, clock_, random_, *log_, metrics_);
  helhed::testing::AbortUnlessOk(opened.status(), "Instance::Open");
  instance_ = *std::move(opened);
  helhed::testing::AbortUnlessOk(instance_->verifier().AddKey(signer_.PublicKeyText()), "AddKey");
  channel_ = client::ConnectInProcess(instance_->pipeline());
}

void RegisterTest::Restart(std::string const& keys) {
  channel_.reset();
  instance_.reset();
  std::ofstream(key_path_) << keys;
  Open();
}

void RegisterTest::RunJob(std::string_view name) {
  bool found = false;
  for (auto const& job : instance_->jobs()) {
    if (job.name != name) continue;
    found = true;
    EXPECT_THAT(server::Jobs::RunToEnd(job, {}), IsOk()) << name;
  }
  EXPECT_TRUE(found) << name;
}

RegisterTest::~RegisterTest() {
  channel_.reset();
  instance_.reset();
  log_.reset();
  unlink(log_path_.c_str());
  unlink(key_path_.c_str());
}

std::string RegisterTest::As(std::vector<std::pair<std::string, std::string>> const& grants, std::string_view subject) {
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

v1::Organisation RegisterTest::Organisation(std::string const& id, std::string const& display_name) {
  v1::CreateOrganisationRequest request;
  request.set_organisation_id(id);
  request.mutable_organisation()->set_display_name(display_name);
  auto created = Call<v1::Organisation>("CreateOrganisation", request);
  EXPECT_THAT(created, IsOk());
  return created.value_or(v1::Organisation());
}

v1::Department RegisterTest::Department(std::string const& organisation, std::string const& id, std::string const& display_name) {
  v1::CreateDepartmentRequest request;
  request.set_parent("organisations/" + organisation);
  request.set_department_id(id);
  request.mutable_department()->set_display_name(display_name);
  auto created = Call<v1::Department>("CreateDepartment", request);
  EXPECT_THAT(created, IsOk());
  return created.value_or(v1::Department());
}

v1::CreateDwellingRequest RegisterTest::DwellingRequest(std::string const& organisation, std::string const& id,
                                                        std::string const& department, std::string const& start,
                                                        std::string const& end) {
  v1::CreateDwellingRequest request;
  request.set_parent("organisations/" + organisation);
  request.set_dwelling_id(id);
  request.mutable_dwelling()->set_department(absl::StrCat("organisations/", organisation, "/departments/", department));
  request.mutable_dwelling()->set_address(absl::StrCat("Remisevej ", id, ", 2300 København S"));
  *request.mutable_dwelling()->mutable_period() = Range(start, end);
  return request;
}

v1::Dwelling RegisterTest::Dwelling(std::string const& organisation, std::string const& id, std::string const& department,
                                    std::string const& start, std::string const& end) {
  auto created = Call<v1::Dwelling>("CreateDwelling", DwellingRequest(organisation, id, department, start, end));
  EXPECT_THAT(created, IsOk());
  return created.value_or(v1::Dwelling());
}

v1::CreateHouseholdRequest RegisterTest::HouseholdRequest(std::string const& organisation, std::string const& id,
                                                          std::string const& dwelling, std::string const& start,
                                                          std::string const& end) {
  v1::CreateHouseholdRequest request;
  request.set_parent("organisations/" + organisation);
  request.set_household_id(id);
  request.mutable_household()->set_dwelling(absl::StrCat("organisations/", organisation, "/dwellings/", dwelling));
  *request.mutable_household()->mutable_occupation() = Range(start, end);
  return request;
}

v1::Household RegisterTest::Household(std::string const& organisation, std::string const& id, std::string const& dwelling,
                                      std::string const& start, std::string const& end) {
  auto created = Call<v1::Household>("CreateHousehold", HouseholdRequest(organisation, id, dwelling, start, end));
  EXPECT_THAT(created, IsOk());
  return created.value_or(v1::Household());
}

v1::Department RegisterTest::Merge(std::string const& organisation, std::string const& successor,
                                   std::vector<std::string> const& predecessors, std::string const& date) {
  v1::MergeDepartmentsRequest request;
  request.set_name(absl::StrCat("organisations/", organisation, "/departments/", successor));
  for (auto const& id : predecessors) request.add_predecessors(absl::StrCat("organisations/", organisation, "/departments/", id));
  *request.mutable_merge_date() = Date(date);
  auto merged = Call<v1::Department>("MergeDepartments", request);
  EXPECT_THAT(merged, IsOk());
  return merged.value_or(v1::Department());
}

std::vector<std::string> RegisterTest::ListedIn(google::protobuf::Message const& response) {
  std::vector<std::string> ids;
  auto const* const items = response.GetDescriptor()->field(0);
  for (int i = 0; i < response.GetReflection()->FieldSize(response, items); ++i) {
    auto const& item = response.GetReflection()->GetRepeatedMessage(response, items, i);
    std::string const name = item.GetReflection()->GetString(item, item.GetDescriptor()->FindFieldByName("name"));
    ids.push_back(name.substr(name.rfind('/') + 1));
  }
  return ids;
}

std::string RegisterTest::Content() {
  std::string content = absl::StrCat(Events().size(), " events\n");
  for (auto const* table :
       {"organisations",        "administrations", "departments",       "department_mergers", "dwellings",
        "dwelling_departments", "households",      "residents",         "resident_languages", "resident_contact_points",
        "resident_cpr_numbers", "cpr_lookups",     "household_members", "resident_search",    "guardianships",
        "protected_accesses",   "purposes",        "purpose_rules",     "consent_texts",      "consents",
        "access_log",           "erasure_holds",   "erasures",          "erasure_receipts",   "erasure_recipients",
        "retention_policies",   "retention_runs",  "mandates",          "voting_rules",       "statistics_rules"}) {
    storage::Statement const all(storage::Statement::Dynamic{absl::StrCat("test.all_", table),
                                                             absl::StrCat("SELECT * FROM ", table, " ORDER BY 1, 2, 3")});
    EXPECT_THAT(database().Read({},
                                [&](storage::ReadTransaction& tx) -> absl::Status {
                                  ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
                                  for (std::size_t row = 0; row < rows.size(); ++row) {
                                    absl::StrAppend(&content, table);
                                    for (std::size_t i = 0; i < rows.columns().size(); ++i) {
                                      absl::StrAppend(&content, " | ", Text(rows.At(row, i)));
                                    }
                                    content += "\n";
                                  }
                                  return absl::OkStatus();
                                }),
                IsOk());
  }
  return content;
}

std::vector<events::v1::Event> RegisterTest::Events() {
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

std::string RegisterTest::LogText() {
  log_->Flush();
  std::ifstream file(log_path_);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace helhed::residents::testing
