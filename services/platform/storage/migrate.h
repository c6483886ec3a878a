#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/database.h"

// Numbered, linear, checksummed migrations. The files lie in `schema/` of a service and are compiled into its binary.
namespace helhed::storage {

// One step. `component` keeps the platform's own tables and the service's apart: each has numbers of its own, from 1.
struct Migration {
  std::string_view component;
  int number;
  std::string_view name;
  // The text for both engines, or one for each where they must differ. In a common text the types are PostgreSQL's; SQLite gets
  // BIGINT, SMALLINT and BOOLEAN as INTEGER, BYTEA as BLOB, and every table STRICT.
  std::string_view sqlite;
  std::string_view postgres;
};

struct MigrationState {
  int applied = 0;
  std::vector<std::string> pending;
};

// Applies what is missing, in order, each in a transaction with its record; a lock keeps other processes out meanwhile. Errors:
// FAILED_PRECONDITION when the database holds a migration that this binary does not know, or one whose text has changed since.
absl::StatusOr<MigrationState> Migrate(Database& database, std::span<Migration const> migrations);

// OK when the database holds exactly these migrations; otherwise FAILED_PRECONDITION that says which are missing or not known.
absl::Status CheckSchema(Database& database, std::span<Migration const> migrations);

}  // namespace helhed::storage
