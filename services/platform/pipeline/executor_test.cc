#include "services/platform/pipeline/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>

namespace helhed {
namespace {

TEST(Executor, RunsEverythingItTookBeforeItEnds) {
  std::atomic<int> ran{0};
  int taken = 0;
  {
    Executor executor(3, 1000);
    for (int i = 0; i < 500; ++i) taken += executor.Submit([&] { ++ran; }) ? 1 : 0;
  }
  EXPECT_EQ(taken, 500);
  EXPECT_EQ(ran.load(), taken);
}

TEST(Executor, RefusesWhatDoesNotFitAndTakesItAgainLater) {
  std::latch started(1);
  std::latch go(1);
  std::latch second(1);
  Executor executor(1, 1);
  ASSERT_TRUE(executor.Submit([&] {
    started.count_down();
    go.wait();
  }));
  started.wait();
  EXPECT_TRUE(executor.Submit([&] { second.count_down(); }));
  EXPECT_EQ(executor.queued(), 1U);
  EXPECT_FALSE(executor.Submit([] { FAIL() << "was not taken"; }));
  go.count_down();
  second.wait();
  std::latch third(1);
  EXPECT_TRUE(executor.Submit([&] { third.count_down(); }));
  third.wait();
}

TEST(Executor, LetsGoOfATaskWhenItIsDone) {
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> const watched = held;
  {
    Executor executor(1, 1);
    ASSERT_TRUE(executor.Submit([moved = std::move(held)] {}));
  }
  EXPECT_TRUE(watched.expired());
}

TEST(Executor, TakesTasksFromTasksAndFromManyThreads) {
  std::atomic<int> ran{0};
  {
    Executor executor(2, 10'000);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 200; ++n) {
          EXPECT_TRUE(executor.Submit([&] {
            ++ran;
            EXPECT_TRUE(executor.Submit([&] { ++ran; }));
          }));
        }
      });
    }
    for (auto& thread : threads) thread.join();
    // The executor refuses tasks once it ends, so let those of the first kind come to theirs.
    std::latch last(2);
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(executor.Submit([&] { last.arrive_and_wait(); }));
    last.wait();
  }
  EXPECT_EQ(ran.load(), 1600);
}

}  // namespace
}  // namespace helhed
