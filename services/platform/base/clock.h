#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>

#include "services/platform/base/zone.h"

namespace helhed {

// Where the time comes from, so that tests can set it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

// A clock that stands still until it is told. Safe to read and set from several threads.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start) : micros_(absl::ToUnixMicros(start)) {}
  absl::Time Now() const override { return absl::FromUnixMicros(micros_.load()); }
  void Advance(absl::Duration by) { micros_ += absl::ToInt64Microseconds(by); }
  void Set(absl::Time to) { micros_ = absl::ToUnixMicros(to); }

 private:
  std::atomic<std::int64_t> micros_;
};

}  // namespace helhed
