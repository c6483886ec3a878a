#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/server/grpc_server.h"
#include "services/platform/server/instance.h"
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

// An option as it came out, for `check-config`. Holds no secret.
struct Setting {
  std::string name;
  std::string value;
  // `default`, `file /etc/helhed/residents.conf`, `environment HELHED_LISTEN`, `flag`.
  std::string origin;
};

struct Configuration {
  Options options;
  std::vector<Setting> settings;
};

struct Sources {
  // What follows the subcommand.
  std::vector<std::string> arguments;
  // All of the environment; only what begins with HELHED_ is looked at.
  std::map<std::string, std::string> environment;
};

// Errors: INVALID_ARGUMENT that says everything that is wrong, a line each.
absl::StatusOr<Configuration> ReadOptions(std::string_view service, Sources const& sources);

// What only `serve` needs: keys and roles. Errors: INVALID_ARGUMENT, a line each.
absl::Status CheckServing(Options const& options);

// Every option with its meaning and default, for --help.
std::string DescribeOptions(std::string_view service);

// `name = value  # origin`, a line each: a file that --config takes.
std::string DescribeSettings(std::vector<Setting> const& settings);

// `127.0.0.1:8443`, `[::1]:8443`. nullopt when it is not a host and a port.
struct Address {
  std::string host;
  int port = 0;
};
std::optional<Address> ParseAddress(std::string_view text);

// `250ms`, `10s`, `5m`, `12h`, `90d`. nullopt when it is not a duration, or negative.
std::optional<absl::Duration> ParseDuration(std::string_view text);

}  // namespace helhed::server
