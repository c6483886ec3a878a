#include "gateway/gateway.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <google/api/httpbody.pb.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/contract/contract.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

// The gateway as a whole in this process, without a service behind it.
namespace helhed::gateway {
namespace {

using helhed::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A service that knows nothing, and what it was asked. Each loop has one of its own.
struct Asked {
  std::mutex mutex;
  std::vector<upstream::Call> calls;
};

class Ignorant final : public upstream::Upstream {
 public:
  Ignorant(boost::asio::io_context& loop, Asked& asked) : loop_(loop), asked_(asked) {}
  std::unique_ptr<upstream::Running> Start(upstream::Call call, upstream::Receiver& receiver) override {
    bool const is_stream = call.method->is_server_stream();
    if (call.method->name() == "GetOrganisation") {
      std::lock_guard const lock(asked_.mutex);
      asked_.calls.push_back(std::move(call));
    }
    auto running = std::make_unique<Silent>();
    if (!is_stream) {
      boost::asio::post(loop_, [&receiver, alive = std::weak_ptr(running->alive)] {
        if (alive.lock() != nullptr) receiver.OnEnd({NotFound("organisations/9001"), ""});
      });
    }
    return running;
  }
  bool available() const override { return true; }

 private:
  struct Silent final : upstream::Running {
    void Consume(std::size_t) override {}
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  };
  boost::asio::io_context& loop_;
  Asked& asked_;
};

// As ignorant, but for a file in whose middle it dies, when the caller has its first bytes.
class Dying final : public upstream::Upstream {
 public:
  Dying(boost::asio::io_context& loop, Asked& asked) : loop_(loop), ignorant_(loop, asked) {}
  std::unique_ptr<upstream::Running> Start(upstream::Call call, upstream::Receiver& receiver) override {
    if (call.method->name() != "DownloadPrintRunFile") return ignorant_.Start(std::move(call), receiver);
    google::api::HttpBody piece;
    piece.set_content_type("application/pdf");
    piece.set_data("%PDF-1.7");
    auto running = std::make_unique<Sent>(loop_, receiver);
    boost::asio::post(loop_, [&receiver, bytes = piece.SerializeAsString(), alive = std::weak_ptr(running->alive)] {
      if (alive.lock() != nullptr) receiver.OnMessage(bytes);
    });
    return running;
  }
  bool available() const override { return true; }

 private:
  struct Sent final : upstream::Running {
    Sent(boost::asio::io_context& in, upstream::Receiver& to) : loop(in), receiver(to) {}
    void Consume(std::size_t) override {
      boost::asio::post(loop, [this, still = std::weak_ptr(alive)] {
        if (still.lock() != nullptr) receiver.OnEnd({absl::UnavailableError("gone"), ""});
      });
    }
    boost::asio::io_context& loop;
    upstream::Receiver& receiver;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  };
  boost::asio::io_context& loop_;
  Ignorant ignorant_;
};

class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_ + "/demonstration.pub") << signer_.PublicKeyText();
    std::ofstream(folder_ + "/gateway") << signer_.PrivateKeyText();
    std::filesystem::permissions(folder_ + "/gateway", std::filesystem::perms::owner_read);
    options_.server.loops = 1;
    options_.identity_key_file = folder_ + "/gateway";
    std::ofstream(folder_ + "/roles") << "roles { name: 'operator' permissions: 'gateway.feed.read' permissions: 'residents.*' "
                                         "permissions: 'communications.*' }";
    options_.roles_file = folder_ + "/roles";
    options_.config.mutable_identity()->add_demonstration_key_files(folder_ + "/demonstration.pub");
    auto& limits = *options_.config.mutable_limits();
    limits.mutable_nobody()->set_per_second(1000);
    limits.mutable_nobody()->set_burst(1000);
    limits.mutable_failed_signatures()->set_per_second(1);
    limits.mutable_failed_signatures()->set_burst(3);
  }
  void TearDown() override { gateway_.reset(); }
  void Start() {
    std::map<std::string, MakeUpstream> services;
    services.emplace("residents", [this](boost::asio::io_context& loop) { return std::make_unique<Ignorant>(loop, asked_); });
    services.emplace("communications", [this](boost::asio::io_context& loop) { return std::make_unique<Dying>(loop, asked_); });
    auto started = Gateway::Start(options_, std::move(services), clock_, random_, metrics_, log_);
    ASSERT_THAT(started, IsOk());
    gateway_ = *std::move(started);
  }

  std::string Token(std::string const& subject, ::helhed::identity::Signer const& signer) const {
    common::v1::Identity caller;
    caller.set_issuer("demonstration");
    caller.set_subject(subject);
    caller.set_audience("helhed");
    auto const now = absl::ToUnixSeconds(clock_.Now());
    caller.mutable_issue_time()->set_seconds(now);
    caller.mutable_expire_time()->set_seconds(now + 600);
    caller.add_grants()->set_role("operator");
    return absl::WebSafeBase64Escape(signer.Sign(caller));
  }
  std::string Request(std::string const& path, std::string const& token, std::string const& more = "") const {
    return absl::StrCat("GET ", path, " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer ", token,
                        "\r\n", more, "\r\n");
  }
  // The whole answer to a GET by HTTP/1.1 on a connection of its own.
  std::string Get(std::string const& path, std::string const& token, std::string const& more = "") const {
    boost::asio::ip::tcp::iostream stream("127.0.0.1", std::to_string(gateway_->port()));
    stream << Request(path, token, more) << std::flush;
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // What the service was asked when a caller reads an organisation; nothing when it was not.
  std::optional<upstream::Call> CallFor(std::string const& more) {
    Get("/v1/organisations/9001", Token("caller", signer_), more);
    std::lock_guard const lock(asked_.mutex);
    if (asked_.calls.empty()) return std::nullopt;
    auto call = std::move(asked_.calls.back());
    asked_.calls.clear();
    return call;
  }

  FakeClock clock_{absl::Now()};
  SystemRandom random_;
  telemetry::Metrics metrics_;
  telemetry::Log log_{{.service = "gateway", .destination = "/dev/null"}};
  ::helhed::identity::Signer signer_ = ::helhed::identity::Signer::FromSeed("demonstration", std::string(32, 'd'));
  ::helhed::identity::Signer forger_ = ::helhed::identity::Signer::FromSeed("demonstration", std::string(32, 'f'));
  Asked asked_;
  helhed::testing::Folder const temporary_;
  std::string const folder_ = temporary_.path();
  Gateway::Options options_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(GatewayTest, WhoseSignaturesFailGetsNoMoreOfThemVerified) {
  Start();
  auto const known = Token("known", signer_);
  EXPECT_THAT(Get("/v1/feed", known), StartsWith("HTTP/1.1 200"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Get("/v1/feed", Token(absl::StrCat("forged-", i), forger_)), StartsWith("HTTP/1.1 401"));
  }
  auto const refused = Get("/v1/feed", Token("forged", forger_));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(refused, HasSubstr("RATE_EXCEEDED"));
  EXPECT_THAT(refused, HasSubstr("retry-after: "));
  // That nothing is verified is seen by what would be good.
  EXPECT_THAT(Get("/v1/feed", Token("new", signer_)), StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(Get("/v1/feed", known), StartsWith("HTTP/1.1 200")) << "who is known costs nothing";
  clock_.Advance(absl::Milliseconds(1001));
  EXPECT_THAT(Get("/v1/feed", Token("new", signer_)), StartsWith("HTTP/1.1 200"));
}

TEST_F(GatewayTest, WhatIsWrongWithATokenBesidesItsSignatureIsNoForgery) {
  Start();
  auto const expired = Token("late", signer_);
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Get("/v1/feed", expired), StartsWith("HTTP/1.1 401"));
}

TEST_F(GatewayTest, OneClientAtSevenTimesItsShareDoesNotSlowTheOthers) {
  auto& client = *options_.config.mutable_limits()->mutable_client();
  client.set_per_second(10);
  client.set_burst(10);
  Start();
  auto const greedy = Token("greedy", signer_);
  std::map<std::string, int> greedy_answers;
  for (int second = 0; second < 3; ++second) {
    for (int i = 0; i < 70; ++i) ++greedy_answers[Get("/v1/feed", greedy).substr(9, 3)];
    for (int i = 0; i < 10; ++i) {
      EXPECT_THAT(Get("/v1/feed", Token("modest", signer_)), StartsWith("HTTP/1.1 200"));
    }
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(greedy_answers["200"], 30);
  EXPECT_EQ(greedy_answers["429"], 180);
}

TEST_F(GatewayTest, Trap20NothingOfACallersHeadersReachesAServiceButWhatIsMeantTo) {
  Start();
  auto const call = CallFor(
      "helhed-identity-bin: Zm9yZ2Vk\r\nx-internal-role: operator\r\ngrpc-timeout: 1n\r\nx-request-id: mine-1\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->request_id, "mine-1");
  EXPECT_THAT(call->traceparent, StartsWith("00-0af7651916cd43dd8448eb211c80319c-"));
  ::helhed::identity::Verifier service(clock_, "residents");
  ASSERT_THAT(service.AddKey(signer_.PublicKeyText()), IsOk());
  auto const identity = service.Verify(call->identity);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ((*identity)->subject(), "demonstration:caller");
  EXPECT_EQ((*identity)->issuer(), "gateway");
}

TEST_F(GatewayTest, Trap21TheTimeThatACallerGivesIsCappedAndNeverMissing) {
  Start();
  auto const now = clock_.Now();
  auto const most = contract::FindMethod("/helhed.residents.v1.HousingRegisterService/GetOrganisation")->timeout();
  EXPECT_GT(most, absl::ZeroDuration());
  EXPECT_LT(most, absl::Hours(1));
  EXPECT_EQ(CallFor("").value().deadline, now + most);
  EXPECT_EQ(CallFor("x-request-timeout: 250ms\r\n").value().deadline, now + absl::Milliseconds(250));
  EXPECT_EQ(CallFor("x-request-timeout: 10h\r\n").value().deadline, now + most);
  for (auto const* const bad : {"soon", "0", "-1s", "5"}) {
    EXPECT_FALSE(CallFor(absl::StrCat("x-request-timeout: ", bad, "\r\n")).has_value()) << bad;
    EXPECT_THAT(Get("/v1/organisations/9001", Token("caller", signer_), absl::StrCat("x-request-timeout: ", bad, "\r\n")),
                StartsWith("HTTP/1.1 400"));
  }
}

// Fetch, "CORS protocol and credentials": any page may bring a token, and only those of named origins a certificate.
TEST_F(GatewayTest, OnlyOriginsThatAreNamedAreTrustedWithCredentials) {
  options_.door.cors_origins = {"https://portal.example.dk", "*"};
  Start();
  auto const named = Get("/v1/feed", Token("caller", signer_), "origin: https://portal.example.dk\r\n");
  EXPECT_THAT(named, HasSubstr("access-control-allow-origin: https://portal.example.dk\r\n"));
  EXPECT_THAT(named, HasSubstr("access-control-allow-credentials: true\r\n"));
  auto const any = Get("/v1/feed", Token("caller", signer_), "origin: https://elsewhere.example\r\n");
  EXPECT_THAT(any, HasSubstr("access-control-allow-origin: https://elsewhere.example\r\n"));
  EXPECT_THAT(any, Not(HasSubstr("access-control-allow-credentials")));
}

TEST_F(GatewayTest, Trap25EventsOfWhichThereAreNoneAreAPingNowAndThen) {
  options_.door.event_ping = absl::Milliseconds(20);
  options_.door.stream_head_after = absl::Milliseconds(20);
  Start();
  boost::asio::ip::tcp::iostream stream("127.0.0.1", std::to_string(gateway_->port()));
  stream << Request("/v1/feed:watch?cursor=%24end", Token("caller", signer_), "accept: text/event-stream\r\n") << std::flush;
  int pings = 0;
  for (std::string line; pings < 3 && std::getline(stream, line);) pings += line.starts_with(": ping") ? 1 : 0;
  EXPECT_EQ(pings, 3);
}

// A file has no place for an error: it must not look whole.
TEST_F(GatewayTest, Trap23AFileThatBreaksOffIsNotTakenForWhole) {
  Start();
  auto const answer = Get("/v1/plans/amager/campaigns/brev/printRuns/oplag:file", Token("caller", signer_));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("content-type: application/pdf\r\n"));
  EXPECT_THAT(answer, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_THAT(answer, HasSubstr("%PDF-1.7"));
  EXPECT_THAT(answer, ::testing::Not(HasSubstr("\r\n0\r\n")))
      << "without the last chunk the peer knows that something is missing (RFC 9112, 8)";
}

TEST_F(GatewayTest, AtADrainAStreamEndsWithItsReasonAndAnotherIsNotBegun) {
  options_.door.stream_head_after = absl::Milliseconds(20);
  Start();
  boost::asio::ip::tcp::iostream stream("127.0.0.1", std::to_string(gateway_->port()));
  stream << Request("/v1/feed:watch?cursor=%24end", Token("caller", signer_), "accept: text/event-stream\r\n") << std::flush;
  std::string line;
  while (std::getline(stream, line) && line != "\r") {
  }
  gateway_->BeginDrain();
  EXPECT_FALSE(gateway_->Readiness().ok());
  gateway_->Drain(absl::Now() + absl::Seconds(20));
  std::string const rest{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_THAT(rest, HasSubstr("event: error"));
  EXPECT_THAT(rest, HasSubstr("DRAINING"));
  EXPECT_THAT(rest, ::testing::EndsWith("0\r\n\r\n")) << "the answer is complete";
}

}  // namespace
}  // namespace helhed::gateway
