#include "services/platform/server/jobs.h"

#include <gmock/gmock.h>

#include <semaphore>

#include "services/platform/base/status.h"
#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

TEST(Jobs, RunUntilThereIsNoMore) {
  int left = 3;
  Job const job{"count", absl::Hours(1), [&](storage::Limits const&) -> absl::StatusOr<bool> { return --left > 0; }};
  EXPECT_THAT(Jobs::RunToEnd(job, {}), helhed::testing::IsOk());
  EXPECT_EQ(left, 0);
}

TEST(Jobs, AreRunAtStartAndAnErrorIsLoggedAndCounted) {
  std::binary_semaphore ran{0};
  std::vector<Job> const jobs = {{"fails", absl::Hours(1), [](storage::Limits const&) { return absl::InternalError("no"); }},
                                 {"works", absl::Hours(1), [&](storage::Limits const&) -> absl::StatusOr<bool> {
                                    ran.release();
                                    return false;
                                  }}};
  FakeClock const clock(absl::FromUnixSeconds(1'000'000));
  telemetry::Log log({.service = "test", .minimum = telemetry::Severity::kError, .destination = "-"});
  telemetry::Metrics metrics;
  {
    Jobs const running("test", jobs, clock, log, metrics);
    ran.acquire();
  }
  EXPECT_THAT(metrics.Expose(), ::testing::HasSubstr("helhed_job_errors_total{job=\"fails\",service=\"test\"} 1"));
}

TEST(Jobs, OneThatHasMuchToDoKeepsNobodyWaiting) {
  std::binary_semaphore ran{0};
  std::vector<Job> const jobs = {{"endless", absl::Hours(1), [](storage::Limits const&) -> absl::StatusOr<bool> { return true; }},
                                 {"short", absl::Hours(1), [&](storage::Limits const&) -> absl::StatusOr<bool> {
                                    ran.release();
                                    return false;
                                  }}};
  FakeClock const clock(absl::FromUnixSeconds(1'000'000));
  telemetry::Log log({.service = "test", .minimum = telemetry::Severity::kError, .destination = "-"});
  telemetry::Metrics metrics;
  Jobs const running("test", jobs, clock, log, metrics);
  ran.acquire();
}

// In the suite every service has a job of this name.
TEST(Jobs, AreCountedByTheirService) {
  std::binary_semaphore ran{0};
  std::vector<Job> const jobs = {{"same", absl::Hours(1), [](storage::Limits const&) { return absl::InternalError("no"); }}};
  std::vector<Job> const last = {{"last", absl::Hours(1), [&](storage::Limits const&) -> absl::StatusOr<bool> {
                                    ran.release();
                                    return false;
                                  }}};
  FakeClock const clock(absl::FromUnixSeconds(1'000'000));
  telemetry::Log log({.service = "test", .minimum = telemetry::Severity::kError, .destination = "-"});
  telemetry::Metrics metrics;
  for (auto const* const service : {"residents", "funding"}) {
    std::vector<Job> const both = {jobs[0], last[0]};
    Jobs const running(service, both, clock, log, metrics);
    ran.acquire();
  }
  auto const text = metrics.Expose();
  EXPECT_THAT(text, ::testing::HasSubstr("helhed_job_errors_total{job=\"same\",service=\"residents\"} 1"));
  EXPECT_THAT(text, ::testing::HasSubstr("helhed_job_errors_total{job=\"same\",service=\"funding\"} 1"));
}

TEST(Jobs, OneThatFailsIsTriedLaterAndLaterIfItWants) {
  auto const start = absl::FromUnixSeconds(1'000'000);
  FakeClock clock(start);
  std::binary_semaphore done{0};
  std::vector<int> tried;
  bool away = true;
  std::vector<Job> const jobs = {{"asks another", absl::Seconds(1),
                                  [&](storage::Limits const&) -> absl::StatusOr<bool> {
                                    tried.push_back(static_cast<int>(absl::ToInt64Seconds(clock.Now() - start)));
                                    if (away) return absl::UnavailableError("away");
                                    return false;
                                  },
                                  absl::Seconds(4)},
                                 {"time", absl::ZeroDuration(), [&](storage::Limits const&) -> absl::StatusOr<bool> {
                                    clock.Advance(absl::Seconds(1));
                                    auto const passed = clock.Now() - start;
                                    if (passed == absl::Seconds(15)) away = false;
                                    if (passed == absl::Seconds(18)) away = true;
                                    if (passed == absl::Seconds(22)) done.release();
                                    return false;
                                  }}};
  telemetry::Log log({.service = "test", .minimum = telemetry::Severity::kError, .destination = "-"});
  telemetry::Metrics metrics;
  {
    Jobs const running("test", jobs, clock, log, metrics);
    done.acquire();
  }
  tried.resize(10);
  EXPECT_THAT(tried, ::testing::ElementsAre(0, 1, 3, 7, 11, 15, 16, 17, 18, 19));
}

}  // namespace
}  // namespace helhed::server
