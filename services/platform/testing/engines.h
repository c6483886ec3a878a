#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "services/platform/storage/database.h"
#include "services/platform/storage/migrate.h"
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
// the process's throw-away server. It is not dropped before the server is: ext4 looks for files to make among those that were
// removed lately, and that takes longer than all the rest.
//
// Migrating takes longer than most tests. So each process migrates one database for all that are to be the same, and copies it;
// what a migration draws by lot (which log of events this is) is drawn again for each copy.
class FreshDatabase {
 public:
  // An empty one.
  explicit FreshDatabase(storage::Engine engine);
  // One with these migrations applied.
  FreshDatabase(storage::Engine engine, std::span<storage::Migration const> migrations);
  // One that `prepare` was given when it was empty, once in this process for each `key`, and closed again: by a service's own
  // command `migrate`, say. The platform's migrations must be among what it did.
  FreshDatabase(storage::Engine engine, std::string const& key, std::function<void(FreshDatabase const&)> const& prepare);
  FreshDatabase(FreshDatabase const&) = delete;
  FreshDatabase& operator=(FreshDatabase const&) = delete;

  storage::Engine engine() const { return engine_; }
  // The file, or the connection string.
  std::string const& location() const { return location_; }
  // Opens it, aborting when that fails. SQLite allows one at a time.
  std::unique_ptr<storage::Database> Open(int connections = 4) const;

 private:
  static FreshDatabase const& Template(storage::Engine engine, std::string const& key,
                                       std::function<void(FreshDatabase const&)> const& prepare);
  void CopyFrom(FreshDatabase const& other);
  void DrawAgain() const;

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
