#include "gateway/http/pace.h"

#include <gtest/gtest.h>

#include "gateway/http/byte_queue.h"

namespace helhed::gateway::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Pace::Rule kRule{.pause = seconds(30), .rate = 240, .grace = seconds(10)};

TEST(Pace, APauseIsTooLong) {
  TimePoint const start{};
  Pace pace;
  EXPECT_FALSE(pace.TooSlow(start + seconds(100), kRule)) << "nothing is to move";
  pace.Start(start);
  pace.Moved(start + seconds(5), 1'000'000);
  EXPECT_FALSE(pace.TooSlow(start + seconds(9), kRule));
  EXPECT_FALSE(pace.TooSlow(start + seconds(12), kRule));
  EXPECT_TRUE(pace.TooSlow(start + seconds(35), kRule));
  pace.Stop();
  EXPECT_FALSE(pace.TooSlow(start + seconds(1000), kRule));
}

TEST(Pace, AByteNowAndThenIsNotEnough) {
  TimePoint const start{};
  for (std::uint64_t const rate : {200U, 300U}) {
    Pace pace;
    pace.Start(start);
    bool slow = false;
    for (int second = 1; second <= 60; ++second) {
      pace.Moved(start + seconds(second), rate);
      slow = slow || pace.TooSlow(start + seconds(second), kRule);
    }
    EXPECT_EQ(slow, rate < 240) << rate;
  }
}

TEST(Pace, IsMeasuredAnewOverEachGrace) {
  TimePoint const start{};
  Pace pace;
  pace.Start(start);
  pace.Moved(start + seconds(1), 1'000'000);
  EXPECT_FALSE(pace.TooSlow(start + seconds(10), kRule));
  pace.Moved(start + seconds(15), 10);
  EXPECT_TRUE(pace.TooSlow(start + seconds(20), kRule)) << "what moved earlier does not count for ever";
}

TEST(TokenBucket, SoManyAtOnceAndSoManyASecond) {
  TimePoint const start{};
  TokenBucket bucket(3, 2, start);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(start));
  EXPECT_FALSE(bucket.Take(start));
  EXPECT_FALSE(bucket.Take(start + milliseconds(400)));
  EXPECT_TRUE(bucket.Take(start + seconds(2)));
  bucket.Earn(100);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(start + seconds(2)));
  EXPECT_FALSE(bucket.Take(start + seconds(2))) << "never more than the burst";
}

TEST(ByteQueue, GivesWhatItGot) {
  ByteQueue queue;
  std::string put;
  std::string taken;
  for (std::size_t i = 0; i < 50; ++i) {
    std::string const part(i * 7 % 23, static_cast<char>('a' + i % 26));
    put += part;
    queue.Put(part);
    std::string out(i % 13, '\0');
    out.resize(queue.Take(out.data(), out.size()));
    taken += out;
    EXPECT_EQ(queue.size(), put.size() - taken.size());
  }
  std::string rest(queue.size() + 5, '\0');
  rest.resize(queue.Take(rest.data(), rest.size()));
  EXPECT_EQ(taken + rest, put);
}

}  // namespace
}  // namespace helhed::gateway::http
