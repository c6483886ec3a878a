#include "services/platform/storage/filter.h"

#include <absl/strings/str_join.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/sample_for_test.h"
#include "services/platform/testing/matchers.h"

namespace helhed::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

// As an expression with every parenthesis: `(a=1 & (b=2 | !c=3))`.
std::string Print(FilterNode const& node) {
  std::vector<std::string> children;
  for (auto const& child : node.children) children.push_back(Print(child));
  switch (node.kind) {
    case FilterNode::Kind::kAnd:
      return "(" + absl::StrJoin(children, " & ") + ")";
    case FilterNode::Kind::kOr:
      return "(" + absl::StrJoin(children, " | ") + ")";
    case FilterNode::Kind::kNot:
      return "!" + children.front();
    case FilterNode::Kind::kComparison:
      break;
  }
  static char const* const operators[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
  return node.field + operators[static_cast<int>(node.op)] + (node.value.star_before ? "*" : "") + node.value.text +
         (node.value.star_after ? "*" : "");
}

std::string Parsed(std::string_view text) {
  auto const parsed = ParseFilter(text);
  if (!parsed.ok()) return "error at " + MetadataOf(parsed.status())["position"];
  return *parsed ? Print(**parsed) : "";
}

TEST(ParseFilter, OrBindsTighterThanAnd) {
  EXPECT_EQ(Parsed("a = 1 AND b = 2 OR c = 3"), "(a=1 & (b=2 | c=3))");
  EXPECT_EQ(Parsed("a=1 OR b=2 AND c=3 OR d=4"), "((a=1 | b=2) & (c=3 | d=4))");
}

TEST(ParseFilter, TermsInARowAreJoinedByAndAndBindTighterThanIt) {
  EXPECT_EQ(Parsed("a=1 b=2 OR c=3"), "(a=1 & (b=2 | c=3))");
  EXPECT_EQ(Parsed("a=1 b=2 AND c=3"), "((a=1 & b=2) & c=3)");
}

TEST(ParseFilter, NotAndMinusTakeOneTerm) {
  EXPECT_EQ(Parsed("NOT a=1 b=2"), "(!a=1 & b=2)");
  EXPECT_EQ(Parsed("-a=1 OR -(b=2 c=3)"), "(!a=1 | !(b=2 & c=3))");
  EXPECT_EQ(Parsed("NOT(a=1)"), "!a=1");
  EXPECT_EQ(Parsed("a=-1"), "a=-1");
}

TEST(ParseFilter, ReadsEveryOperatorWithAndWithoutSpace) {
  EXPECT_EQ(Parsed("a=1 a!=1 a<1 a<=1 a>1 a>=1 a:1"), "(a=1 & a!=1 & a<1 & a<=1 & a>1 & a>=1 & a:1)");
  EXPECT_EQ(Parsed(" a  >= \t1 "), "a>=1");
  EXPECT_EQ(Parsed("moment<2022-01-01T00:00:00.5+01:00"), "moment<2022-01-01T00:00:00.5+01:00");
}

TEST(ParseFilter, ReadsTextInEitherQuotesWithEscapes) {
  EXPECT_EQ(Parsed(R"(a = "it's")"), "a=it's");
  EXPECT_EQ(Parsed(R"(a = 'say "hi"')"), "a=say \"hi\"");
  EXPECT_EQ(Parsed(R"(a = "\"\\")"), R"(a="\)");
  EXPECT_EQ(Parsed(R"(a = "AND")"), "a=AND");
  EXPECT_EQ(Parsed(R"(a = "")"), "a=");
  EXPECT_EQ(Parsed("a = Ærø"), "a=Ærø");
}

TEST(ParseFilter, TellsStarsFromStars) {
  auto const value = [](std::string_view text) { return (**ParseFilter(text)).value; };
  EXPECT_TRUE(value("a = b*").star_after);
  EXPECT_TRUE(value("a = *b").star_before);
  EXPECT_TRUE(value("a = \"b*c\"").star_within);
  EXPECT_FALSE(value(R"(a = "b\*")").star_after);
  EXPECT_EQ(value(R"(a = "b\*")").text, "b*");
  EXPECT_TRUE(value("a:*").star_after);
  EXPECT_EQ(value("a:*").text, "");
}

TEST(ParseFilter, AnEmptyFilterIsNone) {
  EXPECT_EQ(Parsed(""), "");
  EXPECT_EQ(Parsed(" \t\n"), "");
}

TEST(ParseFilter, SaysWhereItFails) {
  EXPECT_EQ(Parsed("a"), "error at 1");
  EXPECT_EQ(Parsed("a ="), "error at 4");
  EXPECT_EQ(Parsed("= 1"), "error at 1");
  EXPECT_EQ(Parsed("a = 1 b"), "error at 7");
  EXPECT_EQ(Parsed("a = 1 AND"), "error at 10");
  EXPECT_EQ(Parsed("a = 1 OR OR b = 2"), "error at 10");
  EXPECT_EQ(Parsed("a = 1 and b = 2"), "error at 7");
  EXPECT_EQ(Parsed("(a = 1"), "error at 1");
  EXPECT_EQ(Parsed("a = 1)"), "error at 6");
  EXPECT_EQ(Parsed("()"), "error at 2");
  EXPECT_EQ(Parsed("a = \"b"), "error at 5");
  EXPECT_EQ(Parsed("a = \"b\\"), "error at 5");
  EXPECT_EQ(Parsed("a = AND"), "error at 5");
  EXPECT_EQ(Parsed("a = (b OR c)"), "error at 5");
  EXPECT_EQ(Parsed("f(a) = 1"), "error at 2");
  EXPECT_EQ(Parsed("NOT NOT a = 1"), "error at 5");
  EXPECT_EQ(Parsed("a == 1"), "error at 4");
  EXPECT_EQ(Parsed("a = \"\xff\""), "error at 5");
  EXPECT_EQ(Parsed("a = \"\xed\xa0\x80\""), "error at 5");
  EXPECT_EQ(Parsed(std::string_view("a = \"\0\"", 7)), "error at 5");
}

TEST(ParseFilter, IsBoundedInDepthCountAndLength) {
  auto const nested = [](int depth) { return std::string(depth, '(') + "a=1" + std::string(depth, ')'); };
  EXPECT_EQ(Parsed(nested(kFilterDepthMax)), "a=1");
  EXPECT_EQ(Parsed(nested(kFilterDepthMax + 1)), "error at 33");
  auto const many = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "a=1 ";
    return text;
  };
  EXPECT_THAT(ParseFilter(many(kFilterComparisonsMax)), IsOk());
  EXPECT_EQ(Parsed(many(kFilterComparisonsMax + 1)), "error at 401");
  EXPECT_EQ(Parsed(std::string(kFilterBytesMax + 1, ' ')), "error at 8001");
}

class CompileFilterTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Compile(std::string_view filter, Engine engine = Engine::kSqlite) {
    auto const node = ParseFilter(filter);
    if (!node.ok()) return node.status();
    SqlText sql;
    RETURN_IF_ERROR(CompileFilter(**node, fields_, engine, sql));
    binds_ = ShowAll(sql.binds());
    return sql.text();
  }
  std::string Error(std::string_view filter) {
    auto const sql = Compile(filter);
    EXPECT_THAT(sql, StatusIs(absl::StatusCode::kInvalidArgument, "FILTER_INVALID")) << filter;
    return std::string(Sv(sql.status().message()));
  }

  std::unique_ptr<Mapping> mapping_ = SampleMapping();
  QueryFields fields_{*mapping_, "s.", {}};
  std::vector<std::string> binds_;
};

TEST_F(CompileFilterTest, BindsEveryValue) {
  EXPECT_EQ(*Compile("title = \"'; DROP TABLE samples; --\""), "(s.title = $1)");
  EXPECT_THAT(binds_, ElementsAre("''; DROP TABLE samples; --'"));
}

TEST_F(CompileFilterTest, UsesRangesAndColumnsThatAnIndexServes) {
  EXPECT_EQ(*Compile("title = Rem*"), "(s.title >= $1 AND s.title < $2)");
  EXPECT_THAT(binds_, ElementsAre("'Rem'", "'Ren'"));
  EXPECT_EQ(*Compile("title = \"Bø*\""), "(s.title >= $1 AND s.title < $2)");
  EXPECT_THAT(binds_, ElementsAre("'Bø'", "'Bù'"));
  EXPECT_EQ(*Compile("note = x"), "(s.note = $1 AND s.note IS NOT NULL)");
  EXPECT_EQ(*Compile("name = organisations/9001/dwellings/a"), "(s.organisation = $1 AND s.dwelling = $2)");
  EXPECT_EQ(*Compile("heading < B"), "(s.heading_sort < $1)");
  EXPECT_EQ(*Compile("heading = B"), "(s.heading = $1)");
}

TEST_F(CompileFilterTest, NamesTheDeclaredFieldsWhenOneIsNot) {
  auto const sql = Compile("title = a hidden = b");
  EXPECT_THAT(sql, StatusIs(absl::StatusCode::kInvalidArgument, "FILTER_INVALID"));
  auto metadata = MetadataOf(sql.status());
  EXPECT_EQ(metadata["position"], "11");
  EXPECT_EQ(
      metadata["allowed"],
      "name, title, note, heading, number, rank, state, active, day, moment, period.start_date, period.end_date, department, "
      "nickname");
  EXPECT_THAT(std::string(sql.status().message()), HasSubstr("period.start_date"));
  EXPECT_THAT(Error("period = 2022-01-01"), HasSubstr("no such field"));
  EXPECT_THAT(Error("day.year = 2022"), HasSubstr("no such field"));
  EXPECT_THAT(Error("etag = x"), HasSubstr("no such field"));
}

TEST_F(CompileFilterTest, ExplainsWhatAValueMustBe) {
  EXPECT_THAT(Error("number = many"), HasSubstr("integer"));
  EXPECT_THAT(Error("number = 99999999999999999999"), HasSubstr("integer"));
  EXPECT_THAT(Error("state = GONE"), HasSubstr("UNSPECIFIED, ACTIVE, MERGED"));
  EXPECT_THAT(Error("state < ACTIVE"), HasSubstr("= and != only"));
  EXPECT_THAT(Error("active = yes"), HasSubstr("true or false"));
  EXPECT_THAT(Error("day > 2022-02-30"), HasSubstr("YYYY-MM-DD"));
  EXPECT_THAT(Error("moment > yesterday"), HasSubstr("RFC 3339"));
  EXPECT_THAT(Error("moment > infinite-future"), HasSubstr("RFC 3339"));
  EXPECT_THAT(Error("name = plans/a"), HasSubstr("organisations/{organisation}/dwellings/{dwelling}"));
  EXPECT_THAT(Error("name < organisations/9001/dwellings/a"), HasSubstr("= and != only"));
  EXPECT_THAT(Error("number : 5"), HasSubstr("`:` is for text"));
  EXPECT_THAT(Error("title = a*b"), HasSubstr("ends of a value"));
  EXPECT_THAT(Error("title < a*"), HasSubstr("ends of a value"));
}

TEST_F(CompileFilterTest, NeverRepeatsAValueInAnError) {
  for (char const* filter : {"number = Hemmelig", "state = Hemmelig", "day = Hemmelig", "active = Hemmelig", "name = Hemmelig",
                             "title < Hemm*elig", "moment > Hemmelig"}) {
    EXPECT_THAT(Error(filter), ::testing::Not(HasSubstr("Hemm"))) << filter;
  }
}

TEST_F(CompileFilterTest, TakesEnumsWithAndWithoutTheirPrefix) {
  ASSERT_THAT(Compile("state = MERGED"), IsOk());
  EXPECT_THAT(binds_, ElementsAre("2"));
  ASSERT_THAT(Compile("state = DEPARTMENT_STATE_MERGED"), IsOk());
  EXPECT_THAT(binds_, ElementsAre("2"));
}

TEST_F(CompileFilterTest, ADeclaredFieldWithoutAColumnIsTheServicesFault) {
  auto columns = SampleColumns();
  std::erase_if(columns, [](auto const& column) { return column.name == "state"; });
  auto const mapping = *Mapping::Make(SampleType(), "samples", {}, columns);
  auto const node = ParseFilter("state = ACTIVE");
  SqlText sql;
  EXPECT_THAT(CompileFilter(**node, QueryFields(*mapping, "", {}), Engine::kSqlite, sql),
              StatusIs(absl::StatusCode::kInternal, "INTERNAL"));
  QueryFields const fields(*mapping, "", {{"state", {"CASE WHEN day < ? THEN 1 ELSE 2 END", {std::string("2022-01-01")}}}});
  ASSERT_THAT(CompileFilter(**node, fields, Engine::kSqlite, sql), IsOk());
  EXPECT_EQ(sql.text(), "(COALESCE((CASE WHEN day < $1 THEN 1 ELSE 2 END), 0) = $2)");
}

}  // namespace
}  // namespace helhed::storage
