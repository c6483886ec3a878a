#include "gateway/identity/issuer_keys.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "gateway/identity/testing/fake_issuer.h"
#include "gateway/identity/testing/signing_key.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using testing::EcKey;
using testing::FakeIssuer;
using testing::KeySetText;
using testing::kIssuer;
using testing::RsaKey;

constexpr auto kInterval = IssuerKeys::kFetchInterval;

class IssuerKeysTest : public ::testing::Test {
 protected:
  using Result = absl::StatusOr<IssuerKeys::Found>;

  IssuerKeysTest() {
    issuer_->Publish(KeySetText({RsaKey().Jwk()}));
    keys_ = Make(testing::IssuerConfig());
  }
  std::shared_ptr<IssuerKeys> Make(v1::Issuer const& config) {
    return std::make_shared<IssuerKeys>(config, issuer_, clock_, metrics_, log_);
  }
  void Ask(std::string_view kid, Algorithm algorithm = Algorithm::kRs256) {
    keys_->Find(kid, algorithm, loop_, [this](Result result) { answers_.push_back(std::move(result)); });
  }
  void Run() {
    loop_.restart();
    loop_.run();
  }
  Result Find(std::string_view kid, Algorithm algorithm = Algorithm::kRs256) {
    answers_.clear();
    Ask(kid, algorithm);
    Run();
    EXPECT_EQ(answers_.size(), 1u);
    return answers_.at(0);
  }

  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  telemetry::Metrics metrics_;
  telemetry::Log log_{{.service = "test", .destination = "/dev/null"}};
  boost::asio::io_context loop_;
  std::shared_ptr<FakeIssuer> issuer_ = std::make_shared<FakeIssuer>();
  std::shared_ptr<IssuerKeys> keys_;
  std::vector<Result> answers_;
};

TEST_F(IssuerKeysTest, FindsKeysByDiscoveryAndKeepsThem) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  EXPECT_THAT(issuer_->fetched, ::testing::ElementsAre("https://login.example.dk/realms/helhed/.well-known/openid-configuration",
                                                       "https://login.example.dk/realms/helhed/keys"));
  for (int i = 0; i < 100; ++i) {
    answers_.clear();
    Ask("rsa-1");
    ASSERT_EQ(answers_.size(), 1u) << "answered at once";
    EXPECT_THAT(answers_[0], IsOk());
  }
  EXPECT_EQ(issuer_->fetched.size(), 2u);
}

TEST_F(IssuerKeysTest, ManyAtOnceWaitForOneFetch) {
  issuer_->hold = true;
  for (int i = 0; i < 500; ++i) Ask("rsa-1");
  Run();
  EXPECT_TRUE(answers_.empty());
  issuer_->Release();
  Run();
  ASSERT_EQ(answers_.size(), 500u);
  for (auto const& answer : answers_) EXPECT_THAT(answer, IsOk());
  EXPECT_EQ(issuer_->fetches_of_keys(), 1);
}

TEST_F(IssuerKeysTest, FindsANewKeyWhenATokenNamesIt) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  clock_.Advance(kInterval);
  issuer_->Publish(KeySetText({RsaKey().Jwk(), EcKey().Jwk()}));
  EXPECT_THAT(Find("ec-1", Algorithm::kEs256), IsOk());
  EXPECT_EQ(issuer_->fetches_of_keys(), 2);
}

TEST_F(IssuerKeysTest, ForgetsAKeyThatIsWithdrawn) {
  auto const first = Find("rsa-1");
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(keys_->IsCurrent(first->generation, clock_.Now()));
  issuer_->Publish(KeySetText({EcKey().Jwk()}));
  clock_.Advance(IssuerKeys::kRefreshAge);
  EXPECT_THAT(Find("rsa-1"), IsOk()) << "served while it is fetched anew";
  EXPECT_THAT(Find("rsa-1"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_FALSE(keys_->IsCurrent(first->generation, clock_.Now()));
}

// 10,000 strangers with a key id each, over ten minutes.
TEST_F(IssuerKeysTest, StrangersCauseAtMostOneFetchAnInterval) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  issuer_->fetched.clear();
  constexpr int strangers = 10'000;
  auto const pause = absl::Minutes(10) / strangers;
  answers_.clear();
  for (int i = 0; i < strangers; ++i) {
    clock_.Advance(pause);
    Ask(absl::StrCat("stranger-", i));
    if (i % 7 == 0) Run();
  }
  Run();
  EXPECT_EQ(answers_.size(), static_cast<std::size_t>(strangers));
  for (auto const& answer : answers_) EXPECT_THAT(answer, StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_LE(issuer_->fetches_of_keys(), absl::Minutes(10) / kInterval);
  EXPECT_GE(issuer_->fetches_of_keys(), 1);
  EXPECT_THAT(Find("rsa-1"), IsOk()) << "and harm nobody";
}

TEST_F(IssuerKeysTest, StrangersAtOneMomentCauseOneFetchAndFewWait) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  clock_.Advance(kInterval);
  issuer_->hold = true;
  answers_.clear();
  for (int i = 0; i < 10'000; ++i) Ask(absl::StrCat("stranger-", i));
  EXPECT_EQ(answers_.size(), 10'000 - IssuerKeys::kWaitingMax) << "those for whom there is no room are refused at once";
  EXPECT_THAT(answers_[0], StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE"));
  issuer_->Release();
  Run();
  EXPECT_EQ(answers_.size(), 10'000u);
  EXPECT_EQ(issuer_->fetches_of_keys(), 2);
}

TEST_F(IssuerKeysTest, AKeyThatWasNotFoundIsNotAskedForAgainForAMinute) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  clock_.Advance(kInterval);
  EXPECT_THAT(Find("none"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_EQ(issuer_->fetches_of_keys(), 2);
  clock_.Advance(IssuerKeys::kUnknownAge - absl::Milliseconds(1));
  auto const again = Find("none");
  EXPECT_THAT(again, StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_TRUE(RetryDelayOf(again.status()).has_value());
  EXPECT_EQ(issuer_->fetches_of_keys(), 2);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Find("none"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_EQ(issuer_->fetches_of_keys(), 3);
}

TEST_F(IssuerKeysTest, AKeyThatWasUnknownServesAsSoonAsItIsPublished) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  clock_.Advance(kInterval);
  EXPECT_THAT(Find("ec-1", Algorithm::kEs256), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  issuer_->Publish(KeySetText({RsaKey().Jwk(), EcKey().Jwk()}));
  clock_.Advance(kInterval);
  EXPECT_THAT(Find("another"), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_KEY_UNKNOWN"));
  EXPECT_THAT(Find("ec-1", Algorithm::kEs256), IsOk());
}

TEST_F(IssuerKeysTest, SaysWhenTheIssuerCannotBeReachedAndTriesAgain) {
  auto const documents = std::exchange(issuer_->documents, {});
  auto const refused = Find("rsa-1");
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE"));
  EXPECT_TRUE(RetryDelayOf(refused.status()).has_value());
  for (int i = 0; i < 100; ++i) EXPECT_THAT(Find("rsa-1"), StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE"));
  EXPECT_EQ(issuer_->fetched.size(), 1u) << "not more often than the interval";
  issuer_->documents = documents;
  clock_.Advance(kInterval);
  EXPECT_THAT(Find("rsa-1"), IsOk());
}

TEST_F(IssuerKeysTest, KeysServeADayWithoutTheirIssuer) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  issuer_->documents.clear();
  clock_.Advance(absl::Hours(23));
  EXPECT_THAT(Find("rsa-1"), IsOk());
  EXPECT_THAT(Find("new"), StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE")) << "it may be there; nobody can say";
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Find("rsa-1"), StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE"));
}

TEST_F(IssuerKeysTest, AFetchThatIsLostDoesNotHoldUpTheNextForever) {
  issuer_->hold = true;
  Ask("rsa-1");
  clock_.Advance(absl::Minutes(1));
  issuer_->hold = false;
  Ask("rsa-1");
  Run();
  ASSERT_EQ(answers_.size(), 2u);
  for (auto const& answer : answers_) EXPECT_THAT(answer, IsOk());
  issuer_->Release();
  Run();
}

TEST_F(IssuerKeysTest, AClockThatIsSetBackDoesNotStopFetching) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  clock_.Advance(-absl::Hours(5));
  issuer_->Publish(KeySetText({EcKey().Jwk()}));
  EXPECT_THAT(Find("ec-1", Algorithm::kEs256), IsOk());
}

TEST_F(IssuerKeysTest, BelievesOnlyADiscoveryDocumentOfItsOwn) {
  auto const url = absl::StrCat(std::string(kIssuer), "/.well-known/openid-configuration");
  auto const text = [](std::string_view issuer, std::string_view keys) {
    return absl::StrCat(R"({"issuer":")", std::string(issuer), R"(","jwks_uri":")", std::string(keys), "\"}");
  };
  auto const keys = absl::StrCat(std::string(kIssuer), "/keys");
  auto const own_keys = issuer_->documents.at(keys);
  for (auto const& document : {text("https://evil.example", keys), text(absl::StrCat(std::string(kIssuer), "/"), keys),
                               text(kIssuer, "http://login.example.dk/keys"), text(kIssuer, "https://evil.example/keys"),
                               text(kIssuer, "https://login.example.dk@evil.example/keys"), text(kIssuer, "file:///keys"),
                               text(kIssuer, ""), std::string("{}"), std::string("<html>"), text(kIssuer, keys) + "{}"}) {
    keys_ = Make(testing::IssuerConfig());
    issuer_->documents = {{url, document}, {keys, own_keys}, {"https://evil.example/keys", own_keys}};
    EXPECT_THAT(Find("rsa-1"), StatusIs(absl::StatusCode::kUnavailable, "ISSUER_UNREACHABLE")) << document;
  }
  auto config = testing::IssuerConfig();
  config.add_key_hosts("keys.example.dk");
  keys_ = Make(config);
  issuer_->documents = {{url, text(kIssuer, "https://keys.example.dk/keys")}, {"https://keys.example.dk/keys", own_keys}};
  EXPECT_THAT(Find("rsa-1"), IsOk()) << "hosts that the configuration names";
}

TEST_F(IssuerKeysTest, DoesNotTradeKeysForAnAnswerThatHoldsNone) {
  EXPECT_THAT(Find("rsa-1"), IsOk());
  for (auto const* const nonsense : {R"({"keys":[]})", "<html>", "", R"({"keys":[{"kty":"oct","k":"AAAA","kid":"rsa-1"}]})"}) {
    issuer_->Publish(nonsense);
    clock_.Advance(IssuerKeys::kRefreshAge);
    EXPECT_THAT(Find("rsa-1"), IsOk());
    EXPECT_THAT(Find("rsa-1"), IsOk()) << nonsense;
  }
}

TEST_F(IssuerKeysTest, AnswersOnTheLoopThatAsked) {
  boost::asio::io_context other;
  issuer_->hold = true;
  Ask("rsa-1");
  bool answered = false;
  keys_->Find("rsa-1", Algorithm::kRs256, other, [&](Result const& result) { answered = result.ok(); });
  issuer_->Release();
  Run();
  EXPECT_EQ(answers_.size(), 1u);
  EXPECT_FALSE(answered);
  other.run();
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace helhed::gateway::identity
