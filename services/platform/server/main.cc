#include "services/platform/server/main.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/server/commands.h"
#include "services/platform/server/options.h"

namespace helhed::server {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Invocation {
  std::string program;
  std::string command;
  // `backup`: where to.
  std::string path;
  Sources sources;
  bool help = false;
};

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view const text = *entry;
    auto const equals = text.find('=');
    if (equals != std::string_view::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Invocation Parse(int argc, char** argv) {
  Invocation invocation;
  std::string_view const program = argc > 0 ? argv[0] : "";
  invocation.program = program.substr(program.rfind('/') + 1);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (!arguments.empty()) {
    invocation.command = arguments.front();
    arguments.erase(arguments.begin());
  }
  if (invocation.command == "backup" && !arguments.empty() && !arguments.front().starts_with('-')) {
    invocation.path = arguments.front();
    arguments.erase(arguments.begin());
  }
  invocation.help = invocation.command == "--help" || invocation.command == "-h" || invocation.command == "help" ||
                    std::find(arguments.begin(), arguments.end(), "--help") != arguments.end();
  invocation.sources = {.arguments = std::move(arguments), .environment = Environment()};
  return invocation;
}

std::string Help(Definition const& definition, std::string const& program) {
  return absl::StrCat(
      "usage: ", program,
      " COMMAND [options]\n\n"
      "  serve         serve until SIGTERM or SIGINT, then drain\n"
      "  migrate       bring the store's schema up to date\n"
      "  healthcheck   ask the running service whether it serves; exit code 0 or 1\n"
      "  check-config  print the effective options and where each came from\n"
      "  backup PATH   copy the store to PATH, also while it is in use\n"
      "  --help, --version\n\n"
      "Options, each also as a line `name = value` of the --config file, and in the environment as HELHED_NAME or\n",
      "HELHED_", absl::AsciiStrToUpper(definition.name), "_NAME. A flag is above the environment, that is above the file.\n\n",
      DescribeOptions(definition.name));
}

int Fail(std::string const& program, absl::Status const& status, int code) {
  std::cerr << program << ": " << Sv(status.message()) << "\n";
  return code;
}

absl::Status CheckConfig(Configuration const& configuration) {
  std::cout << DescribeSettings(configuration.settings);
  return CheckServing(configuration.options);
}

absl::Status Migrate(Definition const& definition, Options const& options) {
  ASSIGN_OR_RETURN(auto const state, MigrateStore(definition, options));
  std::cout << definition.name << ": " << state.applied << " migrations applied\n";
  return absl::OkStatus();
}

absl::Status Run(Definition const& definition, Invocation const& invocation, Configuration const& configuration) {
  auto const& options = configuration.options;
  if (invocation.command == "migrate") return Migrate(definition, options);
  if (invocation.command == "healthcheck") return CheckHealth(options);
  if (invocation.command == "check-config") return CheckConfig(configuration);
  if (invocation.command == "backup") return BackUp(options, invocation.path);
  RETURN_IF_ERROR(CheckServing(options));
  return Serve(definition, options);
}

}  // namespace

int Main(Definition const& definition, int argc, char** argv) {
#ifdef NDEBUG
  // Debian's Abseil is built for debugging: every Lock would look for deadlocks under one global spin lock, which costs gRPC more
  // than anything else here. Tests keep it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  std::signal(SIGPIPE, SIG_IGN);
  // What is wrong with a caller's bytes is said to the caller; protobuf's own lines about it would stand in the log and be no
  // JSON.
  google::protobuf::SetLogHandler(nullptr);
  // Stores and backups hold personal data.
  ::umask(0077);
  auto const invocation = Parse(argc, argv);
  if (invocation.help) {
    std::cout << Help(definition, invocation.program);
    return 0;
  }
  if (invocation.command == "--version" || invocation.command == "version") {
    std::cout << invocation.program << " " << HELHED_VERSION << "\n";
    return 0;
  }
  static constexpr std::string_view kCommands[] = {"serve", "migrate", "healthcheck", "check-config", "backup"};
  if (std::find(std::begin(kCommands), std::end(kCommands), invocation.command) == std::end(kCommands)) {
    std::cerr << Help(definition, invocation.program);
    return kUsage;
  }
  if (invocation.command == "backup" && invocation.path.empty()) {
    return Fail(invocation.program, absl::InvalidArgumentError("backup needs a PATH to copy to"), kUsage);
  }
  auto const configuration = ReadOptions(definition.name, invocation.sources);
  if (!configuration.ok()) return Fail(invocation.program, configuration.status(), kUsage);
  auto const status = Run(definition, invocation, *configuration);
  return status.ok() ? 0 : Fail(invocation.program, status, kFailed);
}

}  // namespace helhed::server
