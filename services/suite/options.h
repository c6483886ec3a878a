#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <vector>

#include "gateway/options.h"
#include "services/platform/server/instance.h"
#include "services/platform/server/options.h"

// The options of the suite: those of the gateway, and those of the services that are theirs alone, each said once for all.
namespace helhed::suite {

struct Options {
  gateway::Options gateway;
  // In the order of the definitions; what of a service is a door or a key has no meaning here.
  std::vector<server::Options> services;
};

struct Configuration {
  Options options;
  std::vector<server::Setting> settings;
};

// `services` by name. Besides the gateway's options and the services' there are
//
//   folder                  where each service without a `postgres-...` has its SQLite file: `residents.sqlite`
//   postgres-residents, ... a service's PostgreSQL connection string
//   postgres-password-file-residents, ...
//                           the file with its password
//   store-connections       a service's `connections`, a name that the gateway has taken
std::vector<server::OptionName> OptionNames(std::span<std::string const> services);

// Errors: INVALID_ARGUMENT that says everything that is wrong, a line each.
absl::StatusOr<Configuration> ReadOptions(std::span<std::string const> services, server::Sources const& sources);

// What only `serve` needs. Reads the access file into the options.
absl::Status PrepareServing(Options& options);

}  // namespace helhed::suite
