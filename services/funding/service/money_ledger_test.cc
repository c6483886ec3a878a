#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "services/funding/testing/money_fixture.h"

// The books, through the whole pipeline on both engines. Rules of domain.md are named by their numbers.
namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LedgerTest : public MoneyTest {
 protected:
  v1::JournalEntry Entry(std::string const& name) {
    v1::GetEntryRequest request;
    request.set_name(name);
    return Must<v1::JournalEntry>("LedgerService/GetEntry", request, anna_);
  }
  static v1::ReverseEntryRequest ReverseRequest(std::string const& name) {
    v1::ReverseEntryRequest request;
    request.set_name(name);
    request.set_reason("wrong line");
    *request.mutable_voucher() = Proof("note 3");
    return request;
  }
  std::vector<v1::Posting> Postings(std::string const& filter) {
    v1::ListPostingsRequest list;
    list.set_parent("plans/p");
    list.set_filter(filter);
    auto const listed = Must<v1::ListPostingsResponse>("LedgerService/ListPostings", list, anna_);
    return {listed.postings().begin(), listed.postings().end()};
  }
  // Their amounts.
  std::vector<Ore> Listed(std::string const& filter) {
    std::vector<Ore> amounts;
    for (auto const& posting : Postings(filter)) amounts.push_back(posting.amount().minor_units());
    return amounts;
  }
  // What they leave reserved.
  Ore Reserved(std::string const& filter) {
    Ore sum = 0;
    auto const reserves = [](std::string const& account) { return account.find("/reserved.") != std::string::npos; };
    for (auto const& posting : Postings(filter)) {
      Ore const amount = posting.amount().minor_units();
      sum += (reserves(posting.debit_account()) ? amount : 0) - (reserves(posting.credit_account()) ? amount : 0);
    }
    return sum;
  }
  v1::AccountingPeriod Close(std::string const& month) {
    v1::RequestPeriodClosingRequest ask;
    ask.set_name("plans/p/periods/" + month);
    Must<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, anna_);
    v1::ClosePeriodRequest close;
    close.set_name(ask.name());
    return Must<v1::AccountingPeriod>("LedgerService/ClosePeriod", close, bo_);
  }
};
HELHED_BOTH_ENGINES(LedgerTest);

// M4: no release beyond what is approved, no payment beyond what is released; errors say how much.
TEST_P(LedgerTest, M4NothingBeyondWhatIsApprovedReleasedAndBudgeted) {
  Funded(0);
  auto refusal = Refused<v1::Release>("SourceService/CreateRelease", ReleaseRequest("lbf", 1000'01), kPrecondition,
                                      "BEYOND_APPROVED", anna_);
  EXPECT_EQ(refusal.metadata["available"], "100000");
  EXPECT_EQ(refusal.metadata["missing"], "1");
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1), kPrecondition,
                            "SOURCE_STATE_WRONG", anna_);
  // Two proposals that are each within what is approved, and together are not.
  auto const one = Must<v1::Release>("SourceService/CreateRelease", ReleaseRequest("lbf", 700'00), anna_);
  auto const two = Must<v1::Release>("SourceService/CreateRelease", ReleaseRequest("lbf", 700'00), anna_);
  v1::ApproveReleaseRequest approve;
  approve.set_name(one.name());
  Must<v1::Release>("SourceService/ApproveRelease", approve, bo_);
  approve.set_name(two.name());
  Refused<v1::Release>("SourceService/ApproveRelease", approve, kPrecondition, "BEYOND_APPROVED", bo_);
  auto const reserved = Reserve("0001", 600'00);
  EXPECT_EQ(Refused<v1::Disbursement>("LedgerService/PostDisbursement", PostRequest(reserved, 600'01), kPrecondition,
                                      "BEYOND_RESERVED", bo_)
                .metadata["reserved"],
            "60000");
  refusal = Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1), kPrecondition,
                                      "BEYOND_BUDGET", anna_);
  EXPECT_EQ(refusal.metadata["available"], "0");
  refusal = Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0002", 100'01), kPrecondition,
                                      "BEYOND_RELEASED", anna_);
  EXPECT_EQ(refusal.metadata["available"], "10000");
  EXPECT_EQ(refusal.metadata["missing"], "1");
  CheckBooks();
}

// M10: who made it may not approve it, whatever their role.
TEST_P(LedgerTest, M10FourEyes) {
  Funded(0);
  auto const release = Must<v1::Release>("SourceService/CreateRelease", ReleaseRequest("lbf", 500'00), anna_);
  v1::ApproveReleaseRequest approve;
  approve.set_name(release.name());
  Refused<v1::Release>("SourceService/ApproveRelease", approve, kDenied, "FOUR_EYES_NEEDED", anna_);
  Refused<v1::Release>("SourceService/ApproveRelease", approve, kDenied, "FOUR_EYES_NEEDED", As("operator", "", "anna"));
  auto const released = Must<v1::Release>("SourceService/ApproveRelease", approve, bo_);
  EXPECT_EQ(released.proposed_by(), "anna");
  EXPECT_EQ(released.decided_by(), "bo");
  auto const reserved = Reserve("0001", 10'00);
  Refused<v1::Disbursement>("LedgerService/PostDisbursement", PostRequest(reserved), kDenied, "FOUR_EYES_NEEDED", anna_);
  auto const posted = Post(reserved);
  EXPECT_EQ(posted.reserved_by(), "anna");
  EXPECT_EQ(posted.posted_by(), "bo");
  Refused<v1::JournalEntry>("LedgerService/ReverseEntry", ReverseRequest(posted.final_entry()), kDenied, "FOUR_EYES_NEEDED",
                            anna_);
  v1::RequestPeriodClosingRequest ask;
  ask.set_name("plans/p/periods/2022-03");
  Must<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, anna_);
  v1::ClosePeriodRequest close;
  close.set_name(ask.name());
  Refused<v1::AccountingPeriod>("LedgerService/ClosePeriod", close, kDenied, "FOUR_EYES_NEEDED", anna_);
  Must<v1::AccountingPeriod>("LedgerService/ClosePeriod", close, bo_);
}

// Every posting names source, budget line, period, evidence and approver.
TEST_P(LedgerTest, AnEntrySaysEverything) {
  Funded(500'00);
  auto const posted = Post(Reserve("0001", 100'00), 80'00);
  EXPECT_EQ(posted.state(), v1::DISBURSEMENT_STATE_POSTED);
  EXPECT_EQ(posted.posted_amount().minor_units(), 80'00);
  auto const entry = Entry(posted.final_entry());
  EXPECT_EQ(entry.kind(), v1::ENTRY_KIND_DISBURSEMENT);
  EXPECT_EQ(entry.cause(), posted.name());
  EXPECT_EQ(entry.made_by(), "anna");
  EXPECT_EQ(entry.approved_by(), "bo");
  EXPECT_EQ(entry.voucher().reference(), "invoice 4711");
  EXPECT_EQ(entry.period(), "plans/p/periods/2022-03");
  ASSERT_EQ(entry.postings_size(), 2);
  auto const& spent = entry.postings(0);
  EXPECT_EQ(spent.debit_account(), "plans/p/accounts/spent.0001");
  EXPECT_EQ(spent.credit_account(), "plans/p/accounts/reserved.lbf");
  EXPECT_EQ(spent.amount().minor_units(), 80'00);
  EXPECT_EQ(spent.source(), SourceName("lbf"));
  EXPECT_EQ(spent.budget_line(), "plans/p/budgetLines/0001");
  EXPECT_EQ(spent.focus_area(), "beskaeftigelse");
  EXPECT_TRUE(spent.spends());
  // What was reserved too much is free again.
  EXPECT_EQ(entry.postings(1).debit_account(), "plans/p/accounts/released.lbf");
  EXPECT_EQ(entry.postings(1).amount().minor_units(), 20'00);
  EXPECT_EQ(Line("0001").spent().minor_units(), 80'00);
  EXPECT_EQ(Line("0001").available().minor_units(), 520'00);
  EXPECT_EQ(BalanceOf("released.lbf"), 420'00);
  CheckBooks();
}

// M5: what is wrong is reversed by an entry that names it, once.
TEST_P(LedgerTest, M5CorrectionsAreReversals) {
  Funded(500'00);
  auto const posted = Post(Reserve("0001", 100'00));
  auto const reversal = Must<v1::JournalEntry>("LedgerService/ReverseEntry", ReverseRequest(posted.final_entry()), bo_);
  EXPECT_EQ(reversal.kind(), v1::ENTRY_KIND_REVERSAL);
  EXPECT_EQ(reversal.reverses(), posted.final_entry());
  EXPECT_EQ(reversal.approved_by(), "bo");
  EXPECT_EQ(BalanceOf("released.lbf"), 500'00);
  EXPECT_EQ(BalanceOf("spent.0001"), 0);
  EXPECT_EQ(Line("0001").spent().minor_units(), 0);
  EXPECT_EQ(GetSource("lbf").state(), v1::SOURCE_STATE_RELEASED);
  v1::GetDisbursementRequest get;
  get.set_name(posted.name());
  EXPECT_EQ(Must<v1::Disbursement>("LedgerService/GetDisbursement", get, anna_).state(), v1::DISBURSEMENT_STATE_REVERSED);
  auto const refusal = Refused<v1::JournalEntry>("LedgerService/ReverseEntry", ReverseRequest(posted.final_entry()),
                                                 kPrecondition, "ENTRY_NOT_REVERSIBLE", bo_);
  EXPECT_EQ(refusal.metadata.at("reversed_by"), reversal.name());
  Refused<v1::JournalEntry>("LedgerService/ReverseEntry", ReverseRequest(reversal.name()), kPrecondition, "ENTRY_NOT_REVERSIBLE",
                            As("operator", "", "carl"));
  // A release is taken back as far as it is not used.
  auto const release = Release("lbf", 100'00);
  Must<v1::JournalEntry>("LedgerService/ReverseEntry", ReverseRequest(release.entry()), bo_);
  EXPECT_EQ(BalanceOf("approved.lbf"), 500'00);
  CheckBooks();
}

// M6: what the fund has approved before and after the plan, and not a day more.
TEST_P(LedgerTest, M6AnApprovedWindowLiesOutsideThePlan) {
  Funded(500'00);
  auto const fund = As("fund", "plans/p", "lbf");
  v1::CreateExpenseWindowRequest request;
  request.set_parent("plans/p");
  request.set_expense_window_id("before");
  *request.mutable_expense_window()->mutable_period() = Range("2021-10-01", "2022-01-02");
  request.mutable_expense_window()->mutable_approval()->set_reference("2021-9/2");
  EXPECT_THAT(Refused<v1::ExpenseWindow>("LedgerService/CreateExpenseWindow", request, kInvalid, "BAD_REQUEST", fund).fields,
              ElementsAre("expense_window.period", "expense_window.approval.sha256"));
  *request.mutable_expense_window()->mutable_period() = Range("2021-10-01", "2022-01-01");
  request.mutable_expense_window()->mutable_approval()->set_sha256(std::string(64, 'c'));
  Refused<v1::ExpenseWindow>("LedgerService/CreateExpenseWindow", request, kDenied, "PERMISSION_MISSING", anna_);
  auto const before = Must<v1::ExpenseWindow>("LedgerService/CreateExpenseWindow", request, fund);
  EXPECT_EQ(before.allowed_by(), "lbf");
  EXPECT_THAT(LastEvent<v1::ExpenseWindowCreated>(before.name()).expense_window(), EqualsProto(before));
  request.set_expense_window_id("after");
  *request.mutable_expense_window()->mutable_period() = Range("2026-01-01", "2026-04-01");
  Must<v1::ExpenseWindow>("LedgerService/CreateExpenseWindow", request, fund);
  // What is paid before the first day is of the first year's budget; line 0001 has no other.
  Post(Reserve("0001", 1'00, "2021-12-31"));
  for (auto const* date : {"2021-09-30", "2026-01-01", "2026-04-01", "2023-01-01"}) {
    Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, date), kPrecondition,
                              "DATE_OUTSIDE_PLAN", anna_);
  }
  v1::ListExpenseWindowsRequest list;
  list.set_parent("plans/p");
  EXPECT_THAT(ListedIn(Must<v1::ListExpenseWindowsResponse>("LedgerService/ListExpenseWindows", list, anna_)),
              ElementsAre("after", "before"));
  v1::GetExpenseWindowRequest get;
  get.set_name(before.name());
  EXPECT_THAT(Must<v1::ExpenseWindow>("LedgerService/GetExpenseWindow", get, anna_), EqualsProto(before));
  CheckBooks();
}

// M6: within the plan, and in the year of the line.
TEST_P(LedgerTest, M6TheDateLiesInThePlan) {
  Funded(500'00);
  for (auto const* date : {"2021-12-31", "2026-01-01", "2023-01-01"}) {
    EXPECT_EQ(Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00, date),
                                        kPrecondition, "DATE_OUTSIDE_PLAN", anna_)
                  .metadata["date"],
              date);
  }
  Reserve("0001", 1'00, "2022-12-31");
}

TEST_P(LedgerTest, NothingIsBookedInAClosedPeriod) {
  Funded(500'00);
  auto const waiting = Reserve("0001", 10'00);
  EXPECT_EQ(Close("2022-03").closed_by(), "bo");
  EXPECT_EQ(Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0001", 1'00), kPrecondition,
                                      "PERIOD_CLOSED", anna_)
                .metadata["period"],
            "plans/p/periods/2022-03");
  Refused<v1::Disbursement>("LedgerService/PostDisbursement", PostRequest(waiting), kPrecondition, "PERIOD_CLOSED", bo_);
  // What was reserved there is given back in a period that is open.
  v1::VoidDisbursementRequest give_up;
  give_up.set_name(waiting.name());
  give_up.set_reason("too late");
  Must<v1::Disbursement>("LedgerService/VoidDisbursement", give_up, anna_);
  EXPECT_EQ(BalanceOf("reserved.lbf"), 0);
  Reserve("0001", 1'00, "2022-04-01");
  v1::RequestPeriodClosingRequest ask;
  ask.set_name("plans/p/periods/2126-03");
  Refused<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, kPrecondition, "PERIOD_NOT_OVER", anna_);
  ask.set_name("plans/p/periods/2022-03");
  Refused<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, kPrecondition, "ALREADY_DECIDED", anna_);
  ask.set_name("plans/p/periods/2022-13");
  Refused<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, kInvalid, "BAD_REQUEST", anna_);
  CheckBooks();
}

TEST_P(LedgerTest, ReservationsRunOutAndGiveTheirMoneyBack) {
  Funded(500'00);
  auto const reserved = Reserve("0001", 500'00);
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest("0002", 1'00), kPrecondition,
                            "BEYOND_RELEASED", anna_);
  clock().Advance(absl::Hours(24 * 31));
  anna_ = As("plan-leader", "plans/p", "anna");
  bo_ = As("plan-leader", "plans/p", "bo");
  Reserve("0002", 300'00);
  EXPECT_EQ(BalanceOf("released.lbf"), 200'00);
  v1::GetDisbursementRequest get;
  get.set_name(reserved.name());
  auto const expired = Must<v1::Disbursement>("LedgerService/GetDisbursement", get, anna_);
  EXPECT_EQ(expired.state(), v1::DISBURSEMENT_STATE_EXPIRED);
  EXPECT_EQ(Entry(expired.final_entry()).kind(), v1::ENTRY_KIND_VOID);
  EXPECT_EQ(
      Refused<v1::Disbursement>("LedgerService/PostDisbursement", PostRequest(reserved), kPrecondition, "ALREADY_DECIDED", bo_)
          .metadata["state"],
      "EXPIRED");
  CheckBooks();
}

// All or nothing: one bad row of a thousand and nothing is booked.
TEST_P(LedgerTest, BatchesAreBookedAsAWholeOrNotAtAll) {
  Funded(1000'00);
  v1::BatchCreateDisbursementsRequest batch;
  batch.set_parent("plans/p");
  for (int i = 0; i < 1000; ++i) {
    auto one = DisbursementRequest(i % 2 == 0 ? "0001" : "0002", 50);
    one.set_disbursement_id(absl::StrCat("d", i));
    one.clear_parent();
    *batch.add_requests() = one;
  }
  auto bad = batch;
  *bad.mutable_requests(999)->mutable_disbursement()->mutable_amount() = Dkk(500'00);
  Refused<v1::BatchCreateDisbursementsResponse>("LedgerService/BatchCreateDisbursements", bad, kPrecondition, "BEYOND_BUDGET",
                                                anna_);
  *bad.mutable_requests(7)->mutable_disbursement()->mutable_amount() = Dkk(-1);
  bad.mutable_requests(9)->mutable_disbursement()->clear_voucher();
  EXPECT_THAT(
      Refused<v1::BatchCreateDisbursementsResponse>("LedgerService/BatchCreateDisbursements", bad, kInvalid, "BAD_REQUEST", anna_)
          .fields,
      ::testing::UnorderedElementsAre("requests[7].disbursement.amount.minor_units", "requests[9].disbursement.voucher"));
  auto const reserved = Must<v1::BatchCreateDisbursementsResponse>("LedgerService/BatchCreateDisbursements", batch, anna_);
  EXPECT_EQ(BalanceOf("reserved.lbf"), 500'00);
  v1::BatchPostDisbursementsRequest post;
  post.set_parent("plans/p");
  for (auto const& one : reserved.disbursements()) post.add_names(one.name());
  Refused<v1::BatchPostDisbursementsResponse>("LedgerService/BatchPostDisbursements", post, kDenied, "FOUR_EYES_NEEDED", anna_);
  auto missing = post;
  missing.set_names(500, "plans/p/disbursements/nobody");
  Refused<v1::BatchPostDisbursementsResponse>("LedgerService/BatchPostDisbursements", missing, kAbsent, "RESOURCE_NOT_FOUND",
                                              bo_);
  auto const posted = Must<v1::BatchPostDisbursementsResponse>("LedgerService/BatchPostDisbursements", post, bo_);
  ASSERT_EQ(posted.disbursements_size(), 1000);
  EXPECT_EQ(posted.disbursements(999).state(), v1::DISBURSEMENT_STATE_POSTED);
  EXPECT_EQ(BalanceOf("spent.0001"), 250'00);
  Refused<v1::BatchPostDisbursementsResponse>("LedgerService/BatchPostDisbursements", post, kPrecondition, "ALREADY_DECIDED",
                                              bo_);
  auto const balances = CheckBooks();
  EXPECT_EQ(balances.at("reserved.lbf"), 0);
  // The etag that a batch answers with is the stored one.
  v1::GetDisbursementRequest get;
  get.set_name("plans/p/disbursements/d999");
  EXPECT_EQ(Must<v1::Disbursement>("LedgerService/GetDisbursement", get, anna_).etag(), posted.disbursements(999).etag());
}

// Balances as of a date (when it belongs to) and as they were known (when it was booked).
TEST_P(LedgerTest, BalancesAsOfAnyTime) {
  Funded(1000'00);
  Post(Reserve("0001", 100'00, "2022-03-04"));
  absl::Time const between = clock().Now();
  clock().Advance(absl::Minutes(1));
  Post(Reserve("0001", 50'00, "2022-02-01"));
  auto const as_of = [&](std::string const& date) {
    v1::GetAccountRequest request;
    request.set_name("plans/p/accounts/spent.0001");
    *request.mutable_as_of_date() = Date(date);
    return Must<v1::Account>("LedgerService/GetAccount", request, anna_).balance().minor_units();
  };
  EXPECT_EQ(as_of("2022-01-31"), 0);
  EXPECT_EQ(as_of("2022-02-01"), 50'00);
  EXPECT_EQ(as_of("2022-03-03"), 50'00);
  EXPECT_EQ(as_of("2022-03-04"), 150'00);
  auto const known = [&](std::string const& account, absl::Time time) {
    v1::GetAccountRequest request;
    request.set_name("plans/p/accounts/" + account);
    request.mutable_known_time()->set_seconds(absl::ToUnixSeconds(time));
    return Must<v1::Account>("LedgerService/GetAccount", request, anna_).balance().minor_units();
  };
  EXPECT_EQ(known("spent.0001", between), 100'00);
  EXPECT_EQ(known("released.lbf", between), 900'00);
  EXPECT_EQ(known("reserved.lbf", between), 0);
  EXPECT_EQ(known("released.lbf", clock().Now()), 850'00);
  EXPECT_EQ(known("released.lbf", between - absl::Hours(1)), 0);
}

// Any stretch of the journal verifies by itself.
TEST_P(LedgerTest, TheJournalVerifiesInStretches) {
  Funded(1000'00);
  for (int i = 1; i <= 6; ++i) Post(Reserve(i % 2 == 0 ? "0001" : "0002", i * 10'00));
  auto const whole = Verify();
  EXPECT_TRUE(whole.intact());
  EXPECT_EQ(whole.verified(), 14);
  EXPECT_EQ(whole.next_sequence(), 0);
  std::int64_t next = 1;
  std::int64_t verified = 0;
  std::string last_hash;
  while (next != 0) {
    auto const part = Verify(next, 4);
    ASSERT_TRUE(part.intact()) << part.ShortDebugString();
    verified += part.verified();
    last_hash = part.last_hash();
    next = part.next_sequence();
  }
  EXPECT_EQ(verified, 14);
  EXPECT_EQ(last_hash, whole.last_hash());
}

// Every figure of a report leads to the postings behind it, and they sum to it.
TEST_P(LedgerTest, EveryFigureHasItsPostings) {
  Funded(1000'00);
  Post(Reserve("0001", 100'00, "2022-03-04"));
  Post(Reserve("0002", 70'00, "2022-05-04"));
  auto const wrong = Post(Reserve("0002", 30'00, "2022-05-05"));
  auto undo = ReverseRequest(wrong.final_entry());
  *undo.mutable_entry_date() = Date("2022-06-01");
  Must<v1::JournalEntry>("LedgerService/ReverseEntry", undo, bo_);
  Reserve("0001", 1'00);
  auto const behind = [&](std::string const& filter) {
    v1::ListPostingsRequest list;
    list.set_parent("plans/p");
    list.set_filter(filter);
    Ore sum = 0;
    auto const listed = Must<v1::ListPostingsResponse>("LedgerService/ListPostings", list, anna_);
    for (auto const& posting : listed.postings()) {
      bool const debit = posting.debit_account().find("/spent.") != std::string::npos;
      sum += debit ? posting.amount().minor_units() : -posting.amount().minor_units();
    }
    return sum;
  };
  for (auto const dimension : {v1::REPORT_DIMENSION_FOCUS_AREA, v1::REPORT_DIMENSION_SOURCE, v1::REPORT_DIMENSION_YEAR,
                               v1::REPORT_DIMENSION_COST_KIND, v1::REPORT_DIMENSION_UNSPECIFIED}) {
    for (std::string const& date : {std::string(), std::string("2022-05-31"), std::string("2022-06-01")}) {
      v1::GetBudgetReportRequest request;
      request.set_parent("plans/p");
      if (dimension != v1::REPORT_DIMENSION_UNSPECIFIED) request.add_group_by(dimension);
      if (!date.empty()) *request.mutable_as_of_date() = Date(date);
      auto const report = Must<v1::BudgetReport>("ReportService/GetBudgetReport", request, anna_);
      EXPECT_EQ(report.total().spent().minor_units(), date == "2022-05-31" ? 200'00 : 170'00);
      Ore sum = 0;
      for (auto const& row : report.rows()) {
        EXPECT_EQ(behind(row.postings_filter()), row.spent().minor_units()) << row.ShortDebugString();
        sum += row.spent().minor_units();
      }
      // Of a past date nobody knows what was reserved.
      EXPECT_EQ(report.total().reserved_postings_filter().empty(), !date.empty());
      if (date.empty()) {
        EXPECT_EQ(Reserved(report.total().reserved_postings_filter()), report.total().reserved().minor_units());
        for (auto const& row : report.rows()) {
          EXPECT_EQ(Reserved(row.reserved_postings_filter()), row.reserved().minor_units());
        }
      }
      EXPECT_EQ(sum, report.total().spent().minor_units());
      EXPECT_EQ(behind(report.total().postings_filter()), sum);
    }
  }
  v1::GetBudgetReportRequest csv;
  csv.set_parent("plans/p");
  csv.add_group_by(v1::REPORT_DIMENSION_FOCUS_AREA);
  csv.set_with_csv(true);
  EXPECT_EQ(Must<v1::BudgetReport>("ReportService/GetBudgetReport", csv, anna_).csv(),
            "focus_area,cost_kind,source,department,year,budget,reserved,spent,remaining\r\n"
            "beskaeftigelse,,,,,600.00,1.00,100.00,500.00\r\n"
            "uddannelse-livschancer,,,,,400.00,0.00,70.00,330.00\r\n"
            "total,,,,,1000.00,1.00,170.00,830.00\r\n");
}

TEST_P(LedgerTest, OpenItemsSayWhatWaitsForWhom) {
  Funded(400'00);
  Must<v1::Release>("SourceService/CreateRelease", ReleaseRequest("lbf", 100'00), anna_);
  Reserve("0001", 50'00);
  Source("kk", v1::SOURCE_KIND_MUNICIPALITY, 100'00);
  Pledge("kk");
  v1::GetOpenItemsRequest request;
  request.set_parent("plans/p");
  auto const open = Must<v1::OpenItems>("ReportService/GetOpenItems", request, anna_);
  std::map<v1::OpenItemKind, v1::OpenItem> by_kind;
  for (auto const& item : open.items()) by_kind[item.kind()] = item;
  ASSERT_EQ(by_kind.size(), 4U);
  EXPECT_EQ(by_kind[v1::OPEN_ITEM_KIND_SOURCE_TO_RELEASE].amount().minor_units(), 600'00);
  EXPECT_TRUE(by_kind[v1::OPEN_ITEM_KIND_SOURCE_TO_RELEASE].overdue());
  EXPECT_EQ(by_kind[v1::OPEN_ITEM_KIND_RELEASE_TO_APPROVE].waits_for(), "anyone but anna");
  EXPECT_EQ(by_kind[v1::OPEN_ITEM_KIND_DISBURSEMENT_TO_POST].amount().minor_units(), 50'00);
  EXPECT_FALSE(by_kind[v1::OPEN_ITEM_KIND_DISBURSEMENT_TO_POST].overdue());
  EXPECT_EQ(by_kind[v1::OPEN_ITEM_KIND_SOURCE_TO_APPROVE].resource(), SourceName("kk"));
  // What the amounts come from: a reservation; an approval of 1000 and a release of 400.
  EXPECT_THAT(Listed(by_kind[v1::OPEN_ITEM_KIND_DISBURSEMENT_TO_POST].postings_filter()), ElementsAre(50'00));
  EXPECT_THAT(Listed(by_kind[v1::OPEN_ITEM_KIND_SOURCE_TO_RELEASE].postings_filter()), ElementsAre(1000'00, 400'00));
  request.set_with_csv(true);
  auto const csv = Must<v1::OpenItems>("ReportService/GetOpenItems", request, anna_).csv();
  EXPECT_THAT(csv, HasSubstr("SOURCE_TO_RELEASE,plans/p/sources/lbf,600.00,2022-06-30,true,the payer\r\n"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), open.items_size() + 1);
}

// The co-funding proof leads to the approvals that it counts.
TEST_P(LedgerTest, TheCofundingProofHasItsPostings) {
  Funded(400'00);
  v1::GetCofundingReportRequest request;
  request.set_parent("plans/p");
  request.set_with_csv(true);
  auto const proof = Must<v1::CofundingReport>("ReportService/GetCofundingReport", request, anna_);
  ASSERT_EQ(proof.parts_size(), 1);
  ASSERT_EQ(proof.parts(0).lines_size(), 1);
  EXPECT_THAT(Listed(proof.parts(0).lines(0).postings_filter()), ElementsAre(1000'00));
  EXPECT_THAT(proof.csv(), HasSubstr("\r\n,plans/p/sources/lbf,FUND,CASH,1000.00,0.00,regulation,,,,\r\n"));
}

std::pair<int, std::string> RunShell(std::string const& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[512];
  while (fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
  return {pclose(pipe), output};
}

// The journal as plain-text accounting: the real hledger reads it strictly, balances it and comes to the same figures.
TEST_P(LedgerTest, HledgerReadsAndBalancesTheJournal) {
  Funded(1000'00);
  Post(Reserve("0001", 123'45, "2022-03-04"));
  auto const wrong = Post(Reserve("0002", 200'00, "2022-05-05"), 150'55);
  Must<v1::JournalEntry>("LedgerService/ReverseEntry", ReverseRequest(wrong.final_entry()), bo_);
  Post(Reserve("0002", 99'99, "2022-02-05"));
  Reserve("0002", 1'01, "2022-02-05");

  std::string path = "/tmp/helhed_journal_XXXXXX";
  int const file = mkstemp(path.data());
  ASSERT_GE(file, 0);
  close(file);
  {
    std::ofstream journal(path);
    v1::ExportJournalRequest request;
    request.set_parent("plans/p");
    request.set_page_size(4);
    int pages = 0;
    do {
      auto const page = Must<v1::ExportJournalResponse>("ReportService/ExportJournal", request, anna_);
      journal << page.text();
      request.set_page_token(page.next_page_token());
      ++pages;
    } while (!request.page_token().empty());
    EXPECT_GT(pages, 2);
    request.set_page_token("altered");
    Refused<v1::ExportJournalResponse>("ReportService/ExportJournal", request, kInvalid, "PAGE_TOKEN_INVALID", anna_);
  }
  auto const check = RunShell("LANG=C.UTF-8 hledger -f " + path + " check --strict");
  EXPECT_EQ(check.first, 0) << check.second;
  auto const balance = RunShell("LANG=C.UTF-8 hledger -f " + path + " balance --flat -E -O csv");
  EXPECT_EQ(balance.first, 0) << balance.second;
  EXPECT_THAT(balance.second, HasSubstr("\"expenses:beskaeftigelse:wages:lbf:2022\",\"123.45 DKK\""));
  EXPECT_THAT(balance.second, HasSubstr("\"expenses:uddannelse-livschancer:wages:lbf:2022\",\"99.99 DKK\""));
  EXPECT_THAT(balance.second, HasSubstr("\"assets:reserved:lbf\",\"1.01 DKK\""));
  EXPECT_THAT(balance.second, HasSubstr("\"assets:released:lbf\",\"775.55 DKK\""));
  EXPECT_THAT(balance.second, HasSubstr("\"income:granted:lbf\",\"-1000.00 DKK\""));
  EXPECT_EQ(BalanceOf("released.lbf"), 775'55);
  unlink(path.c_str());
}

TEST_P(LedgerTest, AnotherPlansNamesAreRefused) {
  Funded(100'00);
  auto request = DisbursementRequest("0001", 1'00);
  request.mutable_disbursement()->set_budget_line("plans/q/budgetLines/0001");
  Refused<v1::Disbursement>("LedgerService/CreateDisbursement", request, kAbsent, "RESOURCE_NOT_FOUND", anna_);
  v1::BatchPostDisbursementsRequest post;
  post.set_parent("plans/p");
  post.add_names("plans/q/disbursements/d");
  Refused<v1::BatchPostDisbursementsResponse>("LedgerService/BatchPostDisbursements", post, kInvalid, "BAD_REQUEST", bo_);
}

}  // namespace
}  // namespace helhed::funding::testing
