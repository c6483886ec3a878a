#include "gateway/rest/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/rest/etag.h"

namespace helhed::gateway::rest {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(SplitQuery, PartsAsSent) {
  EXPECT_THAT(SplitQuery("a=b&&c&d==e&="), ElementsAre(Pair("a", "b"), Pair("c", ""), Pair("d", "=e"), Pair("", "")));
}

TEST(Decode, PlusIsABlankInAQueryOnly) {
  EXPECT_EQ(Decode("a+b%2B", true), "a b+");
  EXPECT_EQ(Decode("a+b", false), "a+b");
  EXPECT_EQ(Decode("%ED%A0%80", true), std::nullopt) << "a surrogate";
  EXPECT_EQ(Decode("%C0%AF", true), std::nullopt) << "an overlong slash";
}

TEST(Negotiate, Trap18TheBestOfWhatIsOffered) {
  std::vector<std::string_view> const offered = {"application/x-ndjson", "text/event-stream"};
  EXPECT_EQ(Negotiate("", offered), 0);
  EXPECT_EQ(Negotiate("*/*", offered), 0);
  EXPECT_EQ(Negotiate("text/event-stream", offered), 1);
  EXPECT_EQ(Negotiate("text/*;q=0.5, */*;q=0.1", offered), 1);
  EXPECT_EQ(Negotiate("application/x-ndjson;q=0, */*", offered), 1);
  EXPECT_EQ(Negotiate("TEXT/Event-Stream ; q=1", offered), 1);
  EXPECT_EQ(Negotiate("application/json", offered), -1);
  EXPECT_EQ(Negotiate("*/*;q=0", offered), -1);
  EXPECT_EQ(Negotiate("*/*;q=abc", offered), -1);
}

TEST(IsJson, InUtf8Alone) {
  EXPECT_TRUE(IsJson("application/json"));
  EXPECT_TRUE(IsJson("Application/JSON; charset=UTF-8"));
  EXPECT_FALSE(IsJson("application/json; charset=latin1"));
  EXPECT_FALSE(IsJson("application/json, text/plain"));
  EXPECT_FALSE(IsJson("application/x-www-form-urlencoded"));
  EXPECT_FALSE(IsJson("application/jsonp"));
}

TEST(TagOf, HoldsTheEtagAndChangesWithWhatIsSent) {
  auto const tag = TagOf("abc", "{}");
  EXPECT_NE(tag, TagOf("abc", "{ }"));
  EXPECT_EQ(EtagIn(tag), "abc");
  EXPECT_EQ(EtagIn("\"abc\""), "abc");
  EXPECT_EQ(EtagIn("\"a;b\""), "a;b") << "not ours";
  EXPECT_TRUE(TagOf("", "{}").starts_with("W/\""));
  EXPECT_TRUE(TagOf("a\"b", "{}").starts_with("W/\""));
  for (auto const* const odd : {"", "abc", "W/\"abc\"", "\"a\", \"b\"", "\"\"", "*"}) EXPECT_EQ(EtagIn(odd), std::nullopt) << odd;
}

TEST(NamesTag, ByTheWeakComparison) {
  EXPECT_TRUE(NamesTag("\"x\", W/\"a;1\"", "\"a;1\""));
  EXPECT_TRUE(NamesTag("*", "\"a\""));
  EXPECT_TRUE(NamesTag("\"a,b\"", "\"a,b\""));
  EXPECT_FALSE(NamesTag("\"b\"", "\"a\""));
  EXPECT_FALSE(NamesTag("", "\"a\""));
}

}  // namespace
}  // namespace helhed::gateway::rest
