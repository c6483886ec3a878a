#include "gateway/http/server.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "gateway/http/server_for_test.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::StatusCodeIs;

constexpr char kHelloRequest[] = "GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n";

// What a command prints.
std::string OutputOf(std::string const& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text.push_back(static_cast<char>(c));
  ::pclose(pipe);
  return text;
}

TEST_F(ServerTest, CurlIsServedInBothVersions) {
  Start({}, 2);
  for (std::string const version : {"--http1.1", "--http2-prior-knowledge"}) {
    auto const curl = absl::StrCat("curl -s -m 30 ", version, " http://127.0.0.1:", server_->port());
    EXPECT_EQ(OutputOf(curl + "/hello"), "hello");
    EXPECT_EQ(OutputOf(curl + "/echo -d body"), "body");
    EXPECT_EQ(
        OutputOf(absl::StrCat("head -c 3000000 /dev/zero | ", curl, "/echo --data-binary @- -H 'expect: 100-continue' | wc -c")),
        "3000000\n");
    EXPECT_EQ(OutputOf(curl + "/endless | head -c 1000000 | wc -c"), "1000000\n");
  }
}

TEST_F(ServerTest, AllLoopsServeOnePort) {
  Start({}, 4);
  std::vector<std::thread> callers;
  std::atomic<int> answered = 0;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        Wire wire(server_->port());
        wire.Send(kHelloRequest);
        if (absl::EndsWith(wire.ReadUntil("\r\n\r\nhello"), "hello")) ++answered;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(answered, 160);
}

TEST_F(ServerTest, ConnectionsAreLimited) {
  limits_.connections = 3;
  Start();
  std::vector<std::unique_ptr<Wire>> wires;
  for (int i = 0; i < 3; ++i) {
    wires.push_back(std::make_unique<Wire>(server_->port()));
    wires.back()->Send(kHelloRequest);
    ASSERT_THAT(wires.back()->ReadUntil("\r\n\r\nhello"), EndsWith("hello"));
  }
  EXPECT_EQ(Wire(server_->port()).ReadAll(), "");
  EXPECT_EQ(Refused("too_many_connections"), 1);
  wires.pop_back();
  // The place is free as soon as the server has noticed.
  for (std::string answer; !absl::EndsWith(answer, "hello");) {
    Wire next(server_->port());
    next.Send(kHelloRequest);
    answer = next.ReadUntil("\r\n\r\nhello");
  }
}

TEST_F(ServerTest, ConnectionsOfAnAddressAreLimited) {
  limits_.connections_of_address = 1;
  Start();
  Wire first(server_->port());
  first.Send(kHelloRequest);
  ASSERT_THAT(first.ReadUntil("\r\n\r\nhello"), EndsWith("hello"));
  EXPECT_EQ(Wire(server_->port()).ReadAll(), "");
  EXPECT_EQ(Refused("too_many_connections_of_address"), 1);
}

TEST_F(ServerTest, ATakenPortIsAnError) {
  Start();
  auto const listen = absl::StrCat("127.0.0.1:", server_->port());
  auto const make = [this](boost::asio::io_context&) { return MakeScripted(script_); };
  auto const second = Server::Start({.listen = listen}, make);
  EXPECT_THAT(second.status(), StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(listen));
  for (auto const* const bad : {"", "localhost", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "host:80", ":80"}) {
    EXPECT_THAT(Server::Start({.listen = bad}, make).status(), StatusCodeIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

TEST_F(ServerTest, ListensOnBothFamilies) {
  Start({}, 1, "[::]:0");
  Wire wire(server_->port());
  wire.Send(kHelloRequest);
  EXPECT_THAT(wire.ReadUntil("\r\n\r\nhello"), EndsWith("hello"));
  std::lock_guard const lock(script_.mutex);
  EXPECT_EQ(script_.heads.front().peer->address, "127.0.0.1") << "not as IPv6 writes it";
}

TEST_F(ServerTest, DrainTellsCallersAndAnswersWhatRuns) {
  limits_.drain_notice = std::chrono::minutes(1);
  Start();
  Http2Wire two(server_->port());
  two.Send(Head(1, "/wait"));
  Wire one(server_->port());
  one.Send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
  Wire idle(server_->port());
  idle.Send(kHelloRequest);
  ASSERT_THAT(idle.ReadUntil("\r\n\r\nhello"), EndsWith("hello"));
  ASSERT_TRUE(script_.Await([&] { return script_.waiting.size() == 2; }));
  auto drained = std::async(std::launch::async, [&] { server_->Drain(absl::Now() + absl::Seconds(60)); });
  // nghttp2 sends it before the notice, in one write with it.
  EXPECT_EQ(two.Await(kPingFrame).type, kPingFrame);
  auto const notice = two.Await(kGoAwayFrame);
  EXPECT_EQ(notice.code(), 0U);
  EXPECT_EQ(notice.payload.substr(0, 4), "\x7f\xff\xff\xff") << "the first only says that it is going to";
  two.Send(Head(3, "/hello"));
  EXPECT_EQ(two.Answer(3).second, "hello") << "what was under way is still answered";
  two.Send(Frame(kPingFrame, kAck, 0, std::string(8, '\0')));
  EXPECT_EQ(two.Await(kGoAwayFrame).payload.substr(0, 4), Number(3));
  EXPECT_EQ(idle.ReadAll(), "");
  script_.Release();
  EXPECT_EQ(two.Answer(1).second, "released");
  EXPECT_THAT(one.ReadAll(), AllOf(HasSubstr("connection: close\r\n"), HasSubstr("released")));
  two.AwaitEnd();
  two.Close();
  one.Close();
  idle.Close();
  drained.get();
  EXPECT_EQ(script_.gone, 0);
}

TEST_F(ServerTest, DrainBreaksOffWhatStillRunsAtItsDeadline) {
  Start({}, 2);
  Http2Wire two(server_->port());
  two.Send(Head(1, "/wait") + Head(3, "/endless"));
  Wire one(server_->port());
  one.Send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
  ASSERT_TRUE(script_.Await([&] { return script_.waiting.size() == 2 && script_.written > 0; }));
  server_->Drain(absl::Now() + absl::Milliseconds(50));
  EXPECT_EQ(script_.gone, 3);
  EXPECT_EQ(script_.running, 0);
}

TEST_F(ServerTest, TheLastWordsReachAPeerThatIsStillSending) {
  limits_.body_bytes = 10 << 20;
  Start();
  Wire wire(server_->port());
  wire.Send("POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n");
  wire.Send(std::string(900'000, 'x'));
  EXPECT_THAT(wire.ReadAll(), StartsWith("HTTP/1.1 401 "));
}

// Certificates by the openssl command, each set under an authority of its own.
class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    MakeSet("old");
    MakeSet("new");
    Use("old");
  }

  void MakeSet(std::string const& set) const {
    auto const script = absl::StrReplaceAll(
        R"(set -e; mkdir DIR; cd DIR
           openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=SET -keyout ca.key -out ca.pem
           for who in server client; do
             openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$who -keyout $who.key -out csr.pem
             if [ $who = server ]; then names=DNS:localhost,IP:127.0.0.1; else names=URI:spiffe://helhed.dk/portal,DNS:portal.helhed.dk; fi
             printf "subjectAltName=$names" > san
             openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out $who.pem
           done)",
        {{"DIR", Path(set, "")}, {"SET", set}});
    ASSERT_EQ(std::system(absl::StrCat("(", script, ") >/dev/null 2>&1").c_str()), 0) << "needs openssl";
  }
  // A link is replaced as a whole, so that certificate and key change together.
  void Use(std::string const& set) const {
    std::filesystem::create_directory_symlink(Path(set, ""), Path("next", ""));
    std::filesystem::rename(Path("next", ""), Path("current", ""));
  }
  std::string Path(std::string const& set, std::string const& file) const {
    return absl::StrCat(folder_.path(), "/", set, file.empty() ? "" : "/", file);
  }
  TlsOptions Tls(bool clients = false) const {
    return {.certificate_file = Path("current", "server.pem"),
            .key_file = Path("current", "server.key"),
            .client_ca_file = clients ? Path("current", "ca.pem") : "",
            .refresh = milliseconds(20)};
  }
  std::string Curl(std::string const& arguments, std::string const& trusted = "old") const {
    return OutputOf(absl::StrCat("curl -s -m 30 --cacert ", Path(trusted, "ca.pem"), " ", arguments,
                                 " https://localhost:", server_->port(), "/hello 2>&1"));
  }
  std::string Client(std::string const& set) const {
    return absl::StrCat("--cert ", Path(set, "client.pem"), " --key ", Path(set, "client.key"));
  }
  std::string OpenSsl(std::string const& arguments) const {
    return OutputOf(absl::StrCat("openssl s_client -connect 127.0.0.1:", server_->port(), " ", arguments, " </dev/null 2>&1"));
  }

  helhed::testing::Folder const folder_;
};

TEST_F(TlsTest, TheVersionIsAgreedInTheHandshake) {
  Start(Tls());
  auto const version = " -o /dev/null -w '%{http_version} %{response_code}'";
  EXPECT_EQ(Curl(absl::StrCat("--http2", version)), "2 200");
  EXPECT_EQ(Curl(absl::StrCat("--http1.1", version)), "1.1 200");
  EXPECT_EQ(Curl(absl::StrCat("--no-alpn", version)), "1.1 200");
  EXPECT_EQ(Curl("--http2 --tls-max 1.2"), "hello");
  EXPECT_THAT(OpenSsl("-alpn h3"), HasSubstr("no application protocol"));
  std::lock_guard const lock(script_.mutex);
  EXPECT_TRUE(script_.heads.front().peer->tls);
  EXPECT_THAT(script_.heads.front().peer->certificate_names, IsEmpty());
}

TEST_F(TlsTest, OldVersionsAndWeakCiphersAreRefused) {
  Start(Tls());
  EXPECT_EQ(Curl("--tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0"), "");
  EXPECT_THAT(OpenSsl("-tls1_2 -cipher AES128-SHA256"), HasSubstr("handshake failure"));
  EXPECT_THAT(OpenSsl("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256"), HasSubstr("handshake failure"));
  EXPECT_GE(Refused("handshake_failed"), 3);
}

TEST_F(TlsTest, CleartextAndSilenceAreEndedInTheHandshake) {
  limits_.handshake_time = milliseconds(300);
  Start(Tls());
  Wire cleartext(server_->port());
  cleartext.Send(kHelloRequest);
  EXPECT_EQ(cleartext.ReadAll().find("HTTP/1.1 200"), std::string::npos);
  EXPECT_EQ(Refused("handshake_failed"), 1);
  EXPECT_EQ(Wire(server_->port()).ReadAll(), "");
  EXPECT_EQ(Refused("handshake_too_slow"), 1);
  EXPECT_EQ(Curl("--http2"), "hello");
}

TEST_F(TlsTest, ClientCertificatesAreVerifiedWhenTheyAreShown) {
  Start(Tls(/*clients=*/true));
  EXPECT_EQ(Curl("--http2 " + Client("old")), "hello");
  EXPECT_EQ(Curl("--http2"), "hello") << "they are optional";
  EXPECT_EQ(Curl("--http2 " + Client("new")), "") << "signed by another authority";
  std::lock_guard const lock(script_.mutex);
  ASSERT_EQ(script_.heads.size(), 2U);
  EXPECT_THAT(script_.heads[0].peer->certificate_names, ElementsAre("URI:spiffe://helhed.dk/portal", "DNS:portal.helhed.dk"));
  EXPECT_THAT(script_.heads[1].peer->certificate_names, IsEmpty());
}

TEST_F(TlsTest, ClientCertificatesMayBeRequired) {
  auto tls = Tls(/*clients=*/true);
  tls.client_certificate_required = true;
  Start(tls);
  EXPECT_EQ(Curl("--http2 " + Client("old")), "hello");
  EXPECT_EQ(Curl("--http2"), "");
}

TEST_F(TlsTest, NewCertificatesAreUsedWithoutARestart) {
  Start(Tls(/*clients=*/true));
  EXPECT_EQ(Curl("--http2 " + Client("old")), "hello");
  // Half a change: the old certificate with a key that does not fit it.
  std::filesystem::create_directory(Path("mixed", ""));
  for (auto const* const file : {"server.pem", "ca.pem"}) std::filesystem::copy(Path("old", file), Path("mixed", file));
  std::filesystem::copy(Path("new", "server.key"), Path("mixed", "server.key"));
  Use("mixed");
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(Curl("--http2 " + Client("old")), "hello") << "the old ones stay";
  Use("new");
  auto const deadline = absl::Now() + absl::Seconds(30);
  while (Curl("--http2 " + Client("new"), "new") != "hello" && absl::Now() < deadline) {
  }
  EXPECT_EQ(Curl("--http2 " + Client("new"), "new"), "hello");
  EXPECT_EQ(Curl("--http2 " + Client("old"), "new"), "") << "the old authority is not trusted any more";
}

TEST_F(TlsTest, AFileThatCannotBeUsedIsAnErrorAtStart) {
  auto const start = [this](TlsOptions const& tls) {
    return Server::Start({.tls = tls}, [this](boost::asio::io_context&) { return MakeScripted(script_); }).status();
  };
  auto tls = Tls();
  tls.key_file = "/no/such/key";
  EXPECT_THAT(start(tls), StatusCodeIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(start(tls).message()), HasSubstr("/no/such/key"));
  tls.key_file = Path("new", "server.key");
  EXPECT_THAT(start(tls), StatusCodeIs(absl::StatusCode::kInvalidArgument));
  tls = Tls();
  tls.client_ca_file = tls.key_file;
  EXPECT_THAT(start(tls), StatusCodeIs(absl::StatusCode::kInvalidArgument));
  tls = {};
  tls.client_ca_file = Path("old", "ca.pem");
  EXPECT_THAT(start(tls), StatusCodeIs(absl::StatusCode::kInvalidArgument)) << "a certificate is missing";
}

TEST_F(TlsTest, AStreamFlowsThroughTlsAtItsReadersPace) {
  Start(Tls());
  EXPECT_EQ(OutputOf(absl::StrCat("curl -s -m 30 --http2 --cacert ", Path("old", "ca.pem"),
                                  " https://localhost:", server_->port(), "/endless | head -c 3000000 | wc -c")),
            "3000000\n");
  EXPECT_EQ(OutputOf(absl::StrCat("head -c 3000000 /dev/zero | curl -s -m 30 --http1.1 --cacert ", Path("old", "ca.pem"),
                                  " --data-binary @- https://localhost:", server_->port(), "/echo | wc -c")),
            "3000000\n");
}

}  // namespace
}  // namespace helhed::gateway::http
