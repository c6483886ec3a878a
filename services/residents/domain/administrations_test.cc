#include "services/residents/domain/administrations.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "services/platform/testing/matchers.h"
#include "services/residents/domain/days_for_test.h"

namespace helhed::residents {
namespace {

using testing::IsOk;
using testing::StatusIs;

Relation R(std::string const& name, std::string const& organisation, std::string const& administrator, int start,
           std::optional<int> end = std::nullopt) {
  return {name, organisation, administrator, {Day(start), end ? std::optional(Day(*end)) : std::nullopt}};
}

TEST(Administration, OneAtATime) {
  std::vector<Relation> const others = {R("a", "1", "9", 2020, 2024)};
  EXPECT_THAT(CheckAdministration(R("b", "1", "8", 2024), others), IsOk());
  EXPECT_THAT(CheckAdministration(R("b", "1", "8", 2019, 2020), others), IsOk());
  EXPECT_THAT(CheckAdministration(R("b", "1", "8", 2023), others),
              StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(CheckAdministration(R("b", "2", "9", 2023), others), IsOk());
  // Its own former period is not another one.
  EXPECT_THAT(CheckAdministration(R("a", "1", "9", 2021), others), IsOk());
}

TEST(Administration, NobodyAdministersForItself) {
  EXPECT_THAT(CheckAdministration(R("a", "1", "1", 2020), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "ADMINISTRATION_CIRCULAR"));
}

TEST(Administration, NoCircleOnASharedDay) {
  std::vector<Relation> const others = {R("a", "2", "3", 2020, 2024), R("b", "3", "1", 2022, 2026)};
  EXPECT_THAT(CheckAdministration(R("c", "1", "2", 2023), others),
              StatusIs(absl::StatusCode::kFailedPrecondition, "ADMINISTRATION_CIRCULAR"));
  // 2 is administered by 3 until 2024, 3 by 1 from 2022: before and after there is no circle.
  EXPECT_THAT(CheckAdministration(R("c", "1", "2", 2024), others), IsOk());
  EXPECT_THAT(CheckAdministration(R("c", "1", "2", 2018, 2022), others), IsOk());
}

// Against the definition, day by day: follow administrators from every organisation and see whether one comes back.
TEST(Administration, AgreesWithFollowingDayByDay) {
  testing::ForAllSeeds(400, [](SeededRandom& random) {
    std::vector<Relation> accepted;
    auto const day = [&] { return Day(2020) + random.Between(0, 12); };
    for (int i = 0; i < 12; ++i) {
      Relation candidate{
          std::to_string(i), std::to_string(random.Between(1, 5)), std::to_string(random.Between(1, 5)), {day(), {}}};
      if (random.Between(0, 2) > 0) candidate.period.end = candidate.period.start + random.Between(1, 6);
      bool wrong = false;
      for (int d = -1; d < 24 && !wrong; ++d) {
        auto const today = Day(2020) + d;
        if (!candidate.period.Contains(today)) continue;
        std::string at = candidate.administrator;
        std::set<std::string> seen;
        while (at != candidate.organisation && seen.insert(at).second) {
          for (auto const& other : accepted) {
            if (other.organisation == at && other.period.Contains(today)) {
              at = other.administrator;
              break;
            }
          }
        }
        wrong = at == candidate.organisation;
        for (auto const& other : accepted) {
          wrong = wrong || (other.organisation == candidate.organisation && other.period.Contains(today));
        }
      }
      auto const status = CheckAdministration(candidate, accepted);
      EXPECT_EQ(status.ok(), !wrong) << status;
      if (status.ok()) accepted.push_back(candidate);
    }
  });
}

}  // namespace
}  // namespace helhed::residents
