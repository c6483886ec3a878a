#include <iostream>
#include <string>
#include <utility>

#include "gateway/options.h"
#include "gateway/serve.h"
#include "services/platform/base/status.h"
#include "services/platform/server/program.h"

namespace helhed::gateway {
namespace {

absl::Status Run(std::string const& command, Configuration configuration) {
  if (command == "healthcheck") return CheckHealth(configuration.options);
  if (command == "check-config") std::cout << server::DescribeSettings(configuration.settings);
  if (auto const status = PrepareServing(configuration.options); !status.ok() || command == "check-config") return status;
  return Serve(configuration.options);
}

server::Program Program() {
  server::Program program;
  program.commands = {{"serve", "serve until SIGTERM or SIGINT, then drain"},
                      {"healthcheck", "ask the running gateway whether it is ready; exit code 0 or 1"},
                      {"check-config", "print the effective options and where each came from, and check the files they name"}};
  program.options = DescribeOptions();
  program.own = "gateway";
  program.prepare = [](server::Invocation const& invocation) -> absl::StatusOr<std::function<absl::Status()>> {
    ASSIGN_OR_RETURN(auto configuration, ReadOptions(invocation.sources));
    return [command = invocation.command, configuration = std::move(configuration)] { return Run(command, configuration); };
  };
  return program;
}

}  // namespace
}  // namespace helhed::gateway

int main(int argc, char** argv) { return helhed::server::RunProgram(helhed::gateway::Program(), argc, argv); }
