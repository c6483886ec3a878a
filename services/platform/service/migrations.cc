#include "services/platform/service/migrations.h"

#include "helhed_migrations/store.h"

namespace helhed {

std::span<storage::Migration const> StoreMigrations() { return migrations::StoreMigrations(); }

}  // namespace helhed
