#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/exchange.h"
#include "helhed/common/v1/identity.pb.h"

// Who a caller is, by bearer token or client certificate, and the signed identity that the services trust.
namespace helhed::gateway::identity {

struct Caller {
  // Who it is: issuer and subject of the token, or the certificate's name. What limits go by; never logged in clear.
  std::string key;
  std::shared_ptr<common::v1::Identity const> identity;
  // A serialized SignedIdentity, minted by the gateway; valid at least a minute longer.
  std::string signed_identity;
  // Signed by a local key that is for demonstrations only: said in a header of the answer and in the log.
  bool demonstration = false;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // `authorization` is the header's value. Calls `done` once, on the loop that it was called on: at once when it is known, later
  // when keys must be fetched first. nullptr when there is neither token nor certificate: nobody. Errors: UNAUTHENTICATED with
  // the reason (what is wrong with the token, never the token); UNAVAILABLE when the issuer's keys cannot be had.
  using Done = std::function<void(absl::StatusOr<std::shared_ptr<Caller const>>)>;
  virtual void Authenticate(std::string_view authorization, http::Peer const& peer, boost::asio::io_context& loop, Done done) = 0;

  // The caller of a token that was verified before and still holds: costs no signature. nullptr when the token must be verified,
  // or is none.
  virtual std::shared_ptr<Caller const> Known(std::string_view authorization, boost::asio::io_context& loop) = 0;
};

}  // namespace helhed::gateway::identity
