#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/events/v1/event.pb.h"
#include "services/platform/storage/database.h"
#include "services/platform/storage/list_query.h"
#include "services/platform/storage/migrate.h"

// A service's log of facts: appended in the transaction of the change, read in one order by everybody, from a cursor.
//
// On SQLite the one writer numbers events as it commits them. On PostgreSQL a sequence number is handed out at insert, not at
// commit, so a reader that goes by number alone can pass an event that commits late and never see it. Events are therefore read
// in the order (epoch, transaction id, number), and only below the oldest transaction that still runs. The transaction id is the
// newest that had ended at the append, or the appending one if that is later: who appends after having waited for another
// transaction, whatever for, stands after it. The events of one transaction stand together. The epoch counts restores into
// another cluster, whose transaction ids begin anew.
namespace helhed::events {

class EventLog {
 public:
  // The tables of the log, for the service's migrations.
  static std::span<storage::Migration const> Migrations();

  // Reads the log's identity and, on PostgreSQL, begins a new epoch when the cluster's transaction ids lie behind the log.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(storage::Database& database, storage::TokenSealer const& sealer);
  ~EventLog();

  // Appends within `tx`, of which it should be the last thing, when every lock is held: the events stand after those of whoever
  // held the locks before. Sends no wake-up: call Appended() when the transaction has been committed.
  absl::Status Append(storage::WriteTransaction& tx, v1::Event const& event);
  void Appended();

  struct Batch {
    std::vector<v1::Event> events;  // each with its `cursor`
    std::string next_cursor;
  };
  // Events after `cursor` (see ReadEventsRequest.cursor), at most `limit` and about 1 MiB, only of `types` when that is not
  // empty. Without events there is nothing more for now; `next_cursor` is then `cursor` itself unless events of other types were
  // passed.
  // `$end` stands after the newest event that can be read: one that was committed beside a transaction that still runs may
  // follow. Errors: OUT_OF_RANGE CURSOR_TOO_OLD with the oldest cursor in the metadata; INVALID_ARGUMENT CURSOR_INVALID when it
  // was altered, is of another log, or lies ahead of this one (which was restored to an earlier state).
  absl::StatusOr<Batch> Read(storage::Limits const& limits, std::string_view cursor, int limit,
                             std::span<std::string const> types);

  // Removes the oldest events as long as they happened before `before`, at most `limit` at a time, and returns how many. Cursors
  // before the last of them become too old.
  absl::StatusOr<std::int64_t> Trim(storage::Limits const& limits, absl::Time before, int limit);

  // `wake` is called, on any thread, when something may have been appended by this process. The returned id ends it; afterwards
  // `wake` is not running and will not be called.
  std::uint64_t Subscribe(std::function<void()> wake);
  void Unsubscribe(std::uint64_t id);

  // Counts the calls of Appended(): who remembers it from before a read knows whether a wake-up was missed since.
  std::uint64_t generation() const;

  // How often to look for events that another process appended: shorter while there are some, infinite on SQLite.
  absl::Duration poll_interval() const;

  // The age of the oldest running write transaction, which holds the feed back, and how many committed events wait for it
  // (counted up to 10,000); for metrics.
  struct Lag {
    absl::Duration horizon_age;
    std::int64_t events_waiting = 0;
  };
  absl::StatusOr<Lag> MeasureLag(storage::Limits const& limits);

 private:
  struct State;
  explicit EventLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace helhed::events
