#include "services/platform/server/options.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::Pair;

std::string Write(std::string const& name, std::string const& text) {
  auto const path = absl::StrCat(::testing::TempDir(), "/helhed_options_", ::getpid(), "_", name);
  std::ofstream(path) << text;
  return path;
}

Setting Find(Configuration const& configuration, std::string_view name) {
  for (auto const& setting : configuration.settings) {
    if (setting.name == name) return setting;
  }
  ADD_FAILURE() << "no setting " << name;
  return {};
}

std::string FaultOf(Sources const& sources) {
  auto const result = ReadOptions("residents", sources);
  EXPECT_THAT(result, testing::StatusCodeIs(absl::StatusCode::kInvalidArgument));
  return result.ok() ? "" : std::string(result.status().message());
}

TEST(Options, DefaultsServeOnTheLoopbackFromAFile) {
  auto const result = ReadOptions("residents", {});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->options.grpc.listen, "127.0.0.1:8443");
  EXPECT_EQ(result->options.instance.storage.sqlite_path, "residents.sqlite");
  EXPECT_EQ(result->options.instance.threads, 16);
  EXPECT_EQ(result->options.event_retention, absl::Hours(90 * 24));
  EXPECT_FALSE(result->options.grpc.reflection);
  EXPECT_EQ(Find(*result, "listen").origin, "default");
}

TEST(Options, EachSourceIsAboveTheOneBefore) {
  auto const file = Write("conf", "threads = 2\nqueue = 2\nstreams = 2  # a remark\nconnections = 2\nlog-level = debug\n");
  Sources sources;
  sources.arguments = {"--config", file, "--connections", "5"};
  sources.environment = {{"HELHED_QUEUE", "3"},       {"HELHED_STREAMS", "3"},  {"HELHED_RESIDENTS_STREAMS", "4"},
                         {"HELHED_CONNECTIONS", "3"}, {"HELHED_LOG_LEVEL", ""}, {"HOME", "/root"}};
  auto const result = ReadOptions("residents", sources);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->options.instance.threads, 2);
  EXPECT_EQ(result->options.instance.queue_max, 3);
  EXPECT_EQ(result->options.grpc.streams_max, 4);
  EXPECT_EQ(result->options.instance.storage.connections, 5);
  EXPECT_EQ(result->options.log_level, telemetry::Severity::kDebug) << "an empty variable counts as none";
  EXPECT_EQ(Find(*result, "threads").origin, absl::StrCat("file ", file));
  EXPECT_EQ(Find(*result, "queue").origin, "environment HELHED_QUEUE");
  EXPECT_EQ(Find(*result, "streams").origin, "environment HELHED_RESIDENTS_STREAMS");
  EXPECT_EQ(Find(*result, "connections").origin, "flag");
  EXPECT_EQ(Find(*result, "listen").origin, "default");
}

TEST(Options, TheFileMayBeNamedByTheEnvironment) {
  auto const file = Write("env_conf", "threads = 7\n");
  auto const result = ReadOptions("residents", {.arguments = {}, .environment = {{"HELHED_CONFIG", file}}});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->options.instance.threads, 7);
}

TEST(Options, AnUnknownNameIsFatalInEverySource) {
  EXPECT_THAT(FaultOf({.arguments = {"--colour", "red"}, .environment = {}}), HasSubstr("colour"));
  EXPECT_THAT(FaultOf({.arguments = {"serve"}, .environment = {}}), HasSubstr("positional"));
  EXPECT_THAT(FaultOf({.arguments = {}, .environment = {{"HELHED_COLOUR", "red"}}}), HasSubstr("HELHED_COLOUR"));
  EXPECT_THAT(FaultOf({.arguments = {}, .environment = {{"HELHED_RESIDENTS_COLOUR", "red"}}}),
              HasSubstr("HELHED_RESIDENTS_COLOUR"));
  EXPECT_THAT(FaultOf({.arguments = {"--config", Write("bad_conf", "colour = red\n")}, .environment = {}}), HasSubstr("colour"));
  EXPECT_THAT(FaultOf({.arguments = {"--config", "/no/such/file"}, .environment = {}}), HasSubstr("/no/such/file"));
}

TEST(Options, AShortenedNameIsNotGuessed) {
  EXPECT_THAT(FaultOf({.arguments = {"--thread", "3"}, .environment = {}}), HasSubstr("thread"));
}

TEST(Options, EverythingThatIsWrongIsSaidAtOnce) {
  auto const fault = FaultOf({.arguments = {"--threads", "0", "--queue", "many", "--listen", "here", "--drain-delay", "-1s",
                                            "--log-level", "loud", "--roles-file", "/no/roles", "--reflection=perhaps"},
                              .environment = {{"HELHED_X", "1"}}});
  EXPECT_THAT(fault, AllOf(HasSubstr("threads: must be a whole number from 1 to 1024 (flag)"), HasSubstr("queue: must be"),
                           HasSubstr("listen: must be"), HasSubstr("drain-delay: must be"), HasSubstr("log-level: must be"),
                           HasSubstr("roles-file: cannot read /no/roles"), HasSubstr("reflection: must be true or false"),
                           HasSubstr("HELHED_X")));
}

TEST(Options, OnlyListsMayBeRepeated) {
  EXPECT_THAT(FaultOf({.arguments = {"--threads", "3", "--threads", "4"}, .environment = {}}),
              HasSubstr("threads is given twice"));
  auto const first = Write("key1", "a");
  auto const second = Write("key2", "b");
  auto const result =
      ReadOptions("residents", {.arguments = {"--identity-key-file", first, "--identity-key-file", second}, .environment = {}});
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->options.instance.identity_key_files, ElementsAre(first, second));
}

TEST(Options, SecretsComeFromFilesAndAreNotShown) {
  auto const file = Write("password", "correct horse\n");
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  EXPECT_THAT(FaultOf({.arguments = {"--postgres", "host=db", "--postgres-password-file", file}, .environment = {}}),
              AllOf(HasSubstr("holds a secret and is open to others"), Not(HasSubstr("horse"))));
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  auto const result =
      ReadOptions("residents",
                  {.arguments = {"--postgres", "host=db dbname=residents", "--postgres-password-file", file}, .environment = {}});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->options.instance.storage.postgres_password, "correct horse");
  EXPECT_EQ(result->options.instance.storage.sqlite_path, "") << "one store only";
  EXPECT_THAT(DescribeSettings(result->settings), AllOf(HasSubstr(file), Not(HasSubstr("horse"))));
  for (auto const* const text : {"host=db password=correcthorse", "postgresql://u:correcthorse@db/residents"}) {
    EXPECT_THAT(FaultOf({.arguments = {"--postgres", text}, .environment = {}}),
                AllOf(HasSubstr("--postgres-password-file"), Not(HasSubstr("horse"))));
  }
}

TEST(Options, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_THAT(FaultOf({.arguments = {"--sqlite", "a", "--postgres", "host=db"}, .environment = {}}),
              HasSubstr("give one of them"));
  EXPECT_THAT(FaultOf({.arguments = {"--tls-key-file", Write("tls_key", "k")}, .environment = {}}), HasSubstr("give both"));
  EXPECT_THAT(FaultOf({.arguments = {"--sqlite", ""}, .environment = {}}), HasSubstr("must name a file"));
}

TEST(Options, ACarrierOfMailIsNamedWithWhoWrites) {
  auto const file = Write("mail_password", "correct horse\n");
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  auto const result = ReadOptions(
      "communications", {.arguments = {"--mail-url", "smtps://mail.example.dk:465", "--mail-from", "plan@example.dk",
                                       "--mail-from-name", "Amagerplanen", "--mail-user", "plan", "--mail-password-file", file},
                         .environment = {}});
  ASSERT_THAT(result, IsOk());
  auto const& mail = result->options.instance.mail;
  EXPECT_EQ(mail.url, "smtps://mail.example.dk:465");
  EXPECT_EQ(mail.from, "plan@example.dk");
  EXPECT_EQ(mail.from_name, "Amagerplanen");
  EXPECT_EQ(mail.user, "plan");
  EXPECT_EQ(mail.password, "correct horse");
  EXPECT_FALSE(mail.cleartext) << "in the clear only where that is said";
  EXPECT_THAT(DescribeSettings(result->settings), Not(HasSubstr("horse")));
  auto const fault = [](std::vector<std::string> const& arguments) {
    return FaultOf({.arguments = arguments, .environment = {}});
  };
  EXPECT_THAT(fault({"--mail-url", "http://mail.example.dk"}), HasSubstr("mail-url: must be smtp://HOST:PORT"));
  EXPECT_THAT(fault({"--mail-url", "smtp://mail.example.dk"}), HasSubstr("mail-url needs mail-from"));
  EXPECT_THAT(fault({"--mail-user", "plan"}), HasSubstr("mail-user needs mail-password-file"));
}

TEST(Options, OtherServicesAreNamedWithTheirTargets) {
  auto const key = Write("signing_key", "k");
  auto const ca = Write("peer_ca", "c");
  auto const result = ReadOptions(
      "funding", {.arguments = {"--peer", "residents=dns:///residents:8443", "--peer", "activities=unix:/a", "--signing-key-file",
                                key, "--peer-ca-file", ca, "--tls-certificate-file", ca, "--tls-key-file", key},
                  .environment = {}});
  ASSERT_THAT(result, IsOk());
  auto const& peers = result->options.instance.peers;
  EXPECT_THAT(peers.targets, ElementsAre(Pair("activities", "unix:/a"), Pair("residents", "dns:///residents:8443")));
  EXPECT_EQ(peers.signing_key_file, key);
  EXPECT_EQ(peers.certificate_file, ca) << "it shows the others what it shows its callers";
  EXPECT_EQ(peers.key_file, key);
  EXPECT_THAT(FaultOf({.arguments = {"--peer", "residents=a"}, .environment = {}}), HasSubstr("peer needs signing-key-file"));
  EXPECT_THAT(FaultOf({.arguments = {"--peer", "residents"}, .environment = {}}), HasSubstr("NAME=TARGET"));
  EXPECT_THAT(FaultOf({.arguments = {"--peer", "residents=a,residents=b"}, .environment = {}}), HasSubstr("each service once"));
  EXPECT_THAT(FaultOf({.arguments = {"--peer-ca-file", ca}, .environment = {}}), HasSubstr("peer-ca-file needs"));
}

TEST(Options, CheckConfigPrintsAFileThatConfigTakes) {
  auto const first =
      ReadOptions("residents", {.arguments = {"--threads", "3", "--reflection", "--drain-delay", "5s"}, .environment = {}});
  ASSERT_THAT(first, IsOk());
  auto const file = Write("printed", DescribeSettings(first->settings));
  auto const second = ReadOptions("residents", {.arguments = {"--config", file}, .environment = {}});
  ASSERT_THAT(second, IsOk());
  for (std::size_t i = 0; i < first->settings.size(); ++i) EXPECT_EQ(first->settings[i].value, second->settings[i].value);
}

TEST(Options, HelpNamesEveryOptionWithItsDefault) {
  auto const result = ReadOptions("residents", {});
  ASSERT_THAT(result, IsOk());
  auto const help = DescribeOptions("residents");
  for (auto const& setting : result->settings) EXPECT_THAT(help, HasSubstr(absl::StrCat("--", setting.name)));
  EXPECT_THAT(help, AllOf(HasSubstr("--config"), HasSubstr("[127.0.0.1:8443]")));
}

TEST(Options, ServingNeedsKeysAndRoles) {
  Options options;
  auto const status = CheckServing(options);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("identity-key-file"), HasSubstr("roles-file")));
  options.instance.identity_key_files = {"key"};
  options.instance.roles_file = "roles";
  EXPECT_THAT(CheckServing(options), IsOk());
}

TEST(Options, Addresses) {
  EXPECT_EQ(ParseAddress("127.0.0.1:80")->host, "127.0.0.1");
  EXPECT_EQ(ParseAddress("[::1]:80")->host, "::1");
  EXPECT_EQ(ParseAddress("[::1]:80")->port, 80);
  for (auto const* const text : {"", ":80", "host", "host:", "host:x", "host:-1", "host:65536", "::1:80", "[]:80", "host:+1"}) {
    EXPECT_FALSE(ParseAddress(text)) << text;
  }
}

TEST(Options, Durations) {
  EXPECT_EQ(ParseDuration("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(ParseDuration("2d"), absl::Hours(48));
  EXPECT_EQ(ParseDuration("0s"), absl::ZeroDuration());
  for (auto const* const text : {"", "5", "-1s", "-1d", "inf", "d", "1 s"}) EXPECT_FALSE(ParseDuration(text)) << text;
}

}  // namespace
}  // namespace helhed::server
