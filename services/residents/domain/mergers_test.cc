#include "services/residents/domain/mergers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"
#include "services/residents/domain/days_for_test.h"

namespace helhed::residents {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;
using testing::StatusIs;

std::string D(int number) { return "organisations/9001/departments/00" + std::to_string(number); }
Period From(int year) { return {Day(year), std::nullopt}; }
Period Between(int start, int end) { return {Day(start), Day(end)}; }

Mergers Of(std::vector<Merger> const& mergers) { return Mergers(mergers); }

TEST(Mergers, ResolveFollowsSuccessorsUpToTheDay) {
  auto const mergers = Of({{D(1), D(2), Day(2024)}, {D(2), D(3), Day(2026)}});
  EXPECT_EQ(mergers.Resolve(D(1), Day(2024) - 1), D(1));
  EXPECT_EQ(mergers.Resolve(D(1), Day(2024)), D(2));
  EXPECT_EQ(mergers.Resolve(D(1), Day(2026) - 1), D(2));
  EXPECT_EQ(mergers.Resolve(D(1), Day(2026)), D(3));
  EXPECT_EQ(mergers.Resolve(D(3), Day(2030)), D(3));
  EXPECT_EQ(mergers.Resolve(D(9), Day(2030)), D(9));
}

TEST(Mergers, ALaterRegisteredEarlierMergerCarriesOn) {
  auto const mergers = Of({{D(1), D(2), Day(2026)}, {D(2), D(3), Day(2025)}});
  EXPECT_EQ(mergers.Resolve(D(1), Day(2025)), D(1));
  EXPECT_EQ(mergers.Resolve(D(1), Day(2026)), D(3));
  EXPECT_THAT(mergers.Stays(D(1), Day(2020)), ElementsAre(Stay{D(1), Between(2020, 2026)}, Stay{D(3), From(2026)}));
}

TEST(Mergers, StaysFollowOneAnother) {
  auto const mergers = Of({{D(1), D(2), Day(2024)}, {D(2), D(3), Day(2026)}});
  EXPECT_THAT(mergers.Stays(D(1), Day(2020)),
              ElementsAre(Stay{D(1), Between(2020, 2024)}, Stay{D(2), Between(2024, 2026)}, Stay{D(3), From(2026)}));
  EXPECT_THAT(mergers.Stays(D(1), Day(2024)), ElementsAre(Stay{D(2), Between(2024, 2026)}, Stay{D(3), From(2026)}));
  EXPECT_THAT(mergers.Stays(D(1), Day(2027)), ElementsAre(Stay{D(3), From(2027)}));
}

TEST(Mergers, StayOnADayBeforeTheFirstIsTheFirst) {
  auto const stays = Of({{D(1), D(2), Day(2024)}}).Stays(D(1), Day(2020));
  EXPECT_EQ(StayOn(stays, Day(2010)).department, D(1));
  EXPECT_EQ(StayOn(stays, Day(2023)).department, D(1));
  EXPECT_EQ(StayOn(stays, Day(2024)).department, D(2));
}

TEST(Mergers, RefusesCircles) {
  auto const mergers = Of({{D(1), D(2), Day(2024)}, {D(2), D(3), Day(2026)}});
  std::vector<std::string> const itself = {D(4)};
  EXPECT_THAT(mergers.Check(D(4), itself, Day(2024)), StatusIs(absl::StatusCode::kFailedPrecondition, "MERGER_CIRCULAR"));
  // On whatever dates: before either, between, after.
  for (int year : {2020, 2025, 2030}) {
    std::vector<std::string> const third = {D(3)};
    EXPECT_THAT(mergers.Check(D(1), third, Day(year)), StatusIs(absl::StatusCode::kFailedPrecondition, "MERGER_CIRCULAR"));
    EXPECT_THAT(mergers.Check(D(2), third, Day(year)), StatusIs(absl::StatusCode::kFailedPrecondition, "MERGER_CIRCULAR"));
  }
}

TEST(Mergers, RefusesOtherOrganisationsFirst) {
  std::vector<std::string> const foreign = {D(1), "organisations/9002/departments/001"};
  auto const status = Of({}).Check(D(1), foreign, Day(2024));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "MERGER_ACROSS_ORGANISATIONS"));
  EXPECT_EQ(MetadataOf(status)["department"], foreign[1]);
}

TEST(Mergers, RefusesWhatIsMergedAlready) {
  auto const mergers = Of({{D(1), D(2), Day(2024)}});
  std::vector<std::string> const first = {D(1)};
  for (int year : {2020, 2024, 2030}) {
    auto const status = mergers.Check(D(3), first, Day(year));
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "DEPARTMENT_MERGED"));
    EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{"department", D(1)}, {"successor", D(2)}, {"merge_date", "2024-01-01"}}));
  }
  std::vector<std::string> const third = {D(3)};
  EXPECT_THAT(mergers.Check(D(1), third, Day(2023)), IsOk());
  // On the day itself three become one, in whatever order they are registered.
  EXPECT_THAT(mergers.Check(D(1), third, Day(2024)), IsOk());
  EXPECT_THAT(mergers.Check(D(1), third, Day(2024) + 1), StatusIs(absl::StatusCode::kFailedPrecondition, "DEPARTMENT_MERGED"));
}

// Whatever is registered in whatever order: following ends, stays cover every day from the start without gap or overlap, and
// agree with resolving that day.
TEST(Mergers, StaysAgreeWithResolveOnEveryDay) {
  testing::ForAllSeeds(500, [](SeededRandom& random) {
    std::vector<Merger> registered;
    for (int i = 0; i < 12; ++i) {
      auto const successor = D(static_cast<int>(random.Between(1, 7)));
      std::vector<std::string> const predecessors = {D(static_cast<int>(random.Between(1, 7)))};
      auto const date = Day(2020) + random.Between(0, 20);
      if (Of(registered).Check(successor, predecessors, date).ok()) registered.push_back({predecessors[0], successor, date});
    }
    auto const mergers = Of(registered);
    for (int department = 1; department <= 7; ++department) {
      auto const from = Day(2020) + random.Between(-2, 22);
      auto const stays = mergers.Stays(D(department), from);
      EXPECT_EQ(stays.front().period.start, from);
      EXPECT_EQ(stays.back().period.end, std::nullopt);
      for (std::size_t i = 1; i < stays.size(); ++i) EXPECT_EQ(stays[i - 1].period.end, stays[i].period.start);
      for (auto const& stay : stays) EXPECT_TRUE(!stay.period.end || stay.period.start < *stay.period.end);
      for (int day = 0; day < 30; ++day) {
        EXPECT_EQ(StayOn(stays, from + day).department, mergers.Resolve(D(department), from + day));
      }
    }
  });
}

}  // namespace
}  // namespace helhed::residents
