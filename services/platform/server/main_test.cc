#include "services/platform/server/main.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "helhed/events/v1/event_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/client/channel.h"
#include "services/platform/identity/identity.h"
#include "services/platform/server/instance.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

// The sample service's binary, run as an operator runs it.
namespace helhed::server {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kRead[] = "/helhed.events.v1.EventService/ReadEvents";

// A process with an environment of its own. Ends with the test, whatever happens.
class Process {
 public:
  Process(std::vector<std::string> arguments, std::vector<std::string> environment) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), HELHED_SAMPLE);
    environment.emplace_back("PATH=/usr/bin:/bin");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::execve(HELHED_SAMPLE, Pointers(arguments).data(), Pointers(environment).data());
      ::_exit(126);
    }
    ::close(ends[1]);
    output_fd_ = ends[0];
  }
  ~Process() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    Wait();
    ::close(output_fd_);
  }
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;

  void Signal(int signal) const { ::kill(pid_, signal); }

  // Reads what it prints until `text` is among it; false when it ended without.
  bool PrintsUntil(std::string_view text) {
    char buffer[4096];
    while (output_.find(text) == std::string::npos) {
      auto const bytes = ::read(output_fd_, buffer, sizeof buffer);
      if (bytes <= 0) return false;
      output_.append(buffer, static_cast<std::size_t>(bytes));
    }
    return true;
  }

  // A number that it logged: `"port":1234`.
  int Number(std::string_view name) const {
    auto const key = absl::StrCat("\"", Av(name), "\":");
    auto const at = output_.find(key);
    return at == std::string::npos ? 0 : std::atoi(output_.c_str() + at + key.size());
  }

  // Waits for its end and returns its exit code, or 128 and the signal's number.
  int Wait() {
    if (pid_ <= 0) return code_;
    PrintsUntil("\1 never printed");
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return code_;
  }

  std::string const& output() const { return output_; }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (auto& string : strings) pointers.push_back(string.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  pid_t pid_ = 0;
  int output_fd_ = -1;
  int code_ = -1;
  std::string output_;
};

struct Ended {
  int code;
  std::string output;
};

Ended RunToEnd(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  Process process(std::move(arguments), std::move(environment));
  int const code = process.Wait();
  return {code, process.output()};
}

TEST(Main, ExplainsItself) {
  auto const help = RunToEnd({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("check-config"), HasSubstr("--admin-listen"), HasSubstr("HELHED_SAMPLE_NAME")));
  EXPECT_EQ(RunToEnd({"serve", "--help"}).output, help.output);
  auto const version = RunToEnd({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.output, HasSubstr(HELHED_VERSION));
}

TEST(Main, WrongUseIsTwo) {
  EXPECT_EQ(RunToEnd({}).code, 2);
  EXPECT_EQ(RunToEnd({"dance"}).code, 2);
  EXPECT_EQ(RunToEnd({"backup"}).code, 2);
  auto const unknown = RunToEnd({"serve", "--colour", "red", "--threads", "0"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.output, HasSubstr("colour"));
  EXPECT_EQ(RunToEnd({"migrate"}, {"HELHED_SAMPLE_COLOUR=red"}).code, 2);
}

TEST(Main, CheckConfigSaysWhatHoldsAndWhy) {
  auto const result = RunToEnd({"check-config", "--threads", "3"}, {"HELHED_QUEUE=7"});
  EXPECT_EQ(result.code, 1) << "nothing can be served without keys and roles";
  EXPECT_THAT(result.output, AllOf(HasSubstr("threads = 3  # flag"), HasSubstr("queue = 7  # environment HELHED_QUEUE"),
                                   HasSubstr("listen = 127.0.0.1:8443  # default"), HasSubstr("identity-key-file: needed")));
}

class MainTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  void SetUp() override {
    std::ofstream(directory_ / "key.pub") << signer_.PublicKeyText();
    std::ofstream(directory_ / "roles") << R"(roles { name: "reader" permissions: "events.events.read" })";
  }

  // With the store's options, and all that serving needs.
  std::vector<std::string> With(std::vector<std::string> arguments) const {
    bool const sqlite = database_.engine() == storage::Engine::kSqlite;
    for (auto const& more : {std::string(sqlite ? "--sqlite" : "--postgres"), database_.location()}) arguments.push_back(more);
    for (auto const& more :
         {std::string("--listen"), std::string("127.0.0.1:0"), std::string("--admin-listen"), std::string("127.0.0.1:0"),
          std::string("--identity-key-file"), directory_ / "key.pub", std::string("--roles-file"), directory_ / "roles"}) {
      arguments.push_back(more);
    }
    return arguments;
  }

  std::unique_ptr<Process> Serve(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"serve", "--migrate-on-start"};
    for (auto& argument : more) arguments.push_back(std::move(argument));
    auto process = std::make_unique<Process>(With(std::move(arguments)), std::vector<std::string>{});
    EXPECT_TRUE(process->PrintsUntil("\"serving\"")) << process->output();
    EXPECT_TRUE(process->PrintsUntil("admin_port")) << process->output();
    EXPECT_TRUE(process->PrintsUntil("}\n"));
    return process;
  }

  client::CallOptions Caller() const {
    common::v1::Identity identity;
    identity.set_issuer("test");
    identity.set_subject("tester");
    identity.set_audience("sample");
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 600);
    identity.add_grants()->set_role("reader");
    client::CallOptions options;
    options.identity = signer_.Sign(identity);
    options.deadline = absl::Now() + absl::Seconds(60);
    return options;
  }

  static std::unique_ptr<client::Channel> Connect(Process const& process) {
    client::GrpcOptions options;
    options.target = absl::StrCat("127.0.0.1:", process.Number("port"));
    return client::ConnectGrpc(options);
  }

  absl::Status Read(client::Channel& channel) const {
    return client::Invoke<events::v1::ReadEventsResponse>(channel, kRead, events::v1::ReadEventsRequest(), Caller()).status();
  }

  static std::string Get(int port, std::string const& path) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::socket socket(context);
    boost::system::error_code error;
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)}, error);
    boost::asio::write(socket, boost::asio::buffer(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n")), error);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }

  helhed::testing::Folder directory_;
  testing::FreshDatabase database_{GetParam()};
  identity::Signer signer_ = identity::Signer::FromSeed("test", std::string(32, 's'));
};

TEST_P(MainTest, RefusesToServeUntilTheSchemaIsThere) {
  auto const refused = RunToEnd(With({"serve"}));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("helhed-sample migrate"));
  auto const first = RunToEnd(With({"migrate"}));
  EXPECT_EQ(first.code, 0) << first.output;
  EXPECT_THAT(first.output, Not(HasSubstr(" 0 migrations applied")));
  auto const again = RunToEnd(With({"migrate"}));
  EXPECT_EQ(again.code, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr(" 0 migrations applied"));
  Process process(With({"serve"}), {});
  EXPECT_TRUE(process.PrintsUntil("\"serving\"")) << process.output();
}

TEST_P(MainTest, ServesIsReadyAndEndsOnATerminationSignal) {
  auto const process = Serve();
  EXPECT_THAT(Read(*Connect(*process)), IsOk());
  auto const admin = process->Number("admin_port");
  EXPECT_THAT(Get(admin, "/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(admin, "/metrics"), HasSubstr("helhed_calls_total"));
  auto const listen = absl::StrCat("127.0.0.1:", process->Number("port"));
  auto const healthy = RunToEnd({"healthcheck", "--listen", listen});
  EXPECT_EQ(healthy.code, 0) << healthy.output;
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 0) << process->output();
  EXPECT_THAT(process->output(), HasSubstr("\"stopped\""));
  EXPECT_EQ(RunToEnd({"healthcheck", "--listen", listen}).code, 1);
}

TEST_P(MainTest, WhileItDrainsItServesButIsNotReady) {
  auto const process = Serve({"--drain-delay", "60s"});
  auto channel = Connect(*process);
  process->Signal(SIGTERM);
  ASSERT_TRUE(process->PrintsUntil("\"draining\""));
  auto const admin = process->Number("admin_port");
  std::string ready;
  while (!absl::StrContains(ready = Get(admin, "/readyz"), "draining")) ASSERT_THAT(ready, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Get(admin, "/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Read(*channel), IsOk());
  while (RunToEnd({"healthcheck", "--listen", absl::StrCat("127.0.0.1:", process->Number("port"))}).code == 0) {
  }
  // An idle caller that polls only now and then would take its time to notice that the server says goodbye.
  channel.reset();
  process->Signal(SIGINT);  // ends the delay
  EXPECT_EQ(process->Wait(), 0) << process->output();
}

// Callers see their calls answered, or refused so that trying again is right; never lost in between.
TEST_P(MainTest, ATerminationSignalUnderLoadLosesNoCall) {
  auto const process = Serve();
  std::atomic<int> answered = 0;
  std::atomic<int> calling = 8;
  std::vector<absl::Status> last(8);
  std::vector<std::thread> callers;
  for (auto& status : last) {
    callers.emplace_back([&] {
      auto const channel = Connect(*process);
      while ((status = Read(*channel)).ok()) ++answered;
      --calling;
    });
  }
  while (answered < 500 && calling > 0) std::this_thread::yield();
  process->Signal(SIGTERM);
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(process->Wait(), 0) << process->output();
  EXPECT_GE(answered, 500);
  for (auto const& status : last) EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST_P(MainTest, CopiesTheStoreWhileItIsInUse) {
  auto const process = Serve();
  auto const copy = directory_ / "copy";
  auto const backup = RunToEnd(With({"backup", copy}));
  EXPECT_EQ(backup.code, 0) << backup.output;
  ASSERT_TRUE(std::filesystem::exists(copy));
  EXPECT_EQ(std::filesystem::status(copy).permissions() & std::filesystem::perms::others_all, std::filesystem::perms::none);
  EXPECT_FALSE(std::filesystem::exists(copy + ".partial"));
  EXPECT_EQ(RunToEnd(With({"backup", copy})).code, 1) << "it exists";
  EXPECT_THAT(Read(*Connect(*process)), IsOk());
  if (database_.engine() == storage::Engine::kSqlite) {
    auto const restored = RunToEnd({"migrate", "--sqlite", copy});
    EXPECT_THAT(restored.output, HasSubstr(" 0 migrations applied")) << "the copy is a whole store";
  } else {
    EXPECT_EQ(std::system(absl::StrCat("pg_restore --list ", copy, " | grep -q 'TABLE DATA'").c_str()), 0);
  }
}

TEST_P(MainTest, ABackupOfNothingIsAnError) {
  if (database_.engine() != storage::Engine::kSqlite)
    GTEST_SKIP() << "a PostgreSQL database exists, or pg_dump says that it does not";
  auto const result = RunToEnd({"backup", directory_ / "copy", "--sqlite", directory_ / "nothing"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.output, HasSubstr("does not exist"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "nothing"));
}

HELHED_BOTH_ENGINES(MainTest);

}  // namespace
}  // namespace helhed::server
