#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/door/door.h"
#include "gateway/http/server.h"
#include "gateway/upstream/http_upstream.h"
#include "helhed/gateway/v1/config.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/identity/identity.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// The gateway as a whole, for its own process and for others that hold services as well.
namespace helhed::gateway {

// Makes the way to a service from one event loop. Called once a loop.
using MakeUpstream = std::function<std::unique_ptr<upstream::Upstream>(boost::asio::io_context& loop)>;

class Gateway {
 public:
  struct Options {
    http::ServerOptions server;
    door::Options door;
    // Whom the gateway believes, and how much one client may ask.
    v1::GatewayConfig config;
    // What signs identities for the services: the file of a private key, or, where the services are in this process, a key that
    // nobody else has.
    std::string identity_key_file;
    std::optional<helhed::identity::Signer> signer;
    std::string roles_file;
  };

  // Listens and serves. `services` by name (`residents`); their ways outlive the gateway's loops only if they own nothing
  // outside. `clock`, `random`, `metrics` and `log` outlive the gateway. Errors: what is wrong with a file, an address, or the
  // contract's HTTP rules.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(Options options, std::map<std::string, MakeUpstream> services,
                                                        Clock const& clock, Random& random, telemetry::Metrics& metrics,
                                                        telemetry::Log& log);
  // Drains at once if Drain was not called.
  ~Gateway();

  int port() const;

  // OK when calls can be served; otherwise the message says why not.
  absl::Status Readiness() const;

  // From now on not ready: load balancers go elsewhere, callers are still served.
  void BeginDrain();
  // Ends serving, once; see http::Server::Drain.
  void Drain(absl::Time deadline);

 private:
  struct State;
  explicit Gateway(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The way to a service that is a process of its own.
MakeUpstream ByHttp(upstream::HttpOptions options, Clock const& clock, Random& random, telemetry::Metrics& metrics);

}  // namespace helhed::gateway
