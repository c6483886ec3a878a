#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// SQL on two engines, SQLite and PostgreSQL, behind one interface. One SQL text serves both wherever possible: `$1`, `$2`, ...
// placeholders, RETURNING, ON CONFLICT and common table expressions mean the same on both, LIKE minds case, and text sorts by its
// bytes. What differs must be written out: the name of a computed column (AS), where NULLs sort (NULLS LAST), LIKE's ESCAPE.
namespace helhed::storage {

enum class Engine { kSqlite, kPostgres };

// What one unit of work may use. It ends with DEADLINE_EXCEEDED or CANCELLED, between statements and within one.
struct Limits {
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop{};
  // For reads: every query of the unit sees one and the same state. SQLite always gives that; PostgreSQL gives each query the
  // latest unless it is asked (REPEATABLE READ).
  bool snapshot = false;
};

// A value to bind. Text is UTF-8, bytes are opaque; both are views that must outlive the call they are passed to. There is no
// floating point.
using Bytes = std::span<std::byte const>;
using Bind = std::variant<std::nullptr_t, bool, std::int64_t, std::string_view, Bytes>;

// A text that is stored as NULL where it is empty.
inline Bind OrNull(std::string_view text) { return text.empty() ? Bind(nullptr) : Bind(text); }

// A statement that is prepared once per connection and known by its name in metrics, logs and the test that explains every one
// of them. Objects with static storage register themselves under `name`, `<service>.<what_it_does>`, which must be unique.
class Statement {
 public:
  // For objects with static storage; both views must be literals.
  Statement(std::string_view name, std::string_view text);
  // For text made at run time, of which there must be few shapes (a list with its filter): not registered.
  struct Dynamic {
    std::string name;
    std::string text;
  };
  explicit Statement(Dynamic dynamic);

  // With one text for each engine, for the rare statement that cannot be the same.
  Statement(std::string_view name, std::string_view sqlite_text, std::string_view postgres_text);

  std::string const& name() const { return name_; }
  std::string const& text(Engine engine) const { return engine == Engine::kSqlite ? text_ : postgres_text_; }

 private:
  std::string name_;
  std::string text_;
  std::string postgres_text_;
};

// Every registered statement, by name. Used by the test that explains them.
std::vector<Statement const*> RegisteredStatements();

// The answer to a query, held in memory. Columns are found by index or name; a value read as a type it does not have, or a column
// that is not there, is a programming error and ends the process.
class Rows {
 public:
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, std::string, std::vector<std::byte>>;

  Rows() = default;
  Rows(std::shared_ptr<std::vector<std::string> const> columns, std::vector<std::vector<Value>> rows)
      : columns_(std::move(columns)), rows_(std::move(rows)) {}

  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  std::vector<std::string> const& columns() const;
  // The index of a column, or nullopt.
  std::optional<std::size_t> Column(std::string_view name) const;

  Value const& At(std::size_t row, std::size_t column) const { return rows_[row][column]; }
  bool IsNull(std::size_t row, std::size_t column) const;
  // SQLite has no booleans: a BOOLEAN column reads as bool on both engines through Bool, and integers read through Int64.
  bool Bool(std::size_t row, std::size_t column) const;
  std::int64_t Int64(std::size_t row, std::size_t column) const;
  std::string const& Text(std::size_t row, std::size_t column) const;
  std::span<std::byte const> Blob(std::size_t row, std::size_t column) const;

 private:
  std::shared_ptr<std::vector<std::string> const> columns_;
  std::vector<std::vector<Value>> rows_;
};

// A consistent view of the store. On PostgreSQL READ COMMITTED unless the read was asked to be a snapshot.
//
// A failed statement fails its transaction: what follows gives the same error, and nothing is committed even if the unit returns
// OK. What may fail and go on is written so that it does not fail (ON CONFLICT DO NOTHING).
class ReadTransaction {
 public:
  virtual ~ReadTransaction() = default;
  virtual absl::StatusOr<Rows> Query(Statement const& statement, std::span<Bind const> binds) = 0;
  absl::StatusOr<Rows> Query(Statement const& statement, std::initializer_list<Bind> binds) {
    return Query(statement, std::span<Bind const>(binds.begin(), binds.size()));
  }
  virtual Engine engine() const = 0;
};

class WriteTransaction : public ReadTransaction {
 public:
  // Runs a statement and returns how many rows it changed.
  virtual absl::StatusOr<std::int64_t> Execute(Statement const& statement, std::span<Bind const> binds) = 0;
  absl::StatusOr<std::int64_t> Execute(Statement const& statement, std::initializer_list<Bind> binds) {
    return Execute(statement, std::span<Bind const>(binds.begin(), binds.size()));
  }

  // Sends a statement without waiting for it: on PostgreSQL it travels with what follows, in one round trip. Its binds are
  // copied. Its error, passed through `explain` if that is given, is what the next Query or Execute, or else the transaction,
  // returns.
  using Explain = std::function<absl::Status(absl::Status)>;
  virtual absl::Status Enqueue(Statement const& statement, std::span<Bind const> binds, Explain explain = nullptr) = 0;

  // Takes a lock that other writes with the same key wait for until this transaction ends. SQLite has one writer and needs none.
  virtual absl::Status Lock(std::string_view key) = 0;
};

// Errors of all calls below, besides what the statements themselves say:
//   ALREADY_EXISTS       a unique or primary key is taken; metadata payload: see ConstraintOf
//   FAILED_PRECONDITION  a foreign key, check or NOT NULL is broken; see ConstraintOf
//   INVALID_ARGUMENT     a text to bind is not UTF-8 or holds a zero byte
//   INTERNAL             the statement itself is wrong
//   ABORTED              serialisation failure or deadlock; the layer has already tried again and given up
//   DEADLINE_EXCEEDED, CANCELLED   by Limits; nothing was changed
//   RESOURCE_EXHAUSTED   too much is waiting, or the disk is full
//   UNAVAILABLE          the store cannot be reached; a write's outcome may be unknown, which its idempotency record settles
//   DATA_LOSS            the store is damaged
class Database {
 public:
  virtual ~Database() = default;

  virtual Engine engine() const = 0;

  // Runs `unit`, which cannot write. It runs on the caller's thread; it may run again only if the connection was lost before it
  // got an answer.
  virtual absl::Status Read(Limits const& limits, absl::FunctionRef<absl::Status(ReadTransaction&)> unit) = 0;

  // Runs `unit` in a transaction and commits it durably when it returns OK; otherwise nothing has happened. `unit` may run more
  // than once (a serialisation failure is retried), and on another thread than the caller's: it must not touch what a second run
  // would spoil, and not write to the database but through its transaction.
  virtual absl::Status Write(Limits const& limits, absl::FunctionRef<absl::Status(WriteTransaction&)> unit) = 0;

  // Runs a script of several statements separated by semicolons, as migrations are, in a transaction of its own with the given
  // further statement.
  virtual absl::Status RunScript(std::string_view script, Statement const& then, std::span<Bind const> binds) = 0;

  // The plan of a statement, one line a step, as the engine explains it. For tests and the slow-query log.
  virtual absl::StatusOr<std::string> Explain(Statement const& statement) = 0;

  // OK when the store answers now.
  virtual absl::Status Ping(Limits const& limits) = 0;
};

// The name of the constraint that an error is about (a table's name and columns on SQLite), or empty.
std::string ConstraintOf(absl::Status const& status);

struct SqliteOptions {
  std::string path;
  int readers = 4;
  // Most writes that share one commit, and most that may wait.
  int batch_max = 256;
  int queue_max = 4096;
  // secure_delete overwrites what is deleted; services with personal data keep it on.
  bool secure_delete = true;
};

struct PostgresOptions {
  // A libpq connection string; several hosts and target_session_attrs=read-write make it follow a failover.
  std::string connection_string;
  // Read from a file and never logged.
  std::string password;
  int connections = 8;
  int retries_max = 5;
};

// Opens a store that exists or can be made. Errors: FAILED_PRECONDITION when another process has the file open, when the server
// is older than 15, or when the database's collation is not C (names and keys must sort the same on both engines, and must not
// change with an upgrade of the C library).
absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(SqliteOptions options);
absl::StatusOr<std::unique_ptr<Database>> OpenPostgres(PostgresOptions options);

}  // namespace helhed::storage
