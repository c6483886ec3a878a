#include "gateway/identity/token.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "gateway/identity/json.h"
#include "gateway/identity/testing/signing_key.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;

std::string Compact(std::string_view header, std::string_view payload = R"({"iss":"https://a"})",
                    std::string_view signature = "s") {
  return absl::StrCat(ToBase64Url(header), ".", ToBase64Url(payload), ".", ToBase64Url(signature));
}
std::string WithHeader(std::string_view more) {
  return Compact(absl::StrCat(R"({"alg":"RS256","kid":"k")", absl::string_view(more.data(), more.size()), "}"));
}

TEST(ParseToken, TakesATokenApart) {
  auto const token =
      ParseToken(Compact(R"({"alg":"ES256","kid":"k1","typ":"AT+JWT"})", R"({"iss":"https://a","x":[1]})", "0123"));
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->algorithm, Algorithm::kEs256);
  EXPECT_EQ(token->key_id, "k1");
  EXPECT_EQ(token->type, "at+jwt");
  EXPECT_EQ(token->issuer, "https://a");
  EXPECT_EQ(token->signature_bytes, 4u);
  EXPECT_NE(Member(token->claims, "x"), nullptr);
  EXPECT_EQ(ParseToken(WithHeader(R"(,"typ":"application/at+jwt")"))->type, "at+jwt");
  EXPECT_EQ(ParseToken(WithHeader(""))->type, "");
  EXPECT_THAT(ParseToken(WithHeader(R"(,"x5t":"abc","x5t#S256":"abc","cty":"x")")), IsOk()) << "harmless";
}

TEST(ParseToken, RefusesEveryOtherAlgorithm) {
  for (auto const* const name : {"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS384", "RS512", "PS512",
                                 "ES384", "ES512", "ES256K", "EdDSA", "rs256", "RS256 ", "RSA-OAEP", "dir"}) {
    EXPECT_THAT(ParseToken(Compact(absl::StrCat(R"({"kid":"k","alg":")", name, "\"}"))),
                StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ALGORITHM_REFUSED"))
        << name;
  }
  for (auto const* const header :
       {R"({"kid":"k"})", R"({"kid":"k","alg":null})", R"({"kid":"k","alg":["RS256"]})", R"({"kid":"k","alg":1})"}) {
    EXPECT_THAT(ParseToken(Compact(header)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ALGORITHM_REFUSED")) << header;
  }
}

TEST(ParseToken, RefusesWhatNamesItsOwnKeyAndWhatNobodyUnderstands) {
  for (auto const* const more :
       {R"(,"jwk":{"kty":"oct","k":"AAAA"})", R"(,"jku":"https://evil.example/keys")", R"(,"x5u":"https://evil.example/c")",
        R"(,"x5c":["MIIB"])", R"(,"crit":["exp"])", R"(,"crit":[])", R"(,"b64":false,"crit":["b64"])", R"(,"b64":true)",
        R"(,"zip":"DEF")", R"(,"enc":"A128GCM")"}) {
    EXPECT_THAT(ParseToken(WithHeader(more)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED")) << more;
  }
}

TEST(ParseToken, RefusesKeyIdsThatAreMoreThanNames) {
  for (auto const* const kid :
       {R"("")", R"("a b")", R"("a\nb")", R"("a\u0000")", R"("æ")", "1", "null", R"(["k"])", R"({"a":1})"}) {
    EXPECT_THAT(ParseToken(Compact(absl::StrCat(R"({"alg":"RS256","kid":)", kid, "}"))),
                StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"))
        << kid;
  }
  EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256"})")), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  auto const of_size = [](std::size_t size) {
    return Compact(absl::StrCat(R"({"alg":"RS256","kid":")", std::string(size, 'k'), "\"}"));
  };
  EXPECT_THAT(ParseToken(of_size(256)), IsOk());
  EXPECT_THAT(ParseToken(of_size(257)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  // A path or a query is only compared, never opened.
  EXPECT_EQ(ParseToken(Compact(R"({"alg":"RS256","kid":"../../dev/null"})"))->key_id, "../../dev/null");
}

TEST(ParseToken, RefusesDuplicateMembers) {
  EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256","kid":"k","alg":"none"})")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256","kid":"k","\u0061lg":"none"})")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256","kid":"k"})", R"({"iss":"a","iss":"b"})")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
}

TEST(ParseToken, RefusesOtherForms) {
  auto const good = WithHeader("");
  ASSERT_THAT(ParseToken(good), IsOk());
  for (auto const& text : {std::string(), std::string("."), std::string(".."), std::string("a.b.c"), good + ".x", good + "=",
                           good + " ", " " + good, good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1),
                           "." + good, good + "\n", good.substr(good.find('.') + 1),
                           // JSON serialization (RFC 7515, 7.2) and encrypted tokens have other forms.
                           std::string(R"({"payload":"a","signatures":[]})"), good + ".a.b"}) {
    EXPECT_THAT(ParseToken(text), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED")) << text;
  }
  EXPECT_THAT(ParseToken(Compact("[]")), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256","kid":"k"})", "text")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256","kid":"k","typ":1})")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
}

TEST(ParseToken, RefusesWhatIsLargerThan8KiB) {
  auto const of_payload = [](std::size_t size) {
    return Compact(R"({"alg":"RS256","kid":"k"})", absl::StrCat(R"({"iss":"a","x":")", std::string(size, 'x'), "\"}"));
  };
  EXPECT_THAT(ParseToken(of_payload(5500)), IsOk());
  EXPECT_THAT(ParseToken(of_payload(8200)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(ParseToken(std::string(50'000'000, 'a')), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
}

TEST(ParseToken, RefusesATokenWithoutIssuer) {
  for (auto const* const payload : {"{}", R"({"iss":""})", R"({"iss":["https://a"]})", R"({"iss":null})"}) {
    EXPECT_THAT(ParseToken(Compact(R"({"alg":"RS256","kid":"k"})", payload)),
                StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"))
        << payload;
  }
}

TEST(ParseToken, NeverRepeatsTheToken) {
  auto const status = ParseToken(Compact(R"({"alg":"secret-alg","kid":"k"})")).status();
  EXPECT_EQ(status.ToString().find("secret-alg"), std::string::npos);
}

TEST(ParseToken, SurvivesAnyAlteration) {
  auto const good = testing::EcKey().Token("ES256", R"({"iss":"https://a","aud":["x"],"exp":1,"iat":0,"sub":"s"})");
  helhed::testing::ForAllSeeds(2000, [&](SeededRandom& random) {
    auto text = good;
    for (auto changes = random.Between(1, 4); changes > 0; --changes) {
      text[random.Between(0, static_cast<std::int64_t>(text.size()) - 1)] = static_cast<char>(random.Next());
    }
    auto const token = ParseToken(text);
    EXPECT_TRUE(!token.ok() || token->compact == text);
  });
}

}  // namespace
}  // namespace helhed::gateway::identity
