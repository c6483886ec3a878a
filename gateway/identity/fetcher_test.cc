#include "gateway/identity/fetcher.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "gateway/identity/testing/http_server.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::Ok;

absl::StatusOr<std::string> Fetch(std::string const& url, Fetcher::Options options = {}) {
  auto const fetcher = Fetcher::Make(std::move(options));
  EXPECT_THAT(fetcher, IsOk());
  boost::asio::io_context loop;
  absl::StatusOr<std::string> result = absl::UnknownError("never called");
  int calls = 0;
  (*fetcher)->Get(*ParseUrl(url), loop, [&](absl::StatusOr<std::string> body) {
    result = std::move(body);
    ++calls;
  });
  EXPECT_EQ(calls, 0) << "only after it has returned";
  loop.run();
  EXPECT_EQ(calls, 1);
  return result;
}

std::string Http(HttpServer const& server, std::string_view path = "/keys") {
  return absl::StrCat("http://127.0.0.1:", server.port(), std::string(path));
}

TEST(Fetcher, GetsADocument) {
  HttpServer const server(Ok("{\"a\":1}"));
  auto const body = Fetch(Http(server, "/keys?x=1"));
  ASSERT_THAT(body, IsOk());
  EXPECT_EQ(*body, "{\"a\":1}");
  EXPECT_THAT(server.last_request(), ::testing::StartsWith("GET /keys?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.last_request(), HasSubstr(absl::StrCat("Host: 127.0.0.1:", server.port(), "\r\n")));
}

TEST(Fetcher, FollowsNoRedirect) {
  HttpServer const other(Ok("{}"));
  HttpServer const server(absl::StrCat("HTTP/1.1 302 Found\r\nlocation: ", Http(other), "\r\ncontent-length: 0\r\n\r\n"));
  auto const body = Fetch(Http(server));
  EXPECT_THAT(body, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(body.status().message()), HasSubstr("302"));
  EXPECT_EQ(other.requests(), 0);
}

TEST(Fetcher, TakesOnlyA200) {
  for (auto const* const status : {"204 No Content", "404 Not Found", "500 Oops", "206 Partial Content"}) {
    HttpServer const server(absl::StrCat("HTTP/1.1 ", status, "\r\ncontent-length: 0\r\n\r\n"));
    EXPECT_THAT(Fetch(Http(server)), StatusCodeIs(absl::StatusCode::kUnavailable)) << status;
  }
}

TEST(Fetcher, GivesUpOnWhatIsTooLarge) {
  HttpServer const said(absl::StrCat("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", std::string(1000, 'x')));
  EXPECT_THAT(Fetch(Http(said), {.bytes_max = 500}), StatusCodeIs(absl::StatusCode::kUnavailable));
  HttpServer const chunked(
      absl::StrCat("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n", std::string(1000, 'x'), "\r\n0\r\n\r\n"));
  EXPECT_THAT(Fetch(Http(chunked), {.bytes_max = 999}), StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Fetch(Http(chunked), {.bytes_max = 1000}), IsOk());
  HttpServer const head(absl::StrCat("HTTP/1.1 200 OK\r\nx: ", std::string(20'000, 'x'), "\r\ncontent-length: 0\r\n\r\n"));
  EXPECT_THAT(Fetch(Http(head)), StatusCodeIs(absl::StatusCode::kUnavailable));
}

TEST(Fetcher, GivesUpOnWhatIsCutOffOrNoHttp) {
  for (auto const* const answer : {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "SSH-2.0-x\r\n\r\n", "\r\n"}) {
    HttpServer const server(answer);
    EXPECT_THAT(Fetch(Http(server)), StatusCodeIs(absl::StatusCode::kUnavailable)) << answer;
  }
}

TEST(Fetcher, GivesUpInTime) {
  HttpServer const server("");
  auto const body = Fetch(Http(server), {.timeout = absl::Milliseconds(50)});
  EXPECT_THAT(body, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(body.status().message()), HasSubstr("in time"));
}

TEST(Fetcher, SaysWhenNobodyListens) {
  int port = 0;
  {
    HttpServer const server(Ok(""));
    port = server.port();
  }
  EXPECT_THAT(Fetch(absl::StrCat("http://127.0.0.1:", port, "/")), StatusCodeIs(absl::StatusCode::kUnavailable));
}

class FetcherTlsTest : public ::testing::Test {
 protected:
  FetcherTlsTest() { std::ofstream(ca_file_) << certificate_.certificate; }
  ~FetcherTlsTest() override { std::remove(ca_file_.c_str()); }

  std::string ca_file_ = ::testing::TempDir() + "gateway_fetcher_ca_" + std::to_string(getpid());
  testing::Certificate certificate_ = testing::MakeCertificate("IP:127.0.0.1");
};

TEST_F(FetcherTlsTest, TrustsTheConfiguredAuthorityAlone) {
  HttpServer const server(Ok("{}"), &certificate_);
  auto const url = absl::StrCat("https://127.0.0.1:", server.port(), "/");
  EXPECT_THAT(Fetch(url, {.ca_file = ca_file_}), IsOk());
  EXPECT_THAT(Fetch(url), StatusCodeIs(absl::StatusCode::kUnavailable)) << "the system knows no such authority";
  EXPECT_EQ(server.requests(), 1) << "nothing is asked of a server that is not known";
}

TEST_F(FetcherTlsTest, VerifiesTheHost) {
  HttpServer const server(Ok("{}"), &certificate_);
  EXPECT_THAT(Fetch(absl::StrCat("https://localhost:", server.port(), "/"), {.ca_file = ca_file_}),
              StatusCodeIs(absl::StatusCode::kUnavailable));
  auto const by_name = testing::MakeCertificate("DNS:localhost");
  std::ofstream(ca_file_) << by_name.certificate;
  HttpServer const named(Ok("{}"), &by_name);
  EXPECT_THAT(Fetch(absl::StrCat("https://localhost:", named.port(), "/"), {.ca_file = ca_file_}), IsOk());
}

TEST_F(FetcherTlsTest, RefusesACaFileThatHoldsNone) {
  EXPECT_THAT(Fetcher::Make({.ca_file = "/does/not/exist"}), StatusCodeIs(absl::StatusCode::kInvalidArgument));
  std::ofstream(ca_file_) << "nothing";
  EXPECT_THAT(Fetcher::Make({.ca_file = ca_file_}), StatusCodeIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace helhed::gateway::identity
