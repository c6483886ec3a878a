#include "gateway/identity/claims.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "gateway/identity/json.h"
#include "gateway/identity/testing/fake_issuer.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;

constexpr std::int64_t kNowSeconds = 1'700'000'000;
absl::Time const kNow = absl::FromUnixSeconds(kNowSeconds);

// Claims of an ordinary token; a claim set to nothing is left out.
class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    claims_["iss"] = absl::StrCat("\"", std::string(testing::kIssuer), "\"");
    claims_["aud"] = absl::StrCat("\"", std::string(testing::kAudience), "\"");
    claims_["sub"] = "\"4f2a\"";
    claims_["iat"] = std::to_string(kNowSeconds - 10);
    claims_["exp"] = std::to_string(kNowSeconds + 290);
  }

  absl::StatusOr<TokenClaims> Check(absl::Time now = kNow) {
    std::string payload = "{";
    for (auto const& [name, value] : claims_) {
      if (!value.empty()) absl::StrAppend(&payload, payload.size() > 1 ? "," : "", "\"", name, "\":", value);
    }
    auto const header = absl::StrCat(R"({"kid":"k","alg":")", algorithm_, R"(","typ":")", type_, "\"}");
    auto const token = ParseToken(absl::StrCat(ToBase64Url(header), ".", ToBase64Url(payload + "}"), ".c2ln"));
    EXPECT_THAT(token, IsOk());
    return CheckClaims(*token, TokenRules::Of(issuer_), now);
  }
  absl::StatusOr<TokenClaims> With(std::string const& claim, std::string const& value) {
    auto const before = claims_;
    claims_[claim] = value;
    auto result = Check();
    claims_ = before;
    return result;
  }

  v1::Issuer issuer_ = testing::IssuerConfig();
  std::map<std::string, std::string> claims_;
  std::string algorithm_ = "RS256";
  std::string type_ = "at+jwt";
};

TEST_F(ClaimsTest, TakesAnOrdinaryToken) {
  auto const claims = Check();
  ASSERT_THAT(claims, IsOk());
  EXPECT_EQ(claims->subject, "4f2a");
  EXPECT_EQ(claims->refused_from, kNow + absl::Seconds(290 + 30));
}

TEST_F(ClaimsTest, ComparesTheIssuerExactly) {
  for (auto const* const issuer :
       {"https://login.example.dk/realms/helhed/", "https://login.example.dk/realms", "https://LOGIN.example.dk/realms/helhed",
        "http://login.example.dk/realms/helhed", "https://login.example.dk/realms/helhed?x"}) {
    EXPECT_THAT(With("iss", absl::StrCat("\"", issuer, "\"")),
                StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ISSUER_UNKNOWN"))
        << issuer;
  }
}

TEST_F(ClaimsTest, WantsItsAudienceAsATextOrInAList) {
  auto const ours = absl::StrCat("\"", std::string(testing::kAudience), "\"");
  EXPECT_THAT(With("aud", absl::StrCat(R"(["other",)", ours, "]")), IsOk());
  issuer_.add_audiences("second");
  EXPECT_THAT(With("aud", "\"second\""), IsOk());
  for (auto const* const foreign :
       {R"("other")", R"(["other"])", "[]", R"("https://helhed.example.dk/")", R"("https://helhed.example")", R"("")"}) {
    EXPECT_THAT(With("aud", foreign), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_AUDIENCE_FOREIGN")) << foreign;
  }
  for (auto const& malformed : {std::string(), std::string("1"), std::string("null"), absl::StrCat("{\"a\":", ours, "}"),
                                absl::StrCat("[1,", ours, "]")}) {
    EXPECT_THAT(With("aud", malformed), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID")) << malformed;
  }
}

TEST_F(ClaimsTest, KeepsToTheTimesWithTheSkewAndNoMore) {
  EXPECT_THAT(Check(kNow + absl::Seconds(319)), IsOk());
  EXPECT_THAT(Check(kNow + absl::Seconds(320)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED"));
  EXPECT_EQ(MetadataOf(Check(kNow + absl::Hours(1)).status()).at("expired_at"), "2023-11-14T22:18:10+00:00");
  EXPECT_THAT(Check(kNow - absl::Seconds(40)), IsOk());
  EXPECT_THAT(Check(kNow - absl::Seconds(41)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_NOT_YET_VALID"));
  EXPECT_THAT(With("nbf", std::to_string(kNowSeconds + 30)), IsOk());
  EXPECT_THAT(With("nbf", std::to_string(kNowSeconds + 31)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_NOT_YET_VALID"));
  EXPECT_THAT(With("iat", std::to_string(kNowSeconds + 31)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_NOT_YET_VALID"));
  issuer_.mutable_clock_skew()->set_seconds(0);
  EXPECT_THAT(Check(kNow + absl::Seconds(289)), IsOk());
  EXPECT_THAT(Check(kNow + absl::Seconds(290)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED"));
}

TEST_F(ClaimsTest, TakesFractionsOfASecond) {
  issuer_.mutable_clock_skew()->set_seconds(0);
  EXPECT_THAT(With("exp", "1700000000.5"), IsOk());
  EXPECT_THAT(With("exp", "1.7000001e9"), IsOk());
}

TEST_F(ClaimsTest, RefusesTimesThatAreNone) {
  for (auto const* const value : {"\"1700000290\"", "null", "-1", "1e300", "253402300800", "[1700000290]", "true", "{}"}) {
    for (auto const* const claim : {"exp", "iat", "nbf"}) {
      EXPECT_THAT(With(claim, value), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"))
          << claim << " " << value;
    }
  }
  EXPECT_THAT(With("exp", ""), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
  EXPECT_THAT(With("iat", ""), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
  EXPECT_THAT(With("exp", std::to_string(kNowSeconds - 10)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"))
      << "not after iat";
}

TEST_F(ClaimsTest, RefusesALifeThatIsTooLong) {
  EXPECT_THAT(With("exp", std::to_string(kNowSeconds - 10 + 86'400)), IsOk());
  EXPECT_THAT(With("exp", std::to_string(kNowSeconds - 10 + 86'401)),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
  issuer_.mutable_token_lifetime_max()->set_seconds(299);
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
}

TEST_F(ClaimsTest, WantsTheTypeThatIsConfigured) {
  for (auto const* const type : {"JWT", "", "id+jwt", "logout+jwt", "at+jwt ", "dpop+jwt"}) {
    type_ = type;
    EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_TYPE_REFUSED")) << type;
  }
  issuer_.add_types("JWT");
  type_ = "jwt";
  EXPECT_THAT(Check(), IsOk());
  type_ = "at+jwt";
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_TYPE_REFUSED"));
}

TEST_F(ClaimsTest, WantsAnAlgorithmThatIsConfigured) {
  issuer_.add_algorithms("ES256");
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ALGORITHM_REFUSED"));
  EXPECT_EQ(MetadataOf(Check().status()).at("allowed"), "ES256");
  algorithm_ = "ES256";
  EXPECT_THAT(Check(), IsOk());
}

TEST_F(ClaimsTest, WantsASubjectThatIsNoPersonsNumber) {
  for (auto const* const subject : {"", "\"\"", "1", R"("a b")", R"("a\nb")", R"("æ")", R"("0101701234")", R"("010170-1234")",
                                    R"("6101701234")", R"(["a"])"}) {
    EXPECT_THAT(With("sub", subject), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID")) << subject;
  }
  EXPECT_THAT(With("sub", absl::StrCat("\"", std::string(256, 'a'), "\"")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
  for (auto const* const subject :
       {R"("auth0|5f7c")", R"("0113701234")", R"("3201701234")", R"("01017012345")", R"("kim@example.dk")"}) {
    EXPECT_THAT(With("sub", subject), IsOk()) << subject;
  }
}

TEST_F(ClaimsTest, RefusesTokensThatAreBoundToAKey) {
  EXPECT_THAT(With("cnf", R"({"x5t#S256":"abc"})"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
}

}  // namespace
}  // namespace helhed::gateway::identity
