#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "services/platform/base/clock.h"
#include "services/platform/storage/database.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// What a service does again and again while it serves, besides answering calls.
namespace helhed::server {

struct Job {
  // `link-audit`: its name in log and metrics.
  std::string name;
  absl::Duration every;
  // Does a part, short enough for a shutdown to wait for, and returns whether there is more to do at once.
  std::function<absl::StatusOr<bool>(storage::Limits const&)> run;
  // While it fails it is tried again later and later: `every`, twice that, and so on up to this. Zero: always after `every`.
  absl::Duration backoff_max = absl::ZeroDuration();
};

class Jobs {
 public:
  // Runs each job once at start and then as often as it says, until there is no more to do, a part of each in turn. What is
  // passed must outlive it. An error is logged, counted in `helhed_job_errors_total` of `service`, and the job is tried again
  // when it is due next.
  Jobs(std::string_view service, std::span<Job const> jobs, Clock const& clock, telemetry::Log& log, telemetry::Metrics& metrics);
  // Stops a statement that is under way.
  ~Jobs() = default;

  // Runs a job until it has no more to do.
  static absl::Status RunToEnd(Job const& job, std::stop_token const& stop);

 private:
  void Run(std::span<Job const> jobs, std::vector<telemetry::Counter> errors, Clock const& clock, telemetry::Log& log,
           std::stop_token const& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last, so that it ends first
};

}  // namespace helhed::server
