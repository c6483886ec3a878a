#include "services/platform/server/jobs.h"

#include <absl/time/clock.h>

#include <algorithm>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::server {
namespace {

// For one part of a job. Real time, since the store keeps it: a test's clock says nothing about how long a statement takes.
constexpr absl::Duration kRunTimeout = absl::Seconds(30);
constexpr absl::Duration kPauseMax = absl::Seconds(10);

absl::StatusOr<bool> RunPart(Job const& job, std::stop_token const& stop) {
  return job.run({.deadline = absl::Now() + kRunTimeout, .stop = stop});
}

// How long a job that failed waits for its next try, when it had waited that long for this one; nothing for one that did not
// fail.
absl::Duration WaitAfter(Job const& job, absl::Status const& status, absl::Duration waited) {
  if (status.ok()) return absl::ZeroDuration();
  return std::clamp(waited * 2, job.every, std::max(job.every, job.backoff_max));
}

}  // namespace

Jobs::Jobs(std::string_view service, std::span<Job const> jobs, Clock const& clock, telemetry::Log& log,
           telemetry::Metrics& metrics) {
  if (jobs.empty()) return;
  std::vector<telemetry::Counter> errors;
  for (auto const& job : jobs) {
    // Several services may share a process, and all of them link their audit.
    errors.push_back(
        metrics.CounterOf("helhed_job_errors_total", "Runs of a job that failed.", {{"service", service}, {"job", job.name}}));
  }
  thread_ = std::jthread([this, jobs, errors = std::move(errors), &clock, &log](std::stop_token const& stop) {
    Run(jobs, errors, clock, log, stop);
  });
}

absl::Status Jobs::RunToEnd(Job const& job, std::stop_token const& stop) {
  for (bool more = true; more && !stop.stop_requested();) {
    ASSIGN_OR_RETURN(more, RunPart(job, stop));
  }
  return absl::OkStatus();
}

void Jobs::Run(std::span<Job const> jobs, std::vector<telemetry::Counter> errors, Clock const& clock, telemetry::Log& log,
               std::stop_token const& stop) {
  std::vector<absl::Time> due(jobs.size(), absl::InfinitePast());
  std::vector<absl::Duration> waits(jobs.size(), absl::ZeroDuration());
  while (!stop.stop_requested()) {
    for (std::size_t i = 0; i < jobs.size() && !stop.stop_requested(); ++i) {
      if (clock.Now() < due[i]) continue;
      // A part of each in turn: what has much to do keeps nobody waiting longer than a part takes.
      auto const more = RunPart(jobs[i], stop);
      waits[i] = WaitAfter(jobs[i], more.status(), waits[i]);
      if (more.ok() && *more) continue;
      due[i] = clock.Now() + std::max(jobs[i].every, waits[i]);
      if (more.ok() || stop.stop_requested()) continue;
      errors[i].Increment();
      log.Warning("a job failed", {{"job", std::string_view(jobs[i].name)}, {"status", Sv(more.status().message())}});
    }
    if (std::any_of(due.begin(), due.end(), [&](absl::Time each) { return each <= clock.Now(); })) continue;
    auto const pause = std::clamp(*std::min_element(due.begin(), due.end()) - clock.Now(), absl::Milliseconds(10), kPauseMax);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, absl::ToChronoMilliseconds(pause), [&] { return stop.stop_requested(); });
  }
}

}  // namespace helhed::server
