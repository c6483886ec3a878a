#include "services/platform/storage/sqlite_connection.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/errors.h"

namespace helhed::storage {
namespace {

constexpr std::size_t kPreparedMax = 256;
// Instructions of SQLite's machine between two looks at the limits: some tenths of a millisecond.
constexpr int kProgressInstructions = 10'000;
constexpr int kSqlBytesMax = 1'000'000;

int BindOne(sqlite3_stmt* statement, int index, Bind const& bind) {
  struct Visitor {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::nullptr_t) const { return ::sqlite3_bind_null(statement, index); }
    int operator()(bool value) const { return ::sqlite3_bind_int64(statement, index, value ? 1 : 0); }
    int operator()(std::int64_t value) const { return ::sqlite3_bind_int64(statement, index, value); }
    // A null pointer would bind NULL, and an empty view may have one.
    int operator()(std::string_view text) const {
      return ::sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(Bytes bytes) const {
      if (bytes.empty()) return ::sqlite3_bind_zeroblob(statement, index, 0);
      return ::sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Visitor{statement, index}, bind);
}

// What a constraint error is about: `UNIQUE constraint failed: dwellings.organisation, dwellings.dwelling`.
std::string_view ConstraintIn(std::string_view message) {
  std::size_t const at = message.find("constraint failed: ");
  return at == std::string_view::npos ? std::string_view() : message.substr(at + std::string_view("constraint failed: ").size());
}

absl::Status ConstraintStatus(int extended, std::string_view message, std::string_view statement) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return UniqueBroken(statement, ConstraintIn(message));
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return ReferenceBroken(statement, ConstraintIn(message));
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_NOTNULL:
      return CheckBroken(statement, ConstraintIn(message));
    case SQLITE_CONSTRAINT_TRIGGER:
      return CheckBroken(statement, message);
    default:
      return StatementFailed(statement, message);
  }
}

}  // namespace

absl::Status SqliteConnection::StatusOf(int code, std::string_view statement) const {
  int const extended = ::sqlite3_extended_errcode(handle_);
  std::string_view const message = ::sqlite3_errmsg(handle_);
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      return ConstraintStatus(extended, message, statement);
    case SQLITE_INTERRUPT:
      return limits_ != nullptr && limits_->stop.stop_requested() ? Cancelled() : DeadlineExceeded();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Conflict(statement);
    case SQLITE_FULL:
      return Overloaded("the disk is full");
    case SQLITE_NOMEM:
      return Overloaded("the store has no memory left");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return StoreUnavailable(absl::StrCat(Av(message), " (", extended, ")"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StoreDamaged(message);
    default:
      return StatementFailed(statement, absl::StrCat(Av(message), " (", extended, ")"));
  }
}

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(SqliteOptions const& options, Mode mode) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection);
  // No mutex: a connection is used by one thread at a time.
  int const flags =
      SQLITE_OPEN_NOMUTEX | (mode == Mode::kWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  int const code = ::sqlite3_open_v2(options.path.c_str(), &connection->handle_, flags, nullptr);
  if (code != SQLITE_OK) return connection->StatusOf(code, absl::StrCat("open ", options.path));
  RETURN_IF_ERROR(connection->Configure(options, mode));
  return connection;
}

absl::Status SqliteConnection::Configure(SqliteOptions const& options, Mode mode) {
  // The time to wait comes first, since the others may have to wait. Then as SQLite advises for files that others may have
  // altered (trusted_schema, cell_size_check, defensive), and so that LIKE and quoting mean what they mean on PostgreSQL.
  std::string pragmas = "PRAGMA busy_timeout=5000;";
  if (mode == Mode::kWrite) pragmas += "PRAGMA journal_mode=WAL;";
  absl::StrAppend(&pragmas,
                  "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                  "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536; PRAGMA journal_size_limit=67108864;"
                  "PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0; PRAGMA case_sensitive_like=ON; PRAGMA secure_delete=",
                  options.secure_delete ? "ON;" : "FAST;");
  if (mode == Mode::kRead) pragmas += "PRAGMA query_only=ON;";
  int const code = ::sqlite3_exec(handle_, pragmas.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return StatusOf(code, "configure");
  for (auto const& [option, value] :
       {std::pair(SQLITE_DBCONFIG_DEFENSIVE, 1), std::pair(SQLITE_DBCONFIG_DQS_DML, 0), std::pair(SQLITE_DBCONFIG_DQS_DDL, 0)}) {
    if (::sqlite3_db_config(handle_, option, value, nullptr) != SQLITE_OK) return StoreUnavailable("sqlite3_db_config failed");
  }
  ::sqlite3_limit(handle_, SQLITE_LIMIT_ATTACHED, 0);
  ::sqlite3_limit(handle_, SQLITE_LIMIT_SQL_LENGTH, kSqlBytesMax);
  ::sqlite3_progress_handler(handle_, kProgressInstructions, &SqliteConnection::OnProgress, this);
  if (mode == Mode::kWrite) ::sqlite3_wal_hook(handle_, &SqliteConnection::OnWal, this);
  return absl::OkStatus();
}

SqliteConnection::~SqliteConnection() {
  for (Prepared& prepared : prepared_) ::sqlite3_finalize(prepared.handle);
  ::sqlite3_close(handle_);
}

int SqliteConnection::OnProgress(void* self) {
  Limits const* const limits = static_cast<SqliteConnection*>(self)->limits_;
  return limits != nullptr && !CheckLimits(*limits).ok() ? 1 : 0;
}

int SqliteConnection::OnWal(void* self, sqlite3* /*handle*/, char const* /*database*/, int frames) {
  auto* const connection = static_cast<SqliteConnection*>(self);
  // A log that is shorter than before has begun anew.
  if (frames < connection->wal_frames_) connection->wal_moved_ = 0;
  connection->wal_frames_ = frames;
  return SQLITE_OK;
}

bool SqliteConnection::HasDeferredViolations() const {
  int current = 0;
  int highest = 0;
  ::sqlite3_db_status(handle_, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  return current != 0;
}

absl::Status SqliteConnection::Checkpoint(int mode) {
  int left = 0;
  int moved = 0;
  int const code = ::sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, &left, &moved);
  // Busy means that readers keep it from finishing; the next one will.
  if (code != SQLITE_OK && code != SQLITE_BUSY) return StatusOf(code, "checkpoint");
  wal_frames_ = std::max(0, left);
  wal_moved_ = std::clamp(moved, 0, wal_frames_);
  return absl::OkStatus();
}

absl::StatusOr<SqliteConnection::Prepared> SqliteConnection::Compile(std::string_view text, std::string_view name) {
  Prepared prepared;
  prepared.text = std::string(text);
  char const* rest = nullptr;
  int const code = ::sqlite3_prepare_v3(handle_, prepared.text.c_str(), static_cast<int>(prepared.text.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared.handle, &rest);
  if (code != SQLITE_OK) return StatusOf(code, name);
  std::string_view const more(rest);
  if (prepared.handle == nullptr || more.find_first_not_of(" \n\t;") != std::string_view::npos) {
    ::sqlite3_finalize(prepared.handle);
    return StatementFailed(name, "it must be one statement");
  }
  for (int i = 1; i <= ::sqlite3_bind_parameter_count(prepared.handle); ++i) {
    char const* const parameter = ::sqlite3_bind_parameter_name(prepared.handle, i);
    int number = 0;
    if (parameter == nullptr || parameter[0] != '$' || !absl::SimpleAtoi(parameter + 1, &number) || number < 1) {
      ::sqlite3_finalize(prepared.handle);
      return StatementFailed(name, "its parameters must be $1, $2, ...");
    }
    prepared.parameters.push_back(static_cast<std::size_t>(number - 1));
    prepared.bind_count = std::max(prepared.bind_count, static_cast<std::size_t>(number));
  }
  return prepared;
}

absl::StatusOr<SqliteConnection::Prepared*> SqliteConnection::Prepare(std::string_view text, std::string_view name) {
  if (auto const found = by_text_.find(text); found != by_text_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found->second);
    return &prepared_.front();
  }
  ASSIGN_OR_RETURN(Prepared compiled, Compile(text, name));
  if (prepared_.size() >= kPreparedMax) {
    by_text_.erase(prepared_.back().text);
    ::sqlite3_finalize(prepared_.back().handle);
    prepared_.pop_back();
  }
  prepared_.push_front(std::move(compiled));
  by_text_.emplace(prepared_.front().text, prepared_.begin());
  return &prepared_.front();
}

absl::Status SqliteConnection::BindAll(Prepared const& prepared, Statement const& statement, std::span<Bind const> binds) {
  if (binds.size() != prepared.bind_count) {
    return StatementFailed(statement.name(), absl::StrCat("it has ", prepared.bind_count, " parameters, not ", binds.size()));
  }
  for (std::size_t i = 0; i < prepared.parameters.size(); ++i) {
    int const code = BindOne(prepared.handle, static_cast<int>(i + 1), binds[prepared.parameters[i]]);
    if (code != SQLITE_OK) return StatusOf(code, statement.name());
  }
  return absl::OkStatus();
}

absl::StatusOr<SqliteConnection::Prepared*> SqliteConnection::Start(Statement const& statement, std::span<Bind const> binds) {
  RETURN_IF_ERROR(limits_ == nullptr ? absl::OkStatus() : CheckLimits(*limits_));
  RETURN_IF_ERROR(CheckBinds(statement, binds));
  ASSIGN_OR_RETURN(Prepared* const prepared, Prepare(statement.text(Engine::kSqlite), statement.name()));
  if (absl::Status const bound = BindAll(*prepared, statement, binds); !bound.ok()) {
    Reset(*prepared);
    return bound;
  }
  return prepared;
}

void SqliteConnection::Reset(Prepared& prepared) {
  ::sqlite3_reset(prepared.handle);
  ::sqlite3_clear_bindings(prepared.handle);
}

void SqliteConnection::ReadColumns(Prepared& prepared) {
  int const compilations = ::sqlite3_stmt_status(prepared.handle, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (prepared.columns != nullptr && prepared.compilations == compilations) return;
  auto columns = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < ::sqlite3_column_count(prepared.handle); ++i) {
    columns->emplace_back(::sqlite3_column_name(prepared.handle, i));
  }
  prepared.columns = std::move(columns);
  prepared.compilations = compilations;
}

absl::StatusOr<std::vector<Rows::Value>> SqliteConnection::ReadRow(Prepared const& prepared, Statement const& statement) const {
  std::vector<Rows::Value> row;
  row.reserve(prepared.columns->size());
  for (int i = 0; i < static_cast<int>(prepared.columns->size()); ++i) {
    int const type = ::sqlite3_column_type(prepared.handle, i);
    switch (type) {
      case SQLITE_NULL:
        row.emplace_back(nullptr);
        break;
      case SQLITE_INTEGER:
        row.emplace_back(std::int64_t{::sqlite3_column_int64(prepared.handle, i)});
        break;
      case SQLITE_TEXT: {
        auto const* const text = reinterpret_cast<char const*>(::sqlite3_column_text(prepared.handle, i));
        row.emplace_back(std::string(text, static_cast<std::size_t>(::sqlite3_column_bytes(prepared.handle, i))));
        break;
      }
      case SQLITE_BLOB: {
        auto const* const bytes = static_cast<std::byte const*>(::sqlite3_column_blob(prepared.handle, i));
        row.emplace_back(std::vector<std::byte>(bytes, bytes + ::sqlite3_column_bytes(prepared.handle, i)));
        break;
      }
      default:
        return StatementFailed(statement.name(), absl::StrCat("column ", (*prepared.columns)[static_cast<std::size_t>(i)],
                                                              " is a floating point number"));
    }
  }
  return row;
}

absl::StatusOr<Rows> SqliteConnection::Query(Statement const& statement, std::span<Bind const> binds) {
  ASSIGN_OR_RETURN(Prepared* const prepared, Start(statement, binds));
  std::vector<std::vector<Rows::Value>> rows;
  absl::Status failed;
  int code = 0;
  while (failed.ok() && (code = ::sqlite3_step(prepared->handle)) == SQLITE_ROW) {
    if (rows.empty()) ReadColumns(*prepared);
    auto row = ReadRow(*prepared, statement);
    if (row.ok()) {
      rows.push_back(*std::move(row));
    } else {
      failed = std::move(row).status();
    }
  }
  if (failed.ok() && code != SQLITE_DONE) failed = StatusOf(code, statement.name());
  if (failed.ok() && rows.empty()) ReadColumns(*prepared);
  auto columns = prepared->columns;
  Reset(*prepared);
  if (!failed.ok()) return failed;
  return Rows(std::move(columns), std::move(rows));
}

absl::StatusOr<std::int64_t> SqliteConnection::Execute(Statement const& statement, std::span<Bind const> binds) {
  ASSIGN_OR_RETURN(Prepared* const prepared, Start(statement, binds));
  std::int64_t const before = ::sqlite3_total_changes64(handle_);
  int code = 0;
  while ((code = ::sqlite3_step(prepared->handle)) == SQLITE_ROW) {
  }
  absl::Status const failed = code == SQLITE_DONE ? absl::OkStatus() : StatusOf(code, statement.name());
  Reset(*prepared);
  if (!failed.ok()) return failed;
  // sqlite3_changes leaves out what cascades, as PostgreSQL does, but keeps its value over statements that change nothing.
  return ::sqlite3_total_changes64(handle_) == before ? 0 : std::int64_t{::sqlite3_changes64(handle_)};
}

absl::Status SqliteConnection::Control(std::string_view text) {
  Limits const* const limits = std::exchange(limits_, nullptr);
  auto const prepared = Prepare(text, text);
  absl::Status status = prepared.status();
  if (prepared.ok()) {
    int const code = ::sqlite3_step((*prepared)->handle);
    if (code != SQLITE_DONE && code != SQLITE_ROW) status = StatusOf(code, text);
    ::sqlite3_reset((*prepared)->handle);
  }
  limits_ = limits;
  return status;
}

absl::Status SqliteConnection::RunScript(std::string_view script) {
  std::string const text(script);
  int const code = ::sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : StatusOf(code, "script");
}

}  // namespace helhed::storage
