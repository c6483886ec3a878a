#pragma once

#include <absl/time/time.h>

#include "services/platform/base/random.h"

// What keeps a service that is down from being asked in vain, and one that is ill from being asked twice as often.
namespace helhed::gateway::upstream {

// A circuit breaker. Closed it lets every call through; after `failures_max` failures with no success between them it opens and
// lets none through for a while, then one at a time to see; that one closes it again or opens it for twice as long.
class Breaker {
 public:
  struct Options {
    int failures_max = 5;
    absl::Duration open_first = absl::Milliseconds(500);
    absl::Duration open_max = absl::Seconds(15);
  };
  Breaker(Options options, Random& random) : options_(options), random_(random) {}

  // Whether a call may be tried now; a trial that is admitted must be followed by Succeeded, Failed or GaveUp.
  bool Admit(absl::Time now);
  void Succeeded();
  void Failed(absl::Time now);
  // The call ended without saying anything about the service: the caller went away.
  void GaveUp() { trying_ = false; }

  bool closed() const { return failures_ < options_.failures_max; }
  // Whether Admit would say yes.
  bool would_admit(absl::Time now) const { return closed() || (!trying_ && now >= open_until_); }
  // How long until it is tried again.
  absl::Duration left(absl::Time now) const;

 private:
  Options options_;
  Random& random_;
  int failures_ = 0;
  bool trying_ = false;
  absl::Duration open_ = absl::ZeroDuration();
  absl::Time open_until_ = absl::InfinitePast();
};

// What retries may add to the load: a tenth of the calls, and a few at first.
class RetryBudget {
 public:
  void OnCall();
  // Takes one retry; false when there is none left.
  bool Take();

 private:
  static constexpr double kMax = 20;
  static constexpr double kPerCall = 0.1;
  double tokens_ = kMax;
};

// How long to wait before try number `attempt` (the first retry is 1): doubled each time, and then a random part between half
// and all of it, so that calls that failed together do not come back together.
absl::Duration Backoff(int attempt, absl::Duration first, absl::Duration most, Random& random);

}  // namespace helhed::gateway::upstream
