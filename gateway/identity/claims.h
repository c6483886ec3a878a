#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <set>
#include <string>

#include "gateway/identity/token.h"
#include "helhed/gateway/v1/config.pb.h"

namespace helhed::gateway::identity {

// What a token of one issuer must say: its configuration with the defaults filled in.
struct TokenRules {
  std::string id;
  std::string issuer;
  std::set<std::string, std::less<>> audiences;
  std::set<Algorithm> algorithms;
  // In lower case.
  std::set<std::string, std::less<>> types;
  absl::Duration clock_skew = absl::Seconds(30);
  absl::Duration lifetime_max = absl::Hours(24);

  static TokenRules Of(v1::Issuer const& issuer);
};

// What is taken from a token, apart from grants.
struct TokenClaims {
  std::string subject;
  // From when on the token is refused: `exp` and the clock skew.
  absl::Time refused_from;
};

// Checks algorithm, type and every claim but grants, exactly (RFC 7519, RFC 8725, RFC 9068). `exp`, `iat`, `aud` and `sub` must
// be there; `nbf` may. A subject that looks like a CPR number is refused, because subjects stand in logs and audit. A token bound
// to a key or certificate (`cnf`, RFC 7800) is refused: taking it from anybody who has it would undo the binding. Errors:
// TOKEN_ALGORITHM_REFUSED, TOKEN_TYPE_REFUSED, TOKEN_CLAIM_INVALID, TOKEN_AUDIENCE_FOREIGN, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID.
absl::StatusOr<TokenClaims> CheckClaims(Token const& token, TokenRules const& rules, absl::Time now);

// 1 to 255 visible ASCII characters (OpenID Connect Core 1.0, 2) that are no CPR number.
bool IsSubject(std::string_view text);

// A duration of the configuration; `otherwise` when it has none.
absl::Duration Or(google::protobuf::Duration const& duration, absl::Duration otherwise);

}  // namespace helhed::gateway::identity
