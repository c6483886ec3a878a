#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "services/platform/testing/folder.h"
#include "tests/gateway/house.h"

namespace helhed {
namespace {

using ::testing::AllOf;
using testing::AwaitIn;
using testing::Binary;
using ::testing::HasSubstr;
using testing::House;
using ::testing::Not;
using testing::Process;
using testing::RunProgram;

class SuiteTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  std::string Url(std::string const& path) const { return house_.url() + path; }

  std::string Create(std::string const& number) const {
    return house_
        .Curl(token_, {"--json", R"({"displayName": "Boligforeningen"})", Url("/v1/organisations?organisation_id=" + number)})
        .output;
  }
  std::string Read(std::string const& number) const { return house_.Curl(token_, {Url("/v1/organisations/" + number)}).output; }

  // By gRPC.
  testing::Outcome Call(std::string const& method, std::string const& json) const {
    auto const bearer = house_.folder() + "/bearer";
    std::ofstream(bearer) << token_ << "\n";
    return RunProgram({Binary("helhed"), "call", method, json, "--address", absl::StrCat("localhost:", house_.port()), "--tls-ca",
                       house_.ca_file(), "--bearer", bearer});
  }

  House house_{{"residents", "funding", "activities", "communications"}, GetParam(), House::Shape::kOneProcess};
  std::string token_ = house_.SignIn();
};

TEST_P(SuiteTest, WhatIsMadeByRestIsReadByGrpcAndAlsoAfterACrash) {
  EXPECT_THAT(Create("9001"), HasSubstr("\n200"));
  EXPECT_THAT(Call("GetOrganisation", R"({"name": "organisations/9001"})").output, HasSubstr("Boligforeningen"));
  EXPECT_THAT(house_.Curl("", {Url("/v1/organisations/9001")}).output, HasSubstr("\n401"));
  house_.KillGateway();
  house_.StartGateway();
  EXPECT_THAT(Read("9001"), AllOf(HasSubstr("Boligforeningen"), HasSubstr("\n200")));
}

TEST_P(SuiteTest, EveryServiceIsBehindTheOneDoor) {
  for (auto const* const path : {"/v1/organisations", "/v1/plans", "/v1/regulations"}) {
    EXPECT_THAT(house_.Curl(token_, {Url(path)}).output, HasSubstr("\n200")) << path;
  }
  auto const feed = house_.Curl(token_, {Url("/v1/feed?pageSize=1")}).output;
  EXPECT_THAT(feed, AllOf(HasSubstr("\n200"), HasSubstr("\"missing\":[]")));
}

TEST_P(SuiteTest, ACalendarIsSubscribedToByItsAddress) {
  auto const url = Url("/v1/plans/amager/activities:ics");
  auto const file = house_.Curl("", {"--include", url}).output;
  EXPECT_THAT(
      file, AllOf(HasSubstr("content-type: text/calendar; charset=utf-8"), HasSubstr("BEGIN:VCALENDAR\r\n"), HasSubstr("\n200")));
  auto const at = file.find("etag: ") + 6;
  auto const tag = file.substr(at, file.find('\r', at) - at);
  EXPECT_THAT(house_.Curl("", {"--header", "if-none-match: " + tag, url}).output, HasSubstr("\n304"));
}

TEST_P(SuiteTest, AStreamOfEventsIsFedAndEndsWithItsReasonWhenToldToEnd) {
  auto const log = house_.folder() + "/events";
  Process events({"curl", "--silent", "--no-buffer", "--cacert", house_.ca_file(), "--header", "authorization: Bearer " + token_,
                  "--header", "accept: text/event-stream", Url("/v1/feed:watch")},
                 log);
  EXPECT_THAT(Create("9002"), HasSubstr("\n200"));
  AwaitIn(log, "organisations/9002");
  auto const begun = absl::Now();
  house_.StopGateway();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(15)) << "no stream kept it from ending before its time for that was over";
  EXPECT_EQ(events.Wait(), 0) << "the answer is complete";
  EXPECT_THAT(testing::ReadWhole(log), HasSubstr("\"DRAINING\""));
  EXPECT_THAT(house_.Logs(), Not(HasSubstr("draining did not end")));
  house_.StartGateway();
  EXPECT_THAT(Read("9002"), HasSubstr("\n200"));
}

INSTANTIATE_TEST_SUITE_P(Engines, SuiteTest, ::testing::Values(storage::Engine::kSqlite, storage::Engine::kPostgres),
                         [](auto const& engine) { return engine.param == storage::Engine::kSqlite ? "Sqlite" : "Postgres"; });

// The commands, without anything before them.
class SuiteCommandsTest : public ::testing::Test {
 protected:
  testing::Outcome Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), Binary("helhed-suite"));
    return RunProgram(arguments);
  }

  testing::Folder const temporary_;
  std::string const folder_ = temporary_.path();
  std::string const roles_ = std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto";
};

TEST_F(SuiteCommandsTest, AStoreIsMigratedServedAskedForItsHealthAndCopied) {
  auto const log = folder_ + "/log";
  auto const admin = absl::StrCat("127.0.0.1:", testing::FreePort());
  std::vector<std::string> const serve = {Binary("helhed-suite"), "serve",          "--folder", folder_,        "--listen",
                                          "127.0.0.1:0",          "--admin-listen", admin,      "--roles-file", roles_};
  Process unmigrated(serve, log);
  EXPECT_EQ(unmigrated.Wait(), 1);
  EXPECT_THAT(testing::ReadWhole(log), AllOf(HasSubstr("residents: "), HasSubstr("Run `helhed-suite migrate`")));

  auto const migrated = Run({"migrate", "--folder", folder_});
  EXPECT_EQ(migrated.exit_code, 0) << migrated.output;
  for (auto const* const name : {"residents", "funding", "activities", "communications"}) {
    EXPECT_THAT(migrated.output, HasSubstr(absl::StrCat(name, ": ")));
  }
  EXPECT_EQ(Run({"healthcheck", "--admin-listen", admin}).exit_code, 1);

  Process suite(serve, log);
  AwaitIn(log, "\"serving\"");
  testing::Await({Binary("helhed-suite"), "healthcheck", "--admin-listen", admin}, suite, log);
  auto const metrics = RunProgram({"curl", "--silent", "--fail", absl::StrCat("http://", admin, "/metrics")}).output;
  for (auto const* const name : {"residents", "funding", "activities", "communications"}) {
    EXPECT_THAT(metrics, HasSubstr(absl::StrCat("helhed_events_waiting{service=\"", name, "\"}")));
  }
  EXPECT_EQ(Run({"backup", folder_ + "/copy", "--folder", folder_}).exit_code, 0);
  suite.Signal(SIGTERM);
  EXPECT_EQ(suite.Wait(), 0) << testing::ReadWhole(log);

  for (auto const* const name : {"residents", "funding", "activities", "communications"}) {
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat(folder_, "/copy/", name, ".sqlite"))) << name;
  }
  EXPECT_EQ(Run({"migrate", "--folder", folder_ + "/copy"}).exit_code, 0);
  EXPECT_EQ(Run({"backup", folder_ + "/copy", "--folder", folder_}).exit_code, 1) << "a copy is never written over";
}

TEST_F(SuiteCommandsTest, TheConfigurationIsPrintedAndWhatIsWrongIsSaid) {
  auto const printed = Run({"check-config", "--folder", folder_, "--roles-file", roles_});
  EXPECT_EQ(printed.exit_code, 0) << printed.output;
  EXPECT_THAT(printed.output, AllOf(HasSubstr("folder = " + folder_ + "  # flag"), HasSubstr("threads = 16  # default")));
  EXPECT_EQ(Run({"check-config"}).exit_code, 1);
  EXPECT_EQ(Run({"serve", "--upstream", "residents=localhost:1"}).exit_code, 2);
  EXPECT_EQ(Run({"backup"}).exit_code, 2);
  EXPECT_THAT(Run({"--help"}).output, AllOf(HasSubstr("--postgres-residents"), HasSubstr("backup FOLDER")));
}

}  // namespace
}  // namespace helhed
