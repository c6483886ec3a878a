#pragma once

#include <absl/status/statusor.h>
#include <rapidjson/document.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

// A signed JSON Web Token (RFC 7519) in its compact form, taken apart. Nothing here is to be believed before its signature is
// verified.
namespace helhed::gateway::identity {

// The algorithms that are ever accepted (RFC 7518, 3.1). `none` and the symmetric ones are not among them, so that a public key
// can never be taken for a shared secret; EdDSA is not, because the JOSE library (cjose 0.6) has none.
enum class Algorithm { kRs256, kPs256, kEs256 };
std::optional<Algorithm> AlgorithmOf(std::string_view name);
std::string_view NameOf(Algorithm algorithm);

// Larger ones are refused unread.
inline constexpr std::size_t kTokenBytesMax = std::size_t{8} * 1024;

struct Token {
  Algorithm algorithm = Algorithm::kRs256;
  // `kid`, never empty.
  std::string key_id;
  // `typ` in lower case and without `application/`; empty when the token has none.
  std::string type;
  // `iss`, never empty.
  std::string issuer;
  rapidjson::Document claims;
  // As received.
  std::string compact;
  std::size_t signature_bytes = 0;
};

// Errors: TOKEN_MALFORMED, TOKEN_ALGORITHM_REFUSED, TOKEN_CLAIM_INVALID (no issuer). Refused are: other than three parts in
// canonical base64url; JSON that is not strict (json.h); an algorithm that is never accepted; no `kid`; `crit` or `b64`, because
// no extension is understood (RFC 7515, 4.1.11; RFC 7797); `jwk`, `jku`, `x5c`, `x5u`, with which a token would bring or name the
// key that it is to be verified with; `enc` and `zip`, which belong to encryption.
absl::StatusOr<Token> ParseToken(std::string_view compact);

}  // namespace helhed::gateway::identity
