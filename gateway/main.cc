#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
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

#include "gateway/options.h"
#include "gateway/serve.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway {
namespace {

constexpr char kProgram[] = "helhed-gateway";
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

std::string Help() {
  return absl::StrCat(
      "usage: ", kProgram,
      " COMMAND [options]\n\n"
      "  serve         serve until SIGTERM or SIGINT, then drain\n"
      "  healthcheck   ask the running gateway whether it is ready; exit code 0 or 1\n"
      "  check-config  print the effective options and where each came from, and check the files they name\n"
      "  --help, --version\n\n"
      "Options, each also as a line `name = value` of the --config file, and in the environment as HELHED_NAME or\n"
      "HELHED_GATEWAY_NAME. A flag is above the environment, that is above the file.\n\n",
      DescribeOptions());
}

int Fail(absl::Status const& status, int code) {
  std::cerr << kProgram << ": " << Sv(status.message()) << "\n";
  return code;
}

absl::Status Run(std::string const& command, Configuration& configuration) {
  if (command == "healthcheck") return CheckHealth(configuration.options);
  if (command == "check-config") std::cout << server::DescribeSettings(configuration.settings);
  if (auto const status = PrepareServing(configuration.options); !status.ok() || command == "check-config") return status;
  return Serve(configuration.options);
}

}  // namespace

int Main(std::vector<std::string> arguments) {
#ifdef NDEBUG
  // Debian's Abseil is built for debugging: every Lock would look for deadlocks under one global spin lock. Tests keep it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  auto const command = arguments.empty() ? std::string() : arguments.front();
  if (!arguments.empty()) arguments.erase(arguments.begin());
  if (command == "--help" || command == "-h" || command == "help" ||
      std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
    std::cout << Help();
    return 0;
  }
  if (command == "--version" || command == "version") {
    std::cout << kProgram << " " << HELHED_VERSION << "\n";
    return 0;
  }
  static constexpr std::string_view commands[] = {"serve", "healthcheck", "check-config"};
  if (std::find(std::begin(commands), std::end(commands), command) == std::end(commands)) {
    std::cerr << Help();
    return kUsage;
  }
  auto configuration = ReadOptions({.arguments = std::move(arguments), .environment = Environment()});
  if (!configuration.ok()) return Fail(configuration.status(), kUsage);
  auto const status = Run(command, *configuration);
  return status.ok() ? 0 : Fail(status, kFailed);
}

}  // namespace helhed::gateway

int main(int argc, char** argv) { return helhed::gateway::Main({argv + std::min(argc, 1), argv + argc}); }
