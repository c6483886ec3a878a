#pragma once

#include <absl/status/status.h>

#include <string>

#include "services/platform/server/instance.h"
#include "services/platform/server/options.h"

// What the subcommands of Main do.
namespace helhed::server {

// Serves until SIGTERM or SIGINT, drains, and returns. A second signal ends the drain's delay. Ends the process with 75
// (EX_TEMPFAIL) when draining takes longer than the options allow.
absl::Status Serve(Definition const& definition, Options const& options);

// Applies what is missing of the schema.
absl::StatusOr<storage::MigrationState> MigrateStore(Definition const& definition, Options const& options);

// OK when the service that runs with these options answers SERVING to gRPC's health check.
absl::Status CheckHealth(Options const& options);

// Copies the store to `path`, which must not exist: a SQLite file as it is at one instant, also while the service runs; of a
// PostgreSQL database an archive by pg_dump (package postgresql-client), for pg_restore.
absl::Status BackUp(Options const& options, std::string const& path);

}  // namespace helhed::server
