#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "services/platform/storage/database.h"
#include "services/platform/testing/folder.h"

// Tests that run on both engines:
//
//   using LedgerTest = helhed::testing::ForBothEngines;
//   TEST_P(LedgerTest, Balances) { ... database() ... }
//   HELHED_BOTH_ENGINES(LedgerTest);
//
// A fixture of one's own derives from it, and calls its SetUp first.
namespace helhed::testing {

// A database that nobody has used, and what it lives in. SQLite is a file in a directory of its own, PostgreSQL a new database of
// the process's throw-away server.
class FreshDatabase {
 public:
  explicit FreshDatabase(storage::Engine engine);

  storage::Engine engine() const { return engine_; }
  // The file, or the connection string.
  std::string const& location() const { return location_; }
  // Opens it, aborting when that fails. SQLite allows one at a time.
  std::unique_ptr<storage::Database> Open(int connections = 4) const;

 private:
  storage::Engine engine_;
  std::unique_ptr<Folder> folder_;
  std::string location_;
};

class ForBothEngines : public ::testing::TestWithParam<storage::Engine> {
 protected:
  void SetUp() override { database_ = fresh_.Open(); }

  storage::Engine engine() const { return GetParam(); }
  storage::Database& database() { return *database_; }
  FreshDatabase& fresh() { return fresh_; }
  // Closes the database and opens it again, as a restart does.
  void Reopen() {
    database_.reset();
    database_ = fresh_.Open();
  }

  FreshDatabase fresh_{GetParam()};
  std::unique_ptr<storage::Database> database_;
};

std::string EngineName(::testing::TestParamInfo<storage::Engine> const& info);

// A statement that a test makes on the spot.
inline storage::Statement Sql(std::string text) {
  return storage::Statement(storage::Statement::Dynamic{.name = "test.statement", .text = std::move(text)});
}

}  // namespace helhed::testing

#define HELHED_BOTH_ENGINES(fixture)                                                                                \
  INSTANTIATE_TEST_SUITE_P(Engines, fixture,                                                                        \
                           ::testing::Values(helhed::storage::Engine::kSqlite, helhed::storage::Engine::kPostgres), \
                           helhed::testing::EngineName)
