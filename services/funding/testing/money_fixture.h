#pragma once

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "helhed/funding/v1/budget_service.pb.h"
#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/funding/v1/ledger_service.pb.h"
#include "helhed/funding/v1/report_service.pb.h"
#include "helhed/funding/v1/source_service.pb.h"
#include "services/funding/domain/money.h"
#include "services/funding/testing/fixture.h"

// A plan with money, entered by short calls. Anna makes, Bo approves; both lead the plan.
namespace helhed::funding::testing {

constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

class MoneyTest : public FundingTest {
 protected:
  using FundingTest::FundingTest;

  void SetUp() override {
    anna_ = As("plan-leader", "plans/p", "anna");
    bo_ = As("plan-leader", "plans/p", "bo");
  }

  // What the plan's own acts would bring about.
  void SetPlanState(v1::PlanState state) {
    static storage::Statement const set("test.set_plan_state", "UPDATE plans SET state = $1 WHERE plan = 'p'");
    ASSERT_THAT(database().Write({},
                                 [&](storage::WriteTransaction& tx) -> absl::Status {
                                   return tx.Execute(set, {static_cast<std::int64_t>(state)}).status();
                                 }),
                IsOk());
  }

  // A running plan `plans/p` of 2022 to 2025.
  void RunningPlan() {
    Plan("p");
    SetPlanState(v1::PLAN_STATE_ACTIVE);
  }

  static v1::Voucher Proof(std::string const& reference = "item 7") {
    v1::Voucher voucher;
    voucher.set_reference(reference);
    voucher.set_sha256(std::string(64, 'a'));
    return voucher;
  }
  static std::string SourceName(std::string const& id) { return "plans/p/sources/" + id; }

  static v1::CreateSourceRequest SourceRequest(std::string const& id, v1::SourceKind kind, Ore amount) {
    v1::CreateSourceRequest request;
    request.set_parent("plans/p");
    request.set_source_id(id);
    request.mutable_source()->set_display_name("Payer " + id);
    request.mutable_source()->set_kind(kind);
    *request.mutable_source()->mutable_amount() = Dkk(amount);
    return request;
  }
  v1::Source Source(std::string const& id, v1::SourceKind kind, Ore amount) {
    return Must<v1::Source>("SourceService/CreateSource", SourceRequest(id, kind, amount), anna_);
  }
  v1::Source GetSource(std::string const& id) {
    v1::GetSourceRequest request;
    request.set_name(SourceName(id));
    return Must<v1::Source>("SourceService/GetSource", request, anna_);
  }

  template <typename Request>
  static Request ActRequest(std::string const& source) {
    Request request;
    request.set_name(SourceName(source));
    *request.mutable_voucher() = Proof();
    return request;
  }
  v1::Source Pledge(std::string const& id) {
    return Must<v1::Source>("SourceService/PledgeSource", ActRequest<v1::PledgeSourceRequest>(id), anna_);
  }
  v1::Source Approve(std::string const& id) {
    return Must<v1::Source>("SourceService/ApproveSource", ActRequest<v1::ApproveSourceRequest>(id), anna_);
  }

  struct Cell {
    std::string focus_area;
    std::string source;
    int year;
    Ore amount;
  };
  static v1::CreateBudgetRequest BudgetRequest(std::vector<Cell> const& cells) {
    v1::CreateBudgetRequest request;
    request.set_parent("plans/p");
    for (auto const& cell : cells) {
      auto& line = *request.mutable_budget()->add_lines();
      line.set_focus_area(cell.focus_area);
      line.set_cost_kind("wages");
      line.set_source(SourceName(cell.source));
      line.set_year(cell.year);
      *line.mutable_amount() = Dkk(cell.amount);
    }
    return request;
  }
  v1::Budget Budget(std::vector<Cell> const& cells) {
    return Must<v1::Budget>("BudgetService/CreateBudget", BudgetRequest(cells), anna_);
  }

  static v1::CreateReleaseRequest ReleaseRequest(std::string const& source, Ore amount) {
    v1::CreateReleaseRequest request;
    request.set_parent(SourceName(source));
    *request.mutable_release()->mutable_amount() = Dkk(amount);
    *request.mutable_release()->mutable_release_date() = Date("2022-01-10");
    *request.mutable_release()->mutable_voucher() = Proof();
    return request;
  }
  v1::Release Release(std::string const& source, Ore amount) {
    auto const proposed = Must<v1::Release>("SourceService/CreateRelease", ReleaseRequest(source, amount), anna_);
    v1::ApproveReleaseRequest approve;
    approve.set_name(proposed.name());
    return Must<v1::Release>("SourceService/ApproveRelease", approve, bo_);
  }

  static v1::CreateDisbursementRequest DisbursementRequest(std::string const& line, Ore amount,
                                                           std::string const& date = "2022-03-04") {
    v1::CreateDisbursementRequest request;
    request.set_parent("plans/p");
    request.mutable_disbursement()->set_budget_line("plans/p/budgetLines/" + line);
    *request.mutable_disbursement()->mutable_amount() = Dkk(amount);
    *request.mutable_disbursement()->mutable_expense_date() = Date(date);
    *request.mutable_disbursement()->mutable_voucher() = Proof("invoice 4711");
    return request;
  }
  v1::Disbursement Reserve(std::string const& line, Ore amount, std::string const& date = "2022-03-04") {
    return Must<v1::Disbursement>("LedgerService/CreateDisbursement", DisbursementRequest(line, amount, date), anna_);
  }
  static v1::PostDisbursementRequest PostRequest(v1::Disbursement const& disbursement, Ore amount = 0) {
    v1::PostDisbursementRequest request;
    request.set_name(disbursement.name());
    if (amount != 0) *request.mutable_amount() = Dkk(amount);
    return request;
  }
  v1::Disbursement Post(v1::Disbursement const& disbursement, Ore amount = 0) {
    return Must<v1::Disbursement>("LedgerService/PostDisbursement", PostRequest(disbursement, amount), bo_);
  }

  // One source of a thousand kroner in two lines (0001: beskaeftigelse, 0002: uddannelse-livschancer, both 2022), approved, and
  // `released` of it released.
  void Funded(Ore released) {
    RunningPlan();
    Source("lbf", v1::SOURCE_KIND_FUND, 1000'00);
    Budget({{"beskaeftigelse", "lbf", 2022, 600'00}, {"uddannelse-livschancer", "lbf", 2022, 400'00}});
    Pledge("lbf");
    Approve("lbf");
    if (released > 0) Release("lbf", released);
  }

  // An extension of the plan, until `end`, at the price of `delta`.
  void ProposeExtension(std::string const& id, std::string const& end, Ore delta) {
    v1::CreateExtensionRequest request;
    request.set_parent("plans/p");
    request.set_extension_id(id);
    *request.mutable_extension()->mutable_end_date() = Date(end);
    *request.mutable_extension()->mutable_budget_delta() = Dkk(delta);
    request.mutable_extension()->set_reason("more time");
    Must<v1::Extension>("PlanService/CreateExtension", request, As("operator", ""));
  }
  static v1::ApplyExtensionRequest ApplyRequest(std::string const& id) {
    v1::ApplyExtensionRequest request;
    request.set_name("plans/p/extensions/" + id);
    return request;
  }
  ErrorMetadata ApplyExtensionRefused(std::string const& id) {
    return Refused<v1::Plan>("PlanService/ApplyExtension", ApplyRequest(id), kPrecondition, "PLAN_NOT_READY").metadata;
  }
  // With the approvals that it needs.
  v1::Plan ApplyExtension(std::string const& id) {
    for (auto const party : {v1::PARTY_FUND, v1::PARTY_MUNICIPALITY}) {
      v1::CreateApprovalRequest request;
      request.set_parent("plans/p");
      auto& approval = *request.mutable_approval();
      approval.set_party(party);
      approval.set_stage(v1::APPROVAL_STAGE_FINAL);
      approval.set_subject(ApplyRequest(id).name());
      approval.set_outcome(v1::APPROVAL_OUTCOME_APPROVED);
      *approval.mutable_decide_date() = Date("2025-11-11");
      approval.mutable_evidence()->set_sha256(std::string(64, 'd'));
      Must<v1::Approval>("DecisionService/CreateApproval", request, As("operator", ""));
    }
    return Must<v1::Plan>("PlanService/ApplyExtension", ApplyRequest(id), As("operator", ""));
  }
  // The fund approves that expenses are dated outside the plan.
  void AllowExpenses(std::string const& start, std::string const& end) {
    v1::CreateExpenseWindowRequest request;
    request.set_parent("plans/p");
    *request.mutable_expense_window()->mutable_period() = Range(start, end);
    request.mutable_expense_window()->mutable_approval()->set_sha256(std::string(64, 'c'));
    Must<v1::ExpenseWindow>("LedgerService/CreateExpenseWindow", request, As("fund", "plans/p", "lbf"));
  }

  Ore BalanceOf(std::string const& account) {
    v1::GetAccountRequest request;
    request.set_name("plans/p/accounts/" + account);
    auto const found = Call<v1::Account>("LedgerService/GetAccount", request, anna_);
    return found.ok() ? found->balance().minor_units() : 0;
  }
  v1::BudgetLine Line(std::string const& id) {
    v1::GetBudgetLineRequest request;
    request.set_name("plans/p/budgetLines/" + id);
    return Must<v1::BudgetLine>("BudgetService/GetBudgetLine", request, anna_);
  }

  // The last part of the name of the line that stands there.
  std::string LineOf(std::string const& focus_area, std::string const& source, int year) {
    v1::ListBudgetLinesRequest list;
    list.set_parent("plans/p");
    auto const listed = Must<v1::ListBudgetLinesResponse>("BudgetService/ListBudgetLines", list, anna_);
    for (auto const& line : listed.budget_lines()) {
      if (line.focus_area() != focus_area || line.source() != SourceName(source) || line.year() != year) continue;
      return line.name().substr(line.name().rfind('/') + 1);
    }
    ADD_FAILURE() << "no such line";
    return "";
  }

  // Every balance by account. The books balance: they sum to nothing, only what was granted is below zero, and the journal is
  // intact from its first entry to its last.
  std::map<std::string, Ore> CheckBooks() {
    std::map<std::string, Ore> balances;
    v1::ListAccountsRequest list;
    list.set_parent("plans/p");
    list.set_page_size(1000);
    Ore sum = 0;
    auto const listed = Must<v1::ListAccountsResponse>("LedgerService/ListAccounts", list, anna_);
    for (auto const& account : listed.accounts()) {
      Ore const balance = account.balance().minor_units();
      balances[account.name().substr(account.name().rfind('/') + 1)] = balance;
      sum += balance;
      EXPECT_TRUE(balance >= 0 || account.kind() == v1::ACCOUNT_KIND_GRANTED) << account.ShortDebugString();
    }
    EXPECT_EQ(sum, 0);
    auto const verified = Verify();
    EXPECT_TRUE(verified.intact()) << verified.ShortDebugString();
    return balances;
  }
  v1::VerifyEntriesResponse Verify(std::int64_t first = 0, int limit = 0) {
    v1::VerifyEntriesRequest request;
    request.set_parent("plans/p");
    request.set_first_sequence(first);
    request.set_limit(limit);
    return Must<v1::VerifyEntriesResponse>("LedgerService/VerifyEntries", request, anna_);
  }

  std::string anna_;
  std::string bo_;
};

}  // namespace helhed::funding::testing
