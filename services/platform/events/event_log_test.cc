#include "services/platform/events/event_log.h"

#include <absl/strings/str_cat.h>

#include <set>

#include "services/platform/testing/engines.h"
#include "services/platform/testing/explain.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/postgres.h"

namespace helhed::events {
namespace {

using storage::Engine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

constexpr absl::Time kStart = absl::FromUnixSeconds(1772352000);

class EventLogTest : public testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    ASSERT_THAT(storage::Migrate(database(), EventLog::Migrations()), IsOk());
    Open();
  }
  void TearDown() override { log_.reset(); }
  void Open() {
    auto log = EventLog::Open(database(), sealer_);
    ASSERT_THAT(log, IsOk());
    log_ = *std::move(log);
  }
  void Restart() {
    log_.reset();
    Reopen();
    Open();
  }

  static v1::Event Event(std::string const& id, absl::Time time = kStart, std::string const& type = "t.A") {
    v1::Event event;
    event.set_id(id);
    event.set_type(type);
    event.mutable_time()->set_seconds(absl::ToUnixSeconds(time));
    return event;
  }
  void Append(v1::Event const& event) {
    ASSERT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return log_->Append(tx, event); }), IsOk());
    log_->Appended();
  }
  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) Append(Event(absl::StrCat("e", i), kStart + absl::Seconds(i)));
  }
  static std::vector<std::string> Ids(absl::StatusOr<EventLog::Batch> const& batch) {
    std::vector<std::string> ids;
    EXPECT_THAT(batch, IsOk());
    if (!batch.ok()) return ids;
    for (auto const& event : batch->events) ids.push_back(event.id());
    return ids;
  }
  absl::StatusOr<EventLog::Batch> Read(std::string_view cursor, int limit = 100, std::vector<std::string> const& types = {}) {
    return log_->Read({}, cursor, limit, types);
  }

  storage::TokenSealer sealer_{std::string(32, 'k')};
  std::unique_ptr<EventLog> log_;
};

TEST_P(EventLogTest, ReadsInOrderInPagesAndGoesOnWhereItWas) {
  AppendMany(5);
  auto const first = Read("", 2);
  EXPECT_THAT(Ids(first), ElementsAre("e0", "e1"));
  auto const second = Read(first->next_cursor, 2);
  EXPECT_THAT(Ids(second), ElementsAre("e2", "e3"));
  auto const third = Read(second->next_cursor, 2);
  EXPECT_THAT(Ids(third), ElementsAre("e4"));
  auto const none = Read(third->next_cursor, 2);
  EXPECT_THAT(Ids(none), IsEmpty());
  EXPECT_EQ(none->next_cursor, third->next_cursor);
  Append(Event("e5"));
  EXPECT_THAT(Ids(Read(none->next_cursor)), ElementsAre("e5"));
  // Any event's own cursor will do.
  EXPECT_THAT(Ids(Read(first->events[0].cursor())), ElementsAre("e1", "e2", "e3", "e4", "e5"));
}

TEST_P(EventLogTest, CursorsOutliveTheProcess) {
  AppendMany(3);
  auto const first = Read("", 2);
  Restart();
  EXPECT_THAT(Ids(Read(first->next_cursor)), ElementsAre("e2"));
  AppendMany(1);
  EXPECT_THAT(Ids(Read(first->next_cursor)), ElementsAre("e2", "e0"));
}

TEST_P(EventLogTest, WhatIsRolledBackWasNever) {
  AppendMany(1);
  auto const status = database().Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(log_->Append(tx, Event("never")));
    return absl::FailedPreconditionError("no");
  });
  EXPECT_FALSE(status.ok());
  Append(Event("after"));
  EXPECT_THAT(Ids(Read("")), ElementsAre("e0", "after"));
}

TEST_P(EventLogTest, EndStandsAfterTheNewest) {
  auto const empty = Read("$end");
  EXPECT_THAT(Ids(empty), IsEmpty());
  AppendMany(2);
  EXPECT_THAT(Ids(Read(empty->next_cursor)), ElementsAre("e0", "e1"));
  auto const end = Read("$end");
  EXPECT_THAT(Ids(end), IsEmpty());
  Append(Event("later"));
  EXPECT_THAT(Ids(Read(end->next_cursor)), ElementsAre("later"));
}

TEST_P(EventLogTest, AnEmptyLogGivesACursorThatSeesWhatComes) {
  auto const empty = Read("");
  EXPECT_THAT(Ids(empty), IsEmpty());
  AppendMany(1);
  EXPECT_THAT(Ids(Read(empty->next_cursor)), ElementsAre("e0"));
}

// The wanted event lies behind more others than one statement reads.
TEST_P(EventLogTest, OnlyTheWantedTypesAndNoEmptyAnswerBeforeTheEnd) {
  ASSERT_THAT(database().Write({},
                               [&](storage::WriteTransaction& tx) -> absl::Status {
                                 for (int i = 0; i < 450; ++i) {
                                   RETURN_IF_ERROR(log_->Append(tx, Event("other", kStart, "t.B")));
                                 }
                                 return log_->Append(tx, Event("wanted", kStart, "t.A"));
                               }),
              IsOk());
  Append(Event("more", kStart, "t.AB"));
  auto const batch = Read("", 10, {"t.A", "t.C"});
  EXPECT_THAT(Ids(batch), ElementsAre("wanted"));
  // The cursor passed what is not wanted.
  EXPECT_THAT(Ids(Read(batch->next_cursor)), IsEmpty());
  Append(Event("c", kStart, "t.C"));
  EXPECT_THAT(Ids(Read(batch->next_cursor, 10, {"t.A", "t.C"})), ElementsAre("c"));
}

TEST_P(EventLogTest, FilteredPagesMeetWithoutGap) {
  ASSERT_THAT(database().Write({},
                               [&](storage::WriteTransaction& tx) -> absl::Status {
                                 for (int i = 0; i < 500; ++i) {
                                   RETURN_IF_ERROR(log_->Append(tx, Event(absl::StrCat(i), kStart, i % 3 == 0 ? "t.A" : "t.B")));
                                 }
                                 return absl::OkStatus();
                               }),
              IsOk());
  std::string cursor;
  int next = 0;
  for (;;) {
    auto const batch = Read(cursor, 7, {"t.A"});
    ASSERT_THAT(batch, IsOk());
    if (batch->events.empty()) break;
    for (auto const& event : batch->events) {
      ASSERT_EQ(event.id(), absl::StrCat(next));
      next += 3;
    }
    cursor = batch->next_cursor;
  }
  EXPECT_EQ(next, 501);
}

TEST_P(EventLogTest, ABatchIsLimitedInBytesButAlwaysGoesOn) {
  for (int i = 0; i < 4; ++i) {
    auto event = Event(absl::StrCat("e", i));
    event.set_subject(std::string(i == 1 ? 3 << 20 : 400 << 10, 'x'));
    Append(event);
  }
  auto const first = Read("");
  EXPECT_THAT(Ids(first), ElementsAre("e0"));
  auto const second = Read(first->next_cursor);
  EXPECT_THAT(Ids(second), ElementsAre("e1"));
  EXPECT_THAT(Ids(Read(second->next_cursor)), ElementsAre("e2", "e3"));
}

TEST_P(EventLogTest, TrimmingMakesOldCursorsTooOldAndLeavesTheOthers) {
  AppendMany(6);
  auto const all = Read("");
  auto const before = kStart + absl::Seconds(4);
  EXPECT_EQ(*log_->Trim({}, before, 3), 3);
  EXPECT_EQ(*log_->Trim({}, before, 3), 1);
  EXPECT_EQ(*log_->Trim({}, before, 3), 0);
  EXPECT_THAT(Ids(Read("")), ElementsAre("e4", "e5"));
  // Whoever has taken the last removed event in has missed nothing.
  EXPECT_THAT(Ids(Read(all->events[3].cursor())), ElementsAre("e4", "e5"));
  auto const old = Read(all->events[2].cursor());
  EXPECT_THAT(old, StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD"));
  EXPECT_THAT(Ids(Read(MetadataOf(old.status()).at("oldest_cursor"))), ElementsAre("e4", "e5"));
}

TEST_P(EventLogTest, ALogThatIsTrimmedEmptyGoesOn) {
  AppendMany(3);
  auto const all = Read("");
  EXPECT_EQ(*log_->Trim({}, absl::InfiniteFuture(), 10), 3);
  EXPECT_THAT(Ids(Read("")), IsEmpty());
  EXPECT_THAT(Ids(Read("$end")), IsEmpty());
  EXPECT_THAT(Read(all->events[0].cursor()), StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD"));
  Restart();
  Append(Event("new"));
  EXPECT_THAT(Ids(Read("")), ElementsAre("new"));
  EXPECT_THAT(Ids(Read(all->next_cursor)), ElementsAre("new"));
}

TEST_P(EventLogTest, AnAlteredCursorIsRefused) {
  AppendMany(2);
  std::string const cursor = Read("")->next_cursor;
  EXPECT_LE(cursor.size(), 200u);
  testing::ForAllSeeds(50, [&](SeededRandom& random) {
    std::string altered = cursor;
    auto const at = static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(altered.size()) - 2));
    altered[at] = altered[at] == 'A' ? 'B' : 'A';
    EXPECT_THAT(Read(altered), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
  });
  EXPECT_THAT(Read("nonsense"), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
  EXPECT_THAT(Read(sealer_.Seal("page", "x")), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
}

TEST_P(EventLogTest, ACursorOfAnotherLogIsRefusedEvenWithTheSameKey) {
  AppendMany(2);
  std::string const cursor = Read("")->next_cursor;
  testing::FreshDatabase const fresh(engine());
  auto const other = fresh.Open();
  ASSERT_THAT(storage::Migrate(*other, EventLog::Migrations()), IsOk());
  auto const log = EventLog::Open(*other, sealer_);
  ASSERT_THAT(log, IsOk());
  // It has more events, so that only its name tells that the cursor is not one of its own.
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(other->Write({}, [&](storage::WriteTransaction& tx) { return (*log)->Append(tx, Event("other")); }), IsOk());
  }
  EXPECT_THAT((*log)->Read({}, cursor, 10, {}), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
}

// A backup was restored over the log: numbers after it are given out again, to other events.
TEST_P(EventLogTest, ACursorAheadOfTheLogIsRefused) {
  AppendMany(3);
  std::string const cursor = Read("")->next_cursor;
  storage::Statement const lose(storage::Statement::Dynamic{"test.lose", "DELETE FROM events WHERE number > 2"});
  ASSERT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(lose, {}).status(); }), IsOk());
  EXPECT_THAT(Read(cursor), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
}

TEST_P(EventLogTest, SubscribersAreWokenUntilTheyLeave) {
  int first = 0;
  int second = 0;
  auto const a = log_->Subscribe([&] { ++first; });
  auto const b = log_->Subscribe([&] { ++second; });
  auto const generation = log_->generation();
  AppendMany(1);
  EXPECT_NE(log_->generation(), generation);
  log_->Unsubscribe(a);
  AppendMany(1);
  log_->Unsubscribe(b);
  log_->Unsubscribe(b);
  AppendMany(1);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

TEST_P(EventLogTest, PollsForOtherProcessesWhereThereCanBeSome) {
  if (engine() == Engine::kSqlite) {
    EXPECT_EQ(log_->poll_interval(), absl::InfiniteDuration());
    return;
  }
  AppendMany(1);
  auto const cursor = Read("")->next_cursor;
  EXPECT_EQ(log_->poll_interval(), absl::Milliseconds(50));
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Read(cursor), IsOk());
  EXPECT_EQ(log_->poll_interval(), absl::Milliseconds(100));
}

TEST_P(EventLogTest, NoStatementScansATable) {
  EXPECT_THAT(testing::FullScans(database(), storage::RegisteredStatements(), {"sqlite_schema"}), IsEmpty());
}

HELHED_BOTH_ENGINES(EventLogTest);

// What only PostgreSQL does: writers beside each other.
class PostgresEventLogTest : public EventLogTest {
 protected:
  std::string Name() const {
    auto const& location = fresh_.location();
    auto const at = location.find("dbname=");
    return location.substr(at + 7, location.find_first_of(" '", at + 7) - at - 7);
  }
  void Sql(std::string_view sql) { testing::PostgresFixture::Get().Run(Name(), sql); }
};

// An early transaction appends first and commits last: a reader by number would pass its event and never see it.
TEST_P(PostgresEventLogTest, ALateCommitIsNotPassed) {
  ASSERT_THAT(database().Write({},
                               [&](storage::WriteTransaction& early) -> absl::Status {
                                 storage::Statement const flush(storage::Statement::Dynamic{"test.flush", "SELECT 1"});
                                 RETURN_IF_ERROR(log_->Append(early, Event("early")));
                                 RETURN_IF_ERROR(early.Query(flush, {}).status());
                                 Append(Event("late"));
                                 EXPECT_THAT(Ids(Read("")), IsEmpty());
                                 EXPECT_THAT(Ids(Read("$end")), IsEmpty());
                                 EXPECT_EQ(*log_->Trim({}, absl::InfiniteFuture(), 10), 0);
                                 auto const lag = log_->MeasureLag({});
                                 EXPECT_THAT(lag, IsOk());
                                 EXPECT_GT(lag->horizon_age, absl::ZeroDuration());
                                 EXPECT_EQ(lag->events_waiting, 1);
                                 return absl::OkStatus();
                               }),
              IsOk());
  EXPECT_THAT(Ids(Read("")), ElementsAre("early", "late"));
  EXPECT_EQ(log_->MeasureLag({})->events_waiting, 0);
}

// Who waits for another transaction may have begun before it, and still comes after it.
TEST_P(PostgresEventLogTest, WhoWaitsStandsAfterWhomItWaitedFor) {
  storage::Statement const number(storage::Statement::Dynamic{"test.number", "SELECT pg_current_xact_id()::text"});
  ASSERT_THAT(database().Write({},
                               [&](storage::WriteTransaction& patient) -> absl::Status {
                                 RETURN_IF_ERROR(patient.Query(number, {}).status());
                                 Append(Event("quick"));
                                 return log_->Append(patient, Event("patient"));
                               }),
              IsOk());
  EXPECT_THAT(Ids(Read("")), ElementsAre("quick", "patient"));
  Append(Event("next"));
  EXPECT_THAT(Ids(Read("")), ElementsAre("quick", "patient", "next"));
}

// The log as it looks after a restore into a cluster that has handed out fewer transaction ids.
TEST_P(PostgresEventLogTest, ARestoreIntoAnotherClusterBeginsAnEpoch) {
  AppendMany(2);
  Sql("UPDATE events SET xid = (xid::text::numeric + 1000000)::text::xid8");
  Restart();
  auto const old = Read("", 1);
  EXPECT_THAT(Ids(old), ElementsAre("e0"));
  Append(Event("new"));
  EXPECT_THAT(Ids(Read(old->next_cursor)), ElementsAre("e1", "new"));
  Restart();
  Append(Event("newer"));
  EXPECT_THAT(Ids(Read(old->next_cursor)), ElementsAre("e1", "new", "newer"));
  Sql("DO $$ BEGIN ASSERT (SELECT epoch FROM event_log) = 2, 'one restore is one epoch'; END $$");
}

TEST_P(PostgresEventLogTest, ARestoreOfATrimmedLogBeginsAnEpochToo) {
  AppendMany(2);
  Sql("UPDATE events SET xid = (xid::text::numeric + 1000000)::text::xid8");
  Restart();
  auto const cursor = Read("")->next_cursor;
  Sql("UPDATE event_log SET epoch = 1");
  Sql("UPDATE event_log l SET floor_epoch = e.epoch, floor_xid = e.xid, floor_number = e.number "
      "FROM (SELECT * FROM events ORDER BY number DESC LIMIT 1) e");
  Sql("DELETE FROM events");
  Restart();
  Append(Event("new"));
  EXPECT_THAT(Ids(Read(cursor)), ElementsAre("new"));
  EXPECT_THAT(Ids(Read("")), ElementsAre("new"));
}

INSTANTIATE_TEST_SUITE_P(Engines, PostgresEventLogTest, ::testing::Values(Engine::kPostgres), testing::EngineName);

}  // namespace
}  // namespace helhed::events
