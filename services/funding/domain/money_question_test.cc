#include "services/funding/domain/money_question.h"

#include <gtest/gtest.h>

namespace helhed::funding {
namespace {

TEST(MoneyDueOn, IsWhenWhatItPaysForBegins) {
  MoneyQuestion question;
  question.period = {absl::CivilDay(2022, 1, 1), absl::CivilDay(2026, 1, 1)};
  EXPECT_EQ(MoneyDueOn(question), absl::CivilDay(2022, 1, 1));
  question.extension = "e1";
  EXPECT_EQ(MoneyDueOn(question), absl::CivilDay(2026, 1, 1)) << "where the plan ends now";
  question.period.end.reset();
  EXPECT_EQ(MoneyDueOn(question), absl::CivilDay(2022, 1, 1));
}

}  // namespace
}  // namespace helhed::funding
