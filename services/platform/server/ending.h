#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/platform/telemetry/log.h"

// How a serving process is told to end, and that it does.
namespace helhed::server {

// SIGTERM and SIGINT wait for WaitForEnd. Before there are threads, so that all of them leave the signals to the main one.
void HoldEndSignals();

// Until one of them comes; with a time, that long at most.
void WaitForEnd();
void WaitForEnd(absl::Duration at_most);

// For cancelled calls to end after the drain's time-out, and for stores to be closed.
constexpr absl::Duration kCloseTime = absl::Seconds(8);

// Ends the process with 75 unless it is gone in time: something below does not return. EX_TEMPFAIL of sysexits.h, so that a
// supervisor starts it again.
class Watchdog {
 public:
  Watchdog(absl::Duration at_most, telemetry::Log& log);

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;  // last, so that it ends first
};

}  // namespace helhed::server
