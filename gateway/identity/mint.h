#pragma once

#include <absl/time/time.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/identity/authenticator.h"
#include "services/platform/identity/identity.h"

namespace helhed::gateway::identity {

// Somebody who is believed, for as long as what he showed is.
struct Believed {
  // `login:4f2a...`, `system:portal-kab`, `demonstration:kim`.
  std::string subject;
  std::vector<common::v1::Grant> grants;
  // From when on he is not.
  absl::Time refused_from = absl::InfiniteFuture();
  bool demonstration = false;
};

// A caller with an identity signed by the gateway, and from when on another one is needed.
struct Minted {
  std::shared_ptr<Caller const> caller;
  absl::Time issued_at;
  absl::Time renew_at;

  bool IsFresh(absl::Time now) const { return caller != nullptr && now >= issued_at && now < renew_at; }
};

// Signs an identity of 5 minutes, or of what is left to be believed when that is less. It is renewed 90 seconds before its end.
Minted Mint(Believed const& believed, ::helhed::identity::Signer const& signer, absl::Time now);

// What an identity may weigh: it travels in a metadata field with every call, and services take 16 KiB of them all.
inline constexpr std::size_t kIdentityBytesMax = std::size_t{6} * 1024;

}  // namespace helhed::gateway::identity
