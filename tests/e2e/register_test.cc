#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/client/channel.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"
#include "tests/e2e/process.h"

// The housing register as its users have it: the service and the command line as processes, on both engines.
namespace helhed {
namespace {

namespace rv1 = residents::v1;
using storage::Engine;
using ::testing::HasSubstr;

constexpr std::string_view kService = "/helhed.residents.v1.HousingRegisterService/";

// What SQLite finds when it reads the whole file.
std::string IntegrityCheck(std::string const& path) {
  sqlite3* database = nullptr;
  std::string found = "cannot be opened";
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
    sqlite3_exec(
        database, "PRAGMA integrity_check",
        [](void* to, int, char** values, char**) {
          *static_cast<std::string*>(to) = values[0];
          return 0;
        },
        &found, nullptr);
  }
  sqlite3_close(database);
  return found;
}

// Callers that enter dwellings until they are told to stop, and remember what was acknowledged.
class Writers {
 public:
  Writers(std::string const& address, std::string const& identity) {
    for (int writer = 0; writer < 3; ++writer) {
      threads_.emplace_back([=, this] {
        auto const channel = client::ConnectGrpc({.target = address});
        for (int i = 0; writing_; ++i) Write(*channel, identity, absl::StrCat("writer-", writer, "-", i));
      });
    }
  }
  ~Writers() { Stop(); }
  Writers(Writers const&) = delete;
  Writers& operator=(Writers const&) = delete;

  std::set<std::string> Acknowledged() {
    std::lock_guard const lock(mutex_);
    return acknowledged_;
  }
  std::set<std::string> Stop() {
    writing_ = false;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return acknowledged_;
  }

 private:
  void Write(client::Channel& channel, std::string const& identity, std::string const& id) {
    rv1::CreateDwellingRequest request;
    request.set_parent("organisations/9001");
    request.set_dwelling_id(id);
    request.mutable_dwelling()->set_department("organisations/9001/departments/001");
    request.mutable_dwelling()->set_address("Hørgården 1");
    request.mutable_dwelling()->mutable_period()->mutable_start_date()->set_year(1990);
    request.mutable_dwelling()->mutable_period()->mutable_start_date()->set_month(1);
    request.mutable_dwelling()->mutable_period()->mutable_start_date()->set_day(1);
    auto const made = client::Invoke<rv1::Dwelling>(channel, absl::StrCat(Av(kService), "CreateDwelling"), request,
                                                    {.deadline = absl::Now() + absl::Seconds(5), .identity = identity});
    if (!made.ok()) return absl::SleepFor(absl::Milliseconds(20));
    std::lock_guard const lock(mutex_);
    acknowledged_.insert(made->name());
  }

  std::atomic<bool> writing_{true};
  std::mutex mutex_;
  std::set<std::string> acknowledged_;
  std::vector<std::thread> threads_;
};

class RegisterTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    store_ = GetParam() == Engine::kSqlite ? folder_ + "/residents.sqlite" : fresh_.location();
    address_ = absl::StrCat("127.0.0.1:", testing::FreePort());
    auto const key = testing::RunProgram(
        {testing::Binary("helhed"), "token", "--new-key", folder_ + "/key", folder_ + "/key.pub", "--key-id", "e2e"});
    ASSERT_EQ(key.exit_code, 0) << key.output;
    auto const token = testing::RunProgram({testing::Binary("helhed"), "token", "--identity-key", folder_ + "/key", "--subject",
                                            "tester", "--grant", "operator", "--lifetime", "1h"});
    ASSERT_EQ(token.exit_code, 0) << token.output;
    std::ofstream(folder_ + "/token") << token.output;
    auto const migrated = testing::RunProgram(Service("migrate"));
    ASSERT_EQ(migrated.exit_code, 0) << migrated.output;
    Start();
  }

  void TearDown() override {
    if (HasFailure()) std::cerr << testing::ReadWhole(folder_ + "/service.log");
    service_.reset();
  }

  std::vector<std::string> Service(std::string const& command) {
    std::vector<std::string> arguments{testing::Binary("helhed-residents"), command, "--log-level", "warning"};
    arguments.insert(arguments.end(), {GetParam() == Engine::kSqlite ? "--sqlite" : "--postgres", store_});
    arguments.insert(arguments.end(), {"--listen", address_, "--admin-listen", "", "--identity-key-file", folder_ + "/key.pub",
                                       "--roles-file", std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto"});
    return arguments;
  }

  // Starts the service and waits until it answers.
  void Start() {
    service_ = std::make_unique<testing::Process>(Service("serve"), folder_ + "/service.log");
    for (int i = 0; i < 400; ++i) {
      if (testing::RunProgram({testing::Binary("helhed-residents"), "healthcheck", "--listen", address_}).exit_code == 0) return;
      ASSERT_TRUE(service_->Running()) << testing::ReadWhole(folder_ + "/service.log");
      absl::SleepFor(absl::Milliseconds(25));
    }
    FAIL() << "the service did not get ready: " << testing::ReadWhole(folder_ + "/service.log");
  }

  void Kill() {
    service_->Signal(SIGKILL);
    EXPECT_EQ(service_->Wait(), -SIGKILL);
  }

  testing::Outcome Helhed(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), testing::Binary("helhed"));
    arguments.insert(arguments.end(), {"--address", address_, "--token", folder_ + "/token"});
    return testing::RunProgram(arguments);
  }

  // A call that must succeed; its answer as JSON.
  std::string Call(std::string const& method, std::string const& json) {
    auto const outcome = Helhed({"call", method, json});
    EXPECT_EQ(outcome.exit_code, 0) << method << ": " << outcome.output;
    return outcome.output;
  }

  void MakeOrganisation() {
    Call("CreateOrganisation", R"({"organisationId": "9001", "organisation": {"displayName": "Boligforeningen 3B"}})");
    Call("CreateDepartment",
         R"({"parent": "organisations/9001", "departmentId": "001", "department": {"displayName": "Remisevænget Nord"}})");
  }

  // The names of all dwellings, page by page.
  std::vector<std::string> Dwellings() {
    auto const channel = client::ConnectGrpc({.target = address_});
    rv1::ListDwellingsRequest request;
    request.set_parent("organisations/9001");
    request.set_page_size(1000);
    std::vector<std::string> names;
    do {
      auto const page = client::Invoke<rv1::ListDwellingsResponse>(*channel, absl::StrCat(Av(kService), "ListDwellings"), request,
                                                                   {.identity = Identity()});
      EXPECT_THAT(page, testing::IsOk());
      if (!page.ok()) return names;
      for (auto const& dwelling : page->dwellings()) names.push_back(dwelling.name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }

  std::string Identity() {
    std::string bytes;
    EXPECT_TRUE(absl::Base64Unescape(absl::StripAsciiWhitespace(testing::ReadWhole(folder_ + "/token")), &bytes));
    return bytes;
  }

  // Makes a store of its own of what `backup` wrote, and returns where it is.
  std::string Restore(std::string const& backup) {
    if (GetParam() == Engine::kSqlite) {
      std::filesystem::copy_file(backup, folder_ + "/restored.sqlite");
      return folder_ + "/restored.sqlite";
    }
    auto const restored =
        testing::RunProgram({"pg_restore", "--exit-on-error", "--no-owner", "--dbname", elsewhere_.location(), backup});
    EXPECT_EQ(restored.exit_code, 0) << restored.output;
    return elsewhere_.location();
  }

  testing::Folder const temporary_;
  std::string const folder_ = temporary_.path();
  std::string address_;
  testing::FreshDatabase fresh_{GetParam()};
  testing::FreshDatabase elsewhere_{GetParam()};
  // The file, or the connection string.
  std::string store_;
  std::unique_ptr<testing::Process> service_;
};
HELHED_BOTH_ENGINES(RegisterTest);

TEST_P(RegisterTest, EveryLineOfTheLogIsJson) {
  auto const channel = client::ConnectGrpc({.target = address_});
  auto const* const method = contract::FindMethod(absl::StrCat(Av(kService), "GetOrganisation"));
  // A name that is no UTF-8, of which protobuf has something to say.
  EXPECT_THAT(channel->Call(*method, "\x0a\x02\xc3\x28", {.identity = Identity()}),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  std::ifstream log(folder_ + "/service.log");
  for (std::string line; std::getline(log, line);) EXPECT_TRUE(line.starts_with('{')) << line;
}

// gRPC's core left to itself notices only when an attempt to connect that it made meanwhile has timed out, after five seconds.
TEST_P(RegisterTest, ACallerFindsAServiceThatIsStartedAgain) {
  auto const channel = client::ConnectGrpc({.target = address_});
  auto const read = [&] {
    rv1::ListOrganisationsRequest const request;
    return client::Invoke<rv1::ListOrganisationsResponse>(*channel, absl::StrCat(Av(kService), "ListOrganisations"), request,
                                                          {.identity = Identity()})
        .status();
  };
  ASSERT_THAT(read(), testing::IsOk());
  Kill();
  std::atomic<bool> found{false};
  absl::Time answered;
  std::thread caller([&] {
    while (!found) {
      found = read().ok();
      answered = absl::Now();
    }
  });
  Start();
  auto const ready = absl::Now();
  caller.join();
  EXPECT_LT(answered - ready, absl::Seconds(2));
}

TEST_P(RegisterTest, TheCommandLineEntersReadsAndListsTheRegister) {
  MakeOrganisation();
  auto const made = Call("CreateDwelling", R"({"parent": "organisations/9001", "dwellingId": "remisevej-14-2-th",
      "dwelling": {"department": "organisations/9001/departments/001", "address": "Remisevej 14, 2. th, 2300 København S",
                   "kvhxKey": "01018005__14__2__th", "period": {"startDate": {"year": 1990, "month": 1, "day": 1}}}})");
  EXPECT_THAT(made, HasSubstr("\"floor\": \"2\""));
  EXPECT_THAT(Call("GetDwelling", R"({"name": "organisations/9001/dwellings/remisevej-14-2-th"})"), HasSubstr("København"));
  EXPECT_THAT(Call("ListDwellings", R"({"parent": "organisations/9001", "filter": "floor = 2"})"),
              HasSubstr("remisevej-14-2-th"));

  auto const refused =
      Helhed({"call", "CreateDepartment", R"({"parent": "organisations/9001", "departmentId": "1", "department": {}})"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refused.output, HasSubstr("department_id"));
  EXPECT_THAT(refused.output, HasSubstr("department.display_name"));
}

TEST_P(RegisterTest, SigtermLosesNoAcceptedCallAndEndsWell) {
  MakeOrganisation();
  service_->Signal(SIGTERM);
  EXPECT_EQ(service_->Wait(), 0);
  Start();
  EXPECT_THAT(Call("GetDepartment", R"({"name": "organisations/9001/departments/001"})"), HasSubstr("Remisevænget"));
}

// The rehearsal of deploy/operating.md: a copy is made while callers write, and the service goes on from it elsewhere.
TEST_P(RegisterTest, ABackupOfBusyHoursIsRestored) {
  MakeOrganisation();
  auto const first =
      R"({"parent": "organisations/9001", "departmentId": "002", "requestId": "0190f3a1-0000-7000-8000-000000000001",
                         "department": {"displayName": "Remisevænget Øst"}})";
  auto const answer = Call("CreateDepartment", first);
  Writers writers(address_, Identity());
  while (writers.Acknowledged().size() < 20) absl::SleepFor(absl::Milliseconds(5));
  auto const before = writers.Acknowledged();
  auto command = Service("backup");
  command.insert(command.begin() + 2, folder_ + "/backup");
  auto const backup = testing::RunProgram(command);
  ASSERT_EQ(backup.exit_code, 0) << backup.output;
  auto const all = writers.Stop();
  Kill();

  store_ = Restore(folder_ + "/backup");
  Start();
  auto const names = Dwellings();
  std::set<std::string> const restored(names.begin(), names.end());
  for (auto const& name : before) EXPECT_TRUE(restored.contains(name)) << name << " was there before the backup began";
  for (auto const& name : restored) EXPECT_TRUE(all.contains(name)) << name << " was never acknowledged";
  EXPECT_EQ(Call("CreateDepartment", first), answer) << "what was answered once is answered so again";
  Call("CreateDepartment", R"({"parent": "organisations/9001", "departmentId": "003", "department": {"displayName": "Vest"}})");
}

// While a file of 5,000 dwellings is imported and other callers write, the service is killed again and again.
TEST_P(RegisterTest, AnImportSurvivesKillsWithNothingLostAndNothingDoubled) {
  MakeOrganisation();
  constexpr int kRows = 5000;
  auto const file = folder_ + "/dwellings.csv";
  {
    std::ofstream csv(file);
    csv << "dwelling_id;department;address;area;start_date\n";
    for (int i = 0; i < kRows; ++i) csv << "row-" << i << ";001;Remisevej " << i << ", 2300 København S;60;1990-01-01\n";
  }

  Writers writers(address_, Identity());
  auto const import = [&] {
    return std::make_unique<testing::Process>(
        std::vector<std::string>{testing::Binary("helhed"), "import", "dwellings", file, "--organisation", "organisations/9001",
                                 "--batch", "100", "--address", address_, "--token", folder_ + "/token"},
        folder_ + "/import.log");
  };
  SeededRandom random(7);
  auto importing = import();
  for (int kill = 0; kill < 4; ++kill) {
    absl::SleepFor(absl::Milliseconds(random.Between(100, 700)));
    Kill();
    Start();
  }
  // The import may have given up while the service was away; running it again carries on.
  for (int attempt = 0; importing->Wait() != 0; ++attempt) {
    ASSERT_LT(attempt, 5) << testing::ReadWhole(folder_ + "/import.log");
    importing = import();
  }
  auto const acknowledged = writers.Stop();

  auto const names = Dwellings();
  std::set<std::string> const unique(names.begin(), names.end());
  EXPECT_EQ(unique.size(), names.size());
  int rows = 0;
  for (auto const& name : names) rows += absl::StrContains(name, "/row-") ? 1 : 0;
  EXPECT_EQ(rows, kRows);
  EXPECT_FALSE(acknowledged.empty());
  for (auto const& name : acknowledged) EXPECT_TRUE(unique.contains(name)) << name << " was acknowledged and is gone";

  // And a last run finds everything as it should be.
  auto const again = Helhed({"import", "dwellings", file, "--organisation", "organisations/9001"});
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("created 0, unchanged 5000, refused 0"));

  if (GetParam() == Engine::kSqlite) {
    service_->Signal(SIGTERM);
    EXPECT_EQ(service_->Wait(), 0);
    EXPECT_EQ(IntegrityCheck(folder_ + "/residents.sqlite"), "ok");
  }
}

}  // namespace
}  // namespace helhed
