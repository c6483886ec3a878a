#include <gmock/gmock.h>

#include "services/funding/testing/money_fixture.h"

// What the database itself refuses, whatever code there is in between: statements that no handler would send, on both engines.
namespace helhed::funding::testing {
namespace {

class MoneyDatabaseTest : public MoneyTest {
 protected:
  // Whether the database takes the statement. Nothing is kept either way.
  bool Takes(std::string const& sql) {
    storage::Statement const statement(storage::Statement::Dynamic{"test.bad", sql});
    bool taken = false;
    database()
        .Write({},
               [&](storage::WriteTransaction& tx) -> absl::Status {
                 auto const changed = tx.Execute(statement, {});
                 taken = changed.ok() && *changed > 0;
                 last_ = changed.status();
                 return absl::CancelledError("nothing is kept");
               })
        .IgnoreError();
    return taken;
  }
  static std::string Entry(std::string const& changes) {
    // A well-formed entry; `changes` is its kind, approver and what it reverses.
    return "INSERT INTO journal_entries (plan, entry, sequence, kind, entry_date, period, source, cause, made_by, approved_by, "
           "reverses, previous_hash, hash, book_time) SELECT plan, '000000000999', 999, " +
           changes + ", previous_hash, hash, book_time FROM journal_entries WHERE entry = '000000000002'";
  }

  absl::Status last_;
};
HELHED_BOTH_ENGINES(MoneyDatabaseTest);

TEST_P(MoneyDatabaseTest, NothingBookedIsChangedOrRemoved) {
  Funded(500'00);
  EXPECT_FALSE(Takes("UPDATE journal_entries SET reason = 'x'"));
  EXPECT_FALSE(Takes("DELETE FROM journal_entries"));
  EXPECT_FALSE(Takes("UPDATE postings SET amount_minor_units = 1"));
  EXPECT_FALSE(Takes("DELETE FROM postings"));
  EXPECT_EQ(last_.code(), kPrecondition) << last_;
  CheckBooks();
}

// Debit and credit stand in one row: no posting without either, none that gives to itself, none of nothing.
TEST_P(MoneyDatabaseTest, NoPostingIsOutOfBalance) {
  Funded(500'00);
  auto const posting = [](std::string const& debit, std::string const& credit, std::string const& amount) {
    return "INSERT INTO postings (plan, entry, posting, debit_account, credit_account, amount_minor_units, source, year, kind, "
           "entry_date, period, debit_balance_minor_units, credit_balance_minor_units, spends, book_time) SELECT plan, entry, "
           "'9', " +
           debit + ", " + credit + ", " + amount +
           ", source, year, kind, entry_date, period, 0, 0, spends, book_time FROM postings WHERE entry = '000000000002'";
  };
  EXPECT_TRUE(Takes(posting("debit_account", "credit_account", "1"))) << last_;
  EXPECT_FALSE(Takes(posting("debit_account", "credit_account", "0")));
  EXPECT_FALSE(Takes(posting("debit_account", "credit_account", "-1")));
  EXPECT_FALSE(Takes(posting("debit_account", "debit_account", "1")));
  EXPECT_FALSE(Takes(posting("debit_account", "NULL", "1")));
  EXPECT_FALSE(Takes(posting("'spent.9999'", "credit_account", "1")));
}

TEST_P(MoneyDatabaseTest, NoAccountButTheGrantedOneIsBelowZero) {
  Funded(500'00);
  EXPECT_TRUE(Takes("UPDATE accounts SET credits_minor_units = debits_minor_units WHERE account = 'released.lbf'"));
  EXPECT_FALSE(Takes("UPDATE accounts SET credits_minor_units = debits_minor_units + 1 WHERE account = 'released.lbf'"));
  EXPECT_FALSE(Takes("UPDATE accounts SET credits_minor_units = debits_minor_units + 1 WHERE account = 'approved.lbf'"));
  EXPECT_FALSE(Takes("UPDATE accounts SET debits_minor_units = credits_minor_units + 1 WHERE account = 'granted.lbf'"));
  EXPECT_FALSE(Takes("UPDATE budget_lines SET spent_minor_units = amount_minor_units + 1"));
}

TEST_P(MoneyDatabaseTest, FourEyesAndOneReversal) {
  Funded(500'00);
  std::string const place = "entry_date, period, source, cause, ";
  EXPECT_TRUE(Takes(Entry("2, " + place + "'anna', 'bo', NULL"))) << last_;
  EXPECT_FALSE(Takes(Entry("2, " + place + "'anna', 'anna', NULL")));
  EXPECT_FALSE(Takes(Entry("4, " + place + "'anna', NULL, NULL")));
  EXPECT_TRUE(Takes(Entry("6, " + place + "'anna', 'bo', '000000000002'"))) << last_;
  EXPECT_FALSE(Takes(Entry("6, " + place + "'anna', 'bo', NULL")));
  EXPECT_FALSE(Takes(Entry("6, " + place + "'anna', 'bo', '000000000777'")));
  v1::ReverseEntryRequest reverse;
  reverse.set_name("plans/p/entries/000000000002");
  reverse.set_reason("wrong");
  *reverse.mutable_voucher() = Proof();
  Must<v1::JournalEntry>("LedgerService/ReverseEntry", reverse, bo_);
  EXPECT_FALSE(Takes(Entry("6, " + place + "'anna', 'bo', '000000000002'")));
  EXPECT_FALSE(Takes("UPDATE releases SET decided_by = proposed_by"));
}

// M10, of payments and closings.
TEST_P(MoneyDatabaseTest, WhoReservesDoesNotPostAndWhoAsksDoesNotClose) {
  Funded(500'00);
  Post(Reserve("0001", 1'00));
  EXPECT_TRUE(Takes("UPDATE disbursements SET posted_by = 'carl'")) << last_;
  EXPECT_FALSE(Takes("UPDATE disbursements SET posted_by = reserved_by"));
  auto const period = [](std::string const& closed_by) {
    return "INSERT INTO periods (plan, period, state, closing_requested_by, closed_by, close_time, revision, create_time, "
           "update_time) VALUES ('p', '2023-01', 3, 'anna', '" +
           closed_by + "', 0, 1, 0, 0)";
  };
  EXPECT_TRUE(Takes(period("bo"))) << last_;
  EXPECT_FALSE(Takes(period("anna")));
}

// M7 and M10: no reallocation by one person alone, nor without the fund's approval where it is needed.
TEST_P(MoneyDatabaseTest, ReallocationsAreDecidedByAnotherWithTheFundsApproval) {
  Funded(0);
  auto const reallocation = [](std::string const& needs_and_reference, std::string const& decided_by) {
    return "INSERT INTO reallocations (plan, reallocation, reason, moved_between_focus_areas_minor_units, needs_fund_approval, "
           "approval_reference, state, proposed_by, decided_by, revision, create_time, update_time) VALUES ('p', 'r', '?', 1, " +
           needs_and_reference + ", 2, 'anna', '" + decided_by + "', 1, 0, 0)";
  };
  EXPECT_TRUE(Takes(reallocation("FALSE, NULL", "bo"))) << last_;
  EXPECT_TRUE(Takes(reallocation("TRUE, 'LBF 7'", "bo"))) << last_;
  EXPECT_FALSE(Takes(reallocation("TRUE, NULL", "bo")));
  EXPECT_FALSE(Takes(reallocation("FALSE, NULL", "anna")));
}

TEST_P(MoneyDatabaseTest, NothingIsBookedInAClosedPeriod) {
  Funded(500'00);
  std::string const entry = Entry("1, entry_date, '2022-01', source, cause, 'anna', NULL, NULL");
  EXPECT_TRUE(Takes(entry)) << last_;
  v1::RequestPeriodClosingRequest ask;
  ask.set_name("plans/p/periods/2022-01");
  Must<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, anna_);
  v1::ClosePeriodRequest close;
  close.set_name(ask.name());
  Must<v1::AccountingPeriod>("LedgerService/ClosePeriod", close, bo_);
  EXPECT_FALSE(Takes(entry));
  EXPECT_FALSE(Takes("UPDATE periods SET state = 1, closing_requested_by = NULL, closed_by = NULL WHERE period = '2022-01'"));
  EXPECT_FALSE(Takes("DELETE FROM periods WHERE period = '2022-01'"));
}

// Whoever may switch the database's own guards off is still found out by the hashes.
TEST_P(MoneyDatabaseTest, TamperingIsFound) {
  Funded(500'00);
  EXPECT_TRUE(Verify().intact());
  std::string const disable = GetParam() == storage::Engine::kSqlite
                                  ? "DROP TRIGGER postings_never_updated"
                                  : "ALTER TABLE postings DISABLE TRIGGER postings_append_only";
  for (auto const& sql : {disable, std::string("UPDATE postings SET amount_minor_units = amount_minor_units - 1 "
                                               "WHERE entry = '000000000002'")}) {
    storage::Statement const statement(storage::Statement::Dynamic{"test.tamper", sql});
    ASSERT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(statement, {}).status(); }), IsOk());
  }
  auto const found = Verify();
  EXPECT_FALSE(found.intact());
  EXPECT_EQ(found.broken_entry(), "plans/p/entries/000000000002");
  EXPECT_EQ(found.verified(), 1);
}

}  // namespace
}  // namespace helhed::funding::testing
