#include "services/activities/domain/seats.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::activities {
namespace {

TEST(Seats, WhoeverWaitsIsServedBeforeWhoeverComes) {
  Seats seats{.capacity = 1};
  EXPECT_EQ(Enter(seats), 0);
  EXPECT_EQ(Enter(seats), 1);
  seats.taken = 0;
  EXPECT_EQ(Enter(seats), 2) << "a free seat is for who waits";
  EXPECT_EQ(ToPromote(seats), 1);
}

TEST(Seats, WithoutACapacityNobodyWaits) {
  Seats seats;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Enter(seats), 0);
  EXPECT_EQ(seats.taken, 100);
}

TEST(Seats, NeverOversoldAndNobodyWaitsBesideAFreeSeat) {
  helhed::testing::ForAllSeeds(500, [](SeededRandom& random) {
    Seats seats{.capacity = random.Between(1, 8)};
    for (int i = 0; i < 200; ++i) {
      auto const act = random.Between(0, 3);
      if (act <= 1) Enter(seats);
      if (act == 2 && seats.taken > 0) --seats.taken;
      if (act == 3) seats.capacity = std::max(seats.taken, random.Between(1, 8));
      for (auto left = ToPromote(seats); left > 0; --left) Promote(seats);
      ASSERT_LE(seats.taken, *seats.capacity);
      ASSERT_TRUE(seats.waiting == 0 || !seats.has_free());
    }
  });
}

}  // namespace
}  // namespace helhed::activities
