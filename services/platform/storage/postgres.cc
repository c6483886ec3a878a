#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "services/platform/base/random.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/database.h"
#include "services/platform/storage/errors.h"
#include "services/platform/storage/pool.h"
#include "services/platform/storage/postgres_connection.h"

// PostgreSQL over libpq in pipeline mode: BEGIN and the statement timeout travel with the first statement, what is enqueued
// travels with COMMIT, so that a write with one query takes two round trips.
namespace helhed::storage {
namespace {

using AtLimit = PostgresConnection::AtLimit;

constexpr int kVersionMin = 150'000;
constexpr absl::Duration kRollbackTime = absl::Seconds(5);
constexpr absl::Duration kBackoff = absl::Milliseconds(5);

Statement MakeStatement(char const* name, char const* text) { return Statement(Statement::Dynamic{.name = name, .text = text}); }

// Not prepared: making room for them would need a DEALLOCATE, which must not stand before BEGIN.
constexpr char kBeginWrite[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
constexpr char kBeginSnapshot[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr char kCommit[] = "COMMIT";
constexpr char kRollback[] = "ROLLBACK";

Statement const& AdvisoryLock() {
  static Statement const statement = MakeStatement("storage.lock", "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
  return statement;
}

class PostgresTransaction final : public WriteTransaction {
 public:
  enum class Mode {
    // Each query is a transaction of its own, which saves the round trip that ends one.
    kRead,
    kSnapshot,
    kWrite,
  };

  PostgresTransaction(PostgresConnection& connection, Limits const& limits, Mode mode)
      : connection_(connection), limits_(limits), mode_(mode) {}

  Engine engine() const override { return Engine::kPostgres; }

  absl::StatusOr<Rows> Query(Statement const& statement, std::span<Bind const> binds) override {
    ASSIGN_OR_RETURN(PostgresResult const result, Run(statement, binds));
    auto rows = RowsOf(result.get(), statement.name());
    failed_ = rows.status();
    answered_ = true;
    return rows;
  }

  absl::StatusOr<std::int64_t> Execute(Statement const& statement, std::span<Bind const> binds) override {
    ASSIGN_OR_RETURN(PostgresResult const result, Run(statement, binds));
    answered_ = true;
    // The command's tag counts rows that were read as well.
    std::string_view const tag = ::PQcmdStatus(result.get());
    if (!tag.starts_with("INSERT") && !tag.starts_with("UPDATE") && !tag.starts_with("DELETE")) return std::int64_t{0};
    return std::int64_t{std::strtoll(::PQcmdTuples(result.get()), nullptr, 10)};
  }

  absl::Status Enqueue(Statement const& statement, std::span<Bind const> binds, Explain explain) override {
    if (!failed_.ok()) return enqueued_failed_ ? absl::OkStatus() : failed_;
    absl::Status status = Start();
    if (status.ok()) status = connection_.Send(statement, binds, explain);
    if (status.ok()) return status;
    absl::Status explained = explain ? explain(status) : status;
    failed_ = explained.ok() ? status : std::move(explained);
    enqueued_failed_ = true;
    return absl::OkStatus();
  }

  absl::Status Lock(std::string_view key) override {
    Bind const bind = key;
    return Enqueue(AdvisoryLock(), std::span(&bind, 1), nullptr);
  }

  // Begins, and runs a script in the transaction.
  absl::Status RunScript(std::string_view script) {
    RETURN_IF_ERROR(Start());
    RETURN_IF_ERROR(connection_.Round(limits_, AtLimit::kCancel).status());
    failed_ = connection_.RunScript(script);
    return failed_;
  }

  // Commits when `status` is OK, and rolls back otherwise. Returns what the transaction comes to.
  absl::Status End(absl::Status status) {
    if (status.ok()) status = failed_;
    if (status.ok() && mode_ == Mode::kWrite) status = CheckLimits(limits_);
    if (status.ok() && begun_) status = CommitAll();
    // A read may have left something that was never sent.
    if (connection_.usable() && (begun_ ? !committed_ : connection_.has_pending())) RollBack();
    connection_.ForgetLocalTimeout();
    return status;
  }

  // Whether the unit may run again: a read when it has got nothing yet, since it need not be made for a second run; a write when
  // it is certain that it was not committed.
  bool may_run_again() const {
    if (!connection_.may_retry()) return false;
    return mode_ == Mode::kWrite ? !committing_ || !connection_.lost() : !answered_;
  }

 private:
  absl::Status Start() {
    RETURN_IF_ERROR(CheckLimits(limits_));
    if (mode_ != Mode::kRead && !begun_) {
      begun_ = true;
      RETURN_IF_ERROR(connection_.SendText(mode_ == Mode::kWrite ? kBeginWrite : kBeginSnapshot));
    }
    return connection_.SendTimeout(limits_, mode_ != Mode::kRead);
  }

  absl::StatusOr<PostgresResult> Run(Statement const& statement, std::span<Bind const> binds) {
    enqueued_failed_ = false;
    if (failed_.ok()) failed_ = Start();
    if (failed_.ok()) failed_ = connection_.Send(statement, binds);
    RETURN_IF_ERROR(failed_);
    auto result = connection_.Round(limits_, AtLimit::kCancel);
    failed_ = result.status();
    return result;
  }

  absl::Status CommitAll() {
    committing_ = true;
    RETURN_IF_ERROR(connection_.SendText(kCommit));
    ASSIGN_OR_RETURN(PostgresResult const result, connection_.Round(limits_, AtLimit::kAwait));
    committed_ = true;
    // COMMIT of a transaction that has failed succeeds, as ROLLBACK.
    if (std::string_view(::PQcmdStatus(result.get())) != "COMMIT") return StatementFailed("commit", "it was rolled back");
    return absl::OkStatus();
  }

  void RollBack() {
    Limits const limits{.deadline = absl::Now() + kRollbackTime, .stop = {}};
    // After a sync, so that ROLLBACK runs even if what is before it fails.
    absl::Status status = connection_.SendSync();
    if (status.ok() && begun_) status = connection_.SendText(kRollback);
    if (status.ok()) connection_.Round(limits, AtLimit::kCancel).status().IgnoreError();
    if (!status.ok() || !connection_.usable() || ::PQtransactionStatus(connection_.handle()) != PQTRANS_IDLE) {
      connection_.Close();
    }
  }

  PostgresConnection& connection_;
  Limits const& limits_;
  Mode const mode_;
  absl::Status failed_;
  // The failure is of an enqueued statement, and the caller does not know of it yet.
  bool enqueued_failed_ = false;
  bool answered_ = false;
  bool begun_ = false;
  bool committing_ = false;
  bool committed_ = false;
};

// How many parameters a text has: the highest number after a `$`.
int CountParameters(std::string_view text) {
  int count = 0;
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    count = std::max(count, std::atoi(std::string(text.substr(at + 1, 5)).c_str()));
  }
  return count;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(PostgresOptions options) : options_(std::move(options)) {
    for (int i = 0; i < std::max(1, options_.connections); ++i) pool_.Add(std::make_unique<PostgresConnection>(options_));
  }

  Engine engine() const override { return Engine::kPostgres; }

  // FAILED_PRECONDITION when the server or the database is not one that this layer can use.
  absl::Status Check() {
    Limits const limits{.deadline = absl::Now() + absl::Seconds(30), .stop = {}};
    ASSIGN_OR_RETURN(auto const connection, pool_.Take(limits));
    RETURN_IF_ERROR(connection->Open(limits));
    if (int const version = ::PQserverVersion(connection->handle()); version < kVersionMin) {
      return absl::FailedPreconditionError(
          absl::StrCat("PostgreSQL ", version / 10'000, " is too old; 15 is the oldest that is supported"));
    }
    static Statement const kCollation = MakeStatement("storage.collation",
                                                      "SELECT datcollate, datlocprovider::text, pg_encoding_to_char(encoding) "
                                                      "FROM pg_database WHERE datname = current_database()");
    PostgresTransaction transaction(*connection, limits, PostgresTransaction::Mode::kRead);
    auto const rows = transaction.WriteTransaction::ReadTransaction::Query(kCollation, {});
    RETURN_IF_ERROR(transaction.End(rows.status()));
    std::string const& collation = rows->Text(0, 0);
    bool const is_c = collation == "C" || collation == "POSIX" || collation == "C.UTF-8" || collation == "C.utf8";
    if (!is_c || rows->Text(0, 1) != "c") {
      return absl::FailedPreconditionError(
          absl::StrCat("the database's collation is ", collation,
                       "; it must be C or C.UTF-8: CREATE DATABASE ... TEMPLATE template0 LOCALE 'C'"));
    }
    if (rows->Text(0, 2) != "UTF8") {
      return absl::FailedPreconditionError(absl::StrCat("the database's encoding is ", rows->Text(0, 2), "; it must be UTF8"));
    }
    return absl::OkStatus();
  }

  absl::Status Read(Limits const& limits, absl::FunctionRef<absl::Status(ReadTransaction&)> unit) override {
    return Run(limits, limits.snapshot ? PostgresTransaction::Mode::kSnapshot : PostgresTransaction::Mode::kRead,
               [&](PostgresTransaction& transaction) { return unit(transaction); });
  }

  absl::Status Write(Limits const& limits, absl::FunctionRef<absl::Status(WriteTransaction&)> unit) override {
    return Run(limits, PostgresTransaction::Mode::kWrite, [&](PostgresTransaction& transaction) { return unit(transaction); });
  }

  absl::Status RunScript(std::string_view script, Statement const& then, std::span<Bind const> binds) override {
    return Run({}, PostgresTransaction::Mode::kWrite, [&](PostgresTransaction& transaction) -> absl::Status {
      RETURN_IF_ERROR(transaction.RunScript(script));
      return transaction.Execute(then, binds).status();
    });
  }

  absl::StatusOr<std::string> Explain(Statement const& statement) override;

  absl::Status Ping(Limits const& limits) override {
    static Statement const kPing = MakeStatement("storage.ping", "SELECT 1");
    return Read(limits, [](ReadTransaction& transaction) { return transaction.Query(kPing, {}).status(); });
  }

 private:
  absl::Status Run(Limits const& limits, PostgresTransaction::Mode mode,
                   absl::FunctionRef<absl::Status(PostgresTransaction&)> unit) {
    for (int attempt = 0;; ++attempt) {
      RETURN_IF_ERROR(CheckLimits(limits));
      bool again = false;
      absl::Status const status = RunOnce(limits, mode, unit, again);
      if (status.ok() || !again || attempt >= options_.retries_max) return status;
      RETURN_IF_ERROR(Pause(limits, attempt));
    }
  }

  absl::Status RunOnce(Limits const& limits, PostgresTransaction::Mode mode,
                       absl::FunctionRef<absl::Status(PostgresTransaction&)> unit, bool& again) {
    ASSIGN_OR_RETURN(auto const connection, pool_.Take(limits));
    if (absl::Status const opened = connection->Open(limits); !opened.ok()) {
      again = connection->may_retry();
      return opened;
    }
    PostgresTransaction transaction(*connection, limits, mode);
    absl::Status status = transaction.End(unit(transaction));
    again = transaction.may_run_again();
    if (!connection->usable()) connection->Close();
    return status;
  }

  // Twice as long after each attempt, and not the same for all who met.
  static absl::Status Pause(Limits const& limits, int attempt) {
    SystemRandom random;
    double const jitter = 0.5 + static_cast<double>(random.Next() >> 11) / static_cast<double>(1ULL << 53);
    absl::Time const end = std::min(limits.deadline, absl::Now() + kBackoff * (1 << std::min(attempt, 6)) * jitter);
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    WaitFor(never, lock, {.deadline = end, .stop = limits.stop}, [] { return false; }).IgnoreError();
    return CheckLimits(limits);
  }

  PostgresOptions const options_;
  Pool<PostgresConnection> pool_;
};

absl::StatusOr<std::string> PostgresDatabase::Explain(Statement const& statement) {
  std::string const nulls =
      absl::StrJoin(std::vector<std::string>(static_cast<std::size_t>(CountParameters(statement.text(engine()))), "NULL"), ", ");
  std::string plan;
  ASSIGN_OR_RETURN(auto const connection, pool_.Take({}));
  RETURN_IF_ERROR(connection->Open({}));
  // The plan for any value, as though there were many rows: whatever can use an index does, what cannot shows.
  for (char const* const text : {"BEGIN", "SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off",
                                 "SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off"}) {
    RETURN_IF_ERROR(connection->SendText(text));
  }
  RETURN_IF_ERROR(connection->SendText(absl::StrCat("PREPARE helhed_explain AS ", statement.text(engine()))));
  RETURN_IF_ERROR(connection->SendText(
      absl::StrCat("EXPLAIN (COSTS OFF) EXECUTE helhed_explain", nulls.empty() ? "" : absl::StrCat("(", nulls, ")"))));
  auto const result = connection->Round({}, AtLimit::kCancel);
  absl::StatusOr<Rows> rows = result.ok() ? RowsOf(result->get(), statement.name()) : result.status();
  // The prepared statement and whatever else is left ends with the connection.
  connection->Close();
  if (!rows.ok()) return StatementFailed(statement.name(), Sv(rows.status().message()));
  for (std::size_t row = 0; row < rows->size(); ++row) absl::StrAppend(&plan, rows->Text(row, 0), "\n");
  return plan;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenPostgres(PostgresOptions options) {
  auto database = std::make_unique<PostgresDatabase>(std::move(options));
  RETURN_IF_ERROR(database->Check());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace helhed::storage
