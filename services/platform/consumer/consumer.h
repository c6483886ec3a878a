#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "helhed/events/v1/event.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/client/channel.h"
#include "services/platform/service/store.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// Takes in another service's events, each once. The cursor is stored in the transaction of the effect: whatever dies in between,
// on either side, the next attempt goes on after the last event that took effect. Several replicas may run the same consumer;
// each event takes effect in one of them.
namespace helhed::consumer {

class Consumer {
 public:
  // What one event does here. It runs in the transaction that stores the cursor, perhaps more than once until that commits, and
  // so does nothing but through `tx`. An error stops the consumer at this event: it is tried again, later and later, never
  // skipped. Events of a type that the handler does not know are answered with OK: types are added as services grow.
  using Handler = std::function<absl::Status(WriteTransaction& tx, events::v1::Event const& event)>;

  struct Options {
    // Names the cursor in this service's store (`funding/residents`) and the consumer in log and metrics; never changed again.
    std::string name;
    // Only events of these types; empty means all.
    std::vector<std::string> types;
    // Whose name the effects bear, in events that they append in turn (`services/funding`).
    std::string subject;
    int page_size = 100;
    // How long one question to the other service may take.
    absl::Duration read_timeout = absl::Seconds(10);
    absl::Duration backoff_first = absl::Milliseconds(50);
    absl::Duration backoff_max = absl::Seconds(30);
    // A serialized SignedIdentity that may read the other service's events; asked for at every call, since they are short-lived.
    std::function<std::string()> identity;
    // Waits, or less when the token is set. Injected, so that tests do not sleep.
    std::function<void(absl::Duration, std::stop_token)> sleep;
  };
  struct Parts {
    client::Channel* channel = nullptr;  // to the other service
    Store* store = nullptr;              // of this one
    telemetry::Log* log = nullptr;
    telemetry::Metrics* metrics = nullptr;
  };
  Consumer(Parts parts, Options options, Handler handler);
  ~Consumer();

  // Takes in what there is, until the other service's log has no more for now. Returns how many events took effect. The error is
  // the handler's, the other service's or this store's; what took effect before it stays.
  absl::StatusOr<int> CatchUp(std::stop_token stop);

  // Takes in one page of what there is, or less when the limits' time is up between two events. Returns whether there may be more
  // at once. Errors: as CatchUp.
  absl::StatusOr<bool> CatchUpPage(storage::Limits const& limits);

  // Catches up, then watches, until `stop` is set (OK). Errors are logged, counted (`helhed_consumer_errors_total`) and tried
  // again with back-off. Returns an error only where trying again cannot help: OUT_OF_RANGE CURSOR_TOO_OLD (events are gone that
  // were not taken in) and INVALID_ARGUMENT CURSOR_INVALID (the other service's log is another one, or was set back). A person or
  // a job then reads the state anew and calls Reset.
  absl::Status Run(std::stop_token stop);

  // Goes on after `cursor` from now on.
  absl::Status Reset(storage::Limits const& limits, std::string_view cursor);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace helhed::consumer
