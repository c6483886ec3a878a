#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/database.h"
#include "services/platform/storage/errors.h"
#include "services/platform/storage/pool.h"
#include "services/platform/storage/sqlite_connection.h"

// SQLite with one writer. All writes and all checkpoints run on one thread and one connection: writers never meet SQLITE_BUSY,
// many share one fsync, and the corruption that a checkpoint racing a commit can cause (SQLite 3.7.0 to 3.51.2, the "WAL-reset
// bug") cannot happen.
namespace helhed::storage {
namespace {

using WriteUnit = absl::FunctionRef<absl::Status(WriteTransaction&)>;
using ReadUnit = absl::FunctionRef<absl::Status(ReadTransaction&)>;

// How long the first write of a batch waits at most for others that come while it runs.
constexpr auto kBatchTime = std::chrono::milliseconds(5);
// After this long without a write the log is moved into the database.
constexpr auto kIdleTime = std::chrono::seconds(1);
// Frames (pages of 4 KiB) after which the log is moved, and after which the writer waits for readers to let go of it.
constexpr int kCheckpointFrames = 1000;
constexpr int kRestartFrames = 16'384;

// A failed statement fails its transaction, as it does on PostgreSQL: what follows gives the same error, and nothing is
// committed.
class SqliteTransaction final : public WriteTransaction {
 public:
  explicit SqliteTransaction(SqliteConnection& connection) : connection_(connection) {}

  Engine engine() const override { return Engine::kSqlite; }

  absl::StatusOr<Rows> Query(Statement const& statement, std::span<Bind const> binds) override {
    RETURN_IF_ERROR(Failed());
    auto rows = connection_.Query(statement, binds);
    failed_ = rows.status();
    return rows;
  }

  absl::StatusOr<std::int64_t> Execute(Statement const& statement, std::span<Bind const> binds) override {
    RETURN_IF_ERROR(Failed());
    auto changed = connection_.Execute(statement, binds);
    failed_ = changed.status();
    return changed;
  }

  absl::Status Enqueue(Statement const& statement, std::span<Bind const> binds, Explain explain) override {
    if (!failed_.ok()) return enqueued_failed_ ? absl::OkStatus() : failed_;
    absl::Status const status = connection_.Execute(statement, binds).status();
    if (status.ok()) return status;
    absl::Status explained = explain ? explain(status) : status;
    failed_ = explained.ok() ? status : std::move(explained);
    // The caller learns of it where it would on PostgreSQL: with the next statement that it waits for.
    enqueued_failed_ = true;
    return absl::OkStatus();
  }

  absl::Status Lock(std::string_view /*key*/) override { return enqueued_failed_ ? absl::OkStatus() : failed_; }

  absl::Status RunScript(std::string_view script) {
    failed_ = connection_.RunScript(script);
    return failed_;
  }

  // What has failed, which the caller knows from now on.
  absl::Status const& Failed() {
    enqueued_failed_ = false;
    return failed_;
  }

 private:
  SqliteConnection& connection_;
  absl::Status failed_;
  bool enqueued_failed_ = false;
};

// A write that waits for its turn. Shared by the caller and the writer, as either may be the last to look at it.
struct Unit {
  Unit(Limits const& unit_limits, WriteUnit unit_run) : limits(unit_limits), run(unit_run) {}

  enum class State {
    kWaiting,
    // The writer has it; the caller must wait for the outcome, however long ago its deadline was.
    kRunning,
    // The caller has gone; `run` must not be called.
    kAbandoned,
    kDone,
  };

  Limits const limits;
  WriteUnit const run;
  std::mutex mutex;
  std::condition_variable_any changed;
  State state = State::kWaiting;
  absl::Status outcome;

  bool Claim() {
    std::lock_guard const lock(mutex);
    if (state != State::kWaiting) return false;
    state = State::kRunning;
    return true;
  }

  void Finish(absl::Status status) {
    {
      std::lock_guard const lock(mutex);
      outcome = std::move(status);
      state = State::kDone;
    }
    changed.notify_all();
  }

  absl::Status Await() {
    std::unique_lock lock(mutex);
    absl::Status const waited = WaitFor(changed, lock, limits, [&] { return state == State::kDone; });
    if (!waited.ok() && state == State::kWaiting) {
      state = State::kAbandoned;
      return waited;
    }
    changed.wait(lock, [&] { return state == State::kDone; });
    return std::move(outcome);
  }
};

// The thread that writes, and what waits for it.
class Writer {
 public:
  Writer(std::unique_ptr<SqliteConnection> connection, SqliteOptions const& options)
      : connection_(std::move(connection)),
        batch_max_(static_cast<std::size_t>(std::max(1, options.batch_max))),
        queue_max_(static_cast<std::size_t>(std::max(1, options.queue_max))),
        thread_([this] { Loop(); }) {}

  // Finishes what waits, then moves the whole log into the database.
  ~Writer() {
    {
      std::lock_guard const lock(mutex_);
      stopping_ = true;
    }
    arrived_.notify_all();
    thread_.join();
  }

  absl::Status Write(Limits const& limits, WriteUnit run) {
    if (std::this_thread::get_id() == thread_.get_id()) {
      return StatementFailed("write", "a write cannot begin within a write");
    }
    RETURN_IF_ERROR(CheckLimits(limits));
    auto const unit = std::make_shared<Unit>(limits, run);
    {
      std::lock_guard const lock(mutex_);
      if (queue_.size() >= queue_max_) return Overloaded("too many writes wait for the store");
      queue_.push_back(unit);
    }
    arrived_.notify_one();
    return unit->Await();
  }

 private:
  struct Ran {
    std::shared_ptr<Unit> unit;
    absl::Status status;
  };

  std::shared_ptr<Unit> Pop() {
    std::lock_guard const lock(mutex_);
    if (queue_.empty()) return nullptr;
    auto unit = std::move(queue_.front());
    queue_.pop_front();
    return unit;
  }

  // False when the writer shall stop and nothing waits.
  bool AwaitWork() {
    std::unique_lock lock(mutex_);
    auto const has_work = [&] { return stopping_ || !queue_.empty(); };
    while (!has_work()) {
      if (connection_->wal_pending() == 0) {
        arrived_.wait(lock, has_work);
      } else if (!arrived_.wait_until(lock, std::chrono::system_clock::now() + kIdleTime, has_work)) {
        lock.unlock();
        Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
        lock.lock();
        // What readers hold back is left for the next write to move.
        arrived_.wait(lock, has_work);
      }
    }
    return !queue_.empty();
  }

  void Loop() {
    while (AwaitWork()) {
      std::vector<Ran> batch = RunBatch();
      for (Ran& ran : batch) ran.unit->Finish(std::move(ran.status));
      if (connection_->wal_frames() >= kRestartFrames) {
        Checkpoint(SQLITE_CHECKPOINT_RESTART);
      } else if (connection_->wal_pending() >= kCheckpointFrames) {
        Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
      }
    }
    Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
  }

  // A failed checkpoint loses nothing: the log stays, and a damaged disk shows at the next commit.
  void Checkpoint(int mode) {
    Limits const limits{.deadline = absl::Now() + absl::Milliseconds(200), .stop = {}};
    connection_->SetLimits(&limits);
    connection_->Checkpoint(mode).IgnoreError();
    connection_->SetLimits(nullptr);
  }

  std::vector<Ran> RunBatch() {
    std::vector<Ran> batch;
    absl::Status status = Begin();
    auto const end = std::chrono::steady_clock::now() + kBatchTime;
    while (batch.size() < batch_max_ && (batch.empty() || std::chrono::steady_clock::now() < end)) {
      std::shared_ptr<Unit> unit = Pop();
      if (unit == nullptr) break;
      if (!unit->Claim()) continue;
      batch.push_back({std::move(unit), status});
      if (!status.ok()) continue;
      batch.back().status = RunUnit(*batch.back().unit);
      if (!connection_->InTransaction()) status = RunAgain(batch);
    }
    if (status.ok()) status = Commit();
    if (status.ok()) return batch;
    for (Ran& ran : batch) {
      if (ran.status.ok()) ran.status = status;
    }
    return batch;
  }

  absl::Status Begin() {
    RETURN_IF_ERROR(broken_);
    return connection_->Control("BEGIN IMMEDIATE");
  }

  absl::Status Commit() {
    absl::Status const status = connection_->Control("COMMIT");
    if (status.ok()) return status;
    if (connection_->InTransaction()) connection_->Control("ROLLBACK").IgnoreError();
    // After a failed fsync the system may have thrown the pages away and call the next one a success
    // (https://wiki.postgresql.org/wiki/Fsync_Errors): only what is read anew from the disk can be trusted.
    if (status.code() == absl::StatusCode::kUnavailable) {
      broken_ = StoreUnavailable("a commit failed; the process must be restarted");
    }
    return status;
  }

  absl::Status RunUnit(Unit const& unit) {
    RETURN_IF_ERROR(CheckLimits(unit.limits));
    RETURN_IF_ERROR(connection_->Control("SAVEPOINT unit"));
    connection_->SetLimits(&unit.limits);
    SqliteTransaction transaction(*connection_);
    absl::Status status = unit.run(transaction);
    if (status.ok()) status = transaction.Failed();
    if (status.ok()) status = CheckLimits(unit.limits);
    if (status.ok() && connection_->HasDeferredViolations()) status = ReferenceBroken("commit", "");
    connection_->SetLimits(nullptr);
    // An interrupted write, or a full disk, has rolled back everything: see RunAgain.
    if (!connection_->InTransaction()) return status.ok() ? Conflict("commit") : status;
    absl::Status ended = status.ok() ? absl::OkStatus() : connection_->Control("ROLLBACK TO unit");
    if (ended.ok()) ended = connection_->Control("RELEASE unit");
    if (!ended.ok()) {
      // What the unit did must not stay.
      connection_->Control("ROLLBACK").IgnoreError();
      return ended;
    }
    return status;
  }

  // SQLite has rolled back the transaction on account of the last unit, which has failed. Those before it did nothing wrong: they
  // run again. Each round drops at least one, so it ends.
  absl::Status RunAgain(std::vector<Ran>& batch) {
    bool lost = true;
    while (lost) {
      RETURN_IF_ERROR(Begin());
      lost = false;
      for (Ran& ran : batch) {
        if (!ran.status.ok()) continue;
        ran.status = RunUnit(*ran.unit);
        if (!connection_->InTransaction()) {
          lost = true;
          break;
        }
      }
    }
    return absl::OkStatus();
  }

  std::unique_ptr<SqliteConnection> connection_;
  std::size_t const batch_max_;
  std::size_t const queue_max_;
  // Set when the file cannot be trusted any more.
  absl::Status broken_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool stopping_ = false;
  std::deque<std::shared_ptr<Unit>> queue_;
  // Last, as it uses all of the above.
  std::thread thread_;
};

// The lock that keeps a second process out: SQLite itself would let it in, and then there would be two writers.
class ProcessLock {
 public:
  static absl::StatusOr<ProcessLock> Take(std::string const& path) {
    int const fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return StoreUnavailable(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
    ProcessLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      return absl::FailedPreconditionError(absl::StrCat(path, " is locked: another process has the store open"));
    }
    return lock;
  }
  ProcessLock(ProcessLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ProcessLock& operator=(ProcessLock&&) = delete;
  ~ProcessLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit ProcessLock(int fd) : fd_(fd) {}
  int fd_;
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(SqliteOptions options, ProcessLock lock, std::unique_ptr<SqliteConnection> writer)
      : options_(std::move(options)), lock_(std::move(lock)), writer_(std::in_place, std::move(writer), options_) {}

  // The last connection to a file moves its log, so the readers go first.
  ~SqliteDatabase() override { readers_.reset(); }

  absl::Status OpenReaders() {
    for (int i = 0; i < std::max(1, options_.readers); ++i) {
      ASSIGN_OR_RETURN(auto reader, SqliteConnection::Open(options_, SqliteConnection::Mode::kRead));
      readers_->Add(std::move(reader));
    }
    return absl::OkStatus();
  }

  Engine engine() const override { return Engine::kSqlite; }

  absl::Status Read(Limits const& limits, ReadUnit unit) override {
    RETURN_IF_ERROR(CheckLimits(limits));
    ASSIGN_OR_RETURN(auto const reader, readers_->Take(limits));
    RETURN_IF_ERROR(reader->Control("BEGIN"));
    reader->SetLimits(&limits);
    SqliteTransaction transaction(*reader);
    absl::Status status = unit(transaction);
    if (status.ok()) status = transaction.Failed();
    reader->SetLimits(nullptr);
    absl::Status const ended = reader->InTransaction() ? reader->Control("ROLLBACK") : absl::OkStatus();
    return status.ok() ? ended : status;
  }

  absl::Status Write(Limits const& limits, WriteUnit unit) override { return writer_->Write(limits, unit); }

  absl::Status RunScript(std::string_view script, Statement const& then, std::span<Bind const> binds) override {
    return writer_->Write({}, [&](WriteTransaction& transaction) -> absl::Status {
      RETURN_IF_ERROR(static_cast<SqliteTransaction&>(transaction).RunScript(script));
      return transaction.Execute(then, binds).status();
    });
  }

  absl::StatusOr<std::string> Explain(Statement const& statement) override {
    ASSIGN_OR_RETURN(auto const reader, readers_->Take({}));
    std::string const text = absl::StrCat("EXPLAIN QUERY PLAN ", statement.text(Engine::kSqlite));
    sqlite3_stmt* handle = nullptr;
    int code = ::sqlite3_prepare_v2(reader->handle(), text.c_str(), -1, &handle, nullptr);
    std::string plan;
    while (code == SQLITE_OK && (code = ::sqlite3_step(handle)) == SQLITE_ROW) {
      absl::StrAppend(&plan, reinterpret_cast<char const*>(::sqlite3_column_text(handle, 3)), "\n");
      code = SQLITE_OK;
    }
    absl::Status const status = code == SQLITE_DONE ? absl::OkStatus() : reader->StatusOf(code, statement.name());
    ::sqlite3_finalize(handle);
    if (!status.ok()) return status;
    return plan;
  }

  absl::Status Ping(Limits const& limits) override {
    static Statement const kPing(Statement::Dynamic{.name = "storage.ping", .text = "SELECT 1"});
    return Read(limits, [](ReadTransaction& transaction) { return transaction.Query(kPing, {}).status(); });
  }

 private:
  SqliteOptions const options_;
  // Released last, when nothing touches the file any more.
  ProcessLock lock_;
  std::optional<Writer> writer_;
  std::optional<Pool<SqliteConnection>> readers_{std::in_place};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(SqliteOptions options) {
  ASSIGN_OR_RETURN(ProcessLock lock, ProcessLock::Take(options.path + ".lock"));
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(options, SqliteConnection::Mode::kWrite));
  auto database = std::make_unique<SqliteDatabase>(std::move(options), std::move(lock), std::move(writer));
  RETURN_IF_ERROR(database->OpenReaders());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace helhed::storage
