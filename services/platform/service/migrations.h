#pragma once

#include <span>

#include "services/platform/storage/migrate.h"

namespace helhed {

// The platform's own tables in every service's database but the event log's: installation, idempotency, audit, consumer_cursors.
std::span<storage::Migration const> StoreMigrations();

}  // namespace helhed
