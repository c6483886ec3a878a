#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "services/platform/base/status.h"
#include "services/platform/storage/database.h"
#include "services/platform/storage/sqlite_file.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

// What is SQLite's alone: the one writer and its queue, the lock, backups.
namespace helhed::storage {
namespace {

using helhed::testing::IsOk;
using helhed::testing::Sql;
using helhed::testing::StatusCodeIs;
using helhed::testing::StatusIs;
using ::testing::HasSubstr;

class SqliteTest : public ::testing::Test {
 protected:
  void SetUp() override { Open({.path = fresh_.location(), .readers = 2}); }

  void Open(SqliteOptions const& options) {
    database_.reset();
    auto opened = OpenSqlite(options);
    ASSERT_THAT(opened, IsOk());
    database_ = *std::move(opened);
    ASSERT_THAT(database_->RunScript("CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY, x TEXT) STRICT;",
                                     Sql("DELETE FROM numbers"), {}),
                IsOk());
  }

  absl::Status Add(std::int64_t number, Limits const& limits = {}) {
    return database_->Write(
        limits, [&](WriteTransaction& tx) { return tx.Execute(Sql("INSERT INTO numbers (n) VALUES ($1)"), {number}).status(); });
  }

  std::string One(std::string text) {
    std::string result;
    EXPECT_THAT(database_->Read({},
                                [&](ReadTransaction& tx) -> absl::Status {
                                  ASSIGN_OR_RETURN(Rows const rows, tx.Query(Sql(std::move(text)), {}));
                                  auto const& value = rows.At(0, 0);
                                  result = std::holds_alternative<std::string>(value) ? rows.Text(0, 0)
                                                                                      : std::to_string(rows.Int64(0, 0));
                                  return absl::OkStatus();
                                }),
                IsOk());
    return result;
  }

  // Holds the writer until it goes out of scope.
  class HeldWriter {
   public:
    explicit HeldWriter(Database& database)
        : thread_([this, &database] {
            EXPECT_THAT(database.Write({},
                                       [this](WriteTransaction&) {
                                         held_.count_down();
                                         release_.wait();
                                         return absl::OkStatus();
                                       }),
                        IsOk());
          }) {
      held_.wait();
    }
    ~HeldWriter() { Release(); }
    void Release() {
      if (!std::exchange(released_, true)) release_.count_down();
    }

   private:
    std::latch held_{1};
    std::latch release_{1};
    bool released_ = false;
    std::jthread thread_;
  };

  helhed::testing::FreshDatabase fresh_{Engine::kSqlite};
  std::unique_ptr<Database> database_;
};

TEST_F(SqliteTest, ASecondProcessIsKeptOut) {
  EXPECT_THAT(OpenSqlite({.path = fresh_.location()}).status(), StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  database_.reset();
  EXPECT_THAT(OpenSqlite({.path = fresh_.location()}), IsOk());
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsDataLoss) {
  database_.reset();
  std::ofstream(fresh_.location(), std::ios::trunc) << std::string(8192, 'x');
  EXPECT_THAT(OpenSqlite({.path = fresh_.location()}), StatusCodeIs(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteTest, IsSetUpAsDesigned) {
  for (auto const& [pragma, value] :
       {std::pair("journal_mode", "wal"), std::pair("synchronous", "2"), std::pair("foreign_keys", "1"),
        std::pair("trusted_schema", "0"), std::pair("wal_autocheckpoint", "0"), std::pair("mmap_size", "0"),
        std::pair("secure_delete", "1"), std::pair("query_only", "1")}) {
    EXPECT_EQ(One(std::string("PRAGMA ") + pragma), value) << pragma;
    ASSERT_THAT(database_->Write({},
                                 [&, name = pragma, expected = std::string(value)](WriteTransaction& tx) -> absl::Status {
                                   ASSIGN_OR_RETURN(Rows const rows, tx.Query(Sql(std::string("PRAGMA ") + name), {}));
                                   auto const* const number = std::get_if<std::int64_t>(&rows.At(0, 0));
                                   if (std::string_view(name) == "query_only") return absl::OkStatus();
                                   EXPECT_EQ(number != nullptr ? std::to_string(*number) : rows.Text(0, 0), expected) << name;
                                   return absl::OkStatus();
                                 }),
                IsOk());
  }
}

TEST_F(SqliteTest, AFullQueueRefusesAndSaysWhenToTryAgain) {
  Open({.path = fresh_.location(), .queue_max = 2});
  std::atomic<int> refused = 0;
  std::atomic<int> written = 0;
  std::vector<std::jthread> threads;
  {
    HeldWriter held(*database_);
    for (int i = 0; i < 5; ++i) {
      threads.emplace_back([&, i] {
        absl::Status const status = Add(i);
        if (status.ok()) {
          ++written;
          return;
        }
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, "OVERLOADED"));
        EXPECT_TRUE(RetryDelayOf(status).has_value());
        ++refused;
        refused.notify_one();
      });
    }
    for (int seen = refused; seen < 3; seen = refused) refused.wait(seen);
  }
  threads.clear();
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(written, 2);
}

TEST_F(SqliteTest, AWaitingWriteWhoseTimeIsUpIsDropped) {
  HeldWriter held(*database_);
  EXPECT_THAT(Add(1, {.deadline = absl::Now() + absl::Milliseconds(20)}), StatusCodeIs(absl::StatusCode::kDeadlineExceeded));
  std::stop_source source;
  std::jthread const stopper([&] { source.request_stop(); });
  EXPECT_THAT(Add(2, {.stop = source.get_token()}), StatusCodeIs(absl::StatusCode::kCancelled));
  held.Release();
  EXPECT_THAT(Add(3), IsOk());
  EXPECT_EQ(One("SELECT group_concat(n) FROM numbers"), "3");
}

// SQLite rolls back the whole transaction when a write in it is interrupted, and with it those that share it: they must run
// again.
TEST_F(SqliteTest, AnInterruptedWriteTakesNobodyWithIt) {
  constexpr int kThreads = 8;
  constexpr int kRoundsMax = 100;
  Statement const insert = Sql("INSERT INTO numbers (n) VALUES ($1)");
  Statement const endless =
      Sql("INSERT INTO numbers (n) WITH RECURSIVE c(i) AS (SELECT 1000000 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c");
  int written = 0;
  std::atomic<int> runs = 0;
  // Until it has happened that others stood before the interrupted one in its batch.
  for (int round = 0; runs == written && round < kRoundsMax; ++round) {
    std::latch started(kThreads + 1);
    std::latch running(1);
    std::stop_source source;
    std::vector<std::jthread> threads;
    HeldWriter held(*database_);
    for (int i = 0; i < kThreads; ++i, ++written) {
      threads.emplace_back([&, number = std::int64_t{written}] {
        started.count_down();
        EXPECT_THAT(database_->Write({}, [&](WriteTransaction& tx) { return ++runs, tx.Execute(insert, {number}).status(); }),
                    IsOk());
      });
    }
    threads.emplace_back([&] {
      started.count_down();
      EXPECT_THAT(database_->Write({.stop = source.get_token()},
                                   [&](WriteTransaction& tx) { return running.count_down(), tx.Execute(endless, {}).status(); }),
                  StatusCodeIs(absl::StatusCode::kCancelled));
    });
    started.wait();
    held.Release();
    running.wait();
    source.request_stop();
    threads.clear();
  }
  EXPECT_GT(runs, written);
  EXPECT_EQ(One("SELECT COUNT(*) FROM numbers"), std::to_string(written));
}

TEST_F(SqliteTest, AFailedUnitTakesNobodyWithIt) {
  std::vector<std::jthread> threads;
  {
    HeldWriter held(*database_);
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        // Each number twice: one of the two fails.
        absl::Status const status = Add(i / 2);
        EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kAlreadyExists) << status;
      });
    }
  }
  threads.clear();
  EXPECT_EQ(One("SELECT COUNT(*) FROM numbers"), "8");
}

TEST_F(SqliteTest, ADeferredForeignKeyFailsItsOwnUnitOnly) {
  ASSERT_THAT(database_->RunScript("CREATE TABLE later (n INTEGER REFERENCES numbers DEFERRABLE INITIALLY DEFERRED) STRICT;",
                                   Sql("DELETE FROM numbers"), {}),
              IsOk());
  std::vector<std::jthread> threads;
  {
    HeldWriter held(*database_);
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] { EXPECT_THAT(Add(i), IsOk()); });
      threads.emplace_back([&] {
        EXPECT_THAT(database_->Write(
                        {}, [&](WriteTransaction& tx) { return tx.Execute(Sql("INSERT INTO later VALUES (700)"), {}).status(); }),
                    StatusIs(absl::StatusCode::kFailedPrecondition, "REFERENCE_BROKEN"));
      });
    }
  }
  threads.clear();
  EXPECT_EQ(One("SELECT COUNT(*) FROM later"), "0");
}

TEST_F(SqliteTest, AWriteWithinAWriteIsRefused) {
  EXPECT_THAT(database_->Write({}, [&](WriteTransaction&) { return Add(1); }), StatusCodeIs(absl::StatusCode::kInternal));
}

TEST_F(SqliteTest, ABackupIsWholeAndDoesNotOverwrite) {
  std::string const copy = fresh_.location() + ".copy";
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (std::int64_t i = 0; !done; ++i) EXPECT_THAT(Add(i), IsOk());
  });
  for (bool any = false; !any;) any = One("SELECT COUNT(*) FROM numbers") != "0";
  EXPECT_THAT(BackUpSqlite(fresh_.location(), copy), IsOk());
  done = true;
  writer.join();
  EXPECT_THAT(BackUpSqlite(fresh_.location(), copy), StatusCodeIs(absl::StatusCode::kAlreadyExists));
  EXPECT_FALSE(std::filesystem::exists(copy + ".partial"));
  EXPECT_FALSE(BackUpSqlite(fresh_.location(), "/nowhere/copy").ok());
  database_.reset();
  auto opened = OpenSqlite({.path = copy});
  ASSERT_THAT(opened, IsOk());
  database_ = *std::move(opened);
  EXPECT_EQ(One("PRAGMA integrity_check"), "ok");
  EXPECT_NE(One("SELECT COUNT(*) FROM numbers"), "0");
}

TEST_F(SqliteTest, TheLogIsMovedWhileRunningAndAtTheEnd) {
  std::string const wal = fresh_.location() + "-wal";
  std::string const big(100'000, 'x');
  for (std::int64_t i = 0; i < 200; ++i) {
    ASSERT_THAT(database_->Write({},
                                 [&](WriteTransaction& tx) {
                                   return tx.Execute(Sql("INSERT INTO numbers (n, x) VALUES ($1, $2)"), {i, big}).status();
                                 }),
                IsOk());
  }
  // 20 MB were written; the log is used again from its start each time it has been moved.
  EXPECT_LT(std::filesystem::file_size(wal), 10'000'000U);
  database_.reset();
  EXPECT_FALSE(std::filesystem::exists(wal) && std::filesystem::file_size(wal) > 0);
}

TEST_F(SqliteTest, ReadersWaitForAConnectionNoLongerThanTheyMay) {
  Open({.path = fresh_.location(), .readers = 1});
  EXPECT_THAT(database_->Read({},
                              [&](ReadTransaction&) {
                                EXPECT_THAT(database_->Ping({.deadline = absl::Now() + absl::Milliseconds(20)}),
                                            StatusCodeIs(absl::StatusCode::kDeadlineExceeded));
                                return absl::OkStatus();
                              }),
              IsOk());
  EXPECT_THAT(database_->Ping({}), IsOk());
}

}  // namespace
}  // namespace helhed::storage
