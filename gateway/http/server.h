#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/http/limits.h"
#include "gateway/http/transport.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

namespace helhed::gateway::http {

struct ServerOptions {
  // An IP address and a port: `0.0.0.0:8443`, `[::]:8443`. Port 0 takes a free one.
  std::string listen = "127.0.0.1:0";
  // Event loops, each with a thread and an acceptor of its own; 0 means one per core.
  int loops = 0;
  TlsOptions tls;
  Limits limits;
  // Where it counts, and where it tells of certificates; both may be null, and outlive the server otherwise.
  telemetry::Metrics* metrics = nullptr;
  telemetry::Log* log = nullptr;
};

// One port for HTTP/2 and HTTP/1.1: by ALPN with TLS, and in cleartext by what a connection begins with (prior knowledge of
// HTTP/2, RFC 9113, 3.3). A connection stays on the loop that accepted it; loops share nothing but the count of connections and
// the certificates.
class Server {
 public:
  // What answers the requests of one loop. Called once a loop, before its thread starts; what it makes is destroyed when that
  // thread has ended.
  using MakeForLoop = std::function<MakeHandler(boost::asio::io_context& loop)>;

  // Listens and serves. Errors: INVALID_ARGUMENT when the address is none or a TLS file cannot be used, UNAVAILABLE when the
  // address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, MakeForLoop const& make);

  // Drains at once if Drain was not called.
  ~Server();

  // The port that was taken.
  int port() const;

  // Ends serving, once: nothing more is accepted, HTTP/2 callers are told to go elsewhere (GOAWAY, RFC 9113, 6.8), HTTP/1.1
  // callers by `connection: close`, and requests that run are answered. Those that still run at `deadline` are broken off.
  // Returns when all loops have ended. Not to be called from one of them.
  void Drain(absl::Time deadline);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace helhed::gateway::http
