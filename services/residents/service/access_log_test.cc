#include <gmock/gmock.h>

#include "services/residents/testing/people.h"

// That the log of who saw whom cannot be changed unseen.
namespace helhed::residents::testing {
namespace {

class AccessLogTest : public PeopleTest {
 protected:
  v1::VerifyAccessLogResponse Verified(v1::ChainedLog log = v1::CHAINED_LOG_ACCESS, std::int64_t from = 0,
                                       std::string const& hash = "") {
    v1::VerifyAccessLogRequest request;
    request.set_log(log);
    request.set_start_position(from);
    request.set_start_hash(hash);
    auto const verified = Call<v1::VerifyAccessLogResponse>("AccessLogService/VerifyAccessLog", request);
    EXPECT_THAT(verified, IsOk());
    return verified.value_or(v1::VerifyAccessLogResponse());
  }
  // One person, read three times, linked.
  void Fill() {
    anna_ = Person("Anna");
    for (int i = 0; i < 3; ++i) ASSERT_THAT(Get(anna_), IsOk());
    RunJob("link-access-log");
    ASSERT_TRUE(Verified().intact());
  }
  std::string anna_;
};
HELHED_BOTH_ENGINES(AccessLogTest);

TEST_P(AccessLogTest, IsLinkedByTheJobAndWhole) {
  anna_ = Person("Anna");
  ASSERT_THAT(Get(anna_), IsOk());
  EXPECT_EQ(LogOf(anna_).back().chain_position(), 0);
  EXPECT_EQ(Verified().unlinked_count(), 2);
  RunJob("link-access-log");
  auto const verified = Verified();
  EXPECT_TRUE(verified.intact());
  EXPECT_TRUE(verified.complete());
  EXPECT_EQ(verified.end_position(), 2);
  EXPECT_EQ(verified.unlinked_count(), 0);
  auto const last = LogOf(anna_).back();
  EXPECT_EQ(last.chain_position(), 2);
  EXPECT_EQ(last.chain_hash(), verified.end_hash()) << "a person's own part can be held against the chain";
}

TEST_P(AccessLogTest, WhatIsAlteredIsFound) {
  Fill();
  Tamper("UPDATE access_log SET subject = 'nobody' WHERE kind = 1");
  auto const verified = Verified();
  EXPECT_FALSE(verified.intact());
  EXPECT_EQ(verified.fault().kind(), v1::CHAIN_FAULT_KIND_ENTRY_ALTERED);
  EXPECT_EQ(verified.fault().position(), 2);
  EXPECT_EQ(verified.fault().entry().find(anna_.substr(anna_.find('/') + 1)), 0U);
  EXPECT_EQ(verified.end_position(), 1);
}

TEST_P(AccessLogTest, WhatIsRemovedOrSlippedInIsFound) {
  Fill();
  auto const kept = Verified();
  Tamper(
      "DELETE FROM access_log WHERE access_log_entry = (SELECT entry FROM chain_links WHERE chain = 'access' AND position = 3)");
  EXPECT_EQ(Verified().fault().kind(), v1::CHAIN_FAULT_KIND_ENTRY_MISSING);
  Tamper("DELETE FROM chain_links WHERE chain = 'access' AND position >= 3");
  Tamper("DELETE FROM access_log WHERE access_log_entry NOT IN (SELECT entry FROM chain_links WHERE chain = 'access')");
  EXPECT_TRUE(Verified().intact()) << "a cut off end shows only to who kept an earlier answer";
  auto const cut = Verified(v1::CHAINED_LOG_ACCESS, kept.end_position(), kept.end_hash());
  EXPECT_EQ(cut.fault().kind(), v1::CHAIN_FAULT_KIND_LINK_MISSING);
  Tamper(
      "INSERT INTO access_log SELECT resident, '00000000-0000-7000-8000-000000000000', 'bo', kind, method, purpose, "
      "case_reference, fields, trace_id, revision, create_time FROM access_log WHERE kind = 2");
  EXPECT_EQ(Verified().fault().kind(), v1::CHAIN_FAULT_KIND_ENTRY_FOREIGN);
}

TEST_P(AccessLogTest, TheAuditLogIsChainedTheSameWay) {
  Fill();
  RunJob("link-audit");
  EXPECT_TRUE(Verified(v1::CHAINED_LOG_AUDIT).intact());
  EXPECT_GT(Verified(v1::CHAINED_LOG_AUDIT).end_position(), 10);
  RunJob("link-audit");
  Tamper("UPDATE audit SET outcome = 'NEVER' WHERE method LIKE '%CreateResident'");
  EXPECT_EQ(Verified(v1::CHAINED_LOG_AUDIT).fault().kind(), v1::CHAIN_FAULT_KIND_ENTRY_ALTERED);
}

TEST_P(AccessLogTest, AHashWithoutItsPositionIsRefused) {
  v1::VerifyAccessLogRequest request;
  request.set_start_hash("x");
  Refused<v1::VerifyAccessLogResponse>("AccessLogService/VerifyAccessLog", request, kInvalid, "BAD_REQUEST");
}

// P1: the log is to be had by whom it is about: a grant for the person alone shows the person's own part, page by page.
TEST_P(AccessLogTest, APersonsOwnPartIsExported) {
  auto const anna = Person("Anna");
  auto const bo = Person("Bo");
  for (int i = 0; i < 2; ++i) ASSERT_THAT(Get(anna), IsOk());
  auto const herself = As({{"auditor", anna}}, "anna-herself");
  v1::ListAccessLogEntriesRequest request;
  request.set_parent(bo);
  Refused<v1::ListAccessLogEntriesResponse>("AccessLogService/ListAccessLogEntries", request, kAbsent, "RESOURCE_NOT_FOUND",
                                            herself);
  request.set_parent(anna);
  request.set_page_size(2);
  std::vector<v1::AccessKind> kinds;
  do {
    auto const page = Call<v1::ListAccessLogEntriesResponse>("AccessLogService/ListAccessLogEntries", request, herself);
    ASSERT_THAT(page, IsOk());
    for (auto const& entry : page->access_log_entries()) {
      EXPECT_EQ(entry.name().find(anna + "/"), 0U) << "nobody else's";
      kinds.push_back(entry.kind());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(kinds, ::testing::ElementsAre(v1::ACCESS_KIND_CHANGED, v1::ACCESS_KIND_READ, v1::ACCESS_KIND_READ));
}

// What a call that is refused must not leave behind is a trace of having been answered, either.
TEST_P(AccessLogTest, WhatIsRefusedIsNotLogged) {
  auto const anna = Person("Anna");
  auto const before = LogOf(anna).size();
  EXPECT_FALSE(Get(anna, "purposes/none").ok());
  EXPECT_FALSE(Get(anna, "purposes/register", As("housing-organisation", "organisations/9002")).ok());
  EXPECT_EQ(LogOf(anna).size(), before);
}

}  // namespace
}  // namespace helhed::residents::testing
