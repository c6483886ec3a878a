#include "services/platform/server/program.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/synchronization/mutex.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <string_view>
#include <utility>

#include "services/platform/base/status.h"

namespace helhed::server {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

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
  invocation.sources = {.arguments = std::move(arguments), .environment = Environment()};
  return invocation;
}

bool AsksForHelp(Invocation const& invocation) {
  auto const& arguments = invocation.sources.arguments;
  return invocation.command == "--help" || invocation.command == "-h" || invocation.command == "help" ||
         std::find(arguments.begin(), arguments.end(), "--help") != arguments.end();
}

std::string Help(Program const& program, std::string const& name) {
  auto text = absl::StrCat("usage: ", name, " COMMAND [options]\n\n");
  for (auto const& command : program.commands) absl::StrAppendFormat(&text, "  %-13s %s\n", command.name, command.help);
  absl::StrAppend(&text,
                  "  --help, --version\n\n"
                  "Options, each also as a line `name = value` of the --config file, and in the environment as HELHED_NAME or\n"
                  "HELHED_",
                  VariablePart(program.own), "_NAME. A flag is above the environment, that is above the file.\n\n",
                  program.options);
  return text;
}

// What every binary of ours wants of its process.
void PrepareProcess() {
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
}

int Fail(std::string const& program, absl::Status const& status, int code) {
  std::cerr << program << ": " << Sv(status.message()) << "\n";
  return code;
}

}  // namespace

int RunProgram(Program const& program, int argc, char** argv) {
  PrepareProcess();
  auto const invocation = Parse(argc, argv);
  if (AsksForHelp(invocation)) {
    std::cout << Help(program, invocation.program);
    return 0;
  }
  if (invocation.command == "--version" || invocation.command == "version") {
    std::cout << invocation.program << " " << HELHED_VERSION << "\n";
    return 0;
  }
  if (std::none_of(program.commands.begin(), program.commands.end(),
                   [&](auto const& command) { return command.name.substr(0, command.name.find(' ')) == invocation.command; })) {
    std::cerr << Help(program, invocation.program);
    return kUsage;
  }
  if (invocation.command == "backup" && invocation.path.empty()) {
    return Fail(invocation.program, absl::InvalidArgumentError("backup needs a PATH to copy to"), kUsage);
  }
  auto const work = program.prepare(invocation);
  if (!work.ok()) return Fail(invocation.program, work.status(), kUsage);
  auto const status = (*work)();
  return status.ok() ? 0 : Fail(invocation.program, status, kFailed);
}

}  // namespace helhed::server
