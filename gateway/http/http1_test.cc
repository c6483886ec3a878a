#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gateway/http/server_for_test.h"
#include "services/platform/base/strings.h"

// HTTP/1.1 by the bytes that a socket carries, of good callers and of bad ones.
namespace helhed::gateway::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHello[] = "GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n";

class Http1Test : public ServerTest {
 protected:
  // One request on a connection of its own, which the server closes.
  std::string Ask(std::string_view bytes) {
    Wire wire(server_->port());
    wire.Send(bytes);
    return wire.ReadAll();
  }
};

TEST_F(Http1Test, KeepsTheConnectionAndTakesRequestsInTheirOrder) {
  Start();
  Wire wire(server_->port());
  for (int i = 0; i < 2; ++i) {
    wire.Send(kHello);
    EXPECT_THAT(wire.ReadUntil("hello"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("content-length: 5\r\n"),
                                               HasSubstr("\r\ndate: "), Not(HasSubstr("connection"))));
  }
  wire.Send(absl::StrCat("\r\nPOST /echo HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n\r\none", kHello,
                         "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntwo", kHello));
  auto const all = wire.ReadAll();
  EXPECT_LT(all.find("one"), all.find("hello"));
  EXPECT_LT(all.find("hello"), all.find("two"));
  EXPECT_THAT(all, EndsWith("connection: close\r\n\r\n3\r\ntwo\r\n0\r\n\r\n")) << "nothing is answered after it";
}

TEST_F(Http1Test, ARequestMayComeInAnyPieces) {
  Start();
  std::string const request =
      "POST /echo HTTP/1.1\r\nHost: localhost:80\r\nX-Name:  value \r\ntransfer-encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\n";
  Wire wire(server_->port());
  for (char const c : request) wire.Send(std::string(1, c));
  EXPECT_THAT(wire.ReadUntil("0\r\n\r\n"), HasSubstr("abc0123456789"));
}

TEST_F(Http1Test, TheHandlerSeesTheHeadAsItCame) {
  Start();
  EXPECT_THAT(Ask("GET /hello HTTP/1.1\r\nHost: Localhost:80\r\nX-Name:  a value \r\nconnection: close\r\n\r\n"),
              EndsWith("hello"));
  EXPECT_THAT(Ask("GET http://localhost/hello HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"), EndsWith("hello"));
  std::lock_guard const lock(script_.mutex);
  ASSERT_EQ(script_.heads.size(), 2U);
  auto const& head = script_.heads[0];
  EXPECT_EQ(head.version, Version::kHttp1);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.authority, "Localhost:80");
  EXPECT_EQ(head.target, "/hello");
  EXPECT_EQ(Find(head.fields, "x-name"), "a value");
  EXPECT_EQ(Find(head.fields, "host"), "");
  EXPECT_EQ(head.peer->address, "127.0.0.1");
  EXPECT_FALSE(head.peer->tls);
  EXPECT_EQ(script_.heads[1].target, "/hello");
}

TEST_F(Http1Test, FramesAnswersAsTheVersionHasIt) {
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.0\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"),
              AllOf(EndsWith("connection: close\r\n\r\nhi"), Not(HasSubstr("chunked"))));
  EXPECT_THAT(Ask("HEAD /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
              AllOf(HasSubstr("content-length: 5\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(Ask("GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 204 No Content\r\n"), Not(HasSubstr("content-length")), Not(HasSubstr("chunked"))));
  EXPECT_THAT(Ask("GET /head-only HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), HasSubstr("content-length: 0\r\n"));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
              EndsWith("content-length: 0\r\nconnection: close\r\n\r\n"));
}

TEST_F(Http1Test, AsksForABodyThatWaitsOnlyWhenItIsWanted) {
  Start();
  Wire wire(server_->port());
  wire.Send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
  EXPECT_EQ(wire.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.Send("body");
  EXPECT_THAT(wire.ReadUntil("0\r\n\r\n"), HasSubstr("body"));
  EXPECT_THAT(Ask("POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr("connection: close")));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: miracles\r\n\r\n"),
              StartsWith("HTTP/1.1 417 "));
}

TEST_F(Http1Test, RefusesWhatCanBeReadInTwoWays) {
  Start();
  std::pair<std::string, int> const requests[] = {
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3, 4\r\n\r\nabcd", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: +3\r\n\r\nabc", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: -3\r\n\r\nabc", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\nabc", 400},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a\r\nx-a: b\r\n c\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a\r\nx-a : b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\nhost: a\n\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a\r\nx-a: b\rc\r\n\r\n", 400},
      {absl::StrCat("GET /hello HTTP/1.1\r\nhost: a\r\nx-a: b", absl::string_view("\0", 1), "c\r\n\r\n"), 400},
      {"GET /hello HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a@b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: \r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nhost: a b\r\n\r\n", 400},
      {"GET http://b/hello HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"GET hello HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"GET /hel#lo HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"GET  /hello HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"GET /hello HTTP/1.1 \r\nhost: a\r\n\r\n", 505},
      {"GET /hello\r\nhost: a\r\n\r\n", 400},
      {"G@T /hello HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", 501},
      {"GET /hello HTTP/3.0\r\nhost: a\r\n\r\n", 505},
      {"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc", 415},
      {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505},
  };
  for (auto const& [request, status] : requests) {
    auto const answer = Ask(request + kHello);
    EXPECT_THAT(answer, AllOf(StartsWith(absl::StrCat("HTTP/1.1 ", status, " ")), HasSubstr("connection: close"),
                              HasSubstr("\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\"")))
        << request;
    EXPECT_EQ(answer.find("hello"), std::string::npos) << "the rest was taken for a request after " << request;
  }
  EXPECT_TRUE(script_.heads.empty());
  EXPECT_GT(Refused("malformed_request"), 20);
}

TEST_F(Http1Test, RefusesWhatIsTooLarge) {
  Start();
  std::string const long_target(9000, 'a');
  EXPECT_THAT(Ask(absl::StrCat("GET /", long_target, " HTTP/1.1\r\nhost: a\r\n\r\n")), StartsWith("HTTP/1.1 414 "));
  EXPECT_THAT(Ask(absl::StrCat("GET /", long_target)), StartsWith("HTTP/1.1 414 ")) << "without an end";
  EXPECT_THAT(Ask(absl::StrCat("GET /hello HTTP/1.1\r\nhost: a\r\nx: ", std::string(17'000, 'x'), "\r\n\r\n")),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask(absl::StrCat("GET /hello HTTP/1.1\r\nhost: a\r\nx: ", std::string(17'000, 'x'))), StartsWith("HTTP/1.1 431 "));
  std::string many;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&many, "x", i, ": 1\r\n");
  EXPECT_THAT(Ask(absl::StrCat("GET /hello HTTP/1.1\r\nhost: a\r\n", many, "\r\n")), StartsWith("HTTP/1.1 431 "));
  std::string const fits(8000, 'a');
  EXPECT_THAT(
      Ask(absl::StrCat("GET /", fits, " HTTP/1.1\r\nhost: a\r\nx: ", std::string(16'000, 'x'), "\r\nconnection: close\r\n\r\n")),
      StartsWith("HTTP/1.1 404 "));
  EXPECT_EQ(Refused("target_too_long"), 2);
  EXPECT_EQ(Refused("headers_too_large"), 3);
}

TEST_F(Http1Test, RefusesBodiesThatAreTooLargeOrBroken) {
  limits_.body_bytes = 1000;
  Start();
  std::string const head = "POST /echo HTTP/1.1\r\nhost: a\r\n";
  EXPECT_THAT(Ask(absl::StrCat(head, "content-length: 1001\r\n\r\n")), StartsWith("HTTP/1.1 413 "));
  auto const chunked = absl::StrCat(head, "transfer-encoding: chunked\r\n\r\n");
  EXPECT_THAT(Ask(absl::StrCat(chunked, "3e8\r\n", std::string(1000, 'x'), "\r\n1\r\nx\r\n")), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(script_.gone, 1) << "the handler heard of it";
  for (auto const* const broken :
       {"x\r\n", "3\r\nabcd\r\n", "ffffffffffffffffff\r\n", "3 \nabc\r\n", "-1\r\n", "3;\x01\r\nabc\r\n"}) {
    EXPECT_THAT(Ask(absl::StrCat(chunked, broken, kHello)), StartsWith("HTTP/1.1 400 ")) << broken;
  }
  EXPECT_THAT(Ask(absl::StrCat(chunked, "3;", std::string(40'000, 'e'))), StartsWith("HTTP/1.1 400 "))
      << "an extension without an end";
}

TEST_F(Http1Test, ASlowHeadIsCutOffAndOthersAreNot) {
  limits_.head_time = milliseconds(200);
  Start();
  Wire silent(server_->port());
  Wire slow(server_->port());
  slow.Send("GET /hello HTTP/1.1\r\nhost: a\r\n");
  Wire empty(server_->port());
  empty.Send("\r\n");
  Wire waiting(server_->port());
  waiting.Send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_THAT(slow.ReadAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(empty.ReadAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_GE(Refused("head_too_slow"), 3);
  ASSERT_TRUE(script_.Await([&] { return script_.waiting.size() == 1; }));
  script_.Release();
  EXPECT_THAT(waiting.ReadUntil("0\r\n\r\n"), HasSubstr("released"));
}

TEST_F(Http1Test, AKeptConnectionIsClosedWhenIdle) {
  limits_.idle_time = milliseconds(100);
  Start();
  Wire wire(server_->port());
  wire.Send(kHello);
  EXPECT_THAT(wire.ReadAll(), EndsWith("hello"));
}

TEST_F(Http1Test, ASlowBodyIsCutOff) {
  limits_.body_time = milliseconds(200);
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(script_.gone, 1);
  EXPECT_EQ(Refused("body_too_slow"), 1);
  // Without back-pressure of ours: who does not consume waits for himself.
  limits_.stream_window = 4;
  Start();
  Wire wire(server_->port());
  wire.Send("POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabcd");
  ASSERT_TRUE(script_.Await([&] { return script_.received >= 4; }));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(script_.gone, 2);
}

TEST_F(Http1Test, ADribblingBodyIsCutOff) {
  limits_.rate_grace = milliseconds(100);
  limits_.rate_min = 1'000'000;
  Start();
  Wire wire(server_->port());
  wire.Send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n");
  while (Refused("body_too_slow") == 0 && wire.Send("x")) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_THAT(wire.ReadAll(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(Http1Test, ABodyIsReadNoFasterThanItIsConsumed) {
  limits_.stream_window = 64 * 1024;
  limits_.body_bytes = std::uint64_t{1} << 30;
  Start();
  Wire wire(server_->port());
  std::size_t const size = 256 << 20;
  wire.Send(absl::StrCat("POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: ", size, "\r\n\r\n"));
  EXPECT_LT(wire.SendUntilStalled(size), size);
  std::lock_guard const lock(script_.mutex);
  EXPECT_GE(script_.received, limits_.stream_window);
  EXPECT_LE(script_.received, limits_.stream_window + 128 * 1024);
}

TEST_F(Http1Test, ASlowReaderHoldsBoundedMemoryAndIsCutOff) {
  limits_.output_time = milliseconds(300);
  Start();
  Wire wire(server_->port(), 4096);
  wire.Send("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n");
  ASSERT_TRUE(script_.Await([&] { return script_.gone == 1; }));
  EXPECT_EQ(Refused("reader_too_slow"), 1);
  EXPECT_LE(script_.queued_max, Exchange::kHighWater + 32 * 1024);
}

TEST_F(Http1Test, AFastReaderGetsEverything) {
  Start();
  Wire wire(server_->port());
  wire.Send("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n");
  std::size_t read = 0;
  while (read < (8 << 20)) {
    auto const bytes = wire.Read(64 * 1024);
    ASSERT_FALSE(bytes.empty());
    read += bytes.size();
  }
  wire.Close();
  ASSERT_TRUE(script_.Await([&] { return script_.gone == 1 && script_.running == 0; }));
  EXPECT_LE(script_.queued_max, Exchange::kHighWater + 32 * 1024);
}

TEST_F(Http1Test, AHandlerThatWritesWithoutEndIsBrokenOff) {
  limits_.output_bytes = 1 << 20;
  Start();
  EXPECT_EQ(Ask("GET /greedy HTTP/1.1\r\nhost: a\r\n\r\n").find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(script_.gone, 1);
  EXPECT_EQ(Refused("output_too_large"), 1);
}

TEST_F(Http1Test, FaultyHandlersBreakNoFraming) {
  Start();
  auto const request = [](std::string_view path) { return absl::StrCat("GET ", Av(path), " HTTP/1.1\r\nhost: a\r\n\r\n"); };
  EXPECT_THAT(Ask(request("/injects")), AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("set-cookie"))));
  EXPECT_THAT(Ask(request("/short") + kHello), EndsWith("\r\n\r\nhello")) << "five of ten bytes, and then closed";
  EXPECT_THAT(Ask(request("/long") + kHello), Not(HasSubstr("hello")));
  EXPECT_THAT(Ask(request("/aborts") + kHello), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(Http1Test, WhoGoesIsNoticed) {
  Start();
  Wire wire(server_->port());
  wire.Send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
  ASSERT_TRUE(script_.Await([&] { return script_.waiting.size() == 1; }));
  wire.Close();
  EXPECT_TRUE(script_.Await([&] { return script_.gone == 1 && script_.running == 0; }));
}

}  // namespace
}  // namespace helhed::gateway::http
