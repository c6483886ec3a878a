#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "helhed/funding/v1/budget_service.pb.h"
#include "helhed/funding/v1/ledger_service.pb.h"
#include "helhed/funding/v1/source_service.pb.h"
#include "services/platform/client/channel.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"
#include "tests/e2e/process.h"

// The books of a plan as their users have them: the service as a process that is killed while it books, on both engines.
namespace helhed {
namespace {

namespace fv1 = funding::v1;
using storage::Engine;

// A plan that runs, as its own acts would have made it.
storage::Statement const kPlan(
    "test.running_plan",
    "INSERT INTO plans (plan, display_name, display_name_sort, regulation, state, period_start_date, "
    "period_end_date, municipality_code, budget_total_currency_code, budget_total_minor_units, "
    "budget_precision, revision, create_time, update_time) VALUES ('p', 'Amagerplanen', $1, '2019-26', 11, "
    "'2022-01-01', '2026-01-01', '0101', 'DKK', 0, 1, 1, 0, 0)");
storage::Statement const kFocusArea(
    "test.focus_area", "INSERT INTO plan_focus_areas (plan, position, focus_area) VALUES ('p', 0, 'beskaeftigelse')");

class LedgerTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    address_ = absl::StrCat("127.0.0.1:", testing::FreePort());
    auto const key = testing::RunProgram(
        {testing::Binary("helhed"), "token", "--new-key", folder_ + "/key", folder_ + "/key.pub", "--key-id", "e2e"});
    ASSERT_EQ(key.exit_code, 0) << key.output;
    anna_ = Identity("anna");
    bo_ = Identity("bo");
    auto const migrated = testing::RunProgram(Service("migrate"));
    ASSERT_EQ(migrated.exit_code, 0) << migrated.output;
    MakePlan();
    Start();
    Fund();
  }

  void TearDown() override {
    if (HasFailure()) std::cerr << testing::ReadWhole(folder_ + "/service.log");
    service_.reset();
  }

  std::string Identity(std::string const& subject) {
    auto const token = testing::RunProgram({testing::Binary("helhed"), "token", "--identity-key", folder_ + "/key", "--subject",
                                            subject, "--grant", "operator", "--lifetime", "1h"});
    EXPECT_EQ(token.exit_code, 0) << token.output;
    std::string bytes;
    EXPECT_TRUE(absl::Base64Unescape(absl::StripAsciiWhitespace(token.output), &bytes));
    return bytes;
  }

  std::vector<std::string> Service(std::string const& command) {
    return {testing::Binary("helhed-funding"),
            command,
            "--log-level",
            "warning",
            GetParam() == Engine::kSqlite ? "--sqlite" : "--postgres",
            fresh_.location(),
            "--listen",
            address_,
            "--admin-listen",
            "",
            "--identity-key-file",
            folder_ + "/key.pub",
            "--roles-file",
            std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto"};
  }

  void MakePlan() {
    auto const database = fresh_.Open();
    std::byte const sort{'a'};
    ASSERT_THAT(database->Write({},
                                [&](storage::WriteTransaction& tx) -> absl::Status {
                                  RETURN_IF_ERROR(tx.Execute(kPlan, {storage::Bytes(&sort, 1)}).status());
                                  return tx.Execute(kFocusArea, {}).status();
                                }),
                testing::IsOk());
  }

  // Starts the service and waits until it answers.
  void Start() {
    service_ = std::make_unique<testing::Process>(Service("serve"), folder_ + "/service.log");
    for (int i = 0; i < 400; ++i) {
      if (testing::RunProgram({testing::Binary("helhed-funding"), "healthcheck", "--listen", address_}).exit_code == 0) return;
      ASSERT_TRUE(service_->Running()) << testing::ReadWhole(folder_ + "/service.log");
      absl::SleepFor(absl::Milliseconds(25));
    }
    FAIL() << "the service did not get ready: " << testing::ReadWhole(folder_ + "/service.log");
  }

  void Kill() {
    service_->Signal(SIGKILL);
    EXPECT_EQ(service_->Wait(), -SIGKILL);
  }

  template <typename Response>
  absl::StatusOr<Response> Try(client::Channel& channel, std::string_view method, google::protobuf::Message const& request,
                               std::string const& identity) {
    return client::Invoke<Response>(channel, absl::StrCat("/helhed.funding.v1.", Av(method)), request,
                                    {.deadline = absl::Now() + absl::Seconds(5), .identity = identity});
  }
  template <typename Response>
  Response Must(std::string_view method, google::protobuf::Message const& request, std::string const& identity) {
    auto const channel = client::ConnectGrpc({.target = address_});
    auto const answer = Try<Response>(*channel, method, request, identity);
    EXPECT_THAT(answer, testing::IsOk()) << method;
    return answer.value_or(Response());
  }

  static void SetKroner(common::v1::Money& money, std::int64_t kroner) {
    money.set_currency_code("DKK");
    money.set_minor_units(kroner * 100);
  }
  static void SetDate(google::type::Date& date) {
    date.set_year(2022);
    date.set_month(3);
    date.set_day(4);
  }

  // A million kroner, released.
  void Fund() {
    fv1::CreateSourceRequest source;
    source.set_parent("plans/p");
    source.set_source_id("lbf");
    source.mutable_source()->set_display_name("Landsbyggefonden");
    source.mutable_source()->set_kind(fv1::SOURCE_KIND_FUND);
    SetKroner(*source.mutable_source()->mutable_amount(), 1'000'000);
    Must<fv1::Source>("SourceService/CreateSource", source, anna_);
    fv1::CreateBudgetRequest budget;
    budget.set_parent("plans/p");
    auto& line = *budget.mutable_budget()->add_lines();
    line.set_focus_area("beskaeftigelse");
    line.set_cost_kind("wages");
    line.set_source("plans/p/sources/lbf");
    line.set_year(2022);
    SetKroner(*line.mutable_amount(), 1'000'000);
    Must<fv1::Budget>("BudgetService/CreateBudget", budget, anna_);
    fv1::PledgeSourceRequest pledge;
    pledge.set_name("plans/p/sources/lbf");
    pledge.mutable_voucher()->set_reference("pledge");
    Must<fv1::Source>("SourceService/PledgeSource", pledge, anna_);
    fv1::ApproveSourceRequest approve;
    approve.set_name(pledge.name());
    approve.mutable_voucher()->set_reference("approval");
    Must<fv1::Source>("SourceService/ApproveSource", approve, anna_);
    fv1::CreateReleaseRequest release;
    release.set_parent(pledge.name());
    SetKroner(*release.mutable_release()->mutable_amount(), 1'000'000);
    SetDate(*release.mutable_release()->mutable_release_date());
    release.mutable_release()->mutable_voucher()->set_reference("release");
    fv1::ApproveReleaseRequest decide;
    decide.set_name(Must<fv1::Release>("SourceService/CreateRelease", release, anna_).name());
    Must<fv1::Release>("SourceService/ApproveRelease", decide, bo_);
  }

  // Tries until it is acknowledged, as a caller does: with the same request_id each time.
  template <typename Response>
  void Insist(client::Channel& channel, std::string_view method, google::protobuf::Message const& request,
              std::string const& identity, std::atomic<bool> const& running) {
    while (running) {
      auto const answer = Try<Response>(channel, method, request, identity);
      if (answer.ok()) return;
      ASSERT_NE(answer.status().code(), absl::StatusCode::kFailedPrecondition) << answer.status();
      ASSERT_NE(answer.status().code(), absl::StatusCode::kAlreadyExists) << answer.status();
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  // Reserves and posts one krone after the other, and remembers what was acknowledged.
  void Pay(int payer, std::atomic<bool> const& running) {
    auto const channel = client::ConnectGrpc({.target = address_});
    for (int i = 0; running; ++i) {
      fv1::CreateDisbursementRequest reserve;
      reserve.set_parent("plans/p");
      reserve.set_disbursement_id(absl::StrCat("d", payer, "-", i));
      reserve.set_request_id(UuidOf(absl::StrCat("reserve ", payer, " ", i)));
      reserve.mutable_disbursement()->set_budget_line("plans/p/budgetLines/0001");
      SetKroner(*reserve.mutable_disbursement()->mutable_amount(), 1);
      SetDate(*reserve.mutable_disbursement()->mutable_expense_date());
      reserve.mutable_disbursement()->mutable_voucher()->set_reference("invoice");
      Insist<fv1::Disbursement>(*channel, "LedgerService/CreateDisbursement", reserve, anna_, running);
      if (!running) return;
      fv1::PostDisbursementRequest post;
      post.set_name("plans/p/disbursements/" + reserve.disbursement_id());
      post.set_request_id(UuidOf(absl::StrCat("post ", payer, " ", i)));
      {
        std::lock_guard const lock(mutex_);
        reserved_.push_back(post.name());
      }
      Insist<fv1::Disbursement>(*channel, "LedgerService/PostDisbursement", post, bo_, running);
      if (!running) return;
      std::lock_guard const lock(mutex_);
      posted_.push_back(post.name());
    }
  }

  // How many entries of each kind each disbursement has in the journal.
  std::map<std::string, std::map<fv1::EntryKind, int>> Journal() {
    std::map<std::string, std::map<fv1::EntryKind, int>> entries;
    fv1::ListEntriesRequest list;
    list.set_parent("plans/p");
    list.set_page_size(1000);
    do {
      auto const page = Must<fv1::ListEntriesResponse>("LedgerService/ListEntries", list, anna_);
      for (auto const& entry : page.entries()) ++entries[entry.cause()][entry.kind()];
      list.set_page_token(page.next_page_token());
    } while (!list.page_token().empty());
    return entries;
  }

  testing::Folder const temporary_;
  std::string const folder_ = temporary_.path();
  std::string address_;
  std::string anna_;
  std::string bo_;
  testing::FreshDatabase fresh_{GetParam()};
  std::unique_ptr<testing::Process> service_;
  std::mutex mutex_;
  std::vector<std::string> reserved_;
  std::vector<std::string> posted_;
};
HELHED_BOTH_ENGINES(LedgerTest);

TEST_P(LedgerTest, KilledWhileItBooksItLosesNoPostingAndDoublesNone) {
  std::atomic<bool> running{true};
  std::vector<std::thread> payers;
  for (int payer = 0; payer < 3; ++payer) payers.emplace_back([&, payer] { Pay(payer, running); });
  SeededRandom random(5);
  for (int kill = 0; kill < 5; ++kill) {
    absl::SleepFor(absl::Milliseconds(random.Between(150, 900)));
    Kill();
    Start();
  }
  absl::SleepFor(absl::Milliseconds(500));
  running = false;
  for (auto& payer : payers) payer.join();
  ASSERT_GT(posted_.size(), 5U);

  auto const journal = Journal();
  for (auto const& name : reserved_) {
    ASSERT_TRUE(journal.contains(name)) << name << " was acknowledged and is lost";
    EXPECT_EQ(journal.at(name).at(fv1::ENTRY_KIND_RESERVATION), 1) << name;
  }
  for (auto const& name : posted_) {
    ASSERT_TRUE(journal.at(name).contains(fv1::ENTRY_KIND_DISBURSEMENT)) << name << " was acknowledged and is lost";
    EXPECT_EQ(journal.at(name).at(fv1::ENTRY_KIND_DISBURSEMENT), 1) << name;
  }
  // What the books hold is what stands in the journal, each krone once; a payment that nobody was told of may be among it.
  std::int64_t paid = 0;
  for (auto const& [_, kinds] : journal) paid += kinds.contains(fv1::ENTRY_KIND_DISBURSEMENT) ? 1 : 0;
  fv1::GetAccountRequest account;
  account.set_name("plans/p/accounts/spent.0001");
  EXPECT_EQ(Must<fv1::Account>("LedgerService/GetAccount", account, anna_).balance().minor_units(), paid * 100);
  fv1::ListAccountsRequest list;
  list.set_parent("plans/p");
  list.set_page_size(1000);
  std::int64_t sum = 0;
  auto const accounts = Must<fv1::ListAccountsResponse>("LedgerService/ListAccounts", list, anna_);
  for (auto const& one : accounts.accounts()) sum += one.balance().minor_units();
  EXPECT_EQ(sum, 0) << "the books do not balance";
  fv1::VerifyEntriesRequest verify;
  verify.set_parent("plans/p");
  auto const verified = Must<fv1::VerifyEntriesResponse>("LedgerService/VerifyEntries", verify, anna_);
  EXPECT_TRUE(verified.intact()) << verified.ShortDebugString();
}

}  // namespace
}  // namespace helhed
