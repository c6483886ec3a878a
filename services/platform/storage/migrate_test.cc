#include "services/platform/storage/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "services/platform/base/status.h"
#include "services/platform/storage/migrate_text.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

namespace helhed::storage {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using ::testing::HasSubstr;

constexpr char kFirst[] = R"(
-- A BIGINT in a comment; 'quoted
CREATE TABLE accounts (
  account TEXT     NOT NULL,
  balance BIGINT   NOT NULL CHECK (balance IN (1, 2, 3)),
  open    BOOLEAN  NOT NULL,
  secret  BYTEA,
  note    TEXT     DEFAULT 'a BIGINT; (note',
  PRIMARY KEY (account)
);
CREATE INDEX accounts_balance ON accounts (balance);
)";
constexpr Migration kMigrations[] = {
    {"test", 1, "accounts", kFirst, kFirst},
    {"other", 1, "other", "CREATE TABLE other (a TEXT) STRICT;", "CREATE TABLE other (a TEXT);"},
    {"test", 2, "more", "ALTER TABLE accounts ADD COLUMN more BIGINT;", "ALTER TABLE accounts ADD COLUMN more BIGINT;"},
};

using MigrateTest = helhed::testing::ForBothEngines;
HELHED_BOTH_ENGINES(MigrateTest);

TEST_P(MigrateTest, AppliesWhatIsMissingOnce) {
  std::span const all(kMigrations);
  EXPECT_THAT(CheckSchema(database(), all), StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  auto const first = Migrate(database(), all.first(2));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->applied, 2);
  absl::Status const lacks = CheckSchema(database(), all);
  EXPECT_THAT(lacks, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(lacks.ToString(), HasSubstr("test/0002_more"));
  EXPECT_EQ(Migrate(database(), all)->applied, 1);
  EXPECT_EQ(Migrate(database(), all)->applied, 0);
  EXPECT_THAT(CheckSchema(database(), all), IsOk());
  Reopen();
  EXPECT_THAT(CheckSchema(database(), all), IsOk());
}

TEST_P(MigrateTest, AnOlderBinaryRefusesANewerSchema) {
  std::span const all(kMigrations);
  ASSERT_THAT(Migrate(database(), all), IsOk());
  for (absl::Status const& status : {CheckSchema(database(), all.first(2)), Migrate(database(), all.first(2)).status()}) {
    EXPECT_THAT(status, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(status.ToString(), HasSubstr("test/0002_more is not known"));
  }
}

TEST_P(MigrateTest, AChangedTextIsRefused) {
  ASSERT_THAT(Migrate(database(), std::span(kMigrations)), IsOk());
  std::vector<Migration> changed(std::begin(kMigrations), std::end(kMigrations));
  changed[1].sqlite = changed[1].postgres = "CREATE TABLE other (b TEXT);";
  EXPECT_THAT(CheckSchema(database(), changed).ToString(), HasSubstr("other/0001_other has another text"));
  EXPECT_THAT(Migrate(database(), changed), StatusCodeIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(MigrateTest, AFailedOneLeavesNothingAndIsNamed) {
  Migration const broken[] = {
      kMigrations[0], {"test", 2, "broken", "CREATE TABLE a (b TEXT); SELECT wrong;", "CREATE TABLE a (b TEXT); SELECT wrong;"}};
  EXPECT_THAT(Migrate(database(), broken).status().ToString(), HasSubstr("test/0002_broken"));
  Migration const right[] = {kMigrations[0], {"test", 2, "right", "CREATE TABLE a (b TEXT);", "CREATE TABLE a (b TEXT);"}};
  EXPECT_EQ(Migrate(database(), right)->applied, 1);
}

TEST_P(MigrateTest, NumbersHaveNoGap) {
  Migration const gap[] = {{"test", 2, "second", "SELECT 1;", "SELECT 1;"}};
  EXPECT_THAT(Migrate(database(), gap), StatusCodeIs(absl::StatusCode::kInternal));
}

TEST_P(MigrateTest, SeveralProcessesApplyEachOnce) {
  constexpr int kProcesses = 4;
  std::atomic<int> applied = 0;
  {
    std::vector<std::unique_ptr<Database>> databases;
    std::vector<std::jthread> threads;
    for (int i = 0; i < kProcesses; ++i) {
      // Only PostgreSQL has several; on SQLite they share the one.
      if (engine() == Engine::kPostgres) databases.push_back(fresh().Open());
      Database& own = databases.empty() ? database() : *databases.back();
      threads.emplace_back([&applied, &own] {
        auto const state = Migrate(own, std::span(kMigrations));
        ASSERT_THAT(state, IsOk());
        applied += state->applied;
      });
    }
    threads.clear();
  }
  EXPECT_EQ(applied, 3);
}

TEST(ToSqliteTest, TranslatesTypesAndMakesTablesStrict) {
  EXPECT_EQ(
      ToSqlite("create table a (b bigint, \"BIGINT\" SMALLINT, c BOOLEAN CHECK (c IN (TRUE)), d BYTEA /* BYTEA ; */); -- BIGINT\n"
               "CREATE INDEX i ON a (b); CREATE TABLE IF NOT EXISTS x (y TEXT DEFAULT ')');"),
      "create table a (b INTEGER, \"BIGINT\" INTEGER, c INTEGER CHECK (c IN (TRUE)), d BLOB /* BYTEA ; */) STRICT; -- BIGINT\n"
      "CREATE INDEX i ON a (b); CREATE TABLE IF NOT EXISTS x (y TEXT DEFAULT ')') STRICT;");
}

}  // namespace
}  // namespace helhed::storage
