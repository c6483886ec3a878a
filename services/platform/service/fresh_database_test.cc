#include <absl/strings/str_cat.h>

#include "services/platform/events/event_log.h"
#include "services/platform/service/migrations.h"
#include "services/platform/service/store.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

// What the fixtures of all services stand on: copies of one migrated database are as databases that were migrated one by one.
namespace helhed {
namespace {

using events::EventLog;
using testing::FreshDatabase;
using testing::IsOk;
using testing::StatusIs;

std::vector<storage::Migration> PlatformMigrations() {
  std::vector<storage::Migration> all;
  for (auto const part : {EventLog::Migrations(), StoreMigrations()}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

class FreshDatabaseTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  static absl::Status AppendTo(storage::Database& database, EventLog& log) {
    return database.Write({}, [&](storage::WriteTransaction& tx) { return log.Append(tx, events::v1::Event()); });
  }

  storage::TokenSealer sealer_{std::string(32, 'k')};
};
HELHED_BOTH_ENGINES(FreshDatabaseTest);

TEST_P(FreshDatabaseTest, CopiesShareNothingAndAreLogsOfTheirOwn) {
  FreshDatabase const first(GetParam(), PlatformMigrations());
  FreshDatabase const second(GetParam(), PlatformMigrations());
  auto const one = first.Open();
  auto const other = second.Open();
  ASSERT_THAT(storage::CheckSchema(*one, PlatformMigrations()), IsOk());
  ASSERT_THAT(storage::CheckSchema(*other, PlatformMigrations()), IsOk());
  auto const log = EventLog::Open(*one, sealer_);
  auto const other_log = EventLog::Open(*other, sealer_);
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT(other_log, IsOk());
  ASSERT_THAT(AppendTo(*one, **log), IsOk());
  auto const batch = (*log)->Read({}, "", 10, {});
  ASSERT_THAT(batch, IsOk());
  EXPECT_EQ(batch->events.size(), 1U);
  EXPECT_TRUE((*other_log)->Read({}, "", 10, {})->events.empty());
  // Two, so that only the log's name tells that the cursor is not one of its own.
  ASSERT_THAT(AppendTo(*other, **other_log), IsOk());
  ASSERT_THAT(AppendTo(*other, **other_log), IsOk());
  EXPECT_THAT((*other_log)->Read({}, batch->next_cursor, 10, {}), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
}

TEST_P(FreshDatabaseTest, WhatIsMigratedDecidesWhatIsCopied) {
  FreshDatabase const whole(GetParam(), PlatformMigrations());
  FreshDatabase const part(GetParam(), EventLog::Migrations());
  EXPECT_THAT(storage::CheckSchema(*whole.Open(), PlatformMigrations()), IsOk());
  EXPECT_THAT(storage::CheckSchema(*part.Open(), EventLog::Migrations()), IsOk());
}

TEST_P(FreshDatabaseTest, IsPreparedOnceForEachKey) {
  int prepared = 0;
  auto const prepare = [&](FreshDatabase const& empty) {
    ++prepared;
    ASSERT_THAT(storage::Migrate(*empty.Open(), EventLog::Migrations()), IsOk());
  };
  for (auto const* const key : {"a", "b", "a"}) {
    FreshDatabase const copy(GetParam(), absl::StrCat("prepared once ", key), prepare);
    EXPECT_THAT(storage::CheckSchema(*copy.Open(), EventLog::Migrations()), IsOk());
  }
  EXPECT_EQ(prepared, 2);
}

}  // namespace
}  // namespace helhed
