#include "gateway/identity/json.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;

bool Parses(std::string_view text) { return ParseObject(text).ok(); }

TEST(ParseObject, TakesWhatIsUnderstoodInOneWayOnly) {
  EXPECT_TRUE(Parses(R"({"a":1,"b":[{"a":1}],"c":{"a":"\u00e5"}})"));
  EXPECT_FALSE(Parses(""));
  EXPECT_FALSE(Parses("[]"));
  EXPECT_FALSE(Parses("null"));
  EXPECT_FALSE(Parses(R"({"a":1} )"
                      "x"));
  EXPECT_FALSE(Parses(R"({"a":1,})"));
  EXPECT_FALSE(Parses(R"({"a":NaN})"));
  EXPECT_FALSE(Parses(R"(/* */{"a":1})"));
  EXPECT_FALSE(Parses("{\"a\":\"\xc3\x28\"}")) << "ill-formed UTF-8";
  EXPECT_FALSE(Parses(R"({"a":"\u0000"})"));
  EXPECT_FALSE(Parses(R"({"a\u0000":"b"})"));
  EXPECT_FALSE(Parses(R"({"a":"\ud800"})")) << "half of a pair";
}

TEST(ParseObject, RefusesAMemberThatOccursTwice) {
  EXPECT_FALSE(Parses(R"({"a":1,"a":1})"));
  EXPECT_FALSE(Parses(R"({"a":1,"\u0061":2})")) << "written in another way";
  EXPECT_FALSE(Parses(R"({"x":[{"y":{"a":1,"b":2,"a":3}}]})"));
}

TEST(ParseObject, RefusesWhatIsTooDeepWithoutRunningOutOfStack) {
  auto const nested = [](int depth) { return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  EXPECT_TRUE(Parses(nested(15)));
  EXPECT_FALSE(Parses(nested(16)));
  EXPECT_FALSE(Parses(nested(100'000)));
}

TEST(Find, GoesByNameOrByPointer) {
  auto const document = ParseObject(R"({"a":1,"realm":{"roles":["x"],"b/c":{"~":2}},"/a":3})");
  ASSERT_THAT(document, IsOk());
  ASSERT_NE(Find(*document, "a"), nullptr);
  EXPECT_EQ(Find(*document, "a")->GetInt(), 1);
  EXPECT_EQ(Find(*document, "/a")->GetInt(), 1);
  ASSERT_NE(Find(*document, "/realm/roles"), nullptr);
  EXPECT_TRUE(Find(*document, "/realm/roles")->IsArray());
  EXPECT_EQ(Find(*document, "/realm/b~1c/~0")->GetInt(), 2);
  EXPECT_EQ(Find(*document, "/realm/roles/0"), nullptr);
  EXPECT_EQ(Find(*document, "/realm/none"), nullptr);
  EXPECT_EQ(Find(*document, "none"), nullptr);
}

TEST(FromBase64Url, TakesTheOneCanonicalForm) {
  EXPECT_EQ(FromBase64Url("YQ"), "a");
  EXPECT_EQ(FromBase64Url("-_8"), "\xfb\xff");
  for (auto const* const other : {"", "YQ==", "YR", "Y", "+/8", "YQ ", "Y Q", "YQ\n", "Y.Q"}) {
    EXPECT_EQ(FromBase64Url(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace helhed::gateway::identity
