#pragma once

#include <absl/time/time.h>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/door/catalogue.h"
#include "gateway/http/exchange.h"
#include "gateway/identity/authenticator.h"
#include "gateway/limits/limiter.h"
#include "gateway/rest/transcoder.h"
#include "gateway/upstream/upstream.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/identity/identity.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// What becomes of a request: it is taken for a gRPC call, a REST call or the wish for a page; who asks is found out, whether his
// grants carry the method's permission at all, and whether his limits allow it; then it is passed to the service, and the answer
// back as it comes.
//
//   application/grpc...     gRPC, on HTTP/2 only: bytes are passed on as they are, unary and server-streaming
//   everything else         the gateway's own pages, and REST by the contract's HTTP rules
//
// Of a caller's headers only these are heard: authorization, grpc-timeout or x-request-timeout (`250ms`, `5s`), traceparent,
// x-request-id, and what the transcoder names. Nothing of them reaches a service but the trace, the request's id and the time
// left; who calls is said by a signed identity of the gateway's own.
//
// Metrics: helhed_gateway_requests_total{method,transport,code}, helhed_gateway_request_duration_seconds{method,transport}; what
// means no method is counted as `unknown`. Access log: a line a request, without anything that a caller could have written into
// it but its own request id.
namespace helhed::gateway::door {

// What the gateway serves besides the contract's methods, by path: `/openapi.json`.
struct Page {
  std::string content_type;
  std::string body;
  // Content-Security-Policy; what is no document for a browser needs none.
  std::string policy;
};

struct Options {
  // Origins that browsers may call from, exactly (`https://portal.example.dk`), with their client certificates, too; or one `*`
  // for any, which then can only bring tokens. Empty: none.
  std::vector<std::string> cors_origins;
  // Lets callers list the contract by gRPC's reflection service.
  bool reflection = false;
  // Log reads that go well, too.
  bool log_reads = true;
  // How often a stream of Server-Sent Events is sent a comment, so that nothing on the way takes it for dead.
  absl::Duration event_ping = absl::Seconds(15);
  // When a stream's head is sent though it has no message yet.
  absl::Duration stream_head_after = absl::Seconds(1);
};

// What all event loops share. Everything outlives the doors.
struct Parts {
  Catalogue const* catalogue = nullptr;
  rest::Transcoder const* transcoder = nullptr;
  gateway::identity::Authenticator* authenticator = nullptr;
  limits::Limiter* limiter = nullptr;
  helhed::identity::Roles const* roles = nullptr;
  std::map<std::string, Page, std::less<>> pages;
  // Set when the gateway is told to end.
  std::atomic<bool> const* draining = nullptr;
  Clock const* clock = nullptr;
  Random* random = nullptr;
  telemetry::Metrics* metrics = nullptr;
  telemetry::Log* log = nullptr;
  Options options;
};

// Who answers, by the service's name (Catalogue::Answers), on one event loop.
using Upstreams = std::map<std::string, std::unique_ptr<upstream::Upstream>, std::less<>>;

// The door of one event loop. Used on its thread only.
class Door {
 public:
  Door(Parts const& parts, Upstreams const& upstreams, boost::asio::io_context& loop);
  ~Door();
  Door(Door const&) = delete;
  Door& operator=(Door const&) = delete;

  std::unique_ptr<http::Handler> Handle(http::RequestHead head, http::Exchange& exchange);

  // Ends the server streams, those that come later too, with UNAVAILABLE DRAINING: who watches goes on elsewhere, from his last
  // cursor. Other calls end by themselves.
  void DrainStreams();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// OK when calls can be served: not draining, and a service that can be reached. The message names those that cannot.
absl::Status Readiness(Parts const& parts, Upstreams const& upstreams);

}  // namespace helhed::gateway::door
