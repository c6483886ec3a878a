#include "gateway/upstream/breaker.h"

#include <algorithm>
#include <cstdint>

namespace helhed::gateway::upstream {
namespace {

// Between half of `full` and all of it.
absl::Duration Jittered(absl::Duration full, Random& random) {
  return full / 2 + (full / 2) * (static_cast<double>(random.Next() >> 11U) * 0x1.0p-53);
}

}  // namespace

bool Breaker::Admit(absl::Time now) {
  if (closed()) return true;
  if (trying_ || now < open_until_) return false;
  trying_ = true;
  return true;
}

void Breaker::Succeeded() {
  failures_ = 0;
  trying_ = false;
  open_ = absl::ZeroDuration();
}

void Breaker::Failed(absl::Time now) {
  bool const tried = trying_;
  trying_ = false;
  failures_ = std::min(failures_ + 1, options_.failures_max);
  if (failures_ < options_.failures_max) return;
  // Calls that were under way when it opened fail as well and say nothing new.
  if (!tried && now < open_until_) return;
  open_ = open_ == absl::ZeroDuration() ? options_.open_first : std::min(open_ * 2, options_.open_max);
  open_until_ = now + Jittered(open_, random_);
}

absl::Duration Breaker::left(absl::Time now) const {
  if (closed()) return absl::ZeroDuration();
  return std::max(open_until_ - now, absl::ZeroDuration());
}

void RetryBudget::OnCall() { tokens_ = std::min(tokens_ + kPerCall, kMax); }

bool RetryBudget::Take() {
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

absl::Duration Backoff(int attempt, absl::Duration first, absl::Duration most, Random& random) {
  constexpr int doublings_max = 30;
  auto const doubled =
      first * static_cast<double>(std::uint64_t{1} << static_cast<unsigned>(std::min(attempt - 1, doublings_max)));
  return Jittered(std::min(doubled, most), random);
}

}  // namespace helhed::gateway::upstream
