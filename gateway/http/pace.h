#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

// How fast things move, without a clock of their own.
namespace helhed::gateway::http {

using TimePoint = std::chrono::steady_clock::time_point;

// So many at once, and so many a second.
class TokenBucket {
 public:
  TokenBucket(double burst, double per_second, TimePoint now)
      : burst_(burst), per_second_(per_second), tokens_(burst), at_(now) {}

  // False when there are too few.
  bool Take(TimePoint now, double tokens = 1) {
    Earn(std::chrono::duration<double>(now - at_).count() * per_second_);
    at_ = now;
    tokens_ -= tokens;
    return tokens_ >= 0;
  }
  void Earn(double tokens) { tokens_ = std::min(burst_, tokens_ + tokens); }

 private:
  double burst_;
  double per_second_;
  double tokens_;
  TimePoint at_;
};

// Whether something that should move does: a byte now and then is not enough.
class Pace {
 public:
  struct Rule {
    // The longest time without a byte.
    std::chrono::milliseconds pause;
    // Bytes a second, looked at over each `grace`.
    std::uint64_t rate;
    std::chrono::milliseconds grace;
  };

  bool running() const { return running_; }
  // What is to be moved is there. Nothing changes when it was already.
  void Start(TimePoint now) {
    if (running_) return;
    running_ = true;
    Mark(now);
    moved_at_ = now;
  }
  void Stop() { running_ = false; }
  void Moved(TimePoint now, std::uint64_t bytes) {
    moved_ += bytes;
    moved_at_ = now;
  }
  bool TooSlow(TimePoint now, Rule const& rule) {
    if (!running_) return false;
    if (now - moved_at_ >= rule.pause) return true;
    auto const span = std::chrono::duration_cast<std::chrono::milliseconds>(now - marked_at_);
    if (span < rule.grace) return false;
    if (moved_ * 1000 < rule.rate * static_cast<std::uint64_t>(span.count())) return true;
    Mark(now);
    return false;
  }

 private:
  void Mark(TimePoint now) {
    marked_at_ = now;
    moved_ = 0;
  }

  bool running_ = false;
  TimePoint marked_at_;
  TimePoint moved_at_;
  std::uint64_t moved_ = 0;
};

}  // namespace helhed::gateway::http
