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
    Jobs const running(jobs, clock, log, metrics);
    ran.acquire();
  }
  EXPECT_THAT(metrics.Expose(), ::testing::HasSubstr("helhed_job_errors_total{job=\"fails\"} 1"));
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
  Jobs const running(jobs, clock, log, metrics);
  ran.acquire();
}

}  // namespace
}  // namespace helhed::server
