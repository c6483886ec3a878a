#include "gateway/identity/claims.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <array>
#include <optional>

#include "gateway/identity/error.h"
#include "gateway/identity/json.h"

namespace helhed::gateway::identity {
namespace {

constexpr std::size_t kSubjectBytesMax = 255;
constexpr double kYear10000Seconds = 253'402'300'800;

absl::Status ClaimInvalid(std::string_view claim, std::string_view message) {
  return Refused(v1::ERROR_REASON_TOKEN_CLAIM_INVALID, message, {{"claim", std::string(claim)}});
}

std::string ToText(absl::Time time) { return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()); }

// A NumericDate (RFC 7519, 2): seconds since 1970, possibly with a fraction. Texts are none.
absl::StatusOr<std::optional<absl::Time>> TimeClaim(Token const& token, std::string_view name) {
  auto const* const value = Member(token.claims, name);
  if (value == nullptr) return std::nullopt;
  if (!value->IsNumber() || !(value->GetDouble() >= 0 && value->GetDouble() < kYear10000Seconds)) {
    return ClaimInvalid(name, "a time of the token is not a number of seconds since 1970");
  }
  return absl::UnixEpoch() + absl::Seconds(value->GetDouble());
}

bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// DDMMYY and four digits, with or without a hyphen; replacement numbers have 60 added to the day.
bool LooksLikeCpr(std::string_view text) {
  constexpr int replacement = 60;
  if (text.size() == 11 && text[6] == '-') return LooksLikeCpr(std::string(text.substr(0, 6)).append(text.substr(7)));
  if (text.size() != 10 || !IsDigits(text)) return false;
  int const day = (text[0] - '0') * 10 + text[1] - '0';
  int const month = (text[2] - '0') * 10 + text[3] - '0';
  return day % replacement >= 1 && day % replacement <= 31 && month >= 1 && month <= 12;
}

absl::Status CheckHeader(Token const& token, TokenRules const& rules) {
  if (!rules.algorithms.contains(token.algorithm)) {
    auto const name = [](std::string* out, Algorithm algorithm) { out->append(NameOf(algorithm)); };
    return Refused(v1::ERROR_REASON_TOKEN_ALGORITHM_REFUSED, "the token's algorithm is not accepted from this issuer",
                   {{"allowed", absl::StrJoin(rules.algorithms, ", ", name)}});
  }
  if (!rules.types.contains(token.type)) {
    return Refused(v1::ERROR_REASON_TOKEN_TYPE_REFUSED, "the token is of another type (`typ`) than is accepted from this issuer",
                   {{"types", absl::StrJoin(rules.types, ", ")}});
  }
  return absl::OkStatus();
}

absl::Status CheckAudience(Token const& token, TokenRules const& rules) {
  auto const* const claim = Member(token.claims, "aud");
  if (claim == nullptr) return ClaimInvalid("aud", "the token does not say whom it is meant for");
  bool is_ours = claim->IsString() && rules.audiences.contains(TextOf(*claim));
  if (claim->IsArray()) {
    for (auto const& audience : claim->GetArray()) {
      if (!audience.IsString()) return ClaimInvalid("aud", "an audience of the token is not a text");
      is_ours = is_ours || rules.audiences.contains(TextOf(audience));
    }
  } else if (!claim->IsString()) {
    return ClaimInvalid("aud", "the token's audience is neither a text nor a list of them");
  }
  if (is_ours) return absl::OkStatus();
  return Refused(v1::ERROR_REASON_TOKEN_AUDIENCE_FOREIGN, "the token is meant for another audience",
                 {{"audiences", absl::StrJoin(rules.audiences, ", ")}});
}

absl::StatusOr<absl::Time> CheckTimes(Token const& token, TokenRules const& rules, absl::Time now) {
  ASSIGN_OR_RETURN(auto const expires, TimeClaim(token, "exp"));
  ASSIGN_OR_RETURN(auto const issued, TimeClaim(token, "iat"));
  ASSIGN_OR_RETURN(auto const not_before, TimeClaim(token, "nbf"));
  if (!expires) return ClaimInvalid("exp", "the token does not say when it expires");
  if (!issued) return ClaimInvalid("iat", "the token does not say when it was issued");
  if (*expires <= *issued) return ClaimInvalid("exp", "the token expires before it is issued");
  if (*expires - *issued > rules.lifetime_max) return ClaimInvalid("exp", "the token is meant to live longer than is accepted");
  if (now >= *expires + rules.clock_skew) {
    return Refused(v1::ERROR_REASON_TOKEN_EXPIRED, "the token is past its time; get a new one",
                   {{"expired_at", ToText(*expires)}});
  }
  auto const valid_from = std::max(*issued, not_before.value_or(*issued));
  if (now < valid_from - rules.clock_skew) {
    return Refused(v1::ERROR_REASON_TOKEN_NOT_YET_VALID, "the token is not valid yet; compare the clocks of issuer and gateway",
                   {{"valid_from", ToText(valid_from)}});
  }
  return *expires + rules.clock_skew;
}

}  // namespace

absl::Duration Or(google::protobuf::Duration const& duration, absl::Duration otherwise) {
  auto const value = absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  return value == absl::ZeroDuration() ? otherwise : value;
}

TokenRules TokenRules::Of(v1::Issuer const& issuer) {
  TokenRules rules;
  rules.id = issuer.id();
  rules.issuer = issuer.issuer();
  rules.audiences.insert(issuer.audiences().begin(), issuer.audiences().end());
  for (auto const& name : issuer.algorithms()) {
    if (auto const algorithm = AlgorithmOf(name)) rules.algorithms.insert(*algorithm);
  }
  if (issuer.algorithms().empty()) rules.algorithms = {Algorithm::kRs256, Algorithm::kPs256, Algorithm::kEs256};
  for (auto const& type : issuer.types()) rules.types.insert(absl::AsciiStrToLower(type));
  if (issuer.types().empty()) rules.types = {"at+jwt"};
  rules.clock_skew = issuer.has_clock_skew() ? Or(issuer.clock_skew(), absl::ZeroDuration()) : rules.clock_skew;
  rules.lifetime_max = Or(issuer.token_lifetime_max(), rules.lifetime_max);
  return rules;
}

bool IsSubject(std::string_view text) {
  return !text.empty() && text.size() <= kSubjectBytesMax && !LooksLikeCpr(text) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

absl::StatusOr<TokenClaims> CheckClaims(Token const& token, TokenRules const& rules, absl::Time now) {
  if (token.issuer != rules.issuer) return Refused(v1::ERROR_REASON_TOKEN_ISSUER_UNKNOWN, "the token is of another issuer");
  RETURN_IF_ERROR(CheckHeader(token, rules));
  RETURN_IF_ERROR(CheckAudience(token, rules));
  TokenClaims claims;
  ASSIGN_OR_RETURN(claims.refused_from, CheckTimes(token, rules, now));
  auto const subject = TextMember(token.claims, "sub");
  if (!subject || !IsSubject(*subject)) {
    return ClaimInvalid("sub", "the token's subject is not 1 to 255 visible ASCII characters, or looks like a CPR number");
  }
  if (Member(token.claims, "cnf") != nullptr) {
    return ClaimInvalid("cnf", "the token is bound to a key or certificate, which is not supported; ask for one that is not");
  }
  claims.subject = *subject;
  return claims;
}

}  // namespace helhed::gateway::identity
