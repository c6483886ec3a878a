#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/identity/identity.h"
#include "services/platform/pipeline/executor.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

namespace helhed {

// A call as a door hands it over: bytes and metadata, whatever it came by.
struct IncomingCall {
  std::string_view path;
  // As received; valid until the call is finished.
  std::string_view request;
  // A serialized SignedIdentity, or empty.
  std::string identity;
  // The W3C `traceparent`, or empty.
  std::string traceparent;
  // As the caller asked; InfiniteFuture when it did not. The method's own limit applies as well.
  absl::Time deadline = absl::InfiniteFuture();
  // Set when the caller goes away.
  std::stop_token stop;
};

// What runs round every handler, in this order, whichever door the call came through:
//
//   1. size          RESOURCE_EXHAUSTED REQUEST_TOO_LARGE over the method's limit; before anything is read of it
//   2. deadline      the earlier of the caller's and the method's; DEADLINE_EXCEEDED, CANCELLED when it is over already
//   3. identity      UNAUTHENTICATED IDENTITY_...: who is nobody learns nothing else of what his request would have met. A public
//                    method needs none and serves an empty Identity; one that comes along is checked all the same
//   4. parsing       INVALID_ARGUMENT BAD_REQUEST
//   5. authorisation of the method's permission by its scope, before anything is looked up:
//                      no grant carries it at all         PERMISSION_DENIED PERMISSION_MISSING
//                      GLOBAL, granted only in places     PERMISSION_DENIED PERMISSION_MISSING
//                      RESOURCE, granted elsewhere only   a read: NOT_FOUND, since what is out of scope is as absent, and the
//                      same
//                                                         question must have the same answer whether it is there or not; a write:
//                                                         PERMISSION_DENIED, which betrays nothing, as nothing was looked up
//                      RESOURCE, and no name given        what validation says of that
//                      FILTERED, RESOLVED                 any grant will do here. The handler of a RESOLVED method must have a
//                                                         RequireAny granted before it succeeds, or the call ends as INTERNAL
//   6. validation    what a caller may not set is cleared; INVALID_ARGUMENT BAD_REQUEST with every violation
//   7. handler       which does idempotency and audit in its transaction; see service/store.h. What it throws becomes INTERNAL
//   8. errors        are made fit to leave the house; see error_mapping.h
//   9. metrics and log, one line a call: INFO for writes and failures, DEBUG for reads, ERROR for faults
//
// Metrics: helhed_calls_total{service,method,code}, helhed_call_duration_seconds{service,method} with the time in the queue,
// helhed_calls_refused_total{service,reason} for calls that did not reach their handler, helhed_executor_queue{service}. What is
// no method of the service is counted as the method `unknown`.
//
// A server stream passes 1 to 7 when it is opened; 8 and 9 come at its end. The default time limit of methods is not for streams:
// they last until the deadline that the caller or the policy names.
class Pipeline {
 public:
  struct Parts {
    std::string service;             // `residents`: in metrics, logs, the audience of identities and the domain of references
    Router const* router = nullptr;  // complete: what is added later is not served
    identity::Verifier const* verifier = nullptr;
    identity::Roles const* roles = nullptr;
    Clock const* clock = nullptr;
    Random* random = nullptr;
    telemetry::Metrics* metrics = nullptr;
    telemetry::Log* log = nullptr;
    Executor* executor = nullptr;
  };
  // The parts outlive the pipeline.
  explicit Pipeline(Parts parts);
  // Drains. Streams must be gone by then.
  ~Pipeline();

  // Runs a unary call on the executor and calls `done` exactly once, on any thread, with the serialized response or the status.
  // A call that does not fit is refused at once: RESOURCE_EXHAUSTED OVERLOADED with a retry delay. One whose time passes while it
  // is queued is answered without being run.
  using Done = std::function<void(absl::Status, std::string response)>;
  void Start(IncomingCall call, Done done);

  // Runs it here and now on the caller's thread, without the executor's queue: the in-process door.
  absl::StatusOr<std::string> Run(IncomingCall const& call);

  // Opens a server stream. The returned object keeps the context that Next is called with; it must go before the pipeline does.
  struct OpenStream {
    std::unique_ptr<CallContext> context;
    std::unique_ptr<ServerStream> stream;
  };
  absl::StatusOr<OpenStream> Open(IncomingCall const& call);

  // From now on new calls are refused, UNAVAILABLE DRAINING; returns when those that were taken before, queued ones included,
  // have ended. Open streams are refused their next message, and left to the door that holds them to close. Not to be called from
  // a handler or a `done`.
  void Drain();

  Router const& router() const;
  Executor& executor();

 private:
  class Gate;
  class Stay;
  class WatchedStream;
  struct State;
  std::unique_ptr<State> state_;
  std::shared_ptr<Gate> gate_;
};

}  // namespace helhed
