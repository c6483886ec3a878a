#include "services/platform/storage/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/collation.h"
#include "services/platform/storage/sample_for_test.h"
#include "services/platform/testing/matchers.h"

namespace helhed::storage {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusCodeIs;
using testing::StatusIs;

std::string ProblemsOf(std::vector<DatabaseColumn> const& columns) {
  auto const mapping = Mapping::Make(SampleType(), "samples", {}, columns);
  EXPECT_THAT(mapping, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  return std::string(mapping.status().message());
}

TEST(Mapping, NamesEveryColumnThatDoesNotFit) {
  auto columns = SampleColumns();
  columns.push_back({"colour", ColumnType::kText, true, false});
  columns.push_back({"computed", ColumnType::kInteger, true, false});
  auto const problems = ProblemsOf(columns);
  EXPECT_THAT(problems, HasSubstr("column colour has no field"));
  EXPECT_THAT(problems, HasSubstr("column computed has a type that does not fit"));
}

TEST(Mapping, NamesEveryColumnThatIsMissing) {
  auto columns = SampleColumns();
  std::erase_if(columns, [](auto const& column) {
    return column.name == "dwelling" || column.name == "heading_sort" || column.name == "revision";
  });
  auto const problems = ProblemsOf(columns);
  EXPECT_THAT(problems, HasSubstr("key column dwelling is missing"));
  EXPECT_THAT(problems, HasSubstr("column heading_sort is missing"));
  EXPECT_THAT(problems, HasSubstr("column revision is missing"));
}

TEST(Mapping, RefusesAPrimaryKeyThatIsNotTheName) {
  auto columns = SampleColumns();
  columns[1].in_primary_key = false;
  columns[2].in_primary_key = true;
  auto const problems = ProblemsOf(columns);
  EXPECT_THAT(problems, HasSubstr("key column dwelling is not in the primary key"));
  EXPECT_THAT(problems, HasSubstr("title is in the primary key but not in the name"));
}

TEST(Mapping, RefusesAReferenceThatCannotBeMadeWhole) {
  // An administrator names one variable, the department of another resource two: without a column for the organisation only the
  // row's own can be meant, and an organisation's row has it.
  std::vector<DatabaseColumn> const columns = {{"organisation", ColumnType::kText, false, true},
                                               {"display_name", ColumnType::kText, false, false},
                                               {"revision", ColumnType::kInteger, false, false}};
  auto const mapping = Mapping::Make(*residents::v1::Department::descriptor(), "departments", {}, columns);
  EXPECT_THAT(mapping.status().message(), HasSubstr("key column department is missing"));
  EXPECT_THAT(mapping.status().message(), HasSubstr("display_name_sort is missing"));
}

class MappingTest : public ::testing::Test {
 protected:
  absl::Status Fill(std::string const& text) {
    message_ = NewSample(text);
    auto keys = mapping_->KeyOf(*message_);
    if (!keys.ok()) return keys.status();
    keys_ = *std::move(keys);
    buffer_ = std::make_unique<BindBuffer>();
    std::vector<Mapping::Column const*> columns;
    for (auto const& column : mapping_->columns()) columns.push_back(&column);
    return mapping_->Fill(*message_, keys_, 1'650'000'000'123'456, columns, *buffer_);
  }
  Bind const& Of(std::string_view name) {
    for (std::size_t i = 0; i < mapping_->columns().size(); ++i) {
      if (mapping_->columns()[i].name == name) return buffer_->binds()[i];
    }
    ADD_FAILURE() << name;
    return buffer_->binds()[0];
  }
  static bool IsNull(Bind const& bind) { return std::holds_alternative<std::nullptr_t>(bind); }
  // The row that a database would give back.
  Rows AsRows() {
    auto names = std::make_shared<std::vector<std::string>>();
    std::vector<Rows::Value> row;
    for (std::size_t i = 0; i < mapping_->columns().size(); ++i) {
      names->push_back(mapping_->columns()[i].name);
      Bind const& bind = buffer_->binds()[i];
      if (auto const* text = std::get_if<std::string_view>(&bind)) row.emplace_back(std::string(*text));
      if (auto const* number = std::get_if<std::int64_t>(&bind)) row.emplace_back(*number);
      if (auto const* flag = std::get_if<bool>(&bind)) row.emplace_back(std::int64_t{*flag});  // as SQLite has it
      if (auto const* bytes = std::get_if<Bytes>(&bind)) row.emplace_back(std::vector<std::byte>(bytes->begin(), bytes->end()));
      if (IsNull(bind)) row.emplace_back(nullptr);
    }
    return Rows(std::move(names), {std::move(row)});
  }

  std::unique_ptr<Mapping> mapping_ = SampleMapping();
  std::unique_ptr<google::protobuf::Message> message_;
  std::vector<std::string> keys_;
  std::unique_ptr<BindBuffer> buffer_;
};

constexpr char kFull[] = R"pb(
  name: "organisations/9001/dwellings/a-1"
  title: "T"
  note: "N"
  heading: "Ærø"
  number: -5
  rank: 0
  state: DEPARTMENT_STATE_MERGED
  active: true
  day { year: 2022 month: 2 day: 28 }
  moment { seconds: -2 nanos: 500000000 }
  period {
    start_date { year: 2022 month: 1 day: 1 }
    end_date { year: 2026 month: 1 day: 1 }
  }
  department: "organisations/9001/departments/003"
  elsewhere: "organisations/7777/departments/004"
  nickname: ""
  blob: "\x00\x01"
  hidden: "h"
)pb";

TEST_F(MappingTest, WritesEveryKindOfField) {
  ASSERT_THAT(Fill(kFull), IsOk());
  EXPECT_EQ(Show(Of("organisation")), "'9001'");
  EXPECT_EQ(Show(Of("dwelling")), "'a-1'");
  EXPECT_EQ(Show(Of("number")), "-5");
  EXPECT_EQ(Show(Of("rank")), "0");
  EXPECT_EQ(Show(Of("state")), "2");
  EXPECT_EQ(Show(Of("active")), "true");
  EXPECT_EQ(Show(Of("day")), "'2022-02-28'");
  EXPECT_EQ(Show(Of("moment")), "-1500000");
  EXPECT_EQ(Show(Of("period_end_date")), "'2026-01-01'");
  EXPECT_EQ(Show(Of("department")), "'003'");
  EXPECT_EQ(Show(Of("elsewhere_organisation")), "'7777'");
  EXPECT_EQ(Show(Of("nickname")), "''");
  EXPECT_EQ(Show(Of("revision")), "1");
  EXPECT_EQ(Show(Of("update_time")), "1650000000123456");
  auto const sort = std::get<Bytes>(Of("heading_sort"));
  EXPECT_EQ(std::vector<std::byte>(sort.begin(), sort.end()), DanishSortKey("Ærø"));
}

TEST_F(MappingTest, WritesNullOnlyWhereTheColumnTakesIt) {
  ASSERT_THAT(Fill(R"pb(name: "organisations/9001/dwellings/a")pb"), IsOk());
  for (char const* name : {"note", "rank", "day", "moment", "department", "elsewhere", "elsewhere_organisation", "nickname",
                           "blob", "period_start_date"}) {
    EXPECT_TRUE(IsNull(Of(name))) << name;
  }
  for (char const* name : {"title", "heading", "hidden"}) EXPECT_EQ(Show(Of(name)), "''") << name;
  for (char const* name : {"number", "state"}) EXPECT_EQ(Show(Of(name)), "0") << name;
  EXPECT_EQ(Show(Of("active")), "false");
}

TEST_F(MappingTest, ReadsBackWhatItWrote) {
  for (std::string const& text : {std::string(kFull), std::string(R"pb(name: "organisations/9001/dwellings/a")pb")}) {
    ASSERT_THAT(Fill(text), IsOk());
    auto const read = NewSample();
    Rows const rows = AsRows();
    RowReader(*mapping_, rows.columns()).Read(rows, 0, *read);
    EXPECT_FALSE(GetText(*read, "etag").empty());
    auto const expected = NewSample(text +
                                    "create_time { seconds: 1650000000 nanos: 123456000 } "
                                    "update_time { seconds: 1650000000 nanos: 123456000 }");
    SetText(*expected, "etag", GetText(*read, "etag"));
    EXPECT_EQ(Difference(*expected, *read), "");
  }
}

TEST_F(MappingTest, AFurtherColumnFillsItsFieldAndTheLaterOfTwoCounts) {
  auto const names = std::make_shared<std::vector<std::string>>(
      std::vector<std::string>{"organisation", "dwelling", "title", "unknown", "department", "computed", "title"});
  Rows const rows(names, {{"9001", "a", "first", std::int64_t{1}, "003", "c", "second"}});
  auto const read = NewSample();
  RowReader(*mapping_, rows.columns()).Read(rows, 0, *read);
  auto const expected = NewSample(R"pb(
    name: "organisations/9001/dwellings/a"
    title: "second"
    computed: "c"
    department: "organisations/9001/departments/003")pb");
  EXPECT_EQ(Difference(*expected, *read), "");
}

TEST_F(MappingTest, RefusesWhatTheRowCannotHoldAllAtOnce) {
  auto const status = Fill(R"pb(
    name: "organisations/9001/dwellings/a"
    day { year: 2022 month: 2 day: 30 }
    department: "organisations/9002/departments/003"
    elsewhere: "departments/003")pb");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  std::vector<std::string> fields;
  for (auto const& violation : ViolationsOf(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre("day", "department", "elsewhere"));
  EXPECT_THAT(Fill(R"pb(name: "dwellings/a")pb"), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

TEST_F(MappingTest, EtagsTellRevisionsResourcesAndLivesApart) {
  std::string const name = "organisations/9001/dwellings/a";
  std::string const etag = mapping_->MakeEtag(name, {1, 1'650'000'000'123'456});
  EXPECT_EQ(mapping_->OpenEtag(name, etag), (EtagContent{1, 1'650'000'000'123'456}));
  EXPECT_LE(etag.size(), 24U);
  EXPECT_EQ(etag.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos);
  EXPECT_NE(etag, mapping_->MakeEtag(name, {2, 1'650'000'000'123'456}));
  EXPECT_NE(etag, mapping_->MakeEtag(name, {1, 1'650'000'000'123'457}));
  EXPECT_NE(etag, mapping_->MakeEtag(name + "b", {1, 1'650'000'000'123'456}));
  EXPECT_EQ(mapping_->OpenEtag(name + "b", etag), std::nullopt);
  EXPECT_EQ(mapping_->OpenEtag(name, ""), std::nullopt);
  EXPECT_EQ(mapping_->OpenEtag(name, "%"), std::nullopt);
  EXPECT_EQ(mapping_->OpenEtag(name, etag + "A"), std::nullopt);
  EXPECT_EQ(mapping_->OpenEtag(name, std::string(30, 'A')), std::nullopt);
}

}  // namespace
}  // namespace helhed::storage
