#include "services/platform/testing/postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "services/platform/base/status.h"
#include "services/platform/storage/database.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

// What is PostgreSQL's alone: what it refuses to open, conflicts, and lost connections.
namespace helhed::storage {
namespace {

using helhed::testing::IsOk;
using helhed::testing::PostgresFixture;
using helhed::testing::Sql;
using helhed::testing::StatusCodeIs;
using ::testing::HasSubstr;

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = fresh_.Open();
    ASSERT_THAT(database_->RunScript("CREATE TABLE numbers (n BIGINT PRIMARY KEY, x BIGINT NOT NULL);",
                                     Sql("INSERT INTO numbers VALUES (1, 0), (2, 0)"), {}),
                IsOk());
  }

  std::string DatabaseName() const { return fresh_.location().substr(fresh_.location().rfind('=') + 1); }
  // Ends all other sessions of the database.
  void EndSessions() {
    PostgresFixture::Get().Run(
        "postgres", "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + DatabaseName() + "'");
  }
  static absl::Status Add(Database& database, std::int64_t number) {
    return database.Write(
        {}, [&](WriteTransaction& tx) { return tx.Execute(Sql("INSERT INTO numbers VALUES ($1, 0)"), {number}).status(); });
  }
  absl::Status Increment(WriteTransaction& tx, std::int64_t number) {
    return tx.Execute(Sql("UPDATE numbers SET x = x + 1 WHERE n = $1"), {number}).status();
  }

  helhed::testing::FreshDatabase fresh_{Engine::kPostgres};
  std::unique_ptr<Database> database_;
};

TEST_F(PostgresTest, ACollationThatSortsOtherwiseIsRefused) {
  for (char const* const options :
       {"LOCALE_PROVIDER icu ICU_LOCALE 'da' LOCALE 'C' ENCODING 'UTF8'", "LOCALE 'C' ENCODING 'LATIN1'"}) {
    auto const opened = OpenPostgres({.connection_string = PostgresFixture::Get().NewDatabase(options), .password = {}});
    EXPECT_THAT(opened.status(), StatusCodeIs(absl::StatusCode::kFailedPrecondition)) << options;
  }
  EXPECT_THAT(
      OpenPostgres({.connection_string = PostgresFixture::Get().NewDatabase("LOCALE 'C.UTF-8' ENCODING 'UTF8'"), .password = {}}),
      IsOk());
}

TEST_F(PostgresTest, AServerThatIsNotThereIsUnavailable) {
  EXPECT_THAT(OpenPostgres({.connection_string = "host=/nowhere dbname=x", .password = "secret", .retries_max = 0}).status(),
              StatusCodeIs(absl::StatusCode::kUnavailable));
}

TEST_F(PostgresTest, ADeadlockIsRunAgain) {
  PostgresFixture::Get().Run("postgres", "ALTER DATABASE " + DatabaseName() + " SET deadlock_timeout = '20ms'");
  database_ = fresh_.Open();
  std::latch both_have_one(2);
  std::atomic<int> runs = 0;
  auto const write = [&](std::int64_t first, std::int64_t second) {
    bool met = false;
    EXPECT_THAT(database_->Write({},
                                 [&](WriteTransaction& tx) -> absl::Status {
                                   ++runs;
                                   RETURN_IF_ERROR(Increment(tx, first));
                                   if (!std::exchange(met, true)) both_have_one.arrive_and_wait();
                                   return Increment(tx, second);
                                 }),
                IsOk());
  };
  {
    std::jthread const one([&] { write(1, 2); });
    std::jthread const other([&] { write(2, 1); });
  }
  EXPECT_GE(runs, 3);
  ASSERT_THAT(database_->Read({},
                              [&](ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(Rows const rows, tx.Query(Sql("SELECT SUM(x) FROM numbers"), {}));
                                EXPECT_EQ(rows.Int64(0, 0), 4);
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_F(PostgresTest, AConflictThatDoesNotEndIsAborted) {
  auto const opened = OpenPostgres({.connection_string = fresh_.location(), .password = {}, .retries_max = 2});
  ASSERT_THAT(opened, IsOk());
  int runs = 0;
  Statement const conflict = Sql("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
  EXPECT_THAT((*opened)->Write({},
                               [&](WriteTransaction& tx) {
                                 ++runs;
                                 return tx.Execute(conflict, {}).status();
                               }),
              helhed::testing::StatusIs(absl::StatusCode::kAborted, "CONFLICT"));
  EXPECT_EQ(runs, 3);
  // At the commit, too.
  runs = 0;
  EXPECT_THAT((*opened)->Write({},
                               [&](WriteTransaction& tx) {
                                 ++runs;
                                 return tx.Enqueue(conflict, {});
                               }),
              StatusCodeIs(absl::StatusCode::kAborted));
  EXPECT_EQ(runs, 3);
}

TEST_F(PostgresTest, ALostConnectionIsMadeAnew) {
  for (int i = 0; i < 3; ++i) {
    EndSessions();
    EXPECT_THAT(database_->Ping({}), IsOk());
    EndSessions();
    EXPECT_THAT(Add(*database_, 10 + i), IsOk());
  }
}

TEST_F(PostgresTest, AWriteThatLosesItsConnectionBeforeCommitRunsAgain) {
  int runs = 0;
  EXPECT_THAT(database_->Write({},
                               [&](WriteTransaction& tx) -> absl::Status {
                                 RETURN_IF_ERROR(Increment(tx, 1));
                                 if (++runs == 1) EndSessions();
                                 return Increment(tx, 2);
                               }),
              IsOk());
  EXPECT_EQ(runs, 2);
}

TEST_F(PostgresTest, AWriteThatLosesItsConnectionAtCommitSaysSo) {
  int runs = 0;
  EXPECT_THAT(database_->Write({},
                               [&](WriteTransaction& tx) -> absl::Status {
                                 RETURN_IF_ERROR(Increment(tx, 1));
                                 ++runs;
                                 EndSessions();
                                 return absl::OkStatus();
                               }),
              helhed::testing::StatusIs(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE"));
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(Add(*database_, 3), IsOk());
}

TEST_F(PostgresTest, AServerThatComesBackIsUsedAgain) {
  PostgresFixture server;
  auto const opened =
      OpenPostgres({.connection_string = server.NewDatabase(), .password = {}, .connections = 2, .retries_max = 2});
  ASSERT_THAT(opened, IsOk());
  ASSERT_THAT((*opened)->RunScript("CREATE TABLE numbers (n BIGINT PRIMARY KEY, x BIGINT);", Sql("DELETE FROM numbers"), {}),
              IsOk());
  server.Crash();
  EXPECT_THAT(Add(**opened, 1), StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT((*opened)->Ping({}), StatusCodeIs(absl::StatusCode::kUnavailable));
  server.Start();
  EXPECT_THAT(Add(**opened, 1), IsOk());
}

TEST_F(PostgresTest, TheTimeoutOfOneUnitDoesNotHoldForTheNext) {
  Limits const shorter{.deadline = absl::Now() + absl::Seconds(2)};
  auto const timeout = [](ReadTransaction& tx, std::string& value) -> absl::Status {
    ASSIGN_OR_RETURN(Rows const rows, tx.Query(Sql("SELECT current_setting('statement_timeout')"), {}));
    value = rows.Text(0, 0);
    return absl::OkStatus();
  };
  auto const opened = OpenPostgres({.connection_string = fresh_.location(), .password = {}, .connections = 1});
  ASSERT_THAT(opened, IsOk());
  std::string value;
  ASSERT_THAT((*opened)->Read(shorter, [&](ReadTransaction& tx) { return timeout(tx, value); }), IsOk());
  EXPECT_NE(value, "0");
  ASSERT_THAT((*opened)->Write({}, [&](WriteTransaction& tx) { return timeout(tx, value); }), IsOk());
  EXPECT_EQ(value, "0");
  ASSERT_THAT(
      (*opened)->Write({.deadline = absl::Now() + absl::Minutes(5)}, [&](WriteTransaction& tx) { return timeout(tx, value); }),
      IsOk());
  EXPECT_THAT(value, ::testing::AnyOf("5min", HasSubstr("ms"), HasSubstr("s")));
  ASSERT_THAT((*opened)->Read({}, [&](ReadTransaction& tx) { return timeout(tx, value); }), IsOk());
  EXPECT_EQ(value, "0");
}

TEST_F(PostgresTest, TooManyCallersWaitNoLongerThanTheyMay) {
  auto const opened = OpenPostgres({.connection_string = fresh_.location(), .password = {}, .connections = 1});
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT((*opened)->Read({},
                              [&](ReadTransaction&) {
                                EXPECT_THAT((*opened)->Ping({.deadline = absl::Now() + absl::Milliseconds(20)}),
                                            StatusCodeIs(absl::StatusCode::kDeadlineExceeded));
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_F(PostgresTest, ALargeWriteDoesNotBlockItself) {
  // More than both sockets' buffers hold, in both directions, before anything is read.
  std::string const text(300'000, 'x');
  EXPECT_THAT(
      database_->Write({},
                       [&](WriteTransaction& tx) -> absl::Status {
                         for (int i = 0; i < 40; ++i) {
                           RETURN_IF_ERROR(tx.Enqueue(Sql("SELECT $1::text"), std::array<Bind, 1>{std::string_view(text)}));
                         }
                         return absl::OkStatus();
                       }),
      IsOk());
}

}  // namespace
}  // namespace helhed::storage
