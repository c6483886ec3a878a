#include "gateway/rest/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed::gateway::rest {
namespace {

using helhed::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Template Parsed(std::string_view text) {
  auto parsed = ParseTemplate(text);
  EXPECT_THAT(parsed, IsOk());
  return *std::move(parsed);
}

TEST(ParseTemplate, SegmentsVariablesAndVerb) {
  auto const parsed = Parsed("/v1/{desk.name=rooms/*/desks/*}/{part}/files/{rest=**}:merge");
  EXPECT_EQ(parsed.segments.size(), 8U);
  EXPECT_EQ(parsed.verb, "merge");
  ASSERT_EQ(parsed.variables.size(), 3U);
  EXPECT_EQ(parsed.variables[0].field, "desk.name");
  EXPECT_EQ(parsed.variables[0].begin, 1U);
  EXPECT_EQ(parsed.variables[0].end, 5U);
  EXPECT_EQ(parsed.variables[1].begin, 5U);
  EXPECT_TRUE(parsed.open_ended());
}

TEST(ParseTemplate, Trap14RestStandsLastOnlyAndNothingElseIsOdd) {
  for (auto const* const text :
       {"",         "v1",       "/",        "/v1/",        "/v1//a",  "/v1/**/a",   "/v1/{a=**}/b", "/v1/{a=b/{c}}",
        "/v1/{}",   "/v1/{a",   "/v1/{a=}", "/v1/{a}/{a}", "/v1/a:",  "/v1/a:b:c",  "/v1/a?b",      "/v1/{A}",
        "/v1/{a.}", "/v1/{1a}", "/v1/a}",   "/v1/a b",     "/v1/***", "/v1/{a=*}b", "/v1/a:b/c"}) {
    EXPECT_FALSE(ParseTemplate(text).ok()) << text;
  }
  EXPECT_THAT(ParseTemplate("/v1/**/a").status().message(), HasSubstr("elsewhere than at its end"));
}

bool Ambiguous(std::string_view a, std::string_view b) {
  bool const one_way = AreAmbiguous(Parsed(a), Parsed(b));
  EXPECT_EQ(one_way, AreAmbiguous(Parsed(b), Parsed(a)));
  return one_way;
}

TEST(AreAmbiguous, Trap17TheSameShapeOrEachCloserSomewhere) {
  EXPECT_TRUE(Ambiguous("/v1/{name=rooms/*}", "/v1/rooms/{id}"));
  EXPECT_TRUE(Ambiguous("/v1/*/a", "/v1/b/*"));
  EXPECT_TRUE(Ambiguous("/v1/a/**", "/v1/a/{x=**}"));
  EXPECT_TRUE(Ambiguous("/v1/*/a", "/v1/b/**"));
  EXPECT_FALSE(Ambiguous("/v1/a/b", "/v1/a/*"));
  EXPECT_FALSE(Ambiguous("/v1/a/*", "/v1/a/**"));
  EXPECT_FALSE(Ambiguous("/v1/a", "/v1/a/**"));
  EXPECT_FALSE(Ambiguous("/v1/a/b/c", "/v1/*/**"));
  EXPECT_FALSE(Ambiguous("/v1/a/*", "/v1/b/*"));
  EXPECT_FALSE(Ambiguous("/v1/a/*", "/v1/a/*/b"));
}

TEST(SplitPath, Trap16NothingIsCollapsed) {
  EXPECT_THAT(*SplitPath("/v1//a/"), ElementsAre("v1", "", "a", ""));
  EXPECT_FALSE(SplitPath("v1").has_value());
  EXPECT_FALSE(SplitPath("").has_value());
}

TEST(ValueOf, Trap14EscapesAreDecodedAndASlashAmongThemIsRefused) {
  auto const path = Parsed("/v1/{name=rooms/*/desks/*}");
  auto const value = [&](std::string_view sent) { return ValueOf(path.variables[0], path, *SplitPath(sent)); };
  EXPECT_EQ(value("/v1/rooms/%61/desks/b%20%C3%A6+"), "rooms/a/desks/b æ+");
  EXPECT_EQ(value("/v1/rooms/a%2Fb/desks/c"), std::nullopt);
  EXPECT_EQ(value("/v1/rooms/a%00/desks/c"), std::nullopt);
  EXPECT_EQ(value("/v1/rooms/%/desks/c"), std::nullopt);
  EXPECT_EQ(value("/v1/rooms/%4/desks/c"), std::nullopt);
  EXPECT_EQ(value("/v1/rooms/%zz/desks/c"), std::nullopt);
  EXPECT_EQ(value("/v1/rooms/%C3/desks/c"), std::nullopt);
  auto const rest = Parsed("/v1/{path=files/**}");
  EXPECT_EQ(ValueOf(rest.variables[0], rest, *SplitPath("/v1/files/a/b%2Ec")), "files/a/b.c");
  EXPECT_EQ(ValueOf(rest.variables[0], rest, *SplitPath("/v1/files")), "files");
}

}  // namespace
}  // namespace helhed::gateway::rest
