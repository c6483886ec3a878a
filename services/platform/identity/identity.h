#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/common/v1/identity.pb.h"
#include "services/platform/base/clock.h"

// The signed internal identity: who calls, vouched for by the gateway (or the command line) with Ed25519 (RFC 8032, libsodium).
namespace helhed::identity {

// The metadata key that carries a serialized SignedIdentity.
inline constexpr std::string_view kIdentityKey = "helhed-identity-bin";

// Signs identities with one private key.
class Signer {
 public:
  // Reads a key file as `helhed token --new-key` writes it. Errors name the file, never its content.
  static absl::StatusOr<Signer> FromFile(std::string const& path);
  // A key made from a 32-byte seed; for tests.
  static Signer FromSeed(std::string_view key_id, std::string_view seed);
  // A new random key.
  static Signer Generate(std::string_view key_id);

  std::string const& key_id() const { return key_id_; }
  // The lines to write to a private and to a public key file.
  std::string PrivateKeyText() const;
  std::string PublicKeyText() const;

  // Serialized SignedIdentity, for the metadata key above.
  std::string Sign(common::v1::Identity const& identity) const;

 private:
  Signer(std::string key_id, std::string secret);
  std::string key_id_;
  std::string secret_;
};

// Checks identities against a set of public keys, with a cache of those it has seen: a signature costs tens of microseconds, a
// caller's identity comes with thousands of calls. Safe from any thread.
class Verifier {
 public:
  // `audience` is the service's own name; an identity for it or for `helhed` is accepted.
  Verifier(Clock const& clock, std::string audience);
  ~Verifier();

  // Adds the public keys of a file, one a line (`key_id base64`); several files and lines make rotation possible.
  absl::Status AddKeyFile(std::string const& path);
  absl::Status AddKey(std::string_view public_key_text);

  // Errors, all UNAUTHENTICATED: IDENTITY_MISSING (empty), IDENTITY_INVALID (form, key or signature), IDENTITY_EXPIRED (or not
  // yet valid; one minute of clock difference is forgiven, a life over one hour is not), IDENTITY_FOREIGN (audience).
  absl::StatusOr<std::shared_ptr<common::v1::Identity const>> Verify(std::string_view signed_identity) const;

 private:
  struct State;
  Clock const& clock_;
  std::string audience_;
  std::unique_ptr<State> state_;
};

// Which permissions a role carries: the policy file (helhed.policy.v1.RolePolicy in protobuf text format).
class Roles {
 public:
  // Errors: INVALID_ARGUMENT that names the file, the line and what is wrong (a role twice, a permission that no method of the
  // contract has).
  static absl::StatusOr<Roles> FromFile(std::string const& path);
  static absl::StatusOr<Roles> FromText(std::string_view text, std::string_view origin);

  bool Allows(std::string_view role, std::string_view permission) const;
  std::vector<std::string> names() const;

  // The scopes of the grants that carry `permission`; a lone empty scope means everywhere, an empty list means none.
  std::vector<std::string> Scopes(common::v1::Identity const& identity, std::string_view permission) const;

 private:
  struct State;
  std::shared_ptr<State const> state_;
};

}  // namespace helhed::identity
