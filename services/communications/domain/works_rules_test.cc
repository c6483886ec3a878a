#include "services/communications/domain/works_rules.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "services/platform/testing/matchers.h"

namespace helhed::communications {
namespace {

using Areas = google::protobuf::RepeatedPtrField<v1::WorksArea>;

constexpr auto kWaiting = v1::WORKS_HOUSEHOLD_STATE_WAITING;
constexpr auto kTold = v1::WORKS_HOUSEHOLD_STATE_TOLD;
constexpr auto kWithdrawn = v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_WAITING;

v1::NoticePeriod Months(int months) {
  v1::NoticePeriod period;
  period.set_name("noticePeriods/major");
  period.set_months(months);
  return period;
}

Period Days(absl::CivilDay start, absl::CivilDay end) { return {start, end}; }

TEST(WorksRules, MonthsAreCalendarMonthsAndEndWithTheMonth) {
  EXPECT_EQ(AddPeriod(absl::CivilDay(2026, 11, 30), Months(3)), absl::CivilDay(2027, 2, 28));
  EXPECT_EQ(AddPeriod(absl::CivilDay(2027, 11, 30), Months(3)), absl::CivilDay(2028, 2, 29));
  EXPECT_EQ(AddPeriod(absl::CivilDay(2026, 11, 15), Months(3)), absl::CivilDay(2027, 2, 15));
  EXPECT_EQ(AddPeriod(absl::CivilDay(2026, 10, 31), Months(1)), absl::CivilDay(2026, 11, 30));
  v1::NoticePeriod weeks;
  weeks.set_days(42);
  EXPECT_EQ(AddPeriod(absl::CivilDay(2026, 3, 1), weeks), absl::CivilDay(2026, 4, 12));
}

TEST(WorksRules, ALaterDeliveryNeverGivesAnEarlierStart) {
  helhed::testing::ForAllSeeds(2000, [](SeededRandom& random) {
    auto period = Months(static_cast<int>(random.Between(0, 14)));
    period.set_days(static_cast<int>(random.Between(0, 60)));
    auto const day = absl::CivilDay(2020, 1, 1) + random.Between(0, 4000);
    EXPECT_LE(AddPeriod(day, period), AddPeriod(day + 1, period));
    EXPECT_GE(AddPeriod(day, period), day);
  });
}

TEST(WorksRules, ATooEarlyStartIsRefusedWithTheFirstDayThatIsPossible) {
  auto const earliest = absl::CivilDay(2027, 2, 28);
  EXPECT_THAT(CheckStart(earliest, earliest, Months(3)), helhed::testing::IsOk());
  auto const refused = CheckStart(earliest - 1, earliest, Months(3));
  EXPECT_THAT(refused, helhed::testing::StatusIs(absl::StatusCode::kFailedPrecondition, "START_WITHIN_NOTICE_PERIOD"));
  EXPECT_EQ(MetadataOf(refused).at("earliest_start_date"), "2027-02-28");
  EXPECT_EQ(MetadataOf(refused).at("start_date"), "2027-02-27");
  EXPECT_EQ(MetadataOf(refused).at("notice_period"), "noticePeriods/major");
}

TEST(WorksRules, TheSmallestAreaSaysWhenAHouseholdIsTouched) {
  auto const all = Days(absl::CivilDay(2026, 6, 1), absl::CivilDay(2026, 9, 1));
  auto const stairwell = Days(absl::CivilDay(2026, 7, 1), absl::CivilDay(2026, 7, 15));
  auto const dwelling = Days(absl::CivilDay(2026, 8, 1), absl::CivilDay(2026, 8, 2));
  Areas areas;
  areas.Add()->set_department("organisations/9001/departments/001");
  auto& second = *areas.Add();
  second.set_department("organisations/9001/departments/001");
  second.set_stairwell("Remisevej 14");
  *second.mutable_period() = ToProtoRange(stairwell);
  auto& third = *areas.Add();
  third.set_department("organisations/9001/departments/001");
  third.set_dwelling("organisations/9001/dwellings/d3");
  *third.mutable_period() = ToProtoRange(dwelling);
  std::vector<Occupied> const households = {
      {"h4", "organisations/9001/dwellings/d4", "organisations/9001/departments/002", "Remisevej 14"},
      {"h3", "organisations/9001/dwellings/d3", "organisations/9001/departments/001", "Remisevej 14"},
      {"h2", "organisations/9001/dwellings/d2", "organisations/9001/departments/001", "Remisevej 14"},
      {"h1", "organisations/9001/dwellings/d1", "organisations/9001/departments/001", "Remisevej 12"},
  };
  std::vector<Touched> const expected = {{"h1", "organisations/9001/dwellings/d1", all},
                                         {"h2", "organisations/9001/dwellings/d2", stairwell},
                                         {"h3", "organisations/9001/dwellings/d3", dwelling}};
  EXPECT_EQ(HouseholdsTouched(areas, all, households), expected);
}

TEST(WorksRules, AChangeTellsThoseForWhomSomethingChangesAndNobodyElse) {
  auto const june = Days(absl::CivilDay(2026, 6, 1), absl::CivilDay(2026, 7, 1));
  auto const july = Days(absl::CivilDay(2026, 7, 1), absl::CivilDay(2026, 8, 1));
  auto const told = absl::CivilDay(2026, 3, 1);
  std::vector<Told> const before = {
      {{"keeps", "d1", june}, kTold, told, true},
      {{"moves", "d2", june}, kTold, told, true},
      {{"leaves", "d3", june}, kTold, told, true},
      {{"leaves unheard", "d4", june}, kWaiting, std::nullopt, false},
      {{"leaves, and heard of other days", "d5", june}, kWaiting, std::nullopt, true},
      {{"waits", "d6", june}, kWaiting, std::nullopt, false},
      {{"left and heard it", "d7", june}, v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_TOLD, told, true},
  };
  std::vector<Touched> const after = {{"keeps", "d1", june}, {"moves", "d2", july}, {"new", "d8", july}, {"waits", "d6", june}};
  std::vector<Told> const expected = {
      {{"keeps", "d1", june}, kTold, told, true},
      {{"leaves", "d3", june}, kWithdrawn, std::nullopt, true},
      {{"leaves, and heard of other days", "d5", june}, kWithdrawn, std::nullopt, true},
      {{"left and heard it", "d7", june}, v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_TOLD, told, true},
      {{"moves", "d2", july}, kWaiting, std::nullopt, true},
      {{"new", "d8", july}, kWaiting, std::nullopt, false},
      {{"waits", "d6", june}, kWaiting, std::nullopt, false},
  };
  EXPECT_EQ(Reschedule(before, after), expected);
}

TEST(WorksRules, ReschedulingToTheSameTellsNobody) {
  helhed::testing::ForAllSeeds(500, [](SeededRandom& random) {
    std::vector<Told> before;
    std::vector<Touched> after;
    for (int i = 0; i < random.Between(0, 20); ++i) {
      auto const start = absl::CivilDay(2026, 6, 1) + random.Between(0, 3);
      Touched const household{absl::StrCat("h", i), "d", Days(start, start + 10)};
      before.push_back({household, kTold, absl::CivilDay(2026, 3, 1), true});
      after.push_back(household);
    }
    std::sort(before.begin(), before.end(),
              [](Told const& a, Told const& b) { return a.household.household < b.household.household; });
    EXPECT_EQ(Reschedule(before, after), before);
  });
}

TEST(WorksRules, ANoticeNamesEveryFaultAtOnce) {
  v1::WorksNotice notice;
  notice.set_kind(v1::WORKS_KIND_URGENT);
  notice.set_construction_project("plans/a/constructionProjects/1");
  notice.set_phase("plans/a/constructionProjects/2/phases/1");
  *notice.mutable_period() = ToProtoRange(Days(absl::CivilDay(2026, 6, 1), absl::CivilDay(2026, 7, 1)));
  auto& area = *notice.add_areas();
  area.set_department("organisations/9001/departments/001");
  area.set_stairwell("Remisevej 14");
  area.set_dwelling("organisations/9002/dwellings/1");
  *area.mutable_period() = ToProtoRange(Days(absl::CivilDay(2026, 6, 1), absl::CivilDay(2026, 7, 2)));
  std::vector<FieldViolation> violations;
  CheckWorksNotice(notice, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("works_notice.urgent_reason", "works_notice.phase", "works_notice.areas[0].dwelling",
                                             "works_notice.areas[0].dwelling", "works_notice.areas[0].period"));
}

}  // namespace
}  // namespace helhed::communications
