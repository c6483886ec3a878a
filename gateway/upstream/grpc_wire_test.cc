#include "gateway/upstream/grpc_wire.h"

#include <gmock/gmock.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "gateway/upstream/breaker.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::upstream {
namespace {

using ::testing::ElementsAreArray;
using testing::IsOk;
using testing::StatusCodeIs;

TEST(Framing, MessagesComeOutAsTheyWentInHoweverTheBytesAreCut) {
  testing::ForAllSeeds(300, [](SeededRandom& random) {
    std::vector<std::string> messages;
    std::string bytes;
    for (auto count = random.Between(0, 6); count > 0; --count) {
      messages.emplace_back(static_cast<std::size_t>(random.Between(0, 600)), static_cast<char>(random.Between(0, 255)));
      bytes += Framed(messages.back());
    }
    Deframer deframer(600);
    std::vector<std::string> taken;
    for (std::string_view left = bytes; !left.empty();) {
      auto const part = left.substr(0, static_cast<std::size_t>(random.Between(1, 40)));
      left.remove_prefix(part.size());
      ASSERT_THAT(deframer.Feed(part,
                                [&](std::string message) {
                                  taken.push_back(std::move(message));
                                  return true;
                                }),
                  IsOk());
      EXPECT_EQ(deframer.at_rest(), left.empty() || deframer.at_rest());
    }
    EXPECT_THAT(taken, ElementsAreArray(messages));
    EXPECT_TRUE(deframer.at_rest());
    EXPECT_EQ(deframer.prefix_bytes(), messages.size() * kPrefixBytes);
  });
}

TEST(Framing, RefusesWhatIsTooLongBeforeItHasCome) {
  Deframer deframer(10);
  auto const take = [](std::string const&) { return true; };
  EXPECT_THAT(deframer.Feed(Framed(std::string(11, 'x')).substr(0, kPrefixBytes), take),
              StatusCodeIs(absl::StatusCode::kResourceExhausted));
  Deframer other(10);
  EXPECT_THAT(other.Feed(std::string("\x01\0\0\0\x01x", 6), take), StatusCodeIs(absl::StatusCode::kUnimplemented));
}

TEST(Metadata, PercentEncodingReturnsWhatWentIn) {
  EXPECT_EQ(PercentEncode("50 % af prøven\n"), "50 %25 af pr%C3%B8ven%0A");
  EXPECT_EQ(PercentDecode("100%"), "100%");
  EXPECT_EQ(PercentDecode("%zz%4"), "%zz%4");
  testing::ForAllSeeds(200, [](SeededRandom& random) {
    std::string text;
    for (auto count = random.Between(0, 40); count > 0; --count) text.push_back(static_cast<char>(random.Between(0, 255)));
    EXPECT_EQ(PercentDecode(PercentEncode(text)), text);
    EXPECT_EQ(FromBinary(ToBinary(text)), text);
  });
}

TEST(Metadata, TimeoutsAreEightDigitsAndAUnit) {
  EXPECT_EQ(ToTimeout(absl::Milliseconds(1500)), "1500000u");
  EXPECT_EQ(ToTimeout(absl::Hours(1)), "3600000m");
  EXPECT_EQ(ToTimeout(absl::ZeroDuration()), "0u");
  EXPECT_EQ(ToTimeout(-absl::Seconds(1)), "0u");
  EXPECT_EQ(FromTimeout("250m"), absl::Milliseconds(250));
  EXPECT_EQ(FromTimeout("99999999H"), absl::Hours(99'999'999));
  for (auto const* const bad : {"", "5", "m", "-1m", "123456789m", "1x", " 1m", "1.5S"}) {
    EXPECT_EQ(FromTimeout(bad), std::nullopt) << bad;
  }
  testing::ForAllSeeds(200, [](SeededRandom& random) {
    auto const time = absl::Microseconds(random.Between(0, std::int64_t{1} << 50));
    auto const back = FromTimeout(ToTimeout(time));
    ASSERT_TRUE(back.has_value());
    // Never longer than asked, and not shorter by more than a unit of its size.
    EXPECT_LE(*back, time);
    EXPECT_GE(*back, time - std::max(time / 1000, absl::Microseconds(1)));
  });
}

TEST(Status, DetailsGoBeforeTheMessageWhereTheCodesAgree) {
  auto const error = helhed::Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_CONFLICT, "full text");
  auto const details = ToProto(error).SerializeAsString();
  EXPECT_THAT(StatusOf("10", "short", details), testing::StatusIs(absl::StatusCode::kAborted, "CONFLICT"));
  EXPECT_EQ(StatusOf("5", "pr%C3%B8v", details).message(), "prøv");
  EXPECT_THAT(StatusOf("0", "", ""), IsOk());
  EXPECT_THAT(StatusOf("17", "", ""), StatusCodeIs(absl::StatusCode::kUnknown));
  EXPECT_THAT(StatusOf("", "", ""), StatusCodeIs(absl::StatusCode::kUnknown));
}

TEST(Breaker, OpensTriesOneAndClosesOrOpensForLonger) {
  SeededRandom random(1);
  Breaker breaker({.failures_max = 3, .open_first = absl::Seconds(1), .open_max = absl::Seconds(4)}, random);
  auto now = absl::FromUnixSeconds(1'000'000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(breaker.Admit(now));
    breaker.Failed(now);
  }
  EXPECT_FALSE(breaker.Admit(now));
  EXPECT_GE(breaker.left(now), absl::Milliseconds(500));
  EXPECT_LE(breaker.left(now), absl::Seconds(1));
  now += absl::Seconds(1);
  EXPECT_TRUE(breaker.Admit(now));
  EXPECT_FALSE(breaker.Admit(now)) << "one at a time";
  breaker.Failed(now);
  EXPECT_GE(breaker.left(now), absl::Seconds(1)) << "twice as long";
  now += absl::Seconds(2);
  EXPECT_TRUE(breaker.Admit(now));
  breaker.GaveUp();
  EXPECT_TRUE(breaker.Admit(now));
  breaker.Succeeded();
  EXPECT_TRUE(breaker.closed());
  EXPECT_TRUE(breaker.Admit(now));
}

TEST(Breaker, CallsThatWereUnderWayDoNotOpenItForLonger) {
  SeededRandom random(2);
  Breaker breaker({.failures_max = 1, .open_first = absl::Seconds(1), .open_max = absl::Hours(1)}, random);
  auto const now = absl::FromUnixSeconds(1'000'000);
  for (int i = 0; i < 50; ++i) breaker.Failed(now);
  EXPECT_LE(breaker.left(now), absl::Seconds(1));
}

TEST(RetryBudget, IsATenthOfTheCalls) {
  RetryBudget budget;
  int taken = 0;
  while (budget.Take()) ++taken;
  EXPECT_EQ(taken, 20);
  for (int i = 0; i < 101; ++i) budget.OnCall();
  taken = 0;
  while (budget.Take()) ++taken;
  EXPECT_EQ(taken, 10);
}

TEST(Backoff, DoublesWithJitterUpToItsMost) {
  testing::ForAllSeeds(100, [](SeededRandom& random) {
    auto const attempt = static_cast<int>(random.Between(1, 60));
    auto const wait = Backoff(attempt, absl::Milliseconds(50), absl::Seconds(2), random);
    auto const full = attempt > 6 ? absl::Seconds(2) : std::min(absl::Milliseconds(50) * (1 << (attempt - 1)), absl::Seconds(2));
    EXPECT_GE(wait, full / 2);
    EXPECT_LE(wait, full);
  });
}

}  // namespace
}  // namespace helhed::gateway::upstream
