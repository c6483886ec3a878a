#include "services/activities/domain/recurrence.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "services/activities/domain/local_time.h"
#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::activities {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Starts(std::string_view rule, std::string_view first, std::set<std::string> const& exceptions = {}) {
  std::set<absl::CivilDay> days;
  for (auto const& text : exceptions) days.insert(*FromIsoDate(text));
  auto const starts = Expand(rule, *ParseLocal(first), days);
  if (!starts.ok()) return {ReasonOf(starts.status())};
  std::vector<std::string> texts;
  for (auto const& start : *starts) texts.push_back(FormatLocal(start));
  return texts;
}

TEST(Recurrence, GivesWhatTheRuleSays) {
  EXPECT_THAT(Starts("FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4", "2026-09-01T17:00"),
              ElementsAre("2026-09-01T17:00", "2026-09-03T17:00", "2026-09-08T17:00", "2026-09-10T17:00"));
  EXPECT_THAT(Starts("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "2026-01-30T10:00"),
              ElementsAre("2026-01-30T10:00", "2026-02-27T10:00", "2026-03-27T10:00"));
  EXPECT_THAT(Starts("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "2026-01-31T10:00"),
              ElementsAre("2026-01-31T10:00", "2026-03-31T10:00", "2026-05-31T10:00"));
  EXPECT_THAT(Starts("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2", "2024-02-29T10:00"),
              ElementsAre("2024-02-29T10:00", "2028-02-29T10:00"));
}

// 15:00 UTC is 17:00 on the clock in summer, 16:00 in winter.
TEST(Recurrence, EndsAtAndWithUntil) {
  EXPECT_EQ(Starts("FREQ=DAILY;UNTIL=20260903T150000Z", "2026-09-01T17:00").size(), 3U);
  EXPECT_EQ(Starts("FREQ=DAILY;UNTIL=20260903T145900Z", "2026-09-01T17:00").size(), 2U);
  EXPECT_EQ(Starts("FREQ=DAILY;UNTIL=20260903T170000", "2026-09-01T17:00").size(), 3U);
  EXPECT_EQ(Starts("FREQ=DAILY;UNTIL=20260903", "2026-09-01T17:00").size(), 3U);
}

TEST(Recurrence, ExceptionsAreLeftOutAndCounted) {
  EXPECT_THAT(Starts("FREQ=DAILY;COUNT=3", "2026-09-01T17:00", {"2026-09-02"}),
              ElementsAre("2026-09-01T17:00", "2026-09-03T17:00"));
  EXPECT_THAT(Starts("FREQ=DAILY;COUNT=3", "2026-09-01T17:00", {"2026-09-05"}), ElementsAre("EXCEPTION_NOT_AN_OCCURRENCE"));
  EXPECT_THAT(Starts("FREQ=DAILY;COUNT=1", "2026-09-01T17:00", {"2026-09-01"}), ElementsAre("RECURRENCE_EMPTY"));
}

TEST(Recurrence, TheDayWithoutTheHourIsLeftOutAndNotCounted) {
  EXPECT_THAT(Starts("FREQ=DAILY;COUNT=3", "2026-03-28T02:30"),
              ElementsAre("2026-03-28T02:30", "2026-03-30T02:30", "2026-03-31T02:30"));
}

TEST(Recurrence, RefusesWhatCannotBeKept) {
  for (auto const* rule :
       {"", "WEEKLY", "FREQ=HOURLY;COUNT=3", "FREQ=WEEKLY;COUNT=3;UNTIL=20270101", "FREQ=WEEKLY;COUNT=0", "FREQ=WEEKLY;COUNT=x",
        "FREQ=WEEKLY;FREQ=DAILY;COUNT=1", "FREQ=WEEKLY;BYDAY=XX;COUNT=3", "FREQ=WEEKLY;COUNT=3;BYHOUR=10",
        "FREQ=WEEKLY;UNTIL=soon", "FREQ=WEEKLY;COUNT=3;", "FREQ=WEEKLY;BYDAY=WE;COUNT=3"}) {
    EXPECT_THAT(Starts(rule, "2026-09-01T17:00"), ElementsAre("RECURRENCE_INVALID")) << rule;
  }
  EXPECT_THAT(Starts("FREQ=WEEKLY", "2026-09-01T17:00"), ElementsAre("RECURRENCE_ENDLESS"));
  EXPECT_THAT(Starts("FREQ=DAILY;COUNT=401", "2026-09-01T17:00"), ElementsAre("RECURRENCE_TOO_LONG"));
  EXPECT_EQ(Starts("FREQ=DAILY;COUNT=400", "2026-09-01T17:00").size(), 400U);
}

// Sessions come by the same clock whatever the rule, each on a day of its own, in order, and exactly as many as were counted.
TEST(Recurrence, HoldsForEveryRule) {
  helhed::testing::ForAllSeeds(300, [](SeededRandom& random) {
    auto const first = absl::CivilMinute(absl::CivilDay(2026, 1, 1) + random.Between(0, 700)) + random.Between(0, 24 * 60 - 1);
    if (!InstantOf(first)) return;
    auto const count = random.Between(1, 60);
    auto const rule = absl::StrCat(random.Between(0, 1) == 0 ? "FREQ=DAILY" : "FREQ=WEEKLY", ";INTERVAL=", random.Between(1, 5),
                                   ";COUNT=", count);
    auto const starts = Expand(Sv(rule), first, {});
    ASSERT_THAT(starts, helhed::testing::IsOk());
    EXPECT_EQ(static_cast<std::int64_t>(starts->size()), count);
    for (std::size_t i = 0; i < starts->size(); ++i) {
      EXPECT_EQ((*starts)[i].hour() * 60 + (*starts)[i].minute(), first.hour() * 60 + first.minute());
      EXPECT_TRUE(InstantOf((*starts)[i]).has_value());
      if (i > 0) {
        EXPECT_LT(absl::CivilDay((*starts)[i - 1]), absl::CivilDay((*starts)[i]));
      }
    }
  });
}

}  // namespace
}  // namespace helhed::activities
