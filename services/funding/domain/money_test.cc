#include "services/funding/domain/money.h"

#include <gmock/gmock.h>

#include <limits>

#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Ore kMost = std::numeric_limits<Ore>::max();
constexpr Ore kLeast = std::numeric_limits<Ore>::min();

std::vector<std::string> Fields(common::v1::Money const& money, Sign sign) {
  std::vector<FieldViolation> violations;
  CheckAmount(money, "amount", sign, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  return fields;
}

TEST(Money, SumsOverflowIntoAnErrorAndNotIntoAWrongAmount) {
  std::vector<Ore> const fine = {kMost, -1, kLeast + 1};
  ASSERT_THAT(Sum(fine), IsOk());
  EXPECT_EQ(*Sum(fine), -1);
  EXPECT_THAT(Add(kMost, 1), StatusIs(absl::StatusCode::kOutOfRange, "AMOUNT_OVERFLOW"));
  EXPECT_THAT(Add(kLeast, -1), StatusIs(absl::StatusCode::kOutOfRange, "AMOUNT_OVERFLOW"));
}

TEST(Money, AmountsThatCannotBeAreNamed) {
  EXPECT_THAT(Fields(ToMoney(1), Sign::kPositive), IsEmpty());
  EXPECT_THAT(Fields(ToMoney(0), Sign::kNotNegative), IsEmpty());
  EXPECT_THAT(Fields(ToMoney(-1), Sign::kNotZero), IsEmpty());
  EXPECT_THAT(Fields(ToMoney(0), Sign::kPositive), ElementsAre("amount.minor_units"));
  EXPECT_THAT(Fields(ToMoney(-1), Sign::kNotNegative), ElementsAre("amount.minor_units"));
  EXPECT_THAT(Fields(ToMoney(kAmountMax + 1), Sign::kPositive), ElementsAre("amount.minor_units"));
  auto other = ToMoney(-1);
  other.set_currency_code("SEK");
  EXPECT_THAT(Fields(other, Sign::kPositive), ElementsAre("amount.currency_code", "amount.minor_units"));
}

TEST(Money, IsWrittenInKronerExactly) {
  EXPECT_EQ(ToKroner(0), "0.00");
  EXPECT_EQ(ToKroner(5), "0.05");
  EXPECT_EQ(ToKroner(-5), "-0.05");
  EXPECT_EQ(ToKroner(310'000'000'000), "3100000000.00");
  EXPECT_EQ(ToKroner(kLeast), "-92233720368547758.08");
}

}  // namespace
}  // namespace helhed::funding
