#include "services/activities/domain/local_time.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::activities {
namespace {

std::string Utc(std::string_view local) {
  auto const time = ReadLocal(local, "f");
  return time.ok() ? absl::FormatTime("%Y-%m-%dT%H:%MZ", *time, absl::UTCTimeZone()) : ReasonOf(time.status());
}

TEST(LocalTime, FollowsSummerTime) {
  EXPECT_EQ(Utc("2026-03-28T02:30"), "2026-03-28T01:30Z");
  EXPECT_EQ(Utc("2026-03-29T01:59"), "2026-03-29T00:59Z");
  EXPECT_EQ(Utc("2026-03-29T03:00"), "2026-03-29T01:00Z");
  EXPECT_EQ(Utc("2026-07-01T17:00"), "2026-07-01T15:00Z");
}

TEST(LocalTime, TheHourThatDoesNotExistIsRefusedAndTheNextNamed) {
  EXPECT_EQ(Utc("2026-03-29T02:00"), "TIME_DOES_NOT_EXIST");
  EXPECT_EQ(Utc("2026-03-29T02:59"), "TIME_DOES_NOT_EXIST");
  EXPECT_EQ(MetadataOf(ReadLocal("2026-03-29T02:30", "f").status()).at("next"), "2026-03-29T03:00");
}

TEST(LocalTime, OfTheHourThatComesTwiceTheFirstIsMeant) {
  EXPECT_EQ(Utc("2026-10-25T02:30"), "2026-10-25T00:30Z");
  EXPECT_EQ(Utc("2026-10-25T03:00"), "2026-10-25T02:00Z");
}

TEST(LocalTime, TakesOnlyWhatIsADateAndATime) {
  for (auto const* text :
       {"2026-02-30T10:00", "2026-01-01T24:00", "2026-01-01T10:60", "2026-01-01 10:00", "2026-01-01T1a:00", ""}) {
    EXPECT_EQ(Utc(text), "BAD_REQUEST") << text;
  }
  EXPECT_EQ(FormatLocal(*ParseLocal("2026-09-01T07:05")), "2026-09-01T07:05");
}

}  // namespace
}  // namespace helhed::activities
