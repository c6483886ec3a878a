#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/serve.h"
#include "services/platform/base/status.h"
#include "services/platform/server/commands.h"
#include "services/platform/server/ending.h"
#include "services/platform/server/program.h"
#include "services/suite/options.h"
#include "services/suite/suite.h"

namespace helhed::suite {
namespace {

std::vector<std::string> NamesOf(std::vector<server::Definition> const& definitions) {
  std::vector<std::string> names;
  for (auto const& definition : definitions) names.push_back(definition.name);
  return names;
}

absl::Status Migrate(std::vector<server::Definition> const& definitions, Options const& options) {
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    ASSIGN_OR_RETURN(auto const state, server::MigrateStore(definitions[i], options.services[i]));
    if (state.applied > 0) std::cout << definitions[i].name << ": " << state.applied << " migrations applied\n";
  }
  return absl::OkStatus();
}

// Every store into a folder that is made: `residents.sqlite`, or `residents.dump` of a PostgreSQL database.
absl::Status BackUp(std::vector<server::Definition> const& definitions, Options const& options, std::string const& folder) {
  std::error_code error;
  if (!std::filesystem::create_directory(folder, error)) {
    return absl::AlreadyExistsError(absl::StrCat(folder, ": must be a new folder"));
  }
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    bool const on_sqlite = options.services[i].instance.storage.postgres.empty();
    auto const to = absl::StrCat(folder, "/", definitions[i].name, on_sqlite ? ".sqlite" : ".dump");
    RETURN_IF_ERROR(server::BackUp(options.services[i], to));
  }
  return absl::OkStatus();
}

absl::Status Serve(std::vector<server::Definition> const& definitions, Options const& options) {
  server::HoldEndSignals();
  telemetry::Log log({.service = "gateway", .minimum = options.gateway.log_level});
  telemetry::Metrics metrics;
  SystemClock const clock;
  SystemRandom random;
  // Nobody outside this process signs an identity or has to believe one, so nobody else has the key.
  auto const signer = identity::Signer::Generate("suite");
  std::unique_ptr<server::Watchdog> watchdog;
  if (options.services.front().migrate_on_start) {
    RETURN_IF_ERROR(Migrate(definitions, options));
  }
  {
    ASSIGN_OR_RETURN(auto const services, Services::Open(definitions, options.services, signer, clock, random, metrics));
    auto front = options.gateway.gateway;
    front.signer = signer;
    ASSIGN_OR_RETURN(auto const gateway,
                     gateway::Gateway::Start(std::move(front), services->Upstreams(), clock, random, metrics, log));
    auto const ready = [&gateway = *gateway, &services = *services]() -> absl::Status {
      RETURN_IF_ERROR(gateway.Readiness());
      return services.Ping();
    };
    RETURN_IF_ERROR(gateway::ServeUntilEnd(*gateway, options.gateway, ready, metrics, log, watchdog));
  }
  log.Info("stopped");
  log.Flush();
  return absl::OkStatus();
}

absl::Status Run(std::vector<server::Definition> const& definitions, server::Invocation const& invocation,
                 Configuration configuration) {
  auto& options = configuration.options;
  if (invocation.command == "migrate") return Migrate(definitions, options);
  if (invocation.command == "healthcheck") return gateway::CheckHealth(options.gateway);
  if (invocation.command == "backup") return BackUp(definitions, options, invocation.path);
  if (invocation.command == "check-config") std::cout << server::DescribeSettings(configuration.settings);
  if (auto const status = PrepareServing(options); !status.ok() || invocation.command == "check-config") return status;
  return Serve(definitions, options);
}

int Main(int argc, char** argv) {
  auto const definitions = Definitions();
  auto const names = NamesOf(definitions);
  server::Program program;
  program.commands = {{"serve", "serve until SIGTERM or SIGINT, then drain"},
                      {"migrate", "bring the stores' schemas up to date"},
                      {"healthcheck", "ask the running suite whether it is ready; exit code 0 or 1"},
                      {"check-config", "print the effective options and where each came from, and check the files they name"},
                      {"backup FOLDER", "copy every store to the new FOLDER, also while they are in use"}};
  program.options = server::DescribeOptionNames(OptionNames(names));
  program.own = "suite";
  program.prepare = [&](server::Invocation const& invocation) -> absl::StatusOr<std::function<absl::Status()>> {
    ASSIGN_OR_RETURN(auto configuration, ReadOptions(names, invocation.sources));
    return [&definitions, invocation, configuration = std::move(configuration)] {
      return Run(definitions, invocation, configuration);
    };
  };
  return server::RunProgram(program, argc, argv);
}

}  // namespace
}  // namespace helhed::suite

int main(int argc, char** argv) { return helhed::suite::Main(argc, argv); }
