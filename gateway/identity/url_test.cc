#include "gateway/identity/url.h"

#include <gtest/gtest.h>

namespace helhed::gateway::identity {
namespace {

TEST(ParseUrl, TakesAnUrlApart) {
  auto const url = ParseUrl("https://Login.Example.dk:8443/realms/x?y=1");
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(url->is_tls);
  EXPECT_EQ(url->host, "login.example.dk");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->authority, "login.example.dk:8443");
  EXPECT_EQ(url->target, "/realms/x?y=1");
  EXPECT_FALSE(url->is_loopback());
  EXPECT_EQ(ParseUrl("https://a")->target, "/");
  EXPECT_EQ(ParseUrl("https://a:443/")->authority, "a");
  EXPECT_EQ(ParseUrl("https://a?b")->target, "/?b");
}

TEST(ParseUrl, KnowsWhatNeverLeavesTheMachine) {
  EXPECT_TRUE(ParseUrl("http://127.0.0.1:80/")->is_loopback());
  EXPECT_TRUE(ParseUrl("http://localhost")->is_loopback());
  EXPECT_TRUE(ParseUrl("http://[::1]:3000/a")->is_loopback());
  EXPECT_EQ(ParseUrl("http://[::1]:3000/a")->authority, "[::1]:3000");
  EXPECT_FALSE(ParseUrl("http://127.0.0.1.example.dk")->is_loopback());
  EXPECT_FALSE(ParseUrl("http://localhost.example.dk")->is_loopback());
}

TEST(ParseUrl, RefusesWhatCouldBeReadInTwoWays) {
  for (auto const* const text : {"",
                                 "https://",
                                 "ftp://a",
                                 "HTTPS://a",
                                 "//a",
                                 "https:/a",
                                 "https://user@a",
                                 "https://127.0.0.1@evil.example",
                                 "https://a:b@c",
                                 "https://a\\@b",
                                 "https://a/#x",
                                 "https://a/\\b",
                                 "https://a b",
                                 "https://a/ b",
                                 "https://a\r\nb",
                                 "https://a:0",
                                 "https://a:65536",
                                 "https://a:-1",
                                 "https://a:",
                                 "https://[::1",
                                 "https://[::1]x",
                                 "https://a_b",
                                 "https://:80",
                                 "https://a:8 0",
                                 "https://\xc3\xa6"}) {
    EXPECT_FALSE(ParseUrl(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace helhed::gateway::identity
