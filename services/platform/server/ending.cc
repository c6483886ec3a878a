#include "services/platform/server/ending.h"

#include <unistd.h>

#include <csignal>
#include <stop_token>

namespace helhed::server {
namespace {

constexpr int kStuck = 75;

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void HoldEndSignals() {
  auto const signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void WaitForEnd() {
  auto const signals = EndSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
}

void WaitForEnd(absl::Duration at_most) {
  auto const signals = EndSignals();
  auto const time = absl::ToTimespec(at_most);
  sigtimedwait(&signals, nullptr, &time);
}

Watchdog::Watchdog(absl::Duration at_most, telemetry::Log& log) {
  thread_ = std::jthread([this, at_most, &log](std::stop_token const& stop) {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, stop, absl::ToChronoMilliseconds(at_most), [&] { return stop.stop_requested(); });
    if (stop.stop_requested()) return;
    log.Error("draining did not end");
    log.Flush();
    ::_exit(kStuck);
  });
}

}  // namespace helhed::server
