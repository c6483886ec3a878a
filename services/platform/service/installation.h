#pragma once

#include <absl/status/statusor.h>

#include "services/platform/storage/database.h"
#include "services/platform/storage/list_query.h"

namespace helhed {

// The sealer of this installation's page tokens and cursors. Its key is made when the database is new and is the same for all
// replicas, also when several start at once.
absl::StatusOr<storage::TokenSealer> OpenSealer(storage::Database& database);

}  // namespace helhed
