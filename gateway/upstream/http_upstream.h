#pragma once

#include <absl/status/statusor.h>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/upstream/breaker.h"
#include "gateway/upstream/connection.h"
#include "gateway/upstream/upstream.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/telemetry/metrics.h"

// A service that is a process of its own, asked over HTTP/2.
namespace helhed::gateway::upstream {

// Where a service is: `dns:///residents:8443`, `127.0.0.1:8443`, `[::1]:8443`, `unix:/run/residents.sock`.
struct Target {
  std::string host;
  std::string port;
  std::string unix_path;
};
absl::StatusOr<Target> ParseTarget(std::string_view text);

// PEM files. All empty means cleartext. They are read again for every connection, so that certificates are renewed without a
// restart.
struct TlsFiles {
  std::string ca_file, certificate_file, key_file;

  bool enabled() const { return !ca_file.empty() || !certificate_file.empty() || !key_file.empty(); }
};
// Errors: INVALID_ARGUMENT that names the file that cannot be used.
absl::Status CheckTls(TlsFiles const& files);

struct HttpOptions {
  // `residents`: in errors and metrics.
  std::string service;
  Target target;
  TlsFiles tls;
  // One connection an address, to so many addresses at a time from each loop.
  std::size_t connections_max = 4;
  // How often its name is looked up while all is well; when a connection was lost, that is soon.
  absl::Duration resolve_every = absl::Seconds(30);
  // Instead of the system's name service, for tests: the addresses, empty when it does not answer.
  std::function<std::vector<Endpoint>()> lookup;
  // Between tries to connect to an address that cannot be reached.
  absl::Duration reconnect_first = absl::Milliseconds(50);
  absl::Duration reconnect_max = absl::Seconds(3);
  int attempts_max = 4;
  absl::Duration backoff_first = absl::Milliseconds(50);
  absl::Duration backoff_max = absl::Seconds(2);
  Breaker::Options breaker;
  Connection::Options connection;
};

// Connects at once and stays connected. Retries as the contract allows: what certainly was not done, always; reads and writes
// that carry a request_id, on UNAVAILABLE and on RESOURCE_EXHAUSTED with a retry delay; while nothing of the answer has come,
// within the deadline and a budget. Calls under way must go before it does. `clock`, `random` and `metrics` outlive it.
//
// Metrics: helhed_upstream_retries_total{service}, helhed_upstream_unreachable_total{service},
// helhed_upstream_connections_total{service} (opened).
std::unique_ptr<Upstream> ConnectHttp(boost::asio::io_context& loop, HttpOptions options, Clock const& clock, Random& random,
                                      telemetry::Metrics& metrics);

}  // namespace helhed::gateway::upstream
