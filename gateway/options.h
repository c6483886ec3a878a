#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "gateway/gateway.h"
#include "services/platform/server/options.h"

// The options of the gateway's binary: one typed set from four sources, as the services have
// (services/platform/server/options.h):
//
//   default < file (`--config`, lines of `name = value`) < environment (HELHED_..., HELHED_GATEWAY_...) < flag
namespace helhed::gateway {

struct Options {
  Gateway::Options gateway;
  // Each with its name and target; the TLS files are the same for all.
  std::vector<upstream::HttpOptions> upstreams;
  std::string admin_listen;
  // A GatewayConfig in protobuf text format.
  std::string access_file;
  std::vector<std::string> demonstration_key_files;
  telemetry::Severity log_level = telemetry::Severity::kInfo;
  absl::Duration drain_delay;
  absl::Duration drain_timeout;
};

struct Configuration {
  Options options;
  std::vector<server::Setting> settings;
};

// Errors: INVALID_ARGUMENT that says everything that is wrong, a line each.
absl::StatusOr<Configuration> ReadOptions(server::Sources const& sources);

// The same from settings that were read already: one for each of OptionNames.
absl::StatusOr<Configuration> TakeSettings(std::vector<server::Setting> settings);

// What only `serve` needs. Reads the access file into the options. Errors: INVALID_ARGUMENT, a line each.
absl::Status PrepareServing(Options& options);

// The part of it that does not depend on where the services are.
absl::Status ReadAccess(Options& options);

// The table of them, for --help and for what holds the gateway and services together.
std::vector<server::OptionName> OptionNames();

// Every option with its meaning and default, for --help.
std::string DescribeOptions();

}  // namespace helhed::gateway
