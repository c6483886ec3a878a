#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <vector>

#include "helhed/funding/v1/budget_service.pb.h"
#include "helhed/funding/v1/ledger_service.pb.h"
#include "helhed/funding/v1/report_service.pb.h"
#include "helhed/funding/v1/source_service.pb.h"
#include "services/funding/funding.h"
#include "services/platform/client/channel.h"
#include "services/platform/testing/postgres.h"
#include "tests/bench/bench.h"
#include "tests/e2e/process.h"

// Postings, through the door of the process and through the gateway, against PostgreSQL itself writing the same rows; and a plan
// with very many of them against one with a thousand.
namespace helhed::bench {
namespace {

namespace fv1 = funding::v1;

constexpr absl::Duration kRound = absl::Seconds(4);
constexpr int kCallers = 16;
constexpr int kBatch = 1000;

storage::Statement const kPlan(
    "bench.plan",
    "INSERT INTO plans (plan, display_name, display_name_sort, regulation, state, period_start_date, "
    "period_end_date, municipality_code, budget_total_currency_code, budget_total_minor_units, "
    "budget_precision, revision, create_time, update_time) VALUES ('p', 'Amagerplanen', $1, '2019-26', 11, "
    "'2022-01-01', '2026-01-01', '0101', 'DKK', 0, 1, 1, 0, 0)");
storage::Statement const kFocusArea(
    "bench.focus_area", "INSERT INTO plan_focus_areas (plan, position, focus_area) VALUES ('p', 0, 'beskaeftigelse')");

void SetOre(common::v1::Money& money, std::int64_t ore) {
  money.set_currency_code("DKK");
  money.set_minor_units(ore);
}

void SetDate(google::type::Date& date, int day = 0) {
  date.set_year(2022);
  date.set_month(1 + day / 28 % 12);
  date.set_day(1 + day % 28);
}

// One krone of the one line.
fv1::CreateDisbursementRequest Payment(int day) {
  fv1::CreateDisbursementRequest request;
  request.set_parent("plans/p");
  request.mutable_disbursement()->set_budget_line("plans/p/budgetLines/0001");
  SetOre(*request.mutable_disbursement()->mutable_amount(), 100);
  SetDate(*request.mutable_disbursement()->mutable_expense_date(), day);
  request.mutable_disbursement()->mutable_voucher()->set_reference("invoice 4711");
  return request;
}

fv1::BatchCreateDisbursementsRequest Payments(int count) {
  fv1::BatchCreateDisbursementsRequest batch;
  batch.set_parent("plans/p");
  for (int i = 0; i < count; ++i) *batch.add_requests() = Payment(i);
  return batch;
}

// The funding service with one plan and much money, in this process.
class Ledger : public Service {
 public:
  Ledger(server::StorageOptions storage, std::string const& folder, std::string const& roles_file)
      : Service(funding::FundingDefinition(), std::move(storage), folder, roles_file) {
    std::byte const sort{'a'};
    Must("plan", database().Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Execute(kPlan, {storage::Bytes(&sort, 1)}).status());
      return tx.Execute(kFocusArea, {}).status();
    }));
    Fund();
  }

  // One krone, reserved.
  void Reserve() {
    auto request = Payment(0);
    request.set_request_id(RequestId());
    Call<fv1::Disbursement>("LedgerService/CreateDisbursement", request);
  }

  void ReserveBatch(int count) {
    auto batch = Payments(count);
    batch.set_request_id(RequestId());
    Call<fv1::BatchCreateDisbursementsResponse>("LedgerService/BatchCreateDisbursements", batch);
  }

 private:
  void Fund() {
    constexpr std::int64_t kOre = 100'000'000'000;
    fv1::CreateSourceRequest source;
    source.set_parent("plans/p");
    source.set_source_id("lbf");
    source.mutable_source()->set_display_name("Landsbyggefonden");
    source.mutable_source()->set_kind(fv1::SOURCE_KIND_FUND);
    SetOre(*source.mutable_source()->mutable_amount(), kOre);
    Call<fv1::Source>("SourceService/CreateSource", source);
    fv1::CreateBudgetRequest budget;
    budget.set_parent("plans/p");
    auto& line = *budget.mutable_budget()->add_lines();
    line.set_focus_area("beskaeftigelse");
    line.set_cost_kind("wages");
    line.set_source("plans/p/sources/lbf");
    line.set_year(2022);
    SetOre(*line.mutable_amount(), kOre);
    Call<fv1::Budget>("BudgetService/CreateBudget", budget);
    fv1::PledgeSourceRequest pledge;
    pledge.set_name("plans/p/sources/lbf");
    pledge.mutable_voucher()->set_reference("pledge");
    Call<fv1::Source>("SourceService/PledgeSource", pledge);
    fv1::ApproveSourceRequest approve;
    approve.set_name(pledge.name());
    approve.mutable_voucher()->set_reference("approval");
    Call<fv1::Source>("SourceService/ApproveSource", approve);
    fv1::CreateReleaseRequest release;
    release.set_parent(pledge.name());
    SetOre(*release.mutable_release()->mutable_amount(), kOre);
    SetDate(*release.mutable_release()->mutable_release_date());
    release.mutable_release()->mutable_voucher()->set_reference("release");
    fv1::ApproveReleaseRequest decide;
    decide.set_name(Call<fv1::Release>("SourceService/CreateRelease", release).name());
    Call<fv1::Release>("SourceService/ApproveRelease", decide, SignIn("approver"));
  }
};

// The same service as a process on a store that a Ledger has filled, reached through the gateway, which is another.
class GatewayLedger {
 public:
  // `storage` as the option of the service: `--sqlite` and a path, or `--postgres` and a connection.
  GatewayLedger(std::array<std::string, 2> const& storage, std::string const& roles_file, std::string const& bin) {
    auto const& folder = folder_.path();
    for (std::string const name : {"gateway", "demonstration", "signer"}) {
      Run({bin + "/helhed", "token", "--new-key", folder + "/" + name, folder + "/" + name + ".pub", "--key-id", name});
    }
    auto const upstream = absl::StrCat("127.0.0.1:", testing::FreePort());
    auto const address = absl::StrCat("127.0.0.1:", testing::FreePort());
    std::ofstream(folder + "/access.textproto")
        << "limits { client { per_second: 1000000 burst: 1000000 } calls { per_client: 10000 in_all: 20000 } }\n";
    service_ = std::make_unique<testing::Process>(
        std::vector<std::string>{bin + "/helhed-funding", "serve", storage[0], storage[1], "--listen", upstream, "--admin-listen",
                                 "", "--identity-key-file", folder + "/gateway.pub", "--signing-key-file", folder + "/signer",
                                 "--roles-file", roles_file, "--log-level", "warning"},
        folder + "/funding.log");
    gateway_ = std::make_unique<testing::Process>(
        std::vector<std::string>{bin + "/helhed-gateway", "serve", "--listen", address, "--upstream", "funding=" + upstream,
                                 "--admin-listen", "", "--identity-key-file", folder + "/gateway", "--demonstration-key-file",
                                 folder + "/demonstration.pub", "--access-file", folder + "/access.textproto", "--roles-file",
                                 roles_file, "--log-level", "warning"},
        folder + "/gateway.log");
    token_ = Run({bin + "/helhed", "token", "--bearer", "--identity-key", folder + "/demonstration", "--subject", "bench",
                  "--grant", "operator", "--lifetime", "1h"});
    token_.erase(token_.find_last_not_of(" \n") + 1);
    for (int i = 0; i < 4; ++i) channels_.push_back(client::ConnectGrpc({.target = address}));
    AwaitAnswer();
  }

  void Reserve() {
    auto request = Payment(0);
    request.set_request_id(NewUuid(absl::Now(), random_));
    Must("reserve", Call<fv1::Disbursement>("LedgerService/CreateDisbursement", request));
  }
  void ReserveBatch(int count) {
    auto batch = Payments(count);
    batch.set_request_id(NewUuid(absl::Now(), random_));
    Must("reserve", Call<fv1::BatchCreateDisbursementsResponse>("LedgerService/BatchCreateDisbursements", batch));
  }

 private:
  static std::string Run(std::vector<std::string> const& arguments) {
    auto outcome = testing::RunProgram(arguments);
    if (outcome.exit_code != 0) Fail(arguments[0], absl::InternalError(outcome.output));
    return outcome.output;
  }

  template <typename Response>
  absl::StatusOr<Response> Call(std::string const& method, google::protobuf::Message const& request) {
    auto& channel = *channels_[next_.fetch_add(1, std::memory_order_relaxed) % channels_.size()];
    return client::Invoke<Response>(channel, "/helhed.funding.v1." + method, request,
                                    {.deadline = absl::Now() + absl::Seconds(30), .bearer_token = token_});
  }

  void AwaitAnswer() {
    fv1::GetBudgetLineRequest request;
    request.set_name("plans/p/budgetLines/0001");
    auto const begin = absl::Now();
    while (true) {
      auto const answer = Call<fv1::BudgetLine>("BudgetService/GetBudgetLine", request);
      if (answer.ok()) return;
      if (absl::Now() - begin > absl::Seconds(30)) {
        std::cerr << testing::ReadWhole(folder_.path() + "/funding.log") << testing::ReadWhole(folder_.path() + "/gateway.log");
        Fail("start", answer.status());
      }
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  // Keys and logs.
  Folder const folder_;
  SystemRandom random_;
  std::unique_ptr<testing::Process> service_, gateway_;
  std::vector<std::unique_ptr<client::Channel>> channels_;
  std::atomic<std::size_t> next_{0};
  std::string token_;
};

// What one reservation inserts, in an order that keeps the foreign keys, with the column that must differ in each row, as an SQL
// expression of `id` (a number).
struct Inserted {
  std::string_view table;
  std::string_view unique;
  std::string_view value;
  std::string_view where;
};
constexpr Inserted kInserted[] = {
    {"journal_entries", "entry", "lpad(id::text, 12, '0')", "kind = 3"},
    {"postings", "entry", "lpad(id::text, 12, '0')", "kind = 3"},
    {"disbursements", "disbursement", "id::text", "state = 1"},
    {"events", "", "", "type LIKE '%EntriesBooked'"},
    {"idempotency", "request_id", "id::text", "method LIKE '%CreateDisbursement'"},
    {"audit", "id", "id::text", "method LIKE '%CreateDisbursement'"},
};
// What it changes besides.
constexpr std::string_view kChanged[] = {
    "UPDATE ledgers SET sequence = sequence + 1, book_time = book_time + 1 WHERE plan = 'p'",
    "UPDATE accounts SET debits_minor_units = debits_minor_units + 1 WHERE plan = 'p' AND account = 'reserved.lbf'",
    "UPDATE accounts SET debits_minor_units = debits_minor_units + 1 WHERE plan = 'p' AND account = 'released.lbf'",
    "UPDATE account_days SET debits_minor_units = debits_minor_units + 1 WHERE plan = 'p' AND account = 'reserved.lbf'",
    "UPDATE account_days SET credits_minor_units = credits_minor_units + 1 WHERE plan = 'p' AND account = 'released.lbf'",
    "UPDATE budget_lines SET revision = revision + 1 WHERE plan = 'p' AND budget_line = '0001'"};

std::string Literal(storage::Rows::Value const& value) {
  if (auto const* const number = std::get_if<std::int64_t>(&value)) return absl::StrCat(*number);
  if (auto const* const truth = std::get_if<bool>(&value)) return *truth ? "TRUE" : "FALSE";
  if (auto const* const text = std::get_if<std::string>(&value)) return absl::StrCat("'", *text, "'");
  if (auto const* const bytes = std::get_if<std::vector<std::byte>>(&value)) {
    std::string hex;
    for (auto const byte : *bytes) absl::StrAppendFormat(&hex, "%02x", static_cast<unsigned>(byte));
    return absl::StrCat("'\\x", hex, "'");
  }
  return "NULL";
}

// A pgbench script that writes what one call for `batch` reservations writes. What a call writes once (idempotency, audit, event)
// it writes once.
std::string Script(Ledger& ledger, int batch) {
  std::string script = "\\set base random(1, 9000000)\nBEGIN;\n";
  for (auto const change : kChanged) absl::StrAppend(&script, Av(change), ";\n");
  Must("sample", ledger.database().Read({}, [&](storage::ReadTransaction& tx) -> absl::Status {
    for (auto const& target : kInserted) {
      storage::Statement const select(storage::Statement::Dynamic{
          "bench.sample", absl::StrCat("SELECT * FROM ", Av(target.table), " WHERE ", Av(target.where), " LIMIT 1")});
      auto const rows = tx.Query(select, {});
      if (!rows.ok()) return rows.status();
      std::vector<std::string> columns, values;
      for (std::size_t i = 0; i < rows->columns().size(); ++i) {
        auto const& column = rows->columns()[i];
        // The engine numbers events itself.
        if (target.table == "events" && (column == "number" || column == "xid")) continue;
        columns.push_back(column);
        values.push_back(column == target.unique ? std::string(target.value) : Literal(rows->At(0, i)));
      }
      bool const once = target.table == "events" || target.table == "idempotency" || target.table == "audit";
      absl::StrAppend(&script, "INSERT INTO ", Av(target.table), " (", absl::StrJoin(columns, ", "), ") SELECT ",
                      absl::StrJoin(values, ", "), " FROM (SELECT 100000000000 + :base::bigint * 10000 + :client_id * ", kBatch,
                      " + n AS id FROM generate_series(1, ", once ? 1 : batch, ") AS n) AS ids ON CONFLICT DO NOTHING;\n");
    }
    return absl::OkStatus();
  }));
  return script + "COMMIT;\n";
}

double Pgbench(std::string const& connection, std::string const& folder, std::string const& script, int callers) {
  std::ofstream(folder + "/postings.sql") << script;
  auto const command =
      absl::StrFormat("/usr/lib/postgresql/15/bin/pgbench -n -M prepared -c %d -j 2 -T %d -f %s/postings.sql \"%s\" 2>&1",
                      callers, absl::ToInt64Seconds(kRound), folder, connection);
  FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[512];
  while (fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
  pclose(pipe);
  auto const at = output.find("tps = ");
  if (at == std::string::npos) Fail("pgbench", absl::InternalError(output));
  return std::atof(output.c_str() + at + 6);
}

// Postings a second: many callers with one each, one caller with one, one caller with a batch.
struct Rates {
  double many = 0;
  double one = 0;
  double batched = 0;
};

template <typename AnyLedger>
Rates Measure(AnyLedger& ledger) {
  auto const single = [&](int, std::int64_t) { ledger.Reserve(); };
  return {RoundsPerSecond(kCallers, kRound, single), RoundsPerSecond(1, kRound, single),
          kBatch * RoundsPerSecond(1, kRound, [&](int, std::int64_t) { ledger.ReserveBatch(kBatch); })};
}

void ReportRates(std::string_view door, std::string_view engine, Rates const& ours, Rates const& reference, double bar) {
  auto const where = absl::StrCat(", ", Av(engine), ", ", Av(door), ", ");
  Report(absl::StrCat("posting one at a time", where, kCallers, " callers, one plan"), ours.many, reference.many, "postings/s",
         bar);
  Report(absl::StrCat("posting one at a time", where, "1 caller"), ours.one, reference.one, "postings/s", 0);
  Report(absl::StrCat("postings in batches of 1,000", where, "1 caller"), ours.batched, reference.batched, "postings/s", 0);
}

// Both engines and both doors against pgbench on a PostgreSQL that is set up as one that keeps what it was told.
void AgainstPgbench(std::string const& roles_file, std::string const& bin) {
  Folder folder;
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  Rates pgbench;
  {
    auto const connection = server.NewDatabase();
    Ledger ledger({.postgres = connection, .connections = kCallers}, folder.path(), roles_file);
    ledger.Reserve();
    auto const one = Script(ledger, 1);
    auto const many = Script(ledger, kBatch);
    auto const ours = Measure(ledger);
    pgbench = {Pgbench(connection, folder.path(), one, kCallers), Pgbench(connection, folder.path(), one, 1),
               kBatch * Pgbench(connection, folder.path(), many, 1)};
    ReportRates("in process", "PostgreSQL", ours, pgbench, 0.7);
  }
  auto const path = folder.path() + "/ledger.db";
  {
    Ledger ledger({.sqlite_path = path}, folder.path(), roles_file);
    ReportRates("in process", "SQLite", Measure(ledger), pgbench, 0);
  }
  {
    GatewayLedger ledger({"--sqlite", path}, roles_file, bin);
    ReportRates("gateway", "SQLite", Measure(ledger), pgbench, 0);
  }
  auto const connection = server.NewDatabase();
  { Ledger const filled({.postgres = connection}, folder.path(), roles_file); }
  GatewayLedger ledger({"--postgres", connection}, roles_file, bin);
  ReportRates("gateway", "PostgreSQL", Measure(ledger), pgbench, 0);
}

struct Read {
  std::string_view what;
  std::function<void(Ledger&)> once;
};

// Balance, balance of a date, and the first page of each report.
std::vector<Read> Reads() {
  fv1::GetAccountRequest account;
  account.set_name("plans/p/accounts/released.lbf");
  auto of_date = account;
  SetDate(*of_date.mutable_as_of_date(), 100);
  fv1::GetBudgetReportRequest report;
  report.set_parent("plans/p");
  report.add_group_by(fv1::REPORT_DIMENSION_FOCUS_AREA);
  fv1::ListPostingsRequest postings;
  postings.set_parent("plans/p");
  auto const get = [](auto const& request) {
    return [request](Ledger& ledger) { ledger.Call<fv1::Account>("LedgerService/GetAccount", request); };
  };
  return {
      {"balance", get(account)},
      {"balance as of a date", get(of_date)},
      {"budget report", [report](Ledger& ledger) { ledger.Call<fv1::BudgetReport>("ReportService/GetBudgetReport", report); }},
      {"first page of postings",
       [postings](Ledger& ledger) { ledger.Call<fv1::ListPostingsResponse>("LedgerService/ListPostings", postings); }}};
}

// Two plans in stores of their own take turns.
void AtSize(std::string const& roles_file, int postings) {
  testing::PostgresFixture server;
  for (bool const sqlite : {true, false}) {
    Folder const small_folder, large_folder;
    auto const storage = [&](Folder const& folder) {
      server::StorageOptions options;
      if (sqlite) {
        options.sqlite_path = folder.path() + "/size.db";
      } else {
        options.postgres = server.NewDatabase();
      }
      return options;
    };
    Ledger small(storage(small_folder), small_folder.path(), roles_file);
    Ledger large(storage(large_folder), large_folder.path(), roles_file);
    small.ReserveBatch(kBatch);
    for (int done = 0; done < postings; done += kBatch) large.ReserveBatch(kBatch);
    Analyze(small.database());
    Analyze(large.database());
    for (auto const& read : Reads()) {
      ReportInTurns(
          absl::StrCat(Av(read.what), ", ", sqlite ? "SQLite" : "PostgreSQL", ", ", postings, " postings against a thousand"),
          [&] { read.once(large); }, [&] { read.once(small); }, "reads/s", 0.7);
    }
  }
}

}  // namespace

void BenchPostings(std::string const& roles_file, std::string const& bin, int postings) {
  AgainstPgbench(roles_file, bin);
  AtSize(roles_file, postings);
}

}  // namespace helhed::bench
