#include "gateway/http/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/http/frame_meter.h"

namespace helhed::gateway::http {
namespace {

TEST(Authority, HostsWithAPortAndNothingElse) {
  for (auto const* const good : {"localhost", "helhed.dk:8443", "192.0.2.1", "[2001:db8::1]", "[::1]:443", "a_b-c.d"}) {
    EXPECT_TRUE(IsAuthority(good)) << good;
  }
  for (auto const* const bad : {"", ":80", "user@host", "host:", "host:x", "host:65536", "host:123456", "a b", "a/b", "a,b",
                                "[::1", "[::1]x", "[abc]", "h\x01", "h%41", "a:1:2", "[]"}) {
    EXPECT_FALSE(IsAuthority(bad)) << bad;
  }
  EXPECT_FALSE(IsAuthority(std::string(254, 'a')));
}

TEST(Target, PathAndQueryInVisibleAscii) {
  for (auto const* const good : {"/", "/v1/plans?page_size=10", "/a%2Fb", "//"}) EXPECT_TRUE(IsTarget(good)) << good;
  for (auto const* const bad : {"", "*", "a", "http://x/", "/a b", "/a#b", "/\x7f", "/\xc3\xa6", "/\t"})
    EXPECT_FALSE(IsTarget(bad)) << bad;
}

TEST(Sendable, NothingThatBreaksALine) {
  EXPECT_TRUE(IsSendable({"etag", "\"a\tb\""}));
  EXPECT_FALSE(IsSendable({"Etag", "a"}));
  EXPECT_FALSE(IsSendable({"", "a"}));
  EXPECT_FALSE(IsSendable({"a b", "a"}));
  EXPECT_FALSE(IsSendable({"a", "b\r\nc: d"}));
  EXPECT_FALSE(IsSendable({"a", std::string("\0", 1)}));
}

HeadState Scan(std::string_view text) {
  std::size_t scanned = 0;
  return ScanHead(text, scanned);
}

TEST(ScanHead, IsCompleteAtTheEmptyLineWhereverItIsCut) {
  std::string const head = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
  for (std::size_t cut = 0; cut < head.size(); ++cut) {
    std::size_t scanned = 0;
    EXPECT_EQ(ScanHead(head.substr(0, cut), scanned), HeadState::kIncomplete) << cut;
    EXPECT_EQ(ScanHead(head + "rest", scanned), HeadState::kComplete) << cut;
    EXPECT_EQ(scanned, head.size());
  }
}

TEST(ScanHead, RefusesWhatReadersDisagreeAbout) {
  EXPECT_EQ(Scan("GET / HTTP/1.1\nhost: a\n\n"), HeadState::kMalformed) << "lines without CR";
  EXPECT_EQ(Scan("GET / HTTP/1.1\r\na: b\rc: d\r\n"), HeadState::kMalformed) << "CR alone";
  EXPECT_EQ(Scan("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n"), HeadState::kMalformed) << "obs-fold";
  EXPECT_EQ(Scan("GET / HTTP/1.1\r\na: b\r\n\tc\r\n\r\n"), HeadState::kMalformed) << "obs-fold";
  EXPECT_EQ(Scan(std::string_view("GET / HTTP/1.1\r\na: \0\r\n\r\n", 24)), HeadState::kMalformed) << "NUL";
  EXPECT_EQ(Scan("GET / HTTP/1.1\r\na: \x7f"), HeadState::kMalformed) << "DEL";
}

TEST(RefusalBody, IsAnErrorAsTheAipHasIt) {
  EXPECT_EQ(RefusalBody({Refusal::kTargetTooLong, 414, "path and query are too long"}),
            R"({"error":{"code":414,"status":"INVALID_ARGUMENT","message":"path and query are too long","details":[)"
            R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TARGET_TOO_LONG","domain":"helhed.dk"}]}})"
            "\n");
}

TEST(FrameMeter, FollowsFramesHoweverTheyAreCut) {
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes += std::string("\0\0\0\4\0\0\0\0\0", 9);     // SETTINGS: cheap
  bytes += std::string("\0\0\2\1\0\0\0\0\1xx", 11);  // HEADERS, to be continued
  auto const head_ends_at = bytes.size() + 10;
  bytes += std::string("\0\0\1\x09\4\0\0\0\1x", 10);  // CONTINUATION, the last: cheap
  bytes += std::string("\0\0\0\0\1\0\0\0\1", 9);      // DATA that ends the stream
  bytes += std::string("\0\0\1\0\0\0\0\0\1x", 10);    // tiny DATA: cheap
  bytes += std::string("\0\0\100\0\0\0\0\0\1", 9) + std::string(64, 'd');
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    FrameMeter meter;
    std::size_t cheap = 0;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      cheap += meter.Take(std::string_view(bytes).substr(at, step));
      if (step == 1 && at >= 33 + 9 && at < head_ends_at - 1) {
        EXPECT_TRUE(meter.in_head()) << at;
      }
    }
    EXPECT_EQ(cheap, 3U) << step;
    EXPECT_TRUE(meter.begun());
    EXPECT_FALSE(meter.in_head());
  }
}

}  // namespace
}  // namespace helhed::gateway::http
