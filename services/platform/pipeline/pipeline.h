#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
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

// What runs round every handler, in this order, whichever door the call came through: size, deadline, identity, authorisation,
// validation, handler (which does idempotency and audit in its transaction; see service/store.h), error mapping, metrics and log.
class Pipeline {
 public:
  struct Parts {
    std::string service;  // `residents`: in metrics, logs, the audience of identities and the domain of references
    Router const* router = nullptr;
    identity::Verifier const* verifier = nullptr;
    identity::Roles const* roles = nullptr;
    Clock const* clock = nullptr;
    Random* random = nullptr;
    telemetry::Metrics* metrics = nullptr;
    telemetry::Log* log = nullptr;
    Executor* executor = nullptr;
  };
  explicit Pipeline(Parts parts);
  ~Pipeline();

  // Runs a unary call on the executor and calls `done` exactly once, on any thread, with the serialized response or the status.
  // A call that does not fit is refused at once: RESOURCE_EXHAUSTED OVERLOADED with a retry delay.
  using Done = std::function<void(absl::Status, std::string response)>;
  void Start(IncomingCall call, Done done);

  // Runs it here and now on the caller's thread, without the executor's queue: the in-process door.
  absl::StatusOr<std::string> Run(IncomingCall const& call);

  // Opens a server stream. The returned object keeps the context that Next is called with.
  struct OpenStream {
    std::unique_ptr<CallContext> context;
    std::unique_ptr<ServerStream> stream;
  };
  absl::StatusOr<OpenStream> Open(IncomingCall const& call);

  Router const& router() const { return *parts_.router; }
  Executor& executor() { return *parts_.executor; }

 private:
  Parts parts_;
  struct Instruments;
  std::unique_ptr<Instruments> instruments_;
};

}  // namespace helhed
