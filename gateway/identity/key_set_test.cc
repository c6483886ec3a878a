#include "gateway/identity/key_set.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>

#include "gateway/identity/json.h"
#include "gateway/identity/testing/signing_key.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using testing::EcKey;
using testing::KeySetText;
using testing::OtherRsaKey;
using testing::RsaKey;
using testing::SigningKey;

constexpr std::string_view kPayload = R"({"iss":"https://a"})";

std::shared_ptr<KeySet const> SetOf(std::initializer_list<std::string> jwks) {
  auto set = KeySet::FromJson(KeySetText(jwks));
  EXPECT_THAT(set, IsOk());
  return *set;
}

// Whether a token would be believed by this set of keys.
bool Verifies(KeySet const& set, std::string const& compact) {
  auto const token = ParseToken(compact);
  if (!token.ok()) return false;
  auto const* const key = set.Find(token->key_id, token->algorithm);
  return key != nullptr && key->Verifies(*token);
}

TEST(KeySet, VerifiesWhatItsKeysSigned) {
  auto const set = SetOf({RsaKey().Jwk(), EcKey().Jwk()});
  EXPECT_EQ(set->size(), 2u);
  EXPECT_TRUE(Verifies(*set, RsaKey().Token("RS256", kPayload)));
  EXPECT_TRUE(Verifies(*set, RsaKey().Token("PS256", kPayload)));
  EXPECT_TRUE(Verifies(*set, EcKey().Token("ES256", kPayload)));
  EXPECT_FALSE(Verifies(*set, OtherRsaKey().Token("RS256", kPayload)));
}

TEST(KeySet, RefusesAnAlteredTokenAnywhere) {
  auto const set = SetOf({RsaKey().Jwk(), EcKey().Jwk()});
  for (auto const& token : {RsaKey().Token("RS256", kPayload), EcKey().Token("ES256", kPayload)}) {
    for (std::size_t i = 0; i < token.size(); i += 3) {
      auto altered = token;
      altered[i] = altered[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(Verifies(*set, altered)) << i;
    }
  }
}

TEST(KeySet, RefusesASignatureByAnotherKeyOfThatName) {
  auto const set = SetOf({RsaKey().Jwk(), EcKey().Jwk()});
  auto const forged = SigningKey::Rsa("rsa-1");
  EXPECT_FALSE(Verifies(*set, forged.Token("RS256", kPayload)));
  EXPECT_FALSE(Verifies(*set, SigningKey::Ec("ec-1").Token("ES256", kPayload)));
}

// The public key as a shared secret, an RSA signature called EC's and the other way round, PKCS #1 called PSS.
TEST(KeySet, AllowsNoConfusionOfAlgorithms) {
  auto const set = SetOf({RsaKey().Jwk(), EcKey().Jwk()});
  EXPECT_FALSE(Verifies(*set, RsaKey().Token("HS256", kPayload)));
  auto const say = [](SigningKey const& key, std::string_view really, std::string_view said) {
    return key.Token(really,
                     absl::StrCat(R"({"kid":")", key.kid(), R"(","alg":")", absl::string_view(said.data(), said.size()), "\"}"),
                     kPayload);
  };
  EXPECT_TRUE(Verifies(*set, say(RsaKey(), "RS256", "RS256")));
  EXPECT_FALSE(Verifies(*set, say(RsaKey(), "RS256", "PS256")));
  EXPECT_FALSE(Verifies(*set, say(RsaKey(), "PS256", "RS256")));
  EXPECT_FALSE(Verifies(*set, say(RsaKey(), "RS256", "ES256")));
  EXPECT_FALSE(Verifies(*set, say(EcKey(), "ES256", "RS256")));
  EXPECT_FALSE(Verifies(*set, say(RsaKey(), "HS256", "RS256")));
  EXPECT_EQ(set->Find("rsa-1", Algorithm::kEs256), nullptr);
  EXPECT_EQ(set->Find("ec-1", Algorithm::kPs256), nullptr);
}

TEST(KeySet, UsesAKeyForTheOneAlgorithmThatItNames) {
  auto const set = SetOf({RsaKey().Jwk(R"(,"alg":"PS256","use":"sig")")});
  EXPECT_TRUE(Verifies(*set, RsaKey().Token("PS256", kPayload)));
  EXPECT_FALSE(Verifies(*set, RsaKey().Token("RS256", kPayload)));
}

// cjose 0.6 reads as many bytes of a PS256 signature as the modulus has.
TEST(KeySet, RefusesSignaturesOfAnotherLength) {
  auto const set = SetOf({RsaKey().Jwk(), EcKey().Jwk()});
  for (auto const& token :
       {RsaKey().Token("PS256", kPayload), RsaKey().Token("RS256", kPayload), EcKey().Token("ES256", kPayload)}) {
    auto const dot = token.rfind('.') + 1;
    auto const signature = *FromBase64Url(std::string_view(token).substr(dot));
    for (auto const& other : {signature.substr(0, 1), signature.substr(0, signature.size() - 1), signature + '\0',
                              signature + signature, '\0' + signature, std::string(signature.size(), '\0')}) {
      EXPECT_FALSE(Verifies(*set, token.substr(0, dot) + ToBase64Url(other)));
    }
  }
}

TEST(KeySet, PassesOverKeysThatAreOfNoUse) {
  auto const none = [](std::string const& jwk) {
    auto const set = KeySet::FromJson(KeySetText({jwk}));
    ASSERT_THAT(set, IsOk()) << jwk;
    EXPECT_EQ((*set)->size(), 0u) << jwk;
    EXPECT_EQ((*set)->passed_over(), 1u);
  };
  none(RsaKey().Jwk(R"(,"use":"enc")"));
  none(RsaKey().Jwk(R"(,"use":1)"));
  none(RsaKey().Jwk(R"(,"key_ops":["encrypt"])"));
  none(RsaKey().Jwk(R"(,"key_ops":"verify")"));
  none(RsaKey().Jwk(R"(,"alg":"HS256")"));
  none(RsaKey().Jwk(R"(,"alg":"ES256")"));
  none(EcKey().Jwk(R"(,"alg":"RS256")"));
  none(RsaKey().Jwk(R"(,"alg":null)"));
  none(SigningKey::Rsa("small", 1024).Jwk());
  none(SigningKey::Ec("other-curve", "P-384").Jwk());
  none(SigningKey::Ed25519("ed").Jwk());
  none(R"({"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0","kid":"k"})");
  none(SigningKey::Rsa("").Jwk());
  none("1");
  none(R"({"kid":"k"})");
  none(R"({"kty":"RSA","kid":"k"})");
  // A point that is not on the curve, one that is at infinity, numbers that are no base64url.
  none(R"({"kty":"EC","crv":"P-256","kid":"k","x":")" + ToBase64Url(std::string(32, '\1')) + R"(","y":")" +
       ToBase64Url(std::string(32, '\2')) + "\"}");
  none(R"({"kty":"EC","crv":"P-256","kid":"k","x":")" + ToBase64Url(std::string(32, '\0')) + R"(","y":")" +
       ToBase64Url(std::string(32, '\0')) + "\"}");
  none(R"({"kty":"EC","crv":"P-256","kid":"k","x":"!","y":"!"})");
}

TEST(KeySet, PassesOverExponentsThatProtectNothing) {
  for (auto const* const exponent : {"AQ", "Aw", "AQAA", "AAEAAQEBAQEBAQE"}) {  // 1, 3, even, 11 bytes
    auto const jwk = absl::StrReplaceAll(RsaKey().Jwk(), {{R"("e":"AQAB")", absl::StrCat(R"("e":")", exponent, "\"")}});
    ASSERT_NE(jwk, RsaKey().Jwk());
    EXPECT_EQ(SetOf({jwk})->size(), 0u) << exponent;
  }
}

TEST(KeySet, BelievesNeitherOfTwoKeysWithOneName) {
  auto const other = SigningKey::Rsa("rsa-1");
  auto const set = SetOf({RsaKey().Jwk(), other.Jwk(), EcKey().Jwk()});
  EXPECT_FALSE(Verifies(*set, RsaKey().Token("RS256", kPayload)));
  EXPECT_FALSE(Verifies(*set, other.Token("RS256", kPayload)));
  EXPECT_TRUE(Verifies(*set, EcKey().Token("ES256", kPayload)));
  // Keys of two types may share a name (RFC 7517, 4.5).
  auto const shared = SetOf({RsaKey().Jwk(), SigningKey::Ec("rsa-1").Jwk()});
  EXPECT_TRUE(Verifies(*shared, RsaKey().Token("RS256", kPayload)));
}

TEST(KeySet, RefusesWhatIsNoSetOfKeys) {
  constexpr auto invalid = absl::StatusCode::kInvalidArgument;
  for (auto const* const text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[],"keys":[]})", "<html>"}) {
    EXPECT_THAT(KeySet::FromJson(text), StatusCodeIs(invalid)) << text;
  }
  std::string many = R"({"keys":[1)";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_THAT(KeySet::FromJson(many + "]}"), StatusCodeIs(invalid));
}

}  // namespace
}  // namespace helhed::gateway::identity
