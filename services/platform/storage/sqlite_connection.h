#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sqlite3.h>

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/platform/storage/database.h"

namespace helhed::storage {

// One connection to a SQLite file, used by one thread at a time.
class SqliteConnection {
 public:
  enum class Mode { kRead, kWrite };
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(SqliteOptions const& options, Mode mode);
  ~SqliteConnection();
  SqliteConnection(SqliteConnection const&) = delete;
  SqliteConnection& operator=(SqliteConnection const&) = delete;

  // What statements may use from now on; null for no limits. It must live until the next call.
  void SetLimits(Limits const* limits) { limits_ = limits; }

  absl::StatusOr<Rows> Query(Statement const& statement, std::span<Bind const> binds);
  absl::StatusOr<std::int64_t> Execute(Statement const& statement, std::span<Bind const> binds);
  // A statement of the engine's own (BEGIN, SAVEPOINT ...), kept prepared, not subject to the limits.
  absl::Status Control(std::string_view text);
  // Every statement of a script.
  absl::Status RunScript(std::string_view script);

  // Whether a transaction is open. An interrupted or failed write may have ended it (see sqlite3_interrupt).
  bool InTransaction() const { return ::sqlite3_get_autocommit(handle_) == 0; }
  // Whether rows break foreign keys that are checked at commit.
  bool HasDeferredViolations() const;
  // Frames in the write-ahead log, and how many of them are not in the database yet.
  int wal_frames() const { return wal_frames_; }
  int wal_pending() const { return wal_frames_ - wal_moved_; }
  // Moves the log into the database; `mode` as for sqlite3_wal_checkpoint_v2. What readers still need stays.
  absl::Status Checkpoint(int mode);

  sqlite3* handle() const { return handle_; }
  // The status for a result code, with what the connection says about it.
  absl::Status StatusOf(int code, std::string_view statement) const;

 private:
  // A statement that is prepared, and where its parameters stand.
  struct Prepared {
    std::string text;
    sqlite3_stmt* handle = nullptr;
    // For each of SQLite's parameters, in order, which bind it takes.
    std::vector<std::size_t> parameters;
    std::size_t bind_count = 0;
    // The columns' names, while the statement has not been compiled anew since (a changed schema does that).
    std::shared_ptr<std::vector<std::string> const> columns;
    int compilations = 0;
  };

  SqliteConnection() = default;
  absl::Status Configure(SqliteOptions const& options, Mode mode);
  static int OnProgress(void* self);
  static int OnWal(void* self, sqlite3* handle, char const* database, int frames);

  absl::StatusOr<Prepared*> Prepare(std::string_view text, std::string_view name);
  absl::StatusOr<Prepared> Compile(std::string_view text, std::string_view name);
  absl::StatusOr<Prepared*> Start(Statement const& statement, std::span<Bind const> binds);
  absl::Status BindAll(Prepared const& prepared, Statement const& statement, std::span<Bind const> binds);
  absl::StatusOr<std::vector<Rows::Value>> ReadRow(Prepared const& prepared, Statement const& statement) const;
  static void Reset(Prepared& prepared);
  static void ReadColumns(Prepared& prepared);

  sqlite3* handle_ = nullptr;
  Limits const* limits_ = nullptr;
  int wal_frames_ = 0;
  int wal_moved_ = 0;
  // Prepared statements, the latest used first.
  std::list<Prepared> prepared_;
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_text_;
};

}  // namespace helhed::storage
