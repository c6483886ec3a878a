#include "services/platform/service/chain.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <thread>

#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

namespace helhed::chain {
namespace {

using helhed::testing::IsOk;
using storage::Rows;
using storage::Statement;

Statement const kInsert(Statement::Dynamic{"chain_test.insert",
                                           "INSERT INTO diary (owner, id, what, count) VALUES ($1, $2, $3, $4)"});
Statement const kLinks(Statement::Dynamic{
    "chain_test.links",
    "SELECT l.position, l.scope, l.entry, l.digest, l.hash, d.id AS found, d.owner, d.id, d.what, d.count "
    "FROM chain_links l LEFT JOIN diary d ON d.owner = l.scope AND d.id = l.entry "
    "WHERE l.chain = $1 AND l.position > $2 ORDER BY l.position LIMIT $3"});
Statement const kRows(Statement::Dynamic{"chain_test.rows",
                                         "SELECT d.owner, d.id, l.position, p.entry FROM diary d "
                                         "LEFT JOIN chain_links l ON l.chain = $1 AND l.scope = d.owner AND l.entry = d.id "
                                         "LEFT JOIN chain_pending p ON p.chain = $1 AND p.entry = d.id AND p.scope = d.owner "
                                         "WHERE (d.owner, d.id) > ($2, $3) ORDER BY d.owner, d.id LIMIT $4"});
storage::Migration const kDiary[] = {
    {"test", 1, "diary",
     "CREATE TABLE diary (owner TEXT NOT NULL, id TEXT NOT NULL, what TEXT, count BIGINT NOT NULL, PRIMARY KEY (owner, id))",
     "CREATE TABLE diary (owner TEXT NOT NULL, id TEXT NOT NULL, what TEXT, count BIGINT NOT NULL, PRIMARY KEY (owner, id))"}};
Log const kLog{"diary", &kLinks, &kRows};

class ChainTest : public helhed::testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    store_.emplace(database(), kDiary, clock_, random_);
  }

  void Write(std::string const& owner, std::string const& id, std::string const& what, std::int64_t count = 1) {
    EXPECT_THAT(database().Write({},
                                 [&](storage::WriteTransaction& tx) -> absl::Status {
                                   RETURN_IF_ERROR(tx.Enqueue(kInsert, std::initializer_list<storage::Bind>{
                                                                           std::string_view(owner), std::string_view(id),
                                                                           std::string_view(what), count}));
                                   Rows::Value const values[] = {owner, id, what, count};
                                   return Add(tx, kLog, owner, id, values);
                                 }),
                IsOk());
  }
  std::int64_t LinkAll(int limit = 100) {
    auto const linked = Link(database(), {}, kLog, limit);
    EXPECT_THAT(linked, IsOk());
    return linked.value_or(-1);
  }
  Finding Verified(Check const& check = {}) {
    auto const finding = Verify(database(), {}, kLog, check);
    EXPECT_THAT(finding, IsOk());
    return finding.value_or(Finding());
  }
  void Tamper(std::string const& sql) {
    Statement const statement(Statement::Dynamic{absl::StrCat("test.", sql), sql});
    EXPECT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(statement, {}).status(); }), IsOk());
  }
  // Five rows, linked.
  void Fill() {
    for (int i = 1; i <= 5; ++i) Write(i % 2 == 0 ? "anna" : "bo", absl::StrCat("e", i), "x", i);
    ASSERT_EQ(LinkAll(), 5);
    ASSERT_FALSE(Verified().fault.has_value());
  }
  void ExpectFault(Fault fault, std::int64_t position) {
    auto const finding = Verified();
    ASSERT_TRUE(finding.fault.has_value());
    EXPECT_EQ(finding.fault->fault, fault);
    EXPECT_EQ(finding.fault->position, position);
  }

  FakeClock clock_{helhed::testing::kTestStart};
  helhed::testing::TestRandom random_;
  std::optional<helhed::testing::TestStore> store_;
};
HELHED_BOTH_ENGINES(ChainTest);

TEST_P(ChainTest, LinksWhatIsPendingAndFindsItWhole) {
  EXPECT_EQ(LinkAll(), 0);
  EXPECT_TRUE(Verified().complete);
  Write("anna", "e1", "a");
  EXPECT_EQ(Verified().pending, 1);
  EXPECT_FALSE(Verified().fault.has_value()) << "what is pending is not foreign";
  Write("bo", "e2", "b");
  Write("bo", "e3", "b");
  EXPECT_EQ(LinkAll(2), 2);
  EXPECT_EQ(LinkAll(2), 1);
  auto const finding = Verified();
  EXPECT_FALSE(finding.fault.has_value());
  EXPECT_TRUE(finding.complete);
  EXPECT_EQ(finding.end_position, 3);
  EXPECT_EQ(finding.end_hash.size(), 32U);
  EXPECT_EQ(finding.pending, 0);
}

TEST_P(ChainTest, GoesOnWhereAnEarlierCheckEnded) {
  Fill();
  auto const first = Verified({.limit = 2});
  EXPECT_FALSE(first.complete);
  EXPECT_EQ(first.end_position, 2);
  auto const rest = Verified({first.end_position, first.end_hash, 10});
  EXPECT_TRUE(rest.complete);
  EXPECT_EQ(rest.end_position, 5);
  EXPECT_EQ(rest.end_hash, Verified().end_hash);
}

TEST_P(ChainTest, FindsAnAlteredRow) {
  Fill();
  Tamper("UPDATE diary SET what = 'y' WHERE id = 'e3'");
  ExpectFault(Fault::kEntryAltered, 3);
}
TEST_P(ChainTest, FindsAValueThatBecameNull) {
  Fill();
  Tamper("UPDATE diary SET what = NULL WHERE id = 'e3'");
  ExpectFault(Fault::kEntryAltered, 3);
}
TEST_P(ChainTest, FindsARemovedRow) {
  Fill();
  Tamper("DELETE FROM diary WHERE id = 'e3'");
  ExpectFault(Fault::kEntryMissing, 3);
}
TEST_P(ChainTest, FindsARemovedLink) {
  Fill();
  Tamper("DELETE FROM diary WHERE id = 'e3'");
  Tamper("DELETE FROM chain_links WHERE position = 3");
  ExpectFault(Fault::kLinkMissing, 3);
}
TEST_P(ChainTest, FindsLinksThatWereMovedUpToCloseAGap) {
  Fill();
  Tamper("DELETE FROM diary WHERE id = 'e3'");
  Tamper("DELETE FROM chain_links WHERE position = 3");
  Tamper("UPDATE chain_links SET position = 3 WHERE position = 4");
  Tamper("UPDATE chain_links SET position = 4 WHERE position = 5");
  ExpectFault(Fault::kLinkBroken, 3);
}
TEST_P(ChainTest, FindsARowThatNobodyWrote) {
  Fill();
  Tamper("INSERT INTO diary (owner, id, what, count) VALUES ('bo', 'e9', 'forged', 1)");
  auto const finding = Verified();
  ASSERT_TRUE(finding.fault.has_value());
  EXPECT_EQ(finding.fault->fault, Fault::kEntryForeign);
  EXPECT_EQ(finding.fault->entry, "e9");
}
TEST_P(ChainTest, FindsACutOffEndByAPositionThatWasKept) {
  Fill();
  auto const kept = Verified();
  Tamper("DELETE FROM diary WHERE id = 'e5'");
  Tamper("DELETE FROM chain_links WHERE position = 5");
  EXPECT_FALSE(Verified().fault.has_value()) << "the chain alone cannot tell";
  auto const finding = Verified({kept.end_position, kept.end_hash, 10});
  ASSERT_TRUE(finding.fault.has_value());
  EXPECT_EQ(finding.fault->fault, Fault::kLinkMissing);
  Write("bo", "e6", "instead");
  ASSERT_EQ(LinkAll(), 1);
  ASSERT_TRUE(Verified({kept.end_position, kept.end_hash, 10}).fault.has_value());
}

// Many writers and two chainers at once: each row is linked once, and the chain is whole.
TEST_P(ChainTest, SeveralMayLinkAtOnce) {
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 3; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < 20; ++i) Write(absl::StrCat("w", writer), absl::StrCat("e", i), "x", i);
    });
  }
  std::atomic<std::int64_t> linked = 0;
  for (int chainer = 0; chainer < 2; ++chainer) {
    threads.emplace_back([&] {
      while (linked < 60) linked += LinkAll(7);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(linked, 60);
  auto const finding = Verified();
  EXPECT_FALSE(finding.fault.has_value());
  EXPECT_EQ(finding.end_position, 60);
}

TEST(DigestOf, TellsValuesTypesAndBordersApart) {
  auto const digest = [](std::vector<Rows::Value> const& values) { return DigestOf(values); };
  EXPECT_EQ(digest({std::string("a"), std::int64_t{1}}), digest({std::string("a"), std::int64_t{1}}));
  EXPECT_NE(digest({std::string("a"), std::string("b")}), digest({std::string("ab")}));
  EXPECT_NE(digest({std::string("a;t1:b")}), digest({std::string("a"), std::string("b")}));
  EXPECT_NE(digest({std::string()}), digest({nullptr}));
  EXPECT_NE(digest({std::string("1")}), digest({std::int64_t{1}}));
}

}  // namespace
}  // namespace helhed::chain
