#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <libpq-fe.h>

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/platform/storage/database.h"

namespace helhed::storage {

struct ClearResult {
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, ClearResult>;

// One connection to a PostgreSQL server in pipeline mode, used by one thread at a time. Statements are sent with Send and
// gathered by Round, which is one round trip. When the connection is lost, Open makes it anew.
class PostgresConnection {
 public:
  using Explain = WriteTransaction::Explain;

  explicit PostgresConnection(PostgresOptions const& options);
  ~PostgresConnection();
  PostgresConnection(PostgresConnection const&) = delete;
  PostgresConnection& operator=(PostgresConnection const&) = delete;

  // Connects, if it is not connected. UNAVAILABLE when the server cannot be reached.
  absl::Status Open(Limits const& limits);
  void Close();
  // False after a loss, and after whatever leaves in doubt what the server does.
  bool usable() const { return usable_; }
  // Whether the server's last answer did not come.
  bool lost() const { return lost_; }
  bool has_pending() const { return !pending_.empty(); }
  PGconn* handle() const { return handle_; }

  // Queues a statement for the next round. The binds are copied.
  absl::Status Send(Statement const& statement, std::span<Bind const> binds, Explain explain = nullptr);
  // The same for a text without parameters that is not worth preparing.
  absl::Status SendText(std::string_view text);
  // Queues, if the server's limit for a statement is not near what is left of the deadline, a statement that sets it: for the
  // transaction that is open when `local`.
  absl::Status SendTimeout(Limits const& limits, bool local);
  // Marks where the server carries on after an error, in the same round trip.
  absl::Status SendSync();

  // What happens when the limits end while a round runs.
  enum class AtLimit {
    // The server is asked to stop. What was sent is rolled back, as no COMMIT is among it.
    kCancel,
    // A COMMIT is among it: the answer is awaited, since only it tells what happened.
    kAwait,
  };
  // Sends what is queued, with a SendSync, and waits for all answers. Returns that of the last statement before it, or the first
  // error, passed through its `explain`.
  absl::StatusOr<PostgresResult> Round(Limits const& limits, AtLimit at_limit);

  // Runs statements separated by semicolons in the transaction that is open, or each in its own.
  absl::Status RunScript(std::string_view script);

  // To be called when a transaction has ended.
  void ForgetLocalTimeout() { local_timeout_.reset(); }

  // Whether the last error may go away when the transaction is run again: a serialisation failure, a deadlock, or a loss of the
  // connection before COMMIT was sent.
  bool may_retry() const { return may_retry_; }

 private:
  struct Prepared {
    std::string text;
    std::string name;
    // The types that were declared; 0 where only NULL has been bound yet, and the server inferred one.
    std::vector<Oid> types;
  };
  struct Pending {
    enum class Kind { kPrepare, kStatement, kSync } kind;
    std::string statement;
    // Of a kPrepare: what to forget when it fails.
    std::string text;
    Explain explain;
  };

  absl::Status Connect(Limits const& limits);
  absl::StatusOr<Prepared const*> Prepare(Statement const& statement, std::span<Bind const> binds);
  void Forget(std::string_view text);
  absl::Status Await(Limits const& limits, AtLimit at_limit);
  absl::StatusOr<PostgresResult> Next(Limits const& limits, AtLimit at_limit);
  absl::StatusOr<PostgresResult> Gather(Limits const& limits, AtLimit at_limit);
  absl::Status ErrorOf(PGresult const* result, Pending const& pending, Limits const& limits);
  absl::Status Lost(std::string_view why);
  absl::Status SendFailed();
  void Cancel();

  PostgresOptions const& options_;
  PGconn* handle_ = nullptr;
  bool usable_ = false;
  bool may_retry_ = false;
  bool lost_ = false;
  bool cancelled_ = false;
  // Wakes a wait when the caller's stop is requested.
  int wake_ = -1;
  std::deque<Pending> pending_;
  std::uint64_t prepared_count_ = 0;
  // Prepared statements, the latest used first.
  std::list<Prepared> prepared_;
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_text_;
  // statement_timeout in milliseconds, as it is in the session and in the open transaction; 0 is none, nullopt is not known.
  std::optional<std::int64_t> session_timeout_;
  std::optional<std::int64_t> local_timeout_;
};

// The rows of an answer. INTERNAL when a column is of a type that Rows does not have.
absl::StatusOr<Rows> RowsOf(PGresult const* result, std::string_view statement);

}  // namespace helhed::storage
