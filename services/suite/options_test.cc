#include "services/suite/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

namespace helhed::suite {
namespace {

using ::helhed::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> const kServices = {"residents", "funding"};

TEST(SuiteOptions, EachServiceHasAFileInOneFolder) {
  auto const read =
      ReadOptions(kServices, {.arguments = {"--folder", "/data", "--store-connections", "3", "--connections", "77"}});
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->options.services.size(), 2);
  EXPECT_EQ(read->options.services[0].instance.storage.sqlite_path, "/data/residents.sqlite");
  EXPECT_EQ(read->options.services[1].instance.storage.sqlite_path, "/data/funding.sqlite");
  EXPECT_EQ(read->options.services[1].instance.storage.connections, 3);
  EXPECT_EQ(read->options.gateway.gateway.server.limits.connections, 77);
}

TEST(SuiteOptions, AServiceMayBeOnPostgres) {
  auto const read = ReadOptions(kServices, {.arguments = {"--postgres-funding", "host=a,b dbname=f"}});
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->options.services[0].instance.storage.sqlite_path, "./residents.sqlite");
  EXPECT_EQ(read->options.services[1].instance.storage.postgres, "host=a,b dbname=f");
  EXPECT_EQ(read->options.services[1].instance.storage.sqlite_path, "");
}

TEST(SuiteOptions, EachServiceHasAPasswordOfItsOwn) {
  testing::Folder const folder;
  std::vector<std::string> arguments;
  for (auto const& service : kServices) {
    auto const file = folder / service;
    std::ofstream(file) << "of " << service << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    arguments.insert(arguments.end(), {"--postgres-password-file-" + service, file});
  }
  EXPECT_THAT(ReadOptions(kServices, {.arguments = arguments}), Not(IsOk())) << "of what?";
  for (auto const& service : kServices) arguments.insert(arguments.end(), {"--postgres-" + service, "host=db"});
  auto const read = ReadOptions(kServices, {.arguments = arguments});
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->options.services[0].instance.storage.postgres_password, "of residents");
  EXPECT_EQ(read->options.services[1].instance.storage.postgres_password, "of funding");
}

TEST(SuiteOptions, WhatIsSaidOnceIsForAllAndFromEverySource) {
  auto const read = ReadOptions(kServices, {.arguments = {"--threads", "5", "--roles-file", "/dev/null", "--migrate-on-start"},
                                            .environment = {{"HELHED_SUITE_LISTEN", "127.0.0.1:7"}, {"HELHED_QUEUE", "9"}}});
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->options.gateway.gateway.server.listen, "127.0.0.1:7");
  for (auto const& service : read->options.services) {
    EXPECT_EQ(service.instance.threads, 5);
    EXPECT_EQ(service.instance.queue_max, 9);
    EXPECT_EQ(service.instance.roles_file, "/dev/null");
    EXPECT_TRUE(service.migrate_on_start);
  }
}

TEST(SuiteOptions, WhatIsWrongIsSaidAllAtOnceAndOnce) {
  auto const read = ReadOptions(kServices, {.arguments = {"--threads", "none", "--listen", "nowhere", "--migrate-on-start=maybe"},
                                            .environment = {{"HELHED_SUITE_FOLDR", "x"}}});
  ASSERT_FALSE(read.ok());
  std::string const message(read.status().message());
  for (auto const* const part : {"listen: must be", "threads: must be", "migrate-on-start: must be", "HELHED_SUITE_FOLDR"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
  EXPECT_EQ(message.find("threads: must be"), message.rfind("threads: must be"));
}

TEST(SuiteOptions, WhatHasNoMeaningInOneProcessIsNoOption) {
  for (auto const* const name :
       {"--upstream", "--peer", "--signing-key-file", "--identity-key-file", "--sqlite", "--postgres-password-file"}) {
    EXPECT_THAT(ReadOptions(kServices, {.arguments = {name, "/dev/null"}}), Not(IsOk())) << name;
  }
}

}  // namespace
}  // namespace helhed::suite
