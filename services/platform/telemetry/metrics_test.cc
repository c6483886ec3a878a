#include "services/platform/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace helhed::telemetry {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, TheSameNameAndLabelsAreTheSameInstrument) {
  Metrics metrics;
  metrics.CounterOf("helhed_calls_total", "Calls.", {{"method", "A"}}).Increment();
  metrics.CounterOf("helhed_calls_total", "Calls.", {{"method", "A"}}).Increment(2);
  metrics.CounterOf("helhed_calls_total", "Calls.", {{"method", "B"}}).Increment();
  auto const text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("# TYPE helhed_calls_total counter"));
  EXPECT_THAT(text, HasSubstr("helhed_calls_total{method=\"A\"} 3"));
  EXPECT_THAT(text, HasSubstr("helhed_calls_total{method=\"B\"} 1"));
}

TEST(Metrics, SetsGaugesWhenItIsAsked) {
  Metrics metrics;
  auto gauge = metrics.GaugeOf("helhed_queue", "Waiting.");
  double waiting = 7;
  metrics.OnCollect([&]() mutable { gauge.Set(waiting); });
  EXPECT_THAT(metrics.Expose(), HasSubstr("helhed_queue 7"));
  waiting = 3;
  EXPECT_THAT(metrics.Expose(), HasSubstr("helhed_queue 3"));
}

TEST(Metrics, HasBucketsFromAHundredMicrosecondsToTenSeconds) {
  Metrics metrics;
  metrics.HistogramOf("helhed_duration_seconds", "Duration.").Observe(0.0002);
  auto const text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("helhed_duration_seconds_bucket{le=\"0.0001\"} 0"));
  EXPECT_THAT(text, HasSubstr("helhed_duration_seconds_bucket{le=\"0.00025\"} 1"));
  EXPECT_THAT(text, HasSubstr("helhed_duration_seconds_bucket{le=\"10\"} 1"));
  EXPECT_THAT(text, HasSubstr("helhed_duration_seconds_count 1"));
}

TEST(Metrics, CountsFromManyThreadsWhileItIsRead) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      auto counter = metrics.CounterOf("helhed_calls_total", "Calls.", {{"method", "A"}});
      for (int n = 0; n < 1000; ++n) counter.Increment();
    });
  }
  for (int i = 0; i < 10; ++i) metrics.Expose();
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(metrics.Expose(), HasSubstr("helhed_calls_total{method=\"A\"} 4000"));
}

}  // namespace
}  // namespace helhed::telemetry
