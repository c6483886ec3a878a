#include "services/platform/server/main.h"

#include <iostream>
#include <string>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/server/commands.h"
#include "services/platform/server/options.h"
#include "services/platform/server/program.h"

namespace helhed::server {
namespace {

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
  Program program;
  program.commands = {{"serve", "serve until SIGTERM or SIGINT, then drain"},
                      {"migrate", "bring the store's schema up to date"},
                      {"healthcheck", "ask the running service whether it serves; exit code 0 or 1"},
                      {"check-config", "print the effective options and where each came from"},
                      {"backup PATH", "copy the store to PATH, also while it is in use"}};
  program.options = DescribeOptions(definition.name);
  program.own = definition.name;
  program.prepare = [&definition](Invocation const& invocation) -> absl::StatusOr<std::function<absl::Status()>> {
    ASSIGN_OR_RETURN(auto configuration, ReadOptions(definition.name, invocation.sources));
    return [&definition, invocation, configuration = std::move(configuration)] {
      return Run(definition, invocation, configuration);
    };
  };
  return RunProgram(program, argc, argv);
}

}  // namespace helhed::server
