#include "services/funding/domain/books.h"

#include <gmock/gmock.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;

constexpr std::string_view kPlan = "plans/a";
constexpr std::string_view kSource = "plans/a/sources/lbf";

Books Fresh() {
  Books books(std::string(kPlan), {}, 1'000'000);
  for (auto const kind :
       {v1::ACCOUNT_KIND_GRANTED, v1::ACCOUNT_KIND_APPROVED, v1::ACCOUNT_KIND_RELEASED, v1::ACCOUNT_KIND_RESERVED}) {
    books.Open(AccountId(kind, "lbf"), {kind, std::string(kSource), "", 0, 0});
  }
  books.Open("spent.0001", {v1::ACCOUNT_KIND_SPENT, std::string(kSource), "plans/a/budgetLines/0001", 0, 0});
  return books;
}

Draft Entry(v1::EntryKind kind, std::string_view debit, std::string_view credit, Ore amount) {
  Draft draft;
  draft.kind = kind;
  draft.date = absl::CivilDay(2022, 3, 4);
  draft.source = kSource;
  draft.cause = kSource;
  draft.made_by = "anna";
  draft.moves.push_back({std::string(debit), std::string(credit), amount, std::string(kSource), {}});
  return draft;
}

// M4: approved is not released, and released is not paid.
TEST(Books, NothingIsReleasedThatIsNotApprovedAndNothingPaidThatIsNotReleased) {
  auto books = Fresh();
  ASSERT_THAT(books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.lbf", "granted.lbf", 100)), IsOk());
  auto const release = books.Book(Entry(v1::ENTRY_KIND_RELEASE, "released.lbf", "approved.lbf", 101));
  EXPECT_THAT(release, StatusIs(absl::StatusCode::kFailedPrecondition, "BEYOND_APPROVED"));
  EXPECT_EQ(MetadataOf(release.status())["available"], "100");
  EXPECT_EQ(MetadataOf(release.status())["missing"], "1");
  auto const reserve = books.Book(Entry(v1::ENTRY_KIND_RESERVATION, "reserved.lbf", "released.lbf", 1));
  EXPECT_THAT(reserve, StatusIs(absl::StatusCode::kFailedPrecondition, "BEYOND_RELEASED"));
  ASSERT_THAT(books.Book(Entry(v1::ENTRY_KIND_RELEASE, "released.lbf", "approved.lbf", 100)), IsOk());
  EXPECT_EQ(books.At("approved.lbf").balance(), 0);
  EXPECT_EQ(books.At("granted.lbf").balance(), -100);
}

TEST(Books, RefusesWhatMakesNoSense) {
  auto books = Fresh();
  EXPECT_FALSE(books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.lbf", "approved.lbf", 1)).ok());
  EXPECT_FALSE(books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.lbf", "granted.lbf", 0)).ok());
  EXPECT_FALSE(books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.lbf", "granted.lbf", -5)).ok());
  EXPECT_FALSE(books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.other", "granted.lbf", 5)).ok());
  EXPECT_EQ(books.head().sequence, 0);
}

TEST(Books, AreNeverBookedBeforeTheEntryBefore) {
  Books books(std::string(kPlan), {7, std::string(64, 'a'), 5'000'000}, 1'000'000);
  books.Open("approved.lbf", {v1::ACCOUNT_KIND_APPROVED, std::string(kSource), "", 0, 0});
  books.Open("granted.lbf", {v1::ACCOUNT_KIND_GRANTED, std::string(kSource), "", 0, 0});
  auto const entry = books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.lbf", "granted.lbf", 1));
  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ((*entry)->book_time().seconds(), 5);
  EXPECT_EQ((*entry)->name(), "plans/a/entries/000000000008");
  EXPECT_EQ((*entry)->previous_hash(), std::string(64, 'a'));
}

// Random entries, good and bad ones: the books balance, no account but the granted one is below zero, days add up to accounts,
// and the journal verifies.
TEST(Books, AlwaysBalanceAndVerify) {
  ForAllSeeds(300, [](SeededRandom& random) {
    auto books = Fresh();
    std::string const accounts[] = {"granted.lbf", "approved.lbf", "released.lbf", "reserved.lbf", "spent.0001"};
    for (int i = 0; i < 40; ++i) {
      auto draft = Entry(v1::ENTRY_KIND_APPROVAL, accounts[random.Between(0, 4)], accounts[random.Between(0, 4)],
                         random.Between(-1, 1000));
      draft.date = absl::CivilDay(2022, 1, 1) + random.Between(0, 5);
      books.Book(draft).status().IgnoreError();
    }
    Ore sum = 0;
    std::map<std::string, Ore> by_day;
    for (auto const& [day, totals] : books.days()) by_day[day.first] += totals.debits - totals.credits;
    for (auto const& account : accounts) {
      sum += books.At(account).balance();
      EXPECT_EQ(books.At(account).balance(), by_day[account]);
      if (account != accounts[0]) {
        EXPECT_GE(books.At(account).balance(), 0);
      }
    }
    EXPECT_EQ(sum, 0);
    Verification verification(0, std::string(64, '0'), {});
    for (auto const& entry : books.entries()) EXPECT_EQ(verification.Next(entry), "");
    EXPECT_EQ(verification.hash(), books.head().hash);
  });
}

// M5: whatever is changed afterwards is found.
TEST(Books, EveryChangeOfTheJournalIsFound) {
  auto books = Fresh();
  ASSERT_THAT(books.Book(Entry(v1::ENTRY_KIND_APPROVAL, "approved.lbf", "granted.lbf", 100)), IsOk());
  ASSERT_THAT(books.Book(Entry(v1::ENTRY_KIND_RELEASE, "released.lbf", "approved.lbf", 60)), IsOk());
  auto const finding = [&](auto const& change) {
    auto entries = books.entries();
    change(entries);
    Verification verification(0, std::string(64, '0'), {});
    for (auto const& entry : entries) {
      if (auto const found = verification.Next(entry); !found.empty()) return found;
    }
    return std::string();
  };
  using Entries = std::vector<v1::JournalEntry>;
  EXPECT_EQ(finding([](Entries&) {}), "");
  EXPECT_NE(finding([](Entries& e) { e[0].mutable_postings(0)->mutable_amount()->set_minor_units(99); }), "");
  EXPECT_NE(finding([](Entries& e) { e[0].mutable_postings(0)->set_source("plans/a/sources/other"); }), "");
  EXPECT_NE(finding([](Entries& e) { e[0].mutable_postings(0)->set_year(2023); }), "");
  EXPECT_NE(finding([](Entries& e) { e[1].set_made_by("bo"); }), "");
  EXPECT_NE(finding([](Entries& e) { e[1].set_approved_by("bo"); }), "");
  EXPECT_NE(finding([](Entries& e) { e[1].mutable_voucher()->set_reference("x"); }), "");
  EXPECT_NE(finding([](Entries& e) { e[1].mutable_entry_date()->set_day(5); }), "");
  EXPECT_NE(finding([](Entries& e) { e.erase(e.begin()); }), "");
  EXPECT_NE(finding([](Entries& e) { std::swap(e[0], e[1]); }), "");
  // One who also computes the hash of what he changed anew breaks the chain at the next entry.
  EXPECT_NE(finding([](Entries& e) {
              e[0].set_made_by("bo");
              e[0].set_hash(HashOf(e[0]));
            }),
            "");
  // One who computes all hashes anew still has to make the balances fit.
  EXPECT_NE(finding([](Entries& e) {
              e[1].mutable_postings(0)->mutable_amount()->set_minor_units(1);
              e[1].set_hash(HashOf(e[1]));
            }),
            "");
  // Nor does one go unseen who leaves a number out and chains what follows anew.
  EXPECT_NE(finding([](Entries& e) {
              e[1].set_sequence(3);
              e[1].set_hash(HashOf(e[1]));
            }),
            "");
}

// Texts put together otherwise must not give the same hash.
TEST(Books, TheHashTellsFieldsApart) {
  v1::JournalEntry a, b;
  a.set_made_by("ab");
  b.set_made_by("a");
  b.set_approved_by("b");
  EXPECT_NE(HashOf(a), HashOf(b));
  a.Clear();
  b.Clear();
  a.set_cause("1:x\n0:\n");
  b.set_source("1:x\n0:\n");
  EXPECT_NE(HashOf(a), HashOf(b));
}

}  // namespace
}  // namespace helhed::funding
