#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <future>
#include <latch>
#include <limits>
#include <thread>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/storage/database.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/explain.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/postgres.h"

// What every caller may rely on, on both engines.
namespace helhed::storage {
namespace {

using helhed::testing::IsOk;
using helhed::testing::Sql;
using helhed::testing::StatusCodeIs;
using helhed::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Statement Named(std::string name, std::string text) {
  return Statement(Statement::Dynamic{.name = std::move(name), .text = std::move(text)});
}

Statement const kPut("conformance.put", "INSERT INTO things (parent, id, count, label) VALUES ($1, $2, $3, $4)");
Statement const kGet("conformance.get", "SELECT count, label FROM things WHERE parent = $1 AND id = $2");
Statement const kAll("conformance.all", "SELECT id FROM things WHERE parent = $1 ORDER BY parent, id");
Statement const kAdd("conformance.add", "UPDATE things SET count = count + $3 WHERE parent = $1 AND id = $2");

// Counts to a number so high that nobody waits for the end.
Statement const kEndless(
    "conformance.endless",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT COUNT(*) FROM n",
    "SELECT pg_sleep(600)");

class ConformanceTest : public helhed::testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    std::string const strict = engine() == Engine::kSqlite ? " STRICT;" : ";";
    std::string const bytes = engine() == Engine::kSqlite ? "BLOB" : "BYTEA";
    std::string const integer = engine() == Engine::kSqlite ? "INTEGER" : "BIGINT";
    std::string const boolean = engine() == Engine::kSqlite ? "INTEGER" : "BOOLEAN";
    std::string const script =
        "CREATE TABLE parents (parent TEXT PRIMARY KEY)" + strict +
        "CREATE TABLE things (parent TEXT NOT NULL REFERENCES parents, id TEXT NOT NULL, count " + integer +
        " NOT NULL CONSTRAINT count_is_not_negative CHECK (count >= 0), label TEXT, PRIMARY KEY (parent, id))" + strict +
        "CREATE TABLE every_type (id " + integer + " PRIMARY KEY, i " + integer + ", b " + boolean + ", t TEXT, y " + bytes +
        ")" + strict;
    ASSERT_THAT(database().RunScript(script, Sql("INSERT INTO parents (parent) VALUES ('p')"), {}), IsOk());
  }

  absl::Status Put(std::string_view id, std::int64_t count, std::string_view parent = "p") {
    return database().Write({}, [&](WriteTransaction& tx) { return tx.Execute(kPut, {parent, id, count, "label"}).status(); });
  }

  std::vector<std::string> Ids(Database& from) {
    std::vector<std::string> ids;
    EXPECT_THAT(from.Read({},
                          [&](ReadTransaction& tx) -> absl::Status {
                            ASSIGN_OR_RETURN(Rows const rows, tx.Query(kAll, {"p"}));
                            for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(rows.Text(i, 0));
                            return absl::OkStatus();
                          }),
                IsOk());
    return ids;
  }
  std::vector<std::string> Ids() { return Ids(database()); }

  std::int64_t CountOf(std::string_view id) {
    std::int64_t count = -1;
    EXPECT_THAT(database().Read({},
                                [&](ReadTransaction& tx) -> absl::Status {
                                  ASSIGN_OR_RETURN(Rows const rows, tx.Query(kGet, {"p", id}));
                                  if (!rows.empty()) count = rows.Int64(0, 0);
                                  return absl::OkStatus();
                                }),
                IsOk());
    return count;
  }
};

HELHED_BOTH_ENGINES(ConformanceTest);

TEST_P(ConformanceTest, EveryTypeComesBackAsItWent) {
  std::string const danish = "Ægir åd \xF0\x9F\x90\x9F på Ø";
  std::string const zeros("\0\x01\xff\0", 4);
  Bytes const bytes = std::as_bytes(std::span(zeros));
  std::vector<std::array<Bind, 4>> const values = {
      {std::numeric_limits<std::int64_t>::max(), true, std::string_view(danish), bytes},
      {std::numeric_limits<std::int64_t>::min(), false, std::string_view(), Bytes()},
      {std::int64_t{0}, true, std::string_view("'; DROP TABLE parents; --"), bytes},
      {nullptr, nullptr, nullptr, nullptr},
      {std::int64_t{-1}, true, std::string_view("%_\\"), bytes},
  };
  Statement const insert = Sql("INSERT INTO every_type (id, i, b, t, y) VALUES ($1, $2, $3, $4, $5) RETURNING i, b, t, y");
  Statement const select = Sql("SELECT i, b, t, y FROM every_type ORDER BY id");
  auto const expect_row = [&](Rows const& rows, std::size_t row, std::array<Bind, 4> const& value) {
    if (std::holds_alternative<std::nullptr_t>(value[0])) {
      for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(rows.IsNull(row, i));
      return;
    }
    EXPECT_EQ(rows.Int64(row, 0), std::get<std::int64_t>(value[0]));
    EXPECT_EQ(rows.Bool(row, 1), std::get<bool>(value[1]));
    EXPECT_EQ(rows.Text(row, 2), std::get<std::string_view>(value[2]));
    auto const& expected = std::get<Bytes>(value[3]);
    EXPECT_TRUE(std::ranges::equal(rows.Blob(row, 3), expected));
  };
  ASSERT_THAT(database().Write(
                  {},
                  [&](WriteTransaction& tx) -> absl::Status {
                    for (std::size_t i = 0; i < values.size(); ++i) {
                      std::array<Bind, 5> const binds = {std::int64_t(i), values[i][0], values[i][1], values[i][2], values[i][3]};
                      ASSIGN_OR_RETURN(Rows const rows, tx.Query(insert, std::span<Bind const>(binds)));
                      EXPECT_EQ(rows.size(), 1U);
                      EXPECT_THAT(rows.columns(), ElementsAre("i", "b", "t", "y"));
                      expect_row(rows, 0, values[i]);
                    }
                    return absl::OkStatus();
                  }),
              IsOk());
  ASSERT_THAT(database().Read({},
                              [&](ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(Rows const rows, tx.Query(select, {}));
                                EXPECT_EQ(rows.size(), values.size());
                                for (std::size_t i = 0; i < rows.size(); ++i) expect_row(rows, i, values[i]);
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_P(ConformanceTest, SumsAndCountsAreIntegers) {
  ASSERT_THAT(Put("a", std::numeric_limits<std::int64_t>::max() - 10'000), IsOk());
  ASSERT_THAT(Put("b", 10'000), IsOk());
  ASSERT_THAT(
      database().Read({},
                      [&](ReadTransaction& tx) -> absl::Status {
                        ASSIGN_OR_RETURN(
                            Rows const rows,
                            tx.Query(Sql("SELECT SUM(count), SUM(-count), COUNT(*), SUM(count - count) FROM things"), {}));
                        EXPECT_EQ(rows.Int64(0, 0), std::numeric_limits<std::int64_t>::max());
                        EXPECT_EQ(rows.Int64(0, 1), -std::numeric_limits<std::int64_t>::max());
                        EXPECT_EQ(rows.Int64(0, 2), 2);
                        EXPECT_EQ(rows.Int64(0, 3), 0);
                        return absl::OkStatus();
                      }),
      IsOk());
  EXPECT_THAT(database().Read({}, [&](ReadTransaction& tx) { return tx.Query(Sql("SELECT 0.5"), {}).status(); }),
              StatusCodeIs(absl::StatusCode::kInternal));
}

TEST_P(ConformanceTest, TextThatIsNotUtf8IsRefused) {
  for (std::string_view const bad :
       {std::string_view("\xff"), std::string_view("a\0b", 3), std::string_view("\xc0\x80"), std::string_view("\xed\xa0\x80"),
        std::string_view("\xf4\x90\x80\x80"), std::string_view("\xe2\x82")}) {
    EXPECT_THAT(Put(bad, 1), StatusCodeIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(Put("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 1), IsOk());
}

TEST_P(ConformanceTest, LikeMindsCaseAndOrderIsByBytes) {
  for (std::string_view const id : {"b", "B", "å", "Z", "a"}) ASSERT_THAT(Put(id, 1), IsOk());
  EXPECT_THAT(Ids(), ElementsAre("B", "Z", "a", "b", "å"));
  ASSERT_THAT(database().Read({},
                              [&](ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(Rows const rows,
                                                 tx.Query(Sql("SELECT id FROM things WHERE id LIKE $1"), {"b%"}));
                                EXPECT_EQ(rows.size(), 1U);
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_P(ConformanceTest, OnConflictAndCountsOfChanges) {
  Statement const upsert = Sql(
      "INSERT INTO things (parent, id, count) VALUES ($1, $2, $3) ON CONFLICT (parent, id) DO UPDATE SET count = excluded.count "
      "RETURNING count");
  Statement const ignore = Sql("INSERT INTO things (parent, id, count) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
  ASSERT_THAT(database().Write({},
                               [&](WriteTransaction& tx) -> absl::Status {
                                 ASSIGN_OR_RETURN(Rows const first, tx.Query(upsert, {"p", "a", 1}));
                                 ASSIGN_OR_RETURN(Rows const second, tx.Query(upsert, {"p", "a", 2}));
                                 EXPECT_EQ(second.Int64(0, 0), 2);
                                 EXPECT_THAT(tx.Execute(ignore, {"p", "a", 3}), ::testing::Eq(absl::StatusOr<std::int64_t>(0)));
                                 EXPECT_EQ(*tx.Execute(ignore, {"p", "b", 3}), 1);
                                 EXPECT_EQ(*tx.Execute(kAdd, {"p", "a", 40}), 1);
                                 EXPECT_EQ(*tx.Execute(kAdd, {"p", "none", 40}), 0);
                                 EXPECT_EQ(*tx.Execute(kGet, {"p", "a"}), 0);
                                 EXPECT_EQ(*tx.Execute(Sql("UPDATE things SET label = 'x'"), {}), 2);
                                 return absl::OkStatus();
                               }),
              IsOk());
  EXPECT_EQ(CountOf("a"), 42);
}

TEST_P(ConformanceTest, AFailedUnitLeavesNothing) {
  auto const refused = Error(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_CONFLICT, "no");
  EXPECT_EQ(database().Write({},
                             [&](WriteTransaction& tx) -> absl::Status {
                               RETURN_IF_ERROR(tx.Execute(kPut, {"p", "a", 1, nullptr}).status());
                               RETURN_IF_ERROR(tx.Enqueue(kPut, std::array<Bind, 4>{"p", "b", 1, nullptr}));
                               return refused;
                             }),
            refused);
  EXPECT_THAT(Ids(), IsEmpty());
  EXPECT_THAT(Put("a", 1), IsOk());
}

TEST_P(ConformanceTest, ConstraintsAreNamed) {
  ASSERT_THAT(Put("a", 1), IsOk());
  bool const sqlite = engine() == Engine::kSqlite;
  absl::Status const unique = Put("a", 1);
  EXPECT_THAT(unique, StatusIs(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_EQ(ConstraintOf(unique), sqlite ? "things.parent, things.id" : "things_pkey");
  absl::Status const reference = Put("a", 1, "q");
  EXPECT_THAT(reference, StatusIs(absl::StatusCode::kFailedPrecondition, "REFERENCE_BROKEN"));
  EXPECT_EQ(ConstraintOf(reference), sqlite ? "" : "things_parent_fkey");
  absl::Status const check = Put("b", -1);
  EXPECT_THAT(check, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ConstraintOf(check), "count_is_not_negative");
  absl::Status const null = database().Write({}, [&](WriteTransaction& tx) {
    return tx.Execute(kPut, {"p", "b", nullptr, nullptr}).status();
  });
  EXPECT_THAT(null, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ConstraintOf(null), "things.count");
  EXPECT_EQ(ConstraintOf(absl::OkStatus()), "");
  // Deleting what others refer to.
  EXPECT_THAT(database().Write({}, [&](WriteTransaction& tx) { return tx.Execute(Sql("DELETE FROM parents"), {}).status(); }),
              StatusIs(absl::StatusCode::kFailedPrecondition, "REFERENCE_BROKEN"));
  EXPECT_THAT(Ids(), ElementsAre("a"));
}

TEST_P(ConformanceTest, ErrorsDoNotQuoteValues) {
  std::string_view const secret = "0101701234";
  ASSERT_THAT(Put(secret, 1), IsOk());
  for (absl::Status const& status : {Put(secret, 1), Put("b", 1, secret), Put(secret, -1)}) {
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(), ::testing::Not(HasSubstr(std::string(secret))));
  }
}

TEST_P(ConformanceTest, AWrongStatementIsInternalAndPoisonsNothing) {
  for (char const* const text : {"SELECT nothing FROM nowhere", "SELEC 1", "SELECT 1; SELECT 2", "SELECT $1"}) {
    EXPECT_THAT(database().Read({}, [&](ReadTransaction& tx) { return tx.Query(Sql(text), {}).status(); }),
                StatusCodeIs(absl::StatusCode::kInternal))
        << text;
    EXPECT_THAT(database().Write({}, [&](WriteTransaction& tx) { return tx.Query(Sql(text), {}).status(); }),
                StatusCodeIs(absl::StatusCode::kInternal))
        << text;
  }
  for (int i = 0; i < 8; ++i) EXPECT_THAT(Put("x" + std::to_string(i), i), IsOk());
  EXPECT_EQ(Ids().size(), 8U);
}

TEST_P(ConformanceTest, AFailedStatementFailsItsTransactionEvenIfTheUnitGoesOn) {
  ASSERT_THAT(Put("a", 1), IsOk());
  EXPECT_THAT(
      database().Write({},
                       [&](WriteTransaction& tx) -> absl::Status {
                         EXPECT_THAT(tx.Execute(kPut, {"p", "b", 1, nullptr}), IsOk());
                         EXPECT_THAT(tx.Execute(kPut, {"p", "a", 1, nullptr}), StatusCodeIs(absl::StatusCode::kAlreadyExists));
                         EXPECT_THAT(tx.Query(kAll, {"p"}), StatusCodeIs(absl::StatusCode::kAlreadyExists));
                         EXPECT_THAT(tx.Enqueue(kAll, std::array<Bind, 1>{"p"}), StatusCodeIs(absl::StatusCode::kAlreadyExists));
                         return absl::OkStatus();
                       }),
      StatusCodeIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Ids(), ElementsAre("a"));
}

TEST_P(ConformanceTest, AReadCannotWrite) {
  EXPECT_THAT(database().Read({},
                              [&](ReadTransaction& tx) {
                                return tx.Query(kPut, {"p", "a", 1, nullptr}).status();
                              }),
              StatusCodeIs(absl::StatusCode::kInternal));
  EXPECT_THAT(database().Read({.snapshot = true},
                              [&](ReadTransaction& tx) {
                                return tx.Query(kPut, {"p", "a", 1, nullptr}).status();
                              }),
              StatusCodeIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Ids(), IsEmpty());
}

TEST_P(ConformanceTest, WritesReadTheirOwn) {
  EXPECT_THAT(
      database().Write({},
                       [&](WriteTransaction& tx) -> absl::Status {
                         std::string const id = "made here";
                         RETURN_IF_ERROR(tx.Enqueue(kPut, std::array<Bind, 4>{"p", std::string_view(std::string(id)), 7, "x"}));
                         ASSIGN_OR_RETURN(Rows const rows, tx.Query(kGet, {"p", id}));
                         EXPECT_EQ(rows.size(), 1U);
                         EXPECT_EQ(rows.Int64(0, *rows.Column("count")), 7);
                         EXPECT_EQ(rows.Column("nothing"), std::nullopt);
                         return absl::OkStatus();
                       }),
      IsOk());
  EXPECT_THAT(Ids(), ElementsAre("made here"));
}

TEST_P(ConformanceTest, AnEnqueuedErrorComesWithTheNextStatement) {
  ASSERT_THAT(Put("a", 1), IsOk());
  auto const explain = [](absl::Status const& status) {
    return Error(status.code(), common::v1::ERROR_REASON_ETAG_MISMATCH, "explained");
  };
  bool went_on = false;
  EXPECT_THAT(database().Write({},
                               [&](WriteTransaction& tx) -> absl::Status {
                                 EXPECT_THAT(tx.Enqueue(kPut, std::array<Bind, 4>{"p", "b", 1, "x"}), IsOk());
                                 EXPECT_THAT(tx.Enqueue(kPut, std::array<Bind, 4>{"p", "a", 1, "x"}, explain), IsOk());
                                 EXPECT_THAT(tx.Enqueue(kPut, std::array<Bind, 4>{"p", "c", 1, "x"}), IsOk());
                                 RETURN_IF_ERROR(tx.Query(kAll, {"p"}).status());
                                 went_on = true;
                                 return absl::OkStatus();
                               }),
              StatusIs(absl::StatusCode::kAlreadyExists, "ETAG_MISMATCH"));
  EXPECT_FALSE(went_on);
  EXPECT_THAT(Ids(), ElementsAre("a"));
}

TEST_P(ConformanceTest, AnEnqueuedErrorComesWithTheCommit) {
  ASSERT_THAT(Put("a", 1), IsOk());
  for (bool const explains : {false, true}) {
    WriteTransaction::Explain explain;
    if (explains)
      explain = [](absl::Status const& status) { return NotFound("x").code() == status.code() ? status : NotFound("x"); };
    EXPECT_THAT(database().Write({},
                                 [&](WriteTransaction& tx) -> absl::Status {
                                   RETURN_IF_ERROR(tx.Enqueue(kPut, std::array<Bind, 4>{"p", "b", 1, "x"}));
                                   return tx.Enqueue(kPut, std::array<Bind, 4>{"p", "a", 1, "x"}, explain);
                                 }),
                StatusCodeIs(explains ? absl::StatusCode::kNotFound : absl::StatusCode::kAlreadyExists));
  }
  EXPECT_THAT(Ids(), ElementsAre("a"));
  // A unit's own error goes before one that it has not seen.
  EXPECT_THAT(database().Write({},
                               [&](WriteTransaction& tx) -> absl::Status {
                                 RETURN_IF_ERROR(tx.Enqueue(kPut, std::array<Bind, 4>{"p", "a", 1, "x"}));
                                 return absl::CancelledError("own");
                               }),
              StatusCodeIs(absl::StatusCode::kCancelled));
}

TEST_P(ConformanceTest, ADeadlineEndsAStatement) {
  for (int i = 0; i < 2; ++i) {
    Limits const limits{.deadline = absl::Now() + absl::Milliseconds(60), .stop = {}};
    EXPECT_THAT(database().Read(limits, [&](ReadTransaction& tx) { return tx.Query(kEndless, {}).status(); }),
                StatusIs(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED"));
    EXPECT_LT(absl::Now(), limits.deadline + absl::Seconds(30));
  }
  EXPECT_THAT(database().Write({.deadline = absl::Now() + absl::Milliseconds(60), .stop = {}},
                               [&](WriteTransaction& tx) -> absl::Status {
                                 RETURN_IF_ERROR(tx.Execute(kPut, {"p", "a", 1, nullptr}).status());
                                 return tx.Query(kEndless, {}).status();
                               }),
              StatusCodeIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Ids(), IsEmpty());
  EXPECT_THAT(Put("b", 1), IsOk());
}

TEST_P(ConformanceTest, APastDeadlineRunsNothing) {
  bool ran = false;
  Limits const past{.deadline = absl::Now() - absl::Seconds(1), .stop = {}};
  EXPECT_THAT(database().Write(past, [&](WriteTransaction&) { return ran = true, absl::OkStatus(); }),
              StatusCodeIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(database().Read(past, [&](ReadTransaction&) { return ran = true, absl::OkStatus(); }),
              StatusCodeIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(ran);
}

TEST_P(ConformanceTest, AStopEndsAStatement) {
  for (bool const writes : {false, true}) {
    std::stop_source source;
    std::latch running(1);
    std::jthread const stopper([&] {
      running.wait();
      source.request_stop();
    });
    Limits const limits{.deadline = absl::InfiniteFuture(), .stop = source.get_token()};
    auto const unit = [&](ReadTransaction& tx) {
      running.count_down();
      return tx.Query(kEndless, {}).status();
    };
    absl::Status const status = writes ? database().Write(limits, [&](WriteTransaction& tx) { return unit(tx); })
                                       : database().Read(limits, [&](ReadTransaction& tx) { return unit(tx); });
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  }
  EXPECT_THAT(Put("a", 1), IsOk());
}

TEST_P(ConformanceTest, WritersThatTakeTheSameLockCountRight) {
  ASSERT_THAT(Put("a", 0), IsOk());
  Statement const set = Sql("UPDATE things SET count = $3 WHERE parent = $1 AND id = $2");
  constexpr int kThreads = 8;
  constexpr int kRounds = 10;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          // Read, add one, write: only right if nobody comes in between.
          EXPECT_THAT(database().Write({},
                                       [&](WriteTransaction& tx) -> absl::Status {
                                         RETURN_IF_ERROR(tx.Lock("things/a"));
                                         ASSIGN_OR_RETURN(Rows const rows, tx.Query(kGet, {"p", "a"}));
                                         return tx.Enqueue(set, std::array<Bind, 3>{"p", "a", rows.Int64(0, 0) + 1});
                                       }),
                      IsOk());
        }
      });
    }
  }
  EXPECT_EQ(CountOf("a"), kThreads * kRounds);
}

TEST_P(ConformanceTest, AReadSeesWhatWasAcknowledgedBefore) {
  ASSERT_THAT(Put("a", 0), IsOk());
  std::atomic<std::int64_t> acknowledged = 0;
  std::atomic<bool> done = false;
  std::jthread const reader([&] {
    while (!done) {
      std::int64_t const before = acknowledged;
      EXPECT_GE(CountOf("a"), before);
    }
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(database().Write({}, [&](WriteTransaction& tx) { return tx.Execute(kAdd, {"p", "a", 1}).status(); }), IsOk());
    ++acknowledged;
  }
  done = true;
}

TEST_P(ConformanceTest, ASnapshotStaysAsItIs) {
  ASSERT_THAT(Put("a", 1), IsOk());
  EXPECT_THAT(database().Read({.snapshot = true},
                              [&](ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(Rows const before, tx.Query(kAll, {"p"}));
                                EXPECT_THAT(Put("b", 1), IsOk());
                                ASSIGN_OR_RETURN(Rows const after, tx.Query(kAll, {"p"}));
                                EXPECT_EQ(before.size(), after.size());
                                return absl::OkStatus();
                              }),
              IsOk());
  EXPECT_THAT(Ids(), ElementsAre("a", "b"));
}

TEST_P(ConformanceTest, WhatWasWrittenIsThereAfterARestart) {
  ASSERT_THAT(Put("a", 1), IsOk());
  Reopen();
  EXPECT_THAT(Ids(), ElementsAre("a"));
  EXPECT_THAT(database().Ping({}), IsOk());
}

TEST_P(ConformanceTest, ManyStatementsPassThroughTheCache) {
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(database().Write({},
                                 [&](WriteTransaction& tx) -> absl::Status {
                                   for (int i = 0; i < 600; ++i) {
                                     ASSIGN_OR_RETURN(Rows const rows,
                                                      tx.Query(Sql("SELECT " + std::to_string(i) + " AS n"), {}));
                                     EXPECT_EQ(rows.Int64(0, 0), i);
                                   }
                                   return absl::OkStatus();
                                 }),
                IsOk());
  }
}

TEST_P(ConformanceTest, AParameterMayBeNullNowAndThen) {
  Statement const find =
      Sql("SELECT id FROM things WHERE label = $1 OR ($1 IS NULL AND label IS NULL) OR count = $2 ORDER BY id");
  ASSERT_THAT(Put("a", 1), IsOk());
  auto const count = [&](Bind label, Bind number) {
    std::size_t rows_found = 99;
    EXPECT_THAT(database().Read({},
                                [&](ReadTransaction& tx) -> absl::Status {
                                  ASSIGN_OR_RETURN(Rows const rows, tx.Query(find, {label, number}));
                                  rows_found = rows.size();
                                  return absl::OkStatus();
                                }),
                IsOk());
    return rows_found;
  };
  EXPECT_EQ(count(nullptr, nullptr), 0U);
  EXPECT_EQ(count("label", nullptr), 1U);
  EXPECT_EQ(count(nullptr, std::int64_t{1}), 1U);
  EXPECT_EQ(count(nullptr, std::int64_t{5'000'000'000}), 0U);
}

TEST_P(ConformanceTest, ASchemaMayChangeUnderPreparedStatements) {
  Statement const all = Sql("SELECT * FROM parents");
  auto const width = [&] {
    std::size_t columns = 0;
    EXPECT_THAT(database().Read({},
                                [&](ReadTransaction& tx) -> absl::Status {
                                  ASSIGN_OR_RETURN(Rows const rows, tx.Query(all, {}));
                                  columns = rows.columns().size();
                                  return absl::OkStatus();
                                }),
                IsOk());
    return columns;
  };
  for (int i = 0; i < 6; ++i) EXPECT_EQ(width(), 1U);
  ASSERT_THAT(database().RunScript("ALTER TABLE parents ADD COLUMN more TEXT;", Sql("DELETE FROM things"), {}), IsOk());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(width(), 2U);
}

TEST_P(ConformanceTest, AFailedScriptLeavesNothing) {
  EXPECT_FALSE(database().RunScript("CREATE TABLE later (a TEXT); SELECT wrong;", Sql("DELETE FROM things"), {}).ok());
  EXPECT_FALSE(database().RunScript("CREATE TABLE later (a TEXT);", Sql("DELETE FROM nowhere"), {}).ok());
  EXPECT_THAT(database().RunScript("CREATE TABLE later (a TEXT);", Sql("DELETE FROM later"), {}), IsOk());
}

TEST_P(ConformanceTest, StatementsThatScanAreFound) {
  Statement const scans = Named("conformance.scans", "SELECT t.id FROM things AS t WHERE t.label = $1 LIMIT 1");
  Statement const searches = Named(
      "conformance.searches", "SELECT p.parent, t.id FROM parents p JOIN things t ON t.parent = p.parent WHERE p.parent = $1");
  Statement const pages = Named("conformance.pages", "SELECT id FROM things ORDER BY parent, id LIMIT 10");
  Statement const wrong = Named("conformance.wrong", "SELECT x FROM nowhere");
  std::vector<Statement const*> const statements = {&kGet, &kAdd, &kPut, &kAll, &searches, &pages, &scans};
  EXPECT_THAT(helhed::testing::FullScans(database(), statements), ElementsAre("conformance.scans: scans things"));
  EXPECT_THAT(helhed::testing::FullScans(database(), statements, {"things"}), IsEmpty());
  std::vector<Statement const*> const broken = {&wrong};
  EXPECT_THAT(helhed::testing::FullScans(database(), broken), ElementsAre(HasSubstr("nowhere")));
}

TEST(StatementTest, RegistersItselfUnderItsName) {
  auto const statements = RegisteredStatements();
  EXPECT_NE(std::find(statements.begin(), statements.end(), &kPut), statements.end());
  EXPECT_TRUE(std::is_sorted(statements.begin(), statements.end(), [](auto a, auto b) { return a->name() < b->name(); }));
}

TEST(StatementDeathTest, TwoOfOneNameEndTheProcess) {
  EXPECT_DEATH(Statement("conformance.put", "SELECT 1"), "two statements have the same name: conformance.put");
}

TEST(RowsDeathTest, AWrongTypeEndsTheProcess) {
  Rows const rows(std::make_shared<std::vector<std::string>>(std::vector<std::string>{"a"}), {{std::int64_t{1}}});
  EXPECT_DEATH(rows.Text(0, 0), "TEXT: a");
  EXPECT_DEATH(rows.Int64(0, 1), "no such row or column");
}

}  // namespace
}  // namespace helhed::storage
