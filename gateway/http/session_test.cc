#include "gateway/http/session.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/http/session_for_test.h"

namespace helhed::gateway::http {
namespace {

// What a handler sees is the same however the network cuts the bytes; the fuzz targets hold that against any bytes.
TEST(Session, ItDoesNotMatterWhereHttp1IsCut) {
  std::string const bytes =
      "POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
      "POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
      "POST /c HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nxyz\r\n"
      "GET /d HTTP/1.1\r\nhost: a\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Recorder recorder;
    Drive(MakeHttp1Session, recorder, bytes, piece);
    std::string seen;
    for (auto const& request : recorder.requests) absl::StrAppend(&seen, request->head.target, "=", request->body, " ");
    EXPECT_EQ(seen, "/a=abcd /b= /c=xyz /d= ") << piece;
    EXPECT_EQ(recorder.running, 0);
  }
}

TEST(Session, IdleConnectionsEndWithTime) {
  Recorder recorder;
  auto const sent = Drive(MakeHttp1Session, recorder, "GET / HTTP/1.1\r\nhost: a\r\n", 1);
  EXPECT_THAT(sent, ::testing::StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(recorder.requests.empty());
}

}  // namespace
}  // namespace helhed::gateway::http
