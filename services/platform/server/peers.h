#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/platform/base/random.h"
#include "services/platform/client/channel.h"
#include "services/platform/client/peer.h"
#include "services/platform/identity/identity.h"

// The other services that this one asks, each as a process of its own or in the same process.
namespace helhed::server {

struct PeerOptions {
  // Where each is reached, by name: `residents` -> `dns:///residents:8443`.
  std::map<std::string, std::string> targets;
  // Those that are in the same process, by name: what makes a way to each.
  std::map<std::string, std::function<std::unique_ptr<client::Channel>()>> doors = {};
  // The private key that this service signs its identity with: in a file, or one that no file has.
  std::string signing_key_file;
  std::optional<identity::Signer> signer = {};
  // PEM. Whose certificates the others show, and what this service shows them; all empty means cleartext.
  std::string ca_file, certificate_file, key_file;
};

// Safe from any thread.
class Peers {
 public:
  // `service` is this one, `asked` those that it can ask. Connects when it is first asked something. Errors: INVALID_ARGUMENT
  // when there is somebody to ask and no key to sign with, or a target for a service that this one never asks; what reading the
  // key says.
  static absl::StatusOr<std::unique_ptr<Peers>> Open(std::string service, std::span<std::string const> asked,
                                                     PeerOptions const& options, Random& random);

  // Retries, and must not be asked after this is gone; nobody when no target is given for it.
  client::Peer Find(std::string_view name) const;

  // A serialized SignedIdentity of this service with the role `service` everywhere, for the next five minutes; empty without a
  // key.
  std::string Identity(absl::Time now) const;

 private:
  explicit Peers(std::string service) : service_(std::move(service)) {}

  std::string service_;
  std::optional<identity::Signer> signer_;
  std::map<std::string, std::shared_ptr<client::Channel>, std::less<>> channels_;
};

}  // namespace helhed::server
