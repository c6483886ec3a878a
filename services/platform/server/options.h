#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/server/grpc_server.h"
#include "services/platform/server/instance.h"
#include "services/platform/server/option_table.h"
#include "services/platform/telemetry/log.h"

// The options of a service's binary: one typed set, from four sources, each above the one before:
//
//   default < file (`--config`, lines of `name = value`) < environment < flag (`--name value`)
//
// In the environment `--admin-listen` is HELHED_ADMIN_LISTEN for every service, or HELHED_RESIDENTS_ADMIN_LISTEN for one, which
// is above it; an empty variable counts as none, and those of the command line `helhed` are left alone. A name that is no option,
// in any source, is an error, and so is a value that cannot be: a slip of the pen must not become a default. Secrets come from
// files only, so that no list of processes, environment or configuration shows them.
namespace helhed::server {

struct Options {
  InstanceOptions instance;
  GrpcServerOptions grpc;
  std::string admin_listen;
  telemetry::Severity log_level = telemetry::Severity::kInfo;
  // SIGTERM: how long to go on serving while others learn of it, and how long accepted calls may then take.
  absl::Duration drain_delay;
  absl::Duration drain_timeout;
  absl::Duration event_retention;
  bool migrate_on_start = false;
};

struct Configuration {
  Options options;
  std::vector<Setting> settings;
};

// Errors: INVALID_ARGUMENT that says everything that is wrong, a line each.
absl::StatusOr<Configuration> ReadOptions(std::string_view service, Sources const& sources);

// The same from settings that were read already: one for each of OptionNames.
absl::StatusOr<Configuration> TakeSettings(std::string_view service, std::vector<Setting> settings);

// What only `serve` needs: keys and roles. Errors: INVALID_ARGUMENT, a line each.
absl::Status CheckServing(Options const& options);

// The table of them, for --help and for what puts several services together.
std::vector<OptionName> OptionNames(std::string_view service);

// Every option with its meaning and default, for --help.
std::string DescribeOptions(std::string_view service);

// `127.0.0.1:8443`, `[::1]:8443`. nullopt when it is not a host and a port.
struct Address {
  std::string host;
  int port = 0;
};
std::optional<Address> ParseAddress(std::string_view text);

// `250ms`, `10s`, `5m`, `12h`, `90d`. nullopt when it is not a duration, or negative.
std::optional<absl::Duration> ParseDuration(std::string_view text);

}  // namespace helhed::server
