#include "gateway/identity/gateway_authenticator.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "gateway/identity/issuer_keys.h"
#include "gateway/identity/json.h"
#include "gateway/identity/testing/fake_issuer.h"
#include "gateway/identity/testing/signing_key.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using ::helhed::identity::Signer;
using ::helhed::identity::Verifier;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using testing::EcKey;
using testing::FakeIssuer;
using ::testing::HasSubstr;
using testing::KeySetText;
using ::testing::Not;
using testing::OtherRsaKey;
using testing::RsaKey;

using Result = absl::StatusOr<std::shared_ptr<Caller const>>;

constexpr std::int64_t kStartSeconds = 1'700'000'000;

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    issuer_->Publish(KeySetText({RsaKey().Jwk(), EcKey().Jwk()}));
    EXPECT_THAT(service_.AddKey(signer_.PublicKeyText()), IsOk());
    *config_.add_issuers() = testing::IssuerConfig();
    auto* const system = config_.add_systems();
    system->set_certificate_name("URI:spiffe://helhed/portal");
    system->set_subject("portal-kab");
    auto* const grant = system->add_grants();
    grant->set_role("portal");
    grant->set_scope("organisations/9001");
    auto* const other = config_.add_systems();
    other->set_certificate_name("DNS:reports.example.dk");
    other->set_subject("reports");
  }

  absl::StatusOr<std::unique_ptr<GatewayAuthenticator>> Made() {
    return GatewayAuthenticator::Make({.config = config_, .roles = {"portal", "auditor"}, .signer = signer_, .fetcher = issuer_},
                                      clock_, metrics_, log_);
  }
  GatewayAuthenticator& Authenticator() {
    if (authenticator_ == nullptr) {
      auto made = Made();
      EXPECT_THAT(made, IsOk());
      authenticator_ = *std::move(made);
    }
    return *authenticator_;
  }

  Result Try(std::string_view authorization, http::Peer const& peer = {}) {
    Result result = absl::UnknownError("never called");
    int calls = 0;
    Authenticator().Authenticate(authorization, peer, loop_, [&](Result answer) {
      result = std::move(answer);
      ++calls;
    });
    loop_.restart();
    loop_.run();
    EXPECT_EQ(calls, 1);
    return result;
  }
  Result Bearer(std::string const& token) { return Try("Bearer " + token); }

  std::string Payload(std::string_view subject = "4f2a", std::int64_t life_seconds = 3600) const {
    auto const now = absl::ToUnixSeconds(clock_.Now());
    return absl::StrCat(R"({"iss":")", std::string(testing::kIssuer), R"(","aud":")", std::string(testing::kAudience),
                        R"(","sub":")", std::string(subject), R"(","iat":)", now, R"(,"exp":)", now + life_seconds,
                        R"(,"helhed_grants":["portal@organisations/9001","king@*"]})");
  }
  double Counted(std::string const& line) const {
    auto const text = metrics_.Expose();
    auto const at = text.find(line + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + line.size() + 1));
  }
  double Verified() const { return Counted("helhed_gateway_tokens_verified_total{result=\"ok\"}"); }

  FakeClock clock_{absl::FromUnixSeconds(kStartSeconds)};
  telemetry::Metrics metrics_;
  telemetry::Log log_{{.service = "test", .destination = "/dev/null"}};
  Signer signer_ = Signer::FromSeed("gateway-1", std::string(32, 'g'));
  Verifier service_{clock_, "residents"};
  std::shared_ptr<FakeIssuer> issuer_ = std::make_shared<FakeIssuer>();
  v1::IdentityConfig config_;
  boost::asio::io_context loop_;
  std::unique_ptr<GatewayAuthenticator> authenticator_;
};

TEST_F(AuthenticatorTest, NobodyIsNobody) {
  auto const nobody = Try("");
  ASSERT_THAT(nobody, IsOk());
  EXPECT_EQ(*nobody, nullptr);
}

TEST_F(AuthenticatorTest, ATokenBecomesAnIdentityThatServicesTrust) {
  for (auto const& token :
       {RsaKey().Token("RS256", Payload()), RsaKey().Token("PS256", Payload()), EcKey().Token("ES256", Payload())}) {
    auto const caller = Bearer(token);
    ASSERT_THAT(caller, IsOk());
    EXPECT_EQ((*caller)->key, "login:4f2a");
    EXPECT_FALSE((*caller)->demonstration);
    auto const identity = service_.Verify((*caller)->signed_identity);
    ASSERT_THAT(identity, IsOk());
    EXPECT_THAT(**identity, helhed::testing::EqualsProto(*(*caller)->identity));
    EXPECT_EQ((*identity)->issuer(), "gateway");
    EXPECT_EQ((*identity)->subject(), "login:4f2a");
    EXPECT_EQ((*identity)->audience(), "helhed");
    ASSERT_EQ((*identity)->grants_size(), 1);
    EXPECT_EQ((*identity)->grants(0).role(), "portal");
    EXPECT_EQ((*identity)->expire_time().seconds() - (*identity)->issue_time().seconds(), 300);
  }
  EXPECT_EQ(Counted("helhed_gateway_grants_ignored_total{issuer=\"login\",why=\"unknown_role\"}"), 3);
}

TEST_F(AuthenticatorTest, ASignatureIsVerifiedOnce) {
  auto const token = RsaKey().Token("RS256", Payload());
  auto const first = Bearer(token);
  ASSERT_THAT(first, IsOk());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*Bearer(token), *first) << "the same, signed once";
  EXPECT_EQ(Verified(), 1);
}

TEST_F(AuthenticatorTest, TheIdentityIsAlwaysGoodForAMinuteMoreWhileTheTokenIs) {
  auto const token = RsaKey().Token("RS256", Payload("4f2a", 3600));
  int signed_times = 0;
  std::string last;
  for (int second = 0; second < 3600; second += 21, clock_.Advance(absl::Seconds(21))) {
    auto const caller = Bearer(token);
    ASSERT_THAT(caller, IsOk());
    auto const ends = absl::FromUnixSeconds((*caller)->identity->expire_time().seconds());
    auto const token_ends = absl::FromUnixSeconds(kStartSeconds + 3600 + 30);
    EXPECT_GE(ends, std::min(clock_.Now() + absl::Minutes(1), token_ends));
    EXPECT_LE(ends, token_ends);
    if (last != (*caller)->signed_identity) ++signed_times;
    last = (*caller)->signed_identity;
  }
  EXPECT_LE(signed_times, 3600 / 180);
  EXPECT_EQ(Verified(), 1);
}

TEST_F(AuthenticatorTest, TheCacheDoesNotOutliveTheToken) {
  auto const token = RsaKey().Token("RS256", Payload("4f2a", 60));
  EXPECT_THAT(Bearer(token), IsOk());
  clock_.Advance(absl::Seconds(89));
  EXPECT_THAT(Bearer(token), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Bearer(token), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED"));
}

TEST_F(AuthenticatorTest, TheCacheDoesNotOutliveTheKey) {
  auto const token = RsaKey().Token("RS256", Payload("4f2a", 7200));
  EXPECT_THAT(Bearer(token), IsOk());
  issuer_->Publish(KeySetText({EcKey().Jwk()}));
  clock_.Advance(IssuerKeys::kRefreshAge);
  EXPECT_THAT(Bearer(token), IsOk()) << "the keys are fetched while the old ones serve";
  EXPECT_THAT(Bearer(token), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
}

TEST_F(AuthenticatorTest, KeysRotateWithoutAnybodyBeingRefused) {
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", Payload())), IsOk());
  clock_.Advance(absl::Minutes(1));
  issuer_->Publish(KeySetText({OtherRsaKey().Jwk(), RsaKey().Jwk()}));
  EXPECT_THAT(Bearer(OtherRsaKey().Token("RS256", Payload())), IsOk());
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", Payload())), IsOk());
}

TEST_F(AuthenticatorTest, RefusesForgeries) {
  auto const payload = Payload();
  auto const none = absl::StrCat(ToBase64Url(R"({"alg":"none","kid":"rsa-1","typ":"at+jwt"})"), ".", ToBase64Url(payload), ".");
  EXPECT_THAT(Bearer(none), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ALGORITHM_REFUSED"));
  EXPECT_THAT(Bearer(none + "c2ln"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ALGORITHM_REFUSED"));
  EXPECT_THAT(Bearer(RsaKey().Token("HS256", payload)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ALGORITHM_REFUSED"));
  auto const attacker = testing::SigningKey::Rsa("rsa-1");
  EXPECT_THAT(Bearer(attacker.Token("RS256", payload)), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_SIGNATURE_INVALID"));
  EXPECT_THAT(Bearer(attacker.Token(
                  "RS256", absl::StrCat(R"({"alg":"RS256","kid":"rsa-1","typ":"at+jwt","jwk":)", attacker.Jwk(), "}"), payload)),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", R"({"alg":"ES256","kid":"rsa-1","typ":"at+jwt"})", payload)),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", R"({"alg":"RS256","kid":"ec-1","typ":"at+jwt"})", payload)),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", R"({"alg":"PS256","kid":"rsa-1","typ":"at+jwt"})", payload)),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_SIGNATURE_INVALID"));
  // The signature of one token under the claims of another.
  auto const mine = RsaKey().Token("RS256", payload);
  auto const admin = RsaKey().Token("RS256", Payload("admin"));
  EXPECT_THAT(Bearer(admin.substr(0, admin.rfind('.')) + mine.substr(mine.rfind('.'))),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_SIGNATURE_INVALID"));
  EXPECT_EQ(Verified(), 0);
}

TEST_F(AuthenticatorTest, OneIssuerCannotSpeakForAnother) {
  auto* const second = config_.add_issuers();
  *second = testing::IssuerConfig();
  second->set_id("second");
  second->set_issuer("https://second.example.dk");
  issuer_->documents["https://second.example.dk/.well-known/openid-configuration"] =
      R"({"issuer":"https://second.example.dk","jwks_uri":"https://second.example.dk/keys"})";
  issuer_->documents["https://second.example.dk/keys"] = KeySetText({OtherRsaKey().Jwk()});
  EXPECT_THAT(Bearer(OtherRsaKey().Token("RS256", Payload())), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", Payload())), IsOk());
}

TEST_F(AuthenticatorTest, WhatIsRefusedAnywayFetchesNoKeys) {
  clock_.Advance(absl::Hours(2));
  auto const expired = RsaKey().Token("RS256", Payload("4f2a", 60));
  clock_.Advance(absl::Hours(2));
  EXPECT_THAT(Bearer(expired), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED"));
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", R"({"iss":"https://evil.example"})")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_ISSUER_UNKNOWN"));
  EXPECT_THAT(Bearer("a.b.c"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_TRUE(issuer_->fetched.empty());
}

TEST_F(AuthenticatorTest, ReadsTheAuthorizationStrictly) {
  auto const token = RsaKey().Token("RS256", Payload());
  EXPECT_THAT(Try("bearer " + token), IsOk());
  EXPECT_THAT(Try("BEARER   " + token), IsOk());
  for (auto const& text : {"Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer\t", " ", "token", "DPoP abc"}) {
    EXPECT_THAT(Try(text), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED")) << text;
  }
  for (auto const& text : {"Bearer" + token, " Bearer " + token, "Bearer " + token + " ", "Bearer " + token + ", Bearer " + token,
                           "Bearer \"" + token + "\""}) {
    EXPECT_THAT(Try(text), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED")) << text;
  }
}

TEST_F(AuthenticatorTest, WaitsForKeysAndSaysWhenTheyCannotBeHad) {
  issuer_->hold = true;
  bool answered = false;
  Authenticator().Authenticate("Bearer " + RsaKey().Token("RS256", Payload()), {}, loop_,
                               [&](Result const& result) { answered = result.ok(); });
  loop_.run();
  EXPECT_FALSE(answered);
  issuer_->Release();
  loop_.restart();
  loop_.run();
  EXPECT_TRUE(answered);
  authenticator_.reset();
  issuer_->documents.clear();
  auto const refused = Bearer(RsaKey().Token("RS256", Payload()));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE"));
  EXPECT_TRUE(RetryDelayOf(refused.status()).has_value());
}

TEST_F(AuthenticatorTest, WhoWaitsForKeysOutlivesTheAuthenticator) {
  issuer_->hold = true;
  bool answered = false;
  Authenticator().Authenticate("Bearer " + RsaKey().Token("RS256", Payload()), {}, loop_,
                               [&](Result const& result) { answered = result.ok(); });
  authenticator_.reset();
  issuer_->Release();
  loop_.run();
  EXPECT_TRUE(answered);
}

TEST_F(AuthenticatorTest, StartFetchesTheKeysBeforeTheFirstCall) {
  Authenticator().Start(loop_);
  loop_.run();
  EXPECT_EQ(issuer_->fetches_of_keys(), 1);
  bool answered = false;
  Authenticator().Authenticate("Bearer " + RsaKey().Token("RS256", Payload()), {}, loop_,
                               [&](Result const& result) { answered = result.ok(); });
  EXPECT_TRUE(answered) << "at once";
}

TEST_F(AuthenticatorTest, ACertificateNamesASystem) {
  auto const caller = Try("", {.tls = true, .certificate_names = {"DNS:portal.example.dk", "URI:spiffe://helhed/portal"}});
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ((*caller)->key, "system:portal-kab");
  auto const identity = service_.Verify((*caller)->signed_identity);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ((*identity)->grants(0).scope(), "organisations/9001");
  clock_.Advance(absl::Minutes(4));
  EXPECT_THAT(service_.Verify((*Try("", {.certificate_names = {"URI:spiffe://helhed/portal"}}))->signed_identity), IsOk());
  clock_.Advance(absl::Hours(40));
  EXPECT_THAT(service_.Verify((*Try("", {.certificate_names = {"URI:spiffe://helhed/portal"}}))->signed_identity), IsOk());
}

TEST_F(AuthenticatorTest, ACertificateIsComparedExactly) {
  for (auto const* const name :
       {"URI:spiffe://helhed/portal/", "URI:spiffe://helhed/porta", "DNS:spiffe://helhed/portal", "URI:SPIFFE://helhed/portal",
        "DNS:evil.reports.example.dk", "DNS:Reports.example.dk", "reports.example.dk", ""}) {
    EXPECT_THAT(Try("", {.certificate_names = {name}}), StatusIs(absl::StatusCode::kUnauthenticated, "CERTIFICATE_UNKNOWN"))
        << name;
  }
  EXPECT_THAT(Try("", {.certificate_names = {"URI:spiffe://helhed/portal", "DNS:reports.example.dk"}}),
              StatusIs(absl::StatusCode::kUnauthenticated, "CERTIFICATE_UNKNOWN"))
      << "two systems at once";
}

TEST_F(AuthenticatorTest, ATokenGoesBeforeACertificate) {
  http::Peer const peer{.certificate_names = {"URI:spiffe://helhed/portal"}};
  EXPECT_EQ((*Try("Bearer " + RsaKey().Token("RS256", Payload()), peer))->key, "login:4f2a");
  EXPECT_THAT(Try("Bearer x.y.z", peer), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
}

class DemonstrationTest : public AuthenticatorTest {
 protected:
  ~DemonstrationTest() override { std::remove(file_.c_str()); }
  void Allow() {
    std::ofstream(file_) << local_.PublicKeyText();
    config_.add_demonstration_key_files(file_);
  }
  std::string Token(std::string_view audience = "helhed", std::string_view subject = "kim") const {
    common::v1::Identity identity;
    identity.set_issuer("cli");
    identity.set_subject(std::string(subject));
    identity.set_audience(std::string(audience));
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Minutes(10)));
    for (auto const* const role : {"auditor", "king"}) identity.add_grants()->set_role(role);
    return ToBase64Url(local_.Sign(identity));
  }

  Signer local_ = Signer::FromSeed("cli-1", std::string(32, 'c'));
  std::string file_ = ::testing::TempDir() + "gateway_demonstration_" + std::to_string(getpid());
};

TEST_F(DemonstrationTest, IsRefusedUnlessAllowed) {
  EXPECT_THAT(Bearer(Token()), StatusIs(absl::StatusCode::kUnauthenticated, "DEMONSTRATION_REFUSED"));
}

TEST_F(DemonstrationTest, IsAcceptedWhenAllowedAndSaysSo) {
  Allow();
  auto const caller = Bearer(Token());
  ASSERT_THAT(caller, IsOk());
  EXPECT_TRUE((*caller)->demonstration);
  EXPECT_EQ((*caller)->key, "demonstration:kim");
  auto const identity = service_.Verify((*caller)->signed_identity);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ((*identity)->issuer(), "gateway");
  ASSERT_EQ((*identity)->grants_size(), 1);
  EXPECT_EQ((*identity)->grants(0).role(), "auditor");
  EXPECT_EQ(*Bearer(Token()), *caller) << "kept";
  EXPECT_THAT(Bearer(Token("gateway")), IsOk());
}

TEST_F(DemonstrationTest, IsStillHeldToTimeAudienceKeyAndForm) {
  Allow();
  auto const token = Token();
  EXPECT_THAT(Bearer(Token("residents")), StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_FOREIGN"));
  EXPECT_THAT(Bearer(Token("helhed", "0101701234")), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
  EXPECT_THAT(Bearer(ToBase64Url(Signer::Generate("cli-1").Sign({}))),
              StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_INVALID"));
  EXPECT_THAT(Bearer(token + "="), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED"));
  EXPECT_THAT(Bearer("abc"), StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_INVALID"));
  EXPECT_THAT(Bearer(token), IsOk());
  clock_.Advance(absl::Minutes(10));
  EXPECT_THAT(Bearer(token), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED"));
  clock_.Advance(absl::Minutes(10));
  EXPECT_THAT(Bearer(token), StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_EXPIRED"));
}

TEST_F(DemonstrationTest, ADemonstrationKeyIsNoKeyOfTheServices) {
  Allow();
  EXPECT_THAT(service_.Verify(*FromBase64Url(Token())), StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_INVALID"));
}

TEST_F(DemonstrationTest, AFileThatHoldsNoKeyStopsTheStart) {
  config_.add_demonstration_key_files("/does/not/exist");
  EXPECT_FALSE(Made().ok());
}

TEST_F(AuthenticatorTest, ErrorsNeverRepeatTheToken) {
  auto const token = RsaKey().Token("RS256", absl::StrCat(R"({"iss":"https://secret-issuer.example","sub":"secret-subject"})"));
  auto const text = Bearer(token).status().ToString();
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_THAT(text, Not(HasSubstr(token.substr(token.size() - 20))));
}

TEST_F(AuthenticatorTest, RefusesGrantsThatDoNotFitIntoACall) {
  std::string payload = Payload();
  payload.resize(payload.find(",\"helhed_grants\""));
  auto* const group = config_.mutable_issuers(0)->add_group_grants();
  config_.mutable_issuers(0)->set_groups_claim("groups");
  group->set_group("many");
  for (int i = 0; i < 64; ++i) {
    auto* const grant = group->add_grants();
    grant->set_role("portal");
    grant->set_scope(absl::StrCat("organisations/", std::string(50, 'o'), i, "/departments/", std::string(55, 'd')));
  }
  EXPECT_THAT(Bearer(RsaKey().Token("RS256", payload + R"(,"groups":["many"]})")),
              StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
}

TEST_F(AuthenticatorTest, ServesManyLoopsAtOnceAndStaysBounded) {
  Authenticator().Start(loop_);
  loop_.run();
  std::vector<std::string> tokens;
  for (int i = 0; i < 60; ++i) tokens.push_back(EcKey().Token("ES256", Payload(absl::StrCat("user-", i))));
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        boost::asio::io_context loop;
        for (std::size_t i = 0; i < 2 * tokens.size(); ++i) {
          auto const subject = absl::StrCat("login:user-", i % tokens.size());
          Authenticator().Authenticate("Bearer " + tokens[i % tokens.size()], {}, loop,
                                       [&](Result const& result) { right += result.ok() && (*result)->key == subject ? 1 : 0; });
          loop.restart();
          loop.run();
        }
      });
    }
  }
  EXPECT_EQ(right, 4 * 2 * 60);
}

}  // namespace
}  // namespace helhed::gateway::identity
