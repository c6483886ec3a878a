#include "services/activities/testing/history.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "helhed/activities/v1/events.pb.h"

namespace helhed::activities::testing {
namespace {

using State = v1::RegistrationState;
using Arrow = std::pair<State, State>;

constexpr State kNone = v1::REGISTRATION_STATE_UNSPECIFIED;
constexpr State kAwaiting = v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT;
constexpr State kConfirmed = v1::REGISTRATION_STATE_CONFIRMED;
constexpr State kWaiting = v1::REGISTRATION_STATE_WAITLISTED;
constexpr State kOffered = v1::REGISTRATION_STATE_OFFERED;
constexpr State kCancelled = v1::REGISTRATION_STATE_CANCELLED;

bool IsArrow(Arrow const& arrow) {
  static std::set<Arrow> const arrows = {
      {kNone, kAwaiting},
      {kNone, kConfirmed},
      {kNone, kWaiting},
      {kAwaiting, kConfirmed},
      {kAwaiting, kWaiting},
      {kAwaiting, kCancelled},
      {kWaiting, kOffered},
      {kWaiting, kCancelled},
      {kOffered, kConfirmed},
      {kOffered, kCancelled},
      {kConfirmed, kCancelled},
      {kOffered, v1::REGISTRATION_STATE_EXPIRED},
      {kConfirmed, v1::REGISTRATION_STATE_ATTENDED},
      {kConfirmed, v1::REGISTRATION_STATE_NO_SHOW},
      {v1::REGISTRATION_STATE_ATTENDED, v1::REGISTRATION_STATE_NO_SHOW},
      {v1::REGISTRATION_STATE_NO_SHOW, v1::REGISTRATION_STATE_ATTENDED},
  };
  return arrows.count(arrow) != 0;
}

bool HoldsSeat(State state) {
  return state == kConfirmed || state == kOffered || state == v1::REGISTRATION_STATE_ATTENDED ||
         state == v1::REGISTRATION_STATE_NO_SHOW;
}

class Replay {
 public:
  explicit Replay(std::optional<std::int64_t> capacity) : capacity_(capacity) {}

  // What is wrong, or nothing.
  std::string Take(v1::RegistrationChanged const& event) {
    auto& state = states_[event.registration()];
    if (state != event.former_state()) return "it was in another state before";
    if (!IsArrow({state, event.state()})) return "there is no such step";
    // A seat that the act before left free beside the queue would be given to whoever comes.
    bool const came = state == kNone || state == kAwaiting;
    if (came && event.state() == kConfirmed && !queue_.empty()) return "it went past the queue";
    if (came && IdleSeat()) return "somebody waits beside a free seat";
    if (came && event.state() == kWaiting && queue_.empty() && HasFree()) return "it waits beside a free seat";
    if (event.state() == kOffered && queue_.front() != event.registration()) return "it was not the first in the queue";
    Move(event, state);
    if (capacity_ && taken_ > *capacity_) return "more seats are taken than there are";
    return "";
  }

  bool IdleSeat() const { return !queue_.empty() && HasFree(); }

 private:
  bool HasFree() const { return !capacity_ || taken_ < *capacity_; }

  void Move(v1::RegistrationChanged const& event, State& state) {
    if (state == kWaiting) queue_.erase(std::find(queue_.begin(), queue_.end(), event.registration()));
    if (event.state() == kWaiting) queue_.push_back(event.registration());
    taken_ += (HoldsSeat(event.state()) ? 1 : 0) - (HoldsSeat(state) ? 1 : 0);
    state = event.state();
  }

  std::optional<std::int64_t> capacity_;
  std::int64_t taken_ = 0;
  std::map<std::string, State> states_;
  std::deque<std::string> queue_;
};

}  // namespace

absl::Status CheckHistory(std::span<events::v1::Event const> events, std::string const& activity,
                          std::optional<std::int64_t> capacity) {
  Replay replay(capacity);
  int index = 0;
  for (auto const& event : events) {
    v1::RegistrationChanged change;
    if (event.data().UnpackTo(&change) && change.registration().starts_with(activity + "/")) {
      auto const wrong = replay.Take(change);
      if (!wrong.empty()) {
        return absl::FailedPreconditionError(absl::StrCat("event ", index, ", ", change.ShortDebugString(), ": ", wrong));
      }
    }
    ++index;
  }
  if (replay.IdleSeat()) return absl::FailedPreconditionError("in the end somebody waits beside a free seat");
  return absl::OkStatus();
}

}  // namespace helhed::activities::testing
