#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/identity/claims.h"
#include "gateway/identity/grants.h"
#include "gateway/identity/json.h"
#include "gateway/identity/key_set.h"
#include "gateway/identity/token.h"

namespace {

using namespace helhed::gateway::identity;

helhed::gateway::v1::Issuer Config() {
  helhed::gateway::v1::Issuer issuer;
  issuer.set_id("login");
  issuer.set_issuer("https://a");
  issuer.add_audiences("x");
  issuer.add_types("JWT");
  issuer.add_types("at+jwt");
  issuer.set_groups_claim("/realm/roles");
  auto* const limit = issuer.add_may_grant();
  limit->set_role("*");
  limit->set_scope("*");
  return issuer;
}

void TryToken(std::string_view text, KeySet const* keys) {
  auto const token = ParseToken(text);
  if (!token.ok()) return;
  // What was accepted is one canonical text.
  if (token->compact != text || token->key_id.empty() || token->issuer.empty()) std::abort();
  static auto const& config = *new helhed::gateway::v1::Issuer(Config());
  static auto const& rules = *new TokenRules(TokenRules::Of(config));
  static auto const& mapper = *new GrantMapper(config, {"portal", "auditor"});
  auto const claims = CheckClaims(*token, rules, absl::FromUnixSeconds(1'700'000'000));
  if (claims.ok() && !IsSubject(claims->subject)) std::abort();
  auto const granted = mapper.Map(token->claims);
  if (granted.ok() && granted->grants.size() > 64) std::abort();
  if (keys == nullptr) return;
  auto const* const key = keys->Find(token->key_id, token->algorithm);
  if (key != nullptr && key->Verifies(*token) && !key->Allows(token->algorithm)) std::abort();
}

}  // namespace

// Two forms, told by the first byte: `{` is a key set, then a line and a token; anything else is header, payload and signature by
// lines, which become a token.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view text(reinterpret_cast<char const*>(data), size);
  auto const line = text.find('\n');
  if (text.starts_with('{') && line != std::string_view::npos && text.find("\"keys\"") < line) {
    auto const keys = KeySet::FromJson(text.substr(0, line));
    TryToken(text.substr(line + 1), keys.ok() ? keys->get() : nullptr);
    return 0;
  }
  TryToken(text, nullptr);
  auto const second = line == std::string_view::npos ? line : text.find('\n', line + 1);
  if (second == std::string_view::npos) return 0;
  TryToken(ToBase64Url(text.substr(0, line)) + "." + ToBase64Url(text.substr(line + 1, second - line - 1)) + "." +
               ToBase64Url(text.substr(second + 1)),
           nullptr);
  return 0;
}
