#include "services/platform/storage/pool.h"

#include <absl/time/clock.h>

#include <optional>
#include <thread>

#include "services/platform/testing/matchers.h"

namespace helhed::storage {
namespace {

using helhed::testing::IsOk;

struct Connection {};
using Leases = Pool<Connection>;

// What comes now and does not want to wait.
Limits AtOnce() { return {.deadline = absl::InfinitePast(), .stop = {}}; }

class PoolTest : public ::testing::Test {
 protected:
  PoolTest() { pool_.Add(std::make_unique<Connection>()); }
  void AwaitWaiting(std::size_t count) const {
    while (pool_.waiting() != count) std::this_thread::yield();
  }

  Leases pool_;
};

TEST_F(PoolTest, GivesOutWhatItHasAndTakesItBack) {
  std::optional<Leases::Lease> held = *pool_.Take({});
  EXPECT_EQ(pool_.Take(AtOnce()).status().code(), absl::StatusCode::kDeadlineExceeded);
  held.reset();
  EXPECT_THAT(pool_.Take(AtOnce()), IsOk());
}

TEST_F(PoolTest, WhoWaitsComesBeforeWhoHasJustCome) {
  std::optional<Leases::Lease> held = *pool_.Take({});
  std::stop_source done;
  std::jthread const patient([&] {
    auto const lease = pool_.Take({});
    EXPECT_THAT(lease, IsOk());
    // Holds it until the other has tried.
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    never.wait(lock, done.get_token(), [] { return false; });
  });
  AwaitWaiting(1);
  held.reset();
  EXPECT_EQ(pool_.Take(AtOnce()).status().code(), absl::StatusCode::kDeadlineExceeded);
  done.request_stop();
}

TEST_F(PoolTest, WhoGivesUpIsPassedOver) {
  std::optional<Leases::Lease> held = *pool_.Take({});
  std::stop_source stop;
  std::jthread impatient([&] {
    EXPECT_EQ(pool_.Take({.deadline = absl::InfiniteFuture(), .stop = stop.get_token()}).status().code(),
              absl::StatusCode::kCancelled);
  });
  AwaitWaiting(1);
  std::jthread patient([&] { EXPECT_THAT(pool_.Take({}), IsOk()); });
  AwaitWaiting(2);
  stop.request_stop();
  impatient.join();
  EXPECT_EQ(pool_.waiting(), 1U);
  held.reset();
  patient.join();
  EXPECT_THAT(pool_.Take(AtOnce()), IsOk());
}

}  // namespace
}  // namespace helhed::storage
