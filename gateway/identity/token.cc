#include "gateway/identity/token.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>

#include "gateway/identity/error.h"
#include "gateway/identity/json.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::identity {
namespace {

constexpr std::size_t kKeyIdBytesMax = 256;
constexpr std::array<std::pair<std::string_view, Algorithm>, 3> kAlgorithms{
    {{"RS256", Algorithm::kRs256}, {"PS256", Algorithm::kPs256}, {"ES256", Algorithm::kEs256}}};
constexpr std::array<std::string_view, 8> kNeverInAHeader{"crit", "b64", "jwk", "jku", "x5c", "x5u", "enc", "zip"};

absl::Status Malformed(std::string_view message) { return Refused(v1::ERROR_REASON_TOKEN_MALFORMED, message); }

// 1 to 256 visible ASCII characters: a key id is compared and never becomes a path, a query or a line of a log.
bool IsKeyId(std::string_view text) {
  return !text.empty() && text.size() <= kKeyIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// Media types go without regard to case, and `application/` may be left out (RFC 7515, 4.1.9).
std::string TypeOf(std::string_view typ) {
  constexpr std::string_view prefix = "application/";
  auto type = absl::AsciiStrToLower(Av(typ));
  return type.starts_with(prefix) ? type.substr(prefix.size()) : type;
}

absl::Status ReadHeader(std::string_view part, Token& token) {
  auto const text = FromBase64Url(part);
  if (!text) return Malformed("the token's header is not base64url");
  auto const header = ParseObject(*text);
  if (!header.ok()) return Malformed(Sv(absl::StrCat("the token's header: ", header.status().message())));
  for (auto const name : kNeverInAHeader) {
    if (Member(*header, name) == nullptr) continue;
    return Malformed(Sv(absl::StrCat("the token's header has `", Av(name), "`, which is never accepted")));
  }
  auto const name = TextMember(*header, "alg");
  auto const algorithm = name ? AlgorithmOf(*name) : std::nullopt;
  if (!algorithm) {
    return Refused(v1::ERROR_REASON_TOKEN_ALGORITHM_REFUSED, "the token is not signed by an algorithm that is accepted",
                   {{"allowed", "RS256, PS256, ES256"}});
  }
  token.algorithm = *algorithm;
  auto const key_id = TextMember(*header, "kid");
  if (!key_id || !IsKeyId(*key_id)) return Malformed("the token's header has no `kid` of 1 to 256 visible characters");
  token.key_id = *key_id;
  auto const* const type = Member(*header, "typ");
  if (type != nullptr && !type->IsString()) return Malformed("the token's `typ` is not a text");
  if (type != nullptr) token.type = TypeOf(TextOf(*type));
  return absl::OkStatus();
}

absl::Status ReadClaims(std::string_view part, Token& token) {
  auto const text = FromBase64Url(part);
  if (!text) return Malformed("the token's payload is not base64url");
  auto claims = ParseObject(*text);
  if (!claims.ok()) return Malformed(Sv(absl::StrCat("the token's payload: ", claims.status().message())));
  auto const issuer = TextMember(*claims, "iss");
  if (!issuer || issuer->empty()) {
    return Refused(v1::ERROR_REASON_TOKEN_CLAIM_INVALID, "the token does not say who issued it", {{"claim", "iss"}});
  }
  token.issuer = *issuer;
  token.claims = *std::move(claims);
  return absl::OkStatus();
}

}  // namespace

std::optional<Algorithm> AlgorithmOf(std::string_view name) {
  for (auto const& [known, algorithm] : kAlgorithms) {
    if (known == name) return algorithm;
  }
  return std::nullopt;
}

std::string_view NameOf(Algorithm algorithm) {
  for (auto const& [name, known] : kAlgorithms) {
    if (known == algorithm) return name;
  }
  return "";
}

absl::StatusOr<Token> ParseToken(std::string_view compact) {
  if (compact.size() > kTokenBytesMax) return Malformed("the token is larger than 8 KiB");
  auto const first = compact.find('.');
  auto const second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) {
    return Malformed("the token is not a signed JWT: three parts with a dot between them");
  }
  Token token;
  RETURN_IF_ERROR(ReadHeader(compact.substr(0, first), token));
  auto const signature = FromBase64Url(compact.substr(second + 1));
  if (!signature) return Malformed("the token's signature is missing or not base64url");
  token.signature_bytes = signature->size();
  RETURN_IF_ERROR(ReadClaims(compact.substr(first + 1, second - first - 1), token));
  token.compact = compact;
  return token;
}

}  // namespace helhed::gateway::identity
