#include "services/funding/domain/apportion.h"

#include <absl/numeric/int128.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::ElementsAre;

std::vector<Weight> RandomWeights(SeededRandom& random, std::int64_t most) {
  std::vector<Weight> weights;
  auto const count = random.Between(1, 40);
  for (std::int64_t i = 0; i < count; ++i) {
    // Keys in no order, weights that often meet.
    weights.push_back({absl::StrCat("organisations/9001/departments/", 100 + (i * 37) % 41), random.Between(0, most)});
  }
  weights.front().weight = std::max<std::int64_t>(weights.front().weight, 1);
  return weights;
}

Ore SumOf(Split const& split) {
  Ore sum = 0;
  for (auto const& part : split.parts) sum += part.amount;
  return sum;
}

TEST(Apportion, PartsSumToTheTotalAndEqualWeightsDifferByAtMostOneOre) {
  ForAllSeeds(2000, [](SeededRandom& random) {
    auto const weights = RandomWeights(random, random.Between(1, 6));
    auto const total = random.Between(0, 40'000'000'00);
    auto const split = Apportion(total, weights);
    ASSERT_THAT(split, IsOk());
    EXPECT_EQ(SumOf(*split), total);
    EXPECT_EQ(split->floors + split->residual_units, total);
    EXPECT_LT(split->residual_units, static_cast<std::int64_t>(weights.size()));
    for (auto const& a : split->parts) {
      for (auto const& b : split->parts) {
        if (a.weight == b.weight) {
          EXPECT_LE(std::abs(a.amount - b.amount), 1);
        }
        if (a.weight >= b.weight) {
          EXPECT_GE(a.amount, b.amount - (a.weight == b.weight ? 1 : 0));
        }
      }
    }
  });
}

// Every part is its exact share rounded down or up, whoever is smallest is not served before one with a larger remainder.
TEST(Apportion, PartsAreTheirExactShareRoundedAndThePartsProveIt) {
  ForAllSeeds(1000, [](SeededRandom& random) {
    auto const weights = RandomWeights(random, 1'000'000'000);
    auto const total = random.Between(0, kAmountMax);
    auto const split = Apportion(total, weights);
    ASSERT_THAT(split, IsOk());
    EXPECT_EQ(SumOf(*split), total);
    for (auto const& part : split->parts) {
      auto const exact = absl::int128(total) * part.weight;
      EXPECT_EQ(absl::int128(part.amount - (part.got_residual ? 1 : 0)) * split->weights + part.remainder, exact);
      EXPECT_LT(part.remainder, split->weights);
      if (part.remainder > split->least_remainder_served && split->residual_units > 0) {
        EXPECT_TRUE(part.got_residual);
      }
      if (part.got_residual) {
        EXPECT_GE(part.remainder, split->least_remainder_served);
      }
      if (part.weight == 0) {
        EXPECT_EQ(part.amount, 0);
      }
    }
  });
}

TEST(Apportion, TheOrderOfTheWeightsDoesNotMatter) {
  ForAllSeeds(500, [](SeededRandom& random) {
    auto weights = RandomWeights(random, 3);
    auto const total = random.Between(0, 10'000);
    auto const first = Apportion(total, weights);
    for (std::size_t i = weights.size(); i > 1; --i) {
      std::swap(weights[i - 1], weights[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(i) - 1))]);
    }
    auto const second = Apportion(total, weights);
    ASSERT_THAT(first, IsOk());
    ASSERT_THAT(second, IsOk());
    for (std::size_t i = 0; i < first->parts.size(); ++i) {
      EXPECT_EQ(first->parts[i].key, second->parts[i].key);
      EXPECT_EQ(first->parts[i].amount, second->parts[i].amount);
    }
  });
}

TEST(Apportion, AmongEqualRemaindersTheLowerLbfNumberComesFirst) {
  std::vector<Weight> const weights = {{"c", 1}, {"a", 1}, {"b", 1}};
  auto const split = Apportion(200, weights);
  ASSERT_THAT(split, IsOk());
  std::vector<Ore> amounts;
  for (auto const& part : split->parts) amounts.push_back(part.amount);
  EXPECT_THAT(amounts, ElementsAre(67, 67, 66));
  EXPECT_EQ(split->residual_units, 2);
}

TEST(Apportion, RefusesWhatCannotBeSplit) {
  auto const refused = [](Ore total, std::vector<Weight> const& weights) {
    EXPECT_THAT(Apportion(total, weights), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  };
  refused(100, {});
  refused(100, {{"a", 0}, {"b", 0}});
  refused(100, {{"a", 1}, {"a", 2}});
  refused(100, {{"a", -1}, {"b", 2}});
  refused(-1, {{"a", 1}});
  refused(1, {{"a", std::numeric_limits<std::int64_t>::max()}, {"b", 1}});
}

}  // namespace
}  // namespace helhed::funding
