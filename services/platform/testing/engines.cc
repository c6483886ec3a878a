#include "services/platform/testing/engines.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "services/platform/testing/postgres.h"

namespace helhed::testing {

FreshDatabase::FreshDatabase(storage::Engine engine) : engine_(engine) {
  if (engine_ == storage::Engine::kPostgres) {
    location_ = PostgresFixture::Get().NewDatabase();
    return;
  }
  directory_ = (std::filesystem::temp_directory_path() / "helhed-sqlite-XXXXXX").string();
  if (::mkdtemp(directory_.data()) == nullptr) {
    std::perror("mkdtemp");
    std::abort();
  }
  location_ = directory_ + "/test.db";
}

FreshDatabase::~FreshDatabase() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
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
