#pragma once

#include <absl/status/statusor.h>
#include <rapidjson/document.h>

#include <memory>
#include <optional>
#include <string>

#include "gateway/identity/token.h"

// Public keys and signatures, by cjose. Nothing else of the house includes that library.
namespace helhed::gateway::identity {

// A public key of an issuer. Immutable; safe from any thread.
class PublicKey {
 public:
  // From a JSON Web Key (RFC 7517). Errors: INVALID_ARGUMENT that says why the key is of no use here: another type than RSA or EC
  // on P-256, not for signatures (`use`, `key_ops`), no `kid`, RSA with a modulus outside 2048 to 8192 bits or an exponent below
  // 65537, a point that is not on the curve, an `alg` that is not accepted or not of the key's type.
  static absl::StatusOr<std::shared_ptr<PublicKey const>> FromJwk(rapidjson::Value const& jwk);
  ~PublicKey();
  PublicKey(PublicKey const&) = delete;
  PublicKey& operator=(PublicKey const&) = delete;

  std::string const& id() const { return id_; }
  bool is_rsa() const { return is_rsa_; }
  // Whether signatures by this algorithm may be verified with the key: of its type, and the only one where the key names one (RFC
  // 8725, 3.1).
  bool Allows(Algorithm algorithm) const;
  // Whether `token` was signed with this key. Never when the algorithm is not allowed.
  bool Verifies(Token const& token) const;

 private:
  PublicKey() = default;
  struct Handle;
  std::unique_ptr<Handle> handle_;
  std::string id_;
  bool is_rsa_ = false;
  std::optional<Algorithm> only_;
  // What a signature of this key has, exactly.
  std::size_t signature_bytes_ = 0;
};

}  // namespace helhed::gateway::identity
