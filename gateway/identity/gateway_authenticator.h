#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>

#include "gateway/identity/authenticator.h"
#include "gateway/identity/config.h"
#include "gateway/identity/fetcher.h"
#include "services/platform/base/clock.h"
#include "services/platform/identity/identity.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

namespace helhed::gateway::identity {

// Believes the tokens of the configured issuers and the certificates of the configured systems, and signs what it believes for
// the services.
//
// A token goes before a certificate: with both, the token says who calls, and a token that is refused is not made good by the
// certificate. A signature is verified once: what was verified is kept, at most 4096 tokens, until the token's end or until its
// issuer publishes other keys. Every loop uses the same one.
class GatewayAuthenticator final : public Authenticator {
 public:
  struct Options {
    v1::IdentityConfig config;
    // The roles of the policy file.
    RoleNames roles;
    // Whose signature the services trust.
    ::helhed::identity::Signer signer;
    // Besides `helhed` the audience that a token of `helhed token` may name.
    std::string name = "gateway";
    absl::Duration fetch_timeout = absl::Seconds(5);
    // Instead of the network, for tests.
    std::shared_ptr<Fetcher const> fetcher;
  };
  // Errors: INVALID_ARGUMENT when a file of certificates or keys cannot be used. `clock`, `metrics` and `log` must outlive all
  // loops.
  static absl::StatusOr<std::unique_ptr<GatewayAuthenticator>> Make(Options options, Clock const& clock,
                                                                    telemetry::Metrics& metrics, telemetry::Log& log);
  ~GatewayAuthenticator() override;

  // Fetches the keys of every issuer, so that the first caller need not wait for them.
  void Start(boost::asio::io_context& loop);

  void Authenticate(std::string_view authorization, http::Peer const& peer, boost::asio::io_context& loop, Done done) override;
  std::shared_ptr<Caller const> Known(std::string_view authorization, boost::asio::io_context& loop) override;

 private:
  struct State;
  explicit GatewayAuthenticator(std::shared_ptr<State> state);
  // Also held by who waits for keys.
  std::shared_ptr<State> state_;
};

}  // namespace helhed::gateway::identity
