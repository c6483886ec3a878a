#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "services/platform/server/instance.h"

namespace helhed::server {

// What a service does for itself while it serves: removes events past their retention and answers past their use, a few at a
// time, and measures how far the event feed lags behind. Once at start and then every ten minutes.
class Housekeeping {
 public:
  // `event_retention` zero keeps events for ever. What is passed must outlive it.
  Housekeeping(Instance& instance, absl::Duration event_retention, Clock const& clock, telemetry::Log& log,
               telemetry::Metrics& metrics);
  // Stops a statement that is under way.
  ~Housekeeping() = default;

  // One round. Errors: the first that occurred; the rest of the round is done all the same.
  static absl::Status RunOnce(Instance& instance, absl::Duration event_retention, absl::Time now, std::stop_token const& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last, so that it ends first
};

}  // namespace helhed::server
