#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>

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

// The zone in which the law counts dates: Europe/Copenhagen. Aborts when the system has no time zone data (package tzdata),
// because then every date would silently be wrong.
absl::TimeZone Copenhagen();

// The civil date in Copenhagen at an instant.
absl::CivilDay DateIn(absl::Time time);

}  // namespace helhed
