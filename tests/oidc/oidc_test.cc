#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include "gateway/identity/gateway_authenticator.h"
#include "gateway/identity/issuer_keys.h"
#include "services/platform/testing/matchers.h"
#include "tests/oidc/issuer.h"

// The gateway's identity against a real issuer: discovery, keys and tokens are what oidc-provider makes of them.
namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::OidcIssuer;
using helhed::testing::StatusIs;
using Result = absl::StatusOr<std::shared_ptr<Caller const>>;

constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;

class OidcTest : public ::testing::Test {
 protected:
  // One for all tests, because it takes a second to start.
  static OidcIssuer& Issuer() {
    static OidcIssuer issuer;
    return issuer;
  }
  static v1::IdentityConfig Config() {
    v1::IdentityConfig config;
    auto* const issuer = config.add_issuers();
    issuer->set_id("login");
    issuer->set_issuer(Issuer().issuer());
    issuer->set_allow_http(true);
    issuer->add_audiences(std::string(OidcIssuer::kAudience));
    auto* const limit = issuer->add_may_grant();
    limit->set_role("*");
    limit->set_scope("*");
    return config;
  }
  void Start(v1::IdentityConfig config = Config()) {
    auto made =
        GatewayAuthenticator::Make({.config = std::move(config), .roles = {"portal"}, .signer = signer_}, clock_, metrics_, log_);
    ASSERT_THAT(made, IsOk());
    authenticator_ = *std::move(made);
  }
  // The issuer has a clock of its own; ours is never behind it.
  std::string Token(std::string_view algorithm) {
    auto token = Issuer().Token(algorithm);
    clock_.Set(std::max(clock_.Now(), absl::Now()));
    return token;
  }
  Result Try(std::string const& token) {
    Result result = absl::UnknownError("never called");
    authenticator_->Authenticate("Bearer " + token, {}, loop_, [&](Result answer) { result = std::move(answer); });
    loop_.restart();
    loop_.run();
    return result;
  }

  inline static OidcIssuer issuer_;
  FakeClock clock_{absl::Now()};
  telemetry::Metrics metrics_;
  telemetry::Log log_{{.service = "test", .destination = "/dev/null"}};
  ::helhed::identity::Signer signer_ = ::helhed::identity::Signer::FromSeed("gateway-1", std::string(32, 'g'));
  boost::asio::io_context loop_;
  std::unique_ptr<GatewayAuthenticator> authenticator_;
};

TEST_F(OidcTest, BelievesTokensOfEveryAlgorithm) {
  Start();
  for (auto const* const algorithm : {"RS256", "PS256", "ES256"}) {
    auto const token = Token(algorithm);
    ASSERT_FALSE(token.empty()) << algorithm;
    auto const caller = Try(token);
    ASSERT_THAT(caller, IsOk()) << algorithm;
    EXPECT_EQ((*caller)->key, "login:portal-kab");
    ASSERT_EQ((*caller)->identity->grants_size(), 1);
    EXPECT_EQ((*caller)->identity->grants(0).role(), "portal");
    EXPECT_EQ((*caller)->identity->grants(0).scope(), "organisations/9001");
    ::helhed::identity::Verifier service(clock_, "residents");
    ASSERT_THAT(service.AddKey(signer_.PublicKeyText()), IsOk());
    EXPECT_THAT(service.Verify((*caller)->signed_identity), IsOk());
  }
}

TEST_F(OidcTest, FollowsTheRotationOfKeys) {
  Start();
  auto const before = Token("RS256");
  EXPECT_THAT(Try(before), IsOk());
  Issuer().Rotate();
  clock_.Advance(IssuerKeys::kFetchInterval);
  EXPECT_THAT(Try(Token("ES256")), IsOk());
  EXPECT_THAT(Try(before), StatusIs(kUnauthenticated, "TOKEN_KEY_UNKNOWN")) << "its key is withdrawn";
  EXPECT_THAT(Try(Token("PS256")), IsOk());
}

TEST_F(OidcTest, RefusesWhatItWasNotMeantFor) {
  auto config = Config();
  config.mutable_issuers(0)->set_audiences(0, "https://another.test/");
  Start(config);
  EXPECT_THAT(Try(Token("RS256")), StatusIs(kUnauthenticated, "TOKEN_AUDIENCE_FOREIGN"));
  config = Config();
  config.mutable_issuers(0)->set_issuer(Issuer().issuer() + "/");
  Start(config);
  EXPECT_THAT(Try(Token("RS256")), StatusIs(kUnauthenticated, "TOKEN_ISSUER_UNKNOWN"));
  config = Config();
  config.mutable_issuers(0)->add_algorithms("ES256");
  Start(config);
  EXPECT_THAT(Try(Token("RS256")), StatusIs(kUnauthenticated, "TOKEN_ALGORITHM_REFUSED"));
}

TEST_F(OidcTest, RefusesItsTokensAfterTheirTime) {
  Start();
  auto const token = Token("ES256");
  EXPECT_THAT(Try(token), IsOk());
  clock_.Advance(absl::Seconds(700));
  EXPECT_THAT(Try(token), StatusIs(kUnauthenticated, "TOKEN_EXPIRED"));
}

}  // namespace
}  // namespace helhed::gateway::identity
