#include "services/residents/domain/occupation.h"

#include <gtest/gtest.h>

#include <vector>

#include "services/platform/testing/matchers.h"
#include "services/residents/domain/days_for_test.h"

namespace helhed::residents {
namespace {

using testing::IsOk;
using testing::StatusIs;

std::string const kDwelling = "organisations/9001/dwellings/a";

Period From(int year) { return {Day(year), std::nullopt}; }
Period Between(int start, int end) { return {Day(start), Day(end)}; }

TEST(Occupation, OneHouseholdAtATime) {
  std::vector<Occupation> const others = {{"h1", Between(2020, 2022)}};
  EXPECT_THAT(CheckOccupation({"h2", From(2022)}, kDwelling, From(2020), others), IsOk());
  auto const status = CheckOccupation({"h2", {Day(2022) - 1, std::nullopt}}, kDwelling, From(2020), others);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_EQ(MetadataOf(status)["other"], "h1");
  EXPECT_THAT(CheckOccupation({"h1", From(2021)}, kDwelling, From(2020), others), IsOk());
}

TEST(Occupation, LiesWithinTheLetting) {
  EXPECT_THAT(CheckOccupation({"h", Between(2020, 2022)}, kDwelling, Between(2020, 2022), {}), IsOk());
  EXPECT_THAT(CheckOccupation({"h", {Day(2020) - 1, Day(2022)}}, kDwelling, Between(2020, 2022), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "DWELLING_NOT_LET"));
  auto const status = CheckOccupation({"h", From(2020)}, kDwelling, Between(2020, 2022), {});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "DWELLING_NOT_LET"));
  EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{"dwelling", kDwelling}, {"period", "2020-01-01/2022-01-01"}}));
}

TEST(Letting, IsNotShortenedBelowItsHouseholds) {
  std::vector<Occupation> const occupations = {{"h1", Between(2020, 2022)}, {"h2", From(2022)}};
  EXPECT_THAT(CheckLetting(kDwelling, From(2020), occupations), IsOk());
  EXPECT_THAT(CheckLetting(kDwelling, From(2021), occupations),
              StatusIs(absl::StatusCode::kFailedPrecondition, "DWELLING_NOT_LET"));
  EXPECT_THAT(CheckLetting(kDwelling, Between(2020, 2030), occupations),
              StatusIs(absl::StatusCode::kFailedPrecondition, "DWELLING_NOT_LET"));
  EXPECT_THAT(CheckLetting(kDwelling, Between(2025, 2026), {}), IsOk());
}

}  // namespace
}  // namespace helhed::residents
