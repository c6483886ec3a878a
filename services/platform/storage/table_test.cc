#include "services/platform/storage/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/residents/v1/organisation.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/sample_for_test.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/explain.h"
#include "services/platform/testing/matchers.h"

namespace helhed::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusCodeIs;
using testing::StatusIs;
using Message = google::protobuf::Message;

constexpr char kName[] = "organisations/9001/dwellings/a-1";

std::unique_ptr<Message> SampleNamed(std::string const& dwelling) {
  return NewSample(absl::StrCat("name: 'organisations/9001/dwellings/", dwelling, "' title: 'T' heading: 'Ærø' hidden: '",
                                dwelling, "' period { start_date { year: 2022 month: 1 day: 1 } }"));
}

class TableTest : public testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    table_ = OpenSamples(database());
  }
  absl::Status Write(std::function<absl::Status(WriteTransaction&)> const& unit) { return database().Write({}, unit); }
  absl::Status Insert(Message& message) {
    return Write([&](auto& tx) { return table_->Insert(tx, message, now_); });
  }
  absl::Status Update(Message& message, std::string const& etag) {
    return Write([&](auto& tx) { return table_->Update(tx, message, etag, now_); });
  }
  absl::Status Delete(std::string_view name, std::string const& etag) {
    return Write([&](auto& tx) { return table_->Delete(tx, name, etag); });
  }
  absl::Status InsertMany(std::vector<std::unique_ptr<Message>> const& messages) {
    std::vector<Message*> pointers;
    for (auto const& message : messages) pointers.push_back(message.get());
    return Write([&](auto& tx) { return table_->InsertMany(tx, pointers, now_); });
  }
  absl::StatusOr<std::unique_ptr<Message>> Get(std::string_view name) {
    auto message = NewSample();
    RETURN_IF_ERROR(database().Read({}, [&](auto& tx) { return table_->Get(tx, name, *message); }));
    return message;
  }
  std::int64_t Count() {
    std::int64_t count = 0;
    Statement const statement(Statement::Dynamic{"test.count", "SELECT count(*) AS n FROM samples"});
    EXPECT_THAT(database().Read({},
                                [&](ReadTransaction& tx) -> absl::Status {
                                  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {}));
                                  count = rows.Int64(0, 0);
                                  return absl::OkStatus();
                                }),
                IsOk());
    return count;
  }

  absl::Time now_ = absl::FromUnixMicros(1'650'000'000'123'456);
  std::unique_ptr<Table> table_;
};
HELHED_BOTH_ENGINES(TableTest);

TEST_P(TableTest, GivesBackWhatItWasGiven) {
  auto const sample = NewSample(R"pb(
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
    hidden: "h")pb");
  ASSERT_THAT(Insert(*sample), IsOk());
  auto const read = Get(kName);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(Difference(*sample, **read), "");
  EXPECT_FALSE(GetText(**read, "etag").empty());
}

TEST_P(TableTest, GivesBackTheLeastThatItTakes) {
  auto const sample = SampleNamed("a-1");
  ASSERT_THAT(Insert(*sample), IsOk());
  auto const read = Get(kName);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(Difference(*sample, **read), "");
}

TEST_P(TableTest, WhatIsNotThereIsNotFound) {
  EXPECT_THAT(Get(kName), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Get("plans/a"), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Delete(kName, ""), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  auto const sample = SampleNamed("a-1");
  EXPECT_THAT(Update(*sample, table_->mapping().MakeEtag(kName, {1, 5})),
              StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Update(*sample, "x"), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(database().Read({},
                              [&](ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(bool const exists, table_->Exists(tx, kName));
                                EXPECT_FALSE(exists);
                                ASSIGN_OR_RETURN(bool const fits, table_->Exists(tx, "plans/a"));
                                EXPECT_FALSE(fits);
                                return absl::OkStatus();
                              }),
              IsOk());
}

TEST_P(TableTest, ATakenNameIsNamed) {
  ASSERT_THAT(Insert(*SampleNamed("a-1")), IsOk());
  auto const again = Insert(*SampleNamed("a-1"));
  EXPECT_THAT(again, StatusIs(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_EQ(MetadataOf(again)["resource"], kName);
}

TEST_P(TableTest, AnotherUniqueKeyIsPassedOn) {
  ASSERT_THAT(Insert(*SampleNamed("a-1")), IsOk());
  auto const other = SampleNamed("a-2");
  SetText(*other, "hidden", "a-1");
  auto const status = Insert(*other);
  EXPECT_THAT(status, StatusCodeIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ConstraintOf(status), HasSubstr("hidden"));
  EXPECT_EQ(MetadataOf(status).count("resource"), 0U);
}

TEST_P(TableTest, UpdatesWhenTheEtagIsCurrent) {
  auto const sample = SampleNamed("a-1");
  ASSERT_THAT(Insert(*sample), IsOk());
  std::string const first = GetText(*sample, "etag");
  SetText(*sample, "title", "U");
  now_ += absl::Seconds(5);
  ASSERT_THAT(Update(*sample, first), IsOk());
  EXPECT_NE(GetText(*sample, "etag"), first);
  auto const read = Get(kName);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(Difference(*sample, **read), "");
  EXPECT_EQ(GetText(**read, "title"), "U");

  SetText(*sample, "title", "V");
  auto const stale = Update(*sample, first);
  EXPECT_THAT(stale, StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_EQ(MetadataOf(stale)["current_etag"], GetText(**read, "etag"));
  // What the caller sent may be anything, and is not repeated.
  EXPECT_FALSE(MetadataOf(stale).contains("etag"));
  EXPECT_THAT(Update(*sample, ""), StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_EQ(GetText(**Get(kName), "title"), "U");
}

TEST_P(TableTest, AResourceMadeAnewHasAnotherEtag) {
  auto const sample = SampleNamed("a-1");
  ASSERT_THAT(Insert(*sample), IsOk());
  std::string const old = GetText(*sample, "etag");
  ASSERT_THAT(Delete(kName, old), IsOk());
  now_ += absl::Microseconds(1);
  ASSERT_THAT(Insert(*sample), IsOk());
  EXPECT_NE(GetText(*sample, "etag"), old);
  EXPECT_THAT(Update(*sample, old), StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Delete(kName, old), StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Delete(kName, "x"), StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(Delete(kName, ""), IsOk());
  EXPECT_EQ(Count(), 0);
}

TEST_P(TableTest, WhatOthersReferToIsNotDeleted) {
  ASSERT_THAT(Insert(*SampleNamed("a-1")), IsOk());
  Statement const refer(Statement::Dynamic{"test.refer", "INSERT INTO children (organisation, dwelling) VALUES ('9001', 'a-1')"});
  ASSERT_THAT(Write([&](WriteTransaction& tx) { return tx.Execute(refer, {}).status(); }), IsOk());
  auto const status = Delete(kName, "");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "REFERENCE_BROKEN"));
  EXPECT_EQ(MetadataOf(status)["resource"], kName);
  EXPECT_EQ(Count(), 1);
}

TEST_P(TableTest, AnErrorOfAnEarlierStatementIsNotTakenForTheDeletions) {
  ASSERT_THAT(Insert(*SampleNamed("a-1")), IsOk());
  Statement const refer(Statement::Dynamic{"test.refer_2", "INSERT INTO children (organisation, dwelling) VALUES ('9001', 'z')"});
  auto const status = Write([&](WriteTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Enqueue(refer, {}));
    return table_->Delete(tx, kName, "");
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "REFERENCE_BROKEN"));
  EXPECT_EQ(MetadataOf(status).count("resource"), 0U);
}

TEST_P(TableTest, InsertsManyAcrossChunks) {
  std::vector<std::unique_ptr<Message>> messages;
  for (int i = 0; i < 777; ++i) messages.push_back(SampleNamed(absl::StrCat("d", i)));
  ASSERT_THAT(InsertMany(messages), IsOk());
  EXPECT_EQ(Count(), 777);
  for (int i : {0, 255, 256, 512, 776}) {
    auto const read = Get(absl::StrCat("organisations/9001/dwellings/d", i));
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(Difference(*messages[static_cast<std::size_t>(i)], **read), "");
  }
  EXPECT_THAT(InsertMany({}), IsOk());
}

TEST_P(TableTest, InsertManySaysWhichNameIsTakenAndKeepsNone) {
  ASSERT_THAT(Insert(*SampleNamed("d300")), IsOk());
  std::vector<std::unique_ptr<Message>> messages;
  for (int i = 0; i < 400; ++i) messages.push_back(SampleNamed(absl::StrCat("d", i)));
  SetText(*messages[300], "hidden", "another");
  auto status = InsertMany(messages);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_EQ(MetadataOf(status)["index"], "300");
  EXPECT_EQ(MetadataOf(status)["resource"], "organisations/9001/dwellings/d300");
  EXPECT_EQ(Count(), 1);

  messages.clear();
  for (char const* dwelling : {"a", "b", "a"}) messages.push_back(SampleNamed(dwelling));
  status = InsertMany(messages);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_EQ(MetadataOf(status)["index"], "2");
}

TEST_P(TableTest, NoStatementScansTheTable) { EXPECT_THAT(testing::FullScans(database(), table_->statements()), IsEmpty()); }

TEST_P(TableTest, OpeningSaysWhatDoesNotFit) {
  auto const table = Table::Open(database(), {.message = &SampleType(), .name = "samples"});
  EXPECT_THAT(table, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(table.status().message()), HasSubstr("secret_extra has no field"));
  EXPECT_THAT(Table::Open(database(), {.message = &SampleType(), .name = "nothing"}),
              StatusCodeIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(TableTest, ASchemaFindsTablesByType) {
  Schema schema(database());
  ASSERT_THAT(schema.Add({.message = &SampleType(), .name = "samples", .extra = {"secret_extra"}}), IsOk());
  EXPECT_EQ(schema.Of(SampleType()).name(), "samples");
  EXPECT_EQ(schema.tables().size(), 1U);
  EXPECT_DEATH(schema.Of<residents::v1::Organisation>(), "no table was added for helhed.residents.v1.Organisation");
}

TEST(CheckEtag, AnEmptyOneFitsAll) {
  EXPECT_THAT(CheckEtag("", "b", "plans/a"), IsOk());
  EXPECT_THAT(CheckEtag("b", "b", "plans/a"), IsOk());
  EXPECT_THAT(CheckEtag("a", "b", "plans/a"), StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
}

}  // namespace
}  // namespace helhed::storage
