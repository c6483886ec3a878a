#include "services/platform/testing/engines.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "services/platform/testing/postgres.h"

namespace helhed::testing {

FreshDatabase::FreshDatabase(storage::Engine engine) : engine_(engine) {
  if (engine_ == storage::Engine::kPostgres) {
    location_ = PostgresFixture::Get().NewDatabase();
    return;
  }
  folder_ = std::make_unique<Folder>();
  location_ = folder_->path() + "/test.db";
}

std::unique_ptr<storage::Database> FreshDatabase::Open(int connections) const {
  auto database = engine_ == storage::Engine::kSqlite
                      ? storage::OpenSqlite({.path = location_, .readers = connections})
                      : storage::OpenPostgres({.connection_string = location_, .password = {}, .connections = connections});
  if (!database.ok()) {
    std::fprintf(stderr, "a fresh database cannot be opened: %s\n", database.status().ToString().c_str());
    std::abort();
  }
  return *std::move(database);
}

std::string EngineName(::testing::TestParamInfo<storage::Engine> const& info) {
  return info.param == storage::Engine::kSqlite ? "Sqlite" : "Postgres";
}

}  // namespace helhed::testing
