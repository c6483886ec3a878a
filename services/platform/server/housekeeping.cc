#include "services/platform/server/housekeeping.h"

#include <chrono>
#include <string>
#include <utility>

namespace helhed::server {
namespace {

constexpr std::chrono::minutes kPause{10};
// How much one transaction removes, and how long it may take: other writes wait behind it on SQLite.
constexpr int kBatch = 500;
constexpr absl::Duration kStepTimeout = absl::Seconds(30);

// Calls `remove(limits)`, which returns how many it removed, until there are no more.
template <typename Remove>
absl::Status RemoveAll(std::stop_token const& stop, Remove remove) {
  while (!stop.stop_requested()) {
    ASSIGN_OR_RETURN(auto const removed, remove(storage::Limits{.deadline = absl::Now() + kStepTimeout, .stop = stop}));
    if (removed < kBatch) break;
  }
  return absl::OkStatus();
}

}  // namespace

Housekeeping::Housekeeping(Instance& instance, absl::Duration event_retention, Clock const& clock, telemetry::Log& log,
                           telemetry::Metrics& metrics) {
  auto const& service = instance.store().parts().service;
  auto horizon = metrics.GaugeOf("helhed_event_horizon_age_seconds", "Age of the transaction that holds the event feed back.",
                                 {{"service", service}});
  auto waiting = metrics.GaugeOf("helhed_events_waiting", "Committed events that cannot be read yet.", {{"service", service}});
  thread_ = std::jthread([=, this, &instance, &clock, &log](std::stop_token const& stop) mutable {
    while (!stop.stop_requested()) {
      auto const status = RunOnce(instance, event_retention, clock.Now(), stop);
      if (!status.ok() && !stop.stop_requested()) log.Warning("housekeeping failed", {{"status", Sv(status.message())}});
      if (auto const lag = instance.events().MeasureLag({.deadline = absl::Now() + kStepTimeout, .stop = stop}); lag.ok()) {
        horizon.Set(absl::ToDoubleSeconds(lag->horizon_age));
        waiting.Set(static_cast<double>(lag->events_waiting));
      }
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kPause, [&] { return stop.stop_requested(); });
    }
  });
}

absl::Status Housekeeping::RunOnce(Instance& instance, absl::Duration event_retention, absl::Time now,
                                   std::stop_token const& stop) {
  absl::Status status;
  if (event_retention > absl::ZeroDuration()) {
    status.Update(RemoveAll(
        stop, [&](storage::Limits const& limits) { return instance.events().Trim(limits, now - event_retention, kBatch); }));
  }
  status.Update(RemoveAll(stop, [&](storage::Limits const& limits) { return instance.store().CleanUp(limits, now, kBatch); }));
  return status;
}

}  // namespace helhed::server
