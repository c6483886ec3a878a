#include "services/platform/server/admin.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;

class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = AdminServer::Start(
        "127.0.0.1:0", {.metrics = [] { return std::string("helhed_calls_total 3\n"); },
                        .ready = [this] { return ready_ ? absl::OkStatus() : absl::UnavailableError("draining"); }});
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
  }

  // Everything that comes back until the server closes.
  std::string Send(std::string const& bytes) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(server_->port())});
    boost::system::error_code error;
    asio::write(socket, asio::buffer(bytes), error);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string Get(std::string const& path) { return Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n")); }

  std::atomic<bool> ready_{true};
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminTest, ShowsMetrics) {
  auto const answer = Get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("version=0.0.4"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nhelhed_calls_total 3\n"));
}

TEST_F(AdminTest, AliveIsNotReady) {
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200"));
  ready_ = false;
  auto const answer = Get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("draining"));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get("/metrics?x=1"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Send("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), StartsWith("HTTP/1.1 405"));
}

TEST_F(AdminTest, HeadHasNoBody) {
  auto const answer = Send("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6"));
}

TEST_F(AdminTest, HangsUpOnHeadersWithoutEnd) {
  EXPECT_THAT(Send(absl::StrCat("GET /healthz HTTP/1.1\r\nX: ", std::string(20'000, 'x'), "\r\n\r\n")), Not(HasSubstr("200")));
  EXPECT_THAT(Send("\r\n\x01nonsense\r\n\r\n"), Not(HasSubstr("200")));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminTest, ATakenPortIsAnErrorThatSaysSo) {
  auto const second = AdminServer::Start(absl::StrCat("127.0.0.1:", server_->port()), {});
  ASSERT_THAT(second, testing::StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
  EXPECT_THAT(AdminServer::Start("localhost", {}), testing::StatusCodeIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace helhed::server
