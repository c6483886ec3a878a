#include "services/platform/events/event_log.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <compare>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "helhed_migrations/events.h"
#include "services/platform/base/status.h"

namespace helhed::events {
namespace {

using storage::Statement;

constexpr std::string_view kPurpose = "cursor";
constexpr std::string_view kEnd = "$end";
constexpr std::int64_t kScanRows = 200;
constexpr std::size_t kBatchBytes = 1 << 20;
constexpr int kPollFastest = 50;  // milliseconds
constexpr int kPollSlowest = 100;
constexpr int kPollStep = 5;
constexpr std::int64_t kEventsWaitingMax = 10'000;

// Where an event stands. SQLite numbers alone: there the epoch and the transaction id are 0. A transaction id is 64 bits without
// a sign, for which SQL has no integer type: it crosses the border as text.
struct Position {
  std::int64_t epoch = 0;
  std::uint64_t xid = 0;
  std::int64_t number = 0;
  auto operator<=>(Position const&) const = default;
};

Statement const kIdentity("events.identity", "SELECT log FROM event_log WHERE one = 1");

// On PostgreSQL a transaction's first event takes its place, and the others stand behind it, up to a million: nobody else's
// stands between them. The transaction's own id would not do for a place: it is handed out at a transaction's first write or row
// lock, and of two that want the same row the one with the later id may get it first. The newest id that had ended when the event
// is appended is no earlier than that of whoever held the row before.
Statement const kAppend(
    "events.append", "INSERT INTO events (type, time, event) VALUES ($1, $2, $3)",
    "INSERT INTO events (epoch, xid, number, type, time, event) OVERRIDING SYSTEM VALUE "
    "VALUES ((SELECT epoch FROM event_log WHERE one = 1), "
    "coalesce(nullif(current_setting('helhed.event_xid', true), ''), set_config('helhed.event_xid', "
    "greatest(pg_current_xact_id(), (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text::xid8)::text, "
    "true))::xid8, "
    "set_config('helhed.event_number', coalesce(nullif(current_setting('helhed.event_number', true), '')::bigint + 1, "
    "nextval('events_number_seq') << 20)::text, true)::bigint, $1, $2, $3)");

// A cluster's next transaction id lies above every one that it has handed out. If the log holds one that does not, it was
// restored from another cluster. The row lock makes replicas that start together begin one epoch and not two: the second one
// looks again, at the new epoch, which has no events.
Statement const kBeginEpoch(
    "events.begin_epoch", "UPDATE event_log SET floor_number = floor_number WHERE one = 1 AND floor_number < 0",
    "UPDATE event_log SET epoch = epoch + 1 WHERE one = 1 AND "
    "((floor_epoch = epoch AND floor_xid >= pg_snapshot_xmax(pg_current_snapshot())) OR EXISTS (SELECT 1 FROM events "
    "WHERE events.epoch = event_log.epoch AND events.xid >= pg_snapshot_xmax(pg_current_snapshot())))");

// A transaction can append early and commit late, and two transactions can take numbers in one order and ids in the other. Both
// are settled when neither runs any more, so every read ends below pg_snapshot_xmin(), the oldest transaction id that was running
// when the statement's snapshot was taken: an event's id is never below its transaction's, so whatever lies below has ended and
// can be seen in that same snapshot. Events of earlier epochs are all settled, whatever their ids.
//
// The floor and the newest position come with the events in one statement, so that they are of the same instant: otherwise a trim
// in between could take events from a reader that was told that nothing is missing.
Statement const kRead(
    "events.read",
    "SELECT 0 AS floor_epoch, '0' AS floor_xid, l.floor_number, "
    "0 AS last_epoch, '0' AS last_xid, (SELECT max(number) FROM events) AS last_number, $1 AS epoch, $2 AS xid, e.number, "
    "CASE WHEN $4 = '' OR instr($4, char(10) || e.type || char(10)) > 0 THEN e.event END AS event "
    "FROM event_log l LEFT JOIN events e ON e.number > $3 WHERE l.one = 1 ORDER BY e.number LIMIT $5",
    "SELECT l.floor_epoch, l.floor_xid::text AS floor_xid, l.floor_number, n.epoch AS last_epoch, n.xid::text AS last_xid, "
    "n.number AS last_number, e.epoch, e.xid::text AS xid, e.number, e.event FROM event_log l "
    "LEFT JOIN (SELECT epoch, xid, number FROM events WHERE epoch > 0 "
    "ORDER BY epoch DESC, xid DESC, number DESC LIMIT 1) n ON TRUE "
    "LEFT JOIN (SELECT epoch, events.xid, number, "
    "CASE WHEN $4::text = '' OR strpos($4::text, chr(10) || type || chr(10)) > 0 THEN event END AS event "
    "FROM events WHERE (epoch, events.xid, number) > ($1::bigint, $2::text::xid8, $3::bigint) AND (epoch, events.xid) < "
    "((SELECT epoch FROM event_log WHERE one = 1), pg_snapshot_xmin(pg_current_snapshot())) "
    "ORDER BY epoch, events.xid, number LIMIT $5) e ON TRUE WHERE l.one = 1 ORDER BY e.epoch, e.xid, e.number");

// Where the log ends for a reader: the newest event that can be read, or the floor when there is none.
Statement const kEndOfLog(
    "events.end",
    "SELECT 0 AS floor_epoch, '0' AS floor_xid, floor_number, 0 AS epoch, '0' AS xid, (SELECT max(number) FROM events) AS number "
    "FROM event_log WHERE one = 1",
    "SELECT l.floor_epoch, l.floor_xid::text AS floor_xid, l.floor_number, e.epoch, e.xid::text AS xid, e.number FROM event_log "
    "l "
    "LEFT JOIN (SELECT epoch, events.xid, number FROM events WHERE (epoch, events.xid) < "
    "((SELECT epoch FROM event_log WHERE one = 1), pg_snapshot_xmin(pg_current_snapshot())) "
    "ORDER BY epoch DESC, events.xid DESC, number DESC LIMIT 1) e ON TRUE WHERE l.one = 1");

Statement const kOldest("events.oldest",
                        "SELECT 0 AS epoch, '0' AS xid, number, time FROM events WHERE number > 0 ORDER BY number LIMIT $1",
                        "SELECT epoch, events.xid::text AS xid, number, time FROM events WHERE (epoch, events.xid) < "
                        "((SELECT epoch FROM event_log WHERE one = 1), pg_snapshot_xmin(pg_current_snapshot())) "
                        "ORDER BY epoch, events.xid, number LIMIT $1");

Statement const kRemove("events.remove", "DELETE FROM events WHERE number <= $3 AND $1 >= 0 AND $2 >= ''",
                        "DELETE FROM events WHERE (epoch, xid, number) <= ($1::bigint, $2::text::xid8, $3::bigint)");

Statement const kRaiseFloor("events.raise_floor", "UPDATE event_log SET floor_number = $3 WHERE one = 1 AND $1 >= 0 AND $2 >= ''",
                            "UPDATE event_log SET floor_epoch = $1, floor_xid = $2::text::xid8, floor_number = $3 WHERE one = 1");

// Transactions that only read have no id and hold nothing back; prepared ones (two-phase commit) do, for as long as they stand.
Statement const kHorizonAge(
    "events.horizon_age", "SELECT 0 AS age",
    "SELECT coalesce(max((extract(epoch FROM clock_timestamp() - since) * 1000000)::bigint), 0) AS age FROM "
    "(SELECT xact_start AS since FROM pg_stat_activity WHERE backend_xid IS NOT NULL "
    "UNION ALL SELECT prepared FROM pg_prepared_xacts) running");

Statement const kWaiting("events.waiting", "SELECT 0 AS waiting WHERE $1 >= 0",
                         "SELECT count(*) AS waiting FROM (SELECT 1 FROM events WHERE (epoch, xid) >= "
                         "((SELECT epoch FROM event_log WHERE one = 1), pg_snapshot_xmin(pg_current_snapshot())) LIMIT $1) held");

// The position in three columns from `first` on; nullopt when they are NULL.
absl::StatusOr<std::optional<Position>> PositionAt(storage::Rows const& rows, std::size_t row, std::size_t first) {
  if (rows.IsNull(row, first + 2)) return std::nullopt;
  Position position{.epoch = rows.Int64(row, first), .xid = 0, .number = rows.Int64(row, first + 2)};
  if (!absl::SimpleAtoi(Av(rows.Text(row, first + 1)), &position.xid)) {
    return absl::DataLossError("a transaction id in the event log is not a number");
  }
  return position;
}

absl::Status CursorInvalid(std::string_view why) {
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_CURSOR_INVALID, why);
}

std::string JoinTypes(std::span<std::string const> types) {
  std::string joined;
  if (types.empty()) return joined;
  joined = "\n";
  for (auto const& type : types) absl::StrAppend(&joined, type, "\n");
  return joined;
}

struct Subscription {
  std::mutex mutex;
  std::function<void()> wake;  // empty when it has ended
};

}  // namespace

struct EventLog::State {
  State(storage::Database& its_database, storage::TokenSealer const& its_sealer) : database(its_database), sealer(its_sealer) {}

  storage::Database& database;
  storage::TokenSealer const& sealer;
  std::string log;

  std::atomic<std::uint64_t> generation{0};
  mutable std::atomic<int> poll_millis{kPollFastest};
  std::mutex mutex;  // guards what follows
  std::uint64_t next_subscription = 1;
  std::map<std::uint64_t, std::shared_ptr<Subscription>> subscriptions;

  std::string Seal(Position const& position) const {
    return sealer.Seal(kPurpose, Sv(absl::StrCat(log, " ", position.epoch, " ", position.xid, " ", position.number)));
  }
  absl::StatusOr<Position> Unseal(std::string_view cursor) const;
  absl::StatusOr<Position> End(storage::Limits const& limits) const;

  // A read on its way: `at` moves past every event that was looked at, wanted or not.
  struct Progress {
    std::string types;  // each between line feeds; empty for all
    std::int64_t rows_max = 0;
    std::size_t events_max = 0;
    bool from_oldest = false;  // wherever that is
    Position at;
    std::string cursor;  // of `at`, or empty when it is not made yet
    std::vector<v1::Event> events;
    std::size_t bytes = 0;
    bool more = false;  // the batch has room and the log may have further events
  };
  absl::Status ReadStep(storage::Limits const& limits, Progress& progress) const;
  absl::Status CheckPosition(storage::Rows const& rows, Progress& progress) const;
  // False when the event does not fit into the batch any more.
  absl::StatusOr<bool> Take(storage::Rows const& rows, std::size_t row, Progress& progress) const;
};

absl::StatusOr<Position> EventLog::State::Unseal(std::string_view cursor) const {
  auto const content = sealer.Open(kPurpose, cursor);
  if (!content) return CursorInvalid("The cursor was altered or is of another event log; start with an empty one or `$end`.");
  std::vector<std::string> const parts = absl::StrSplit(*content, ' ');
  Position position;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &position.epoch) || !absl::SimpleAtoi(parts[2], &position.xid) ||
      !absl::SimpleAtoi(parts[3], &position.number)) {
    return CursorInvalid("The cursor is of a version that is no longer understood; start with an empty one or `$end`.");
  }
  if (parts[0] != log) return CursorInvalid("The cursor is of another event log; start with an empty one or `$end`.");
  return position;
}

absl::StatusOr<Position> EventLog::State::End(storage::Limits const& limits) const {
  Position end;
  RETURN_IF_ERROR(database.Read(limits, [&](storage::ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kEndOfLog, {}));
    if (rows.empty()) return absl::DataLossError("the table event_log has lost its row");
    ASSIGN_OR_RETURN(auto const floor, PositionAt(rows, 0, 0));
    ASSIGN_OR_RETURN(auto const newest, PositionAt(rows, 0, 3));
    end = newest.value_or(*floor);
    return absl::OkStatus();
  }));
  return end;
}

absl::Status EventLog::State::CheckPosition(storage::Rows const& rows, Progress& progress) const {
  if (rows.empty()) return absl::DataLossError("the table event_log has lost its row");
  ASSIGN_OR_RETURN(auto const floor, PositionAt(rows, 0, 0));
  ASSIGN_OR_RETURN(auto const last, PositionAt(rows, 0, 3));
  if (progress.from_oldest) {
    progress.from_oldest = false;
    progress.at = *floor;
    return absl::OkStatus();
  }
  if (progress.at < *floor) {
    return Error(absl::StatusCode::kOutOfRange, common::v1::ERROR_REASON_CURSOR_TOO_OLD,
                 "The event log no longer reaches back to this cursor: events are missing from here on. Read the state anew and "
                 "go on from `oldest_cursor`.",
                 {{"oldest_cursor", Seal(*floor)}});
  }
  if (progress.at > last.value_or(*floor)) {
    return CursorInvalid("The cursor lies ahead of the event log, which was restored to an earlier state. Read the state anew.");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> EventLog::State::Take(storage::Rows const& rows, std::size_t row, Progress& progress) const {
  ASSIGN_OR_RETURN(auto const position, PositionAt(rows, row, 6));
  if (rows.IsNull(row, 9)) {
    progress.cursor.clear();
  } else {
    auto const bytes = rows.Blob(row, 9);
    auto& events = progress.events;
    if (events.size() >= progress.events_max || (!events.empty() && progress.bytes + bytes.size() > kBatchBytes)) return false;
    v1::Event event;
    if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::DataLossError("the event log holds an event that cannot be read");
    }
    progress.bytes += bytes.size();
    progress.cursor = Seal(*position);
    event.set_cursor(progress.cursor);
    events.push_back(std::move(event));
  }
  progress.at = *position;
  return true;
}

absl::Status EventLog::State::ReadStep(storage::Limits const& limits, Progress& progress) const {
  std::string const xid = absl::StrCat(progress.at.xid);
  storage::Rows rows;
  RETURN_IF_ERROR(database.Read(limits, [&](storage::ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(rows, tx.Query(kRead, {progress.at.epoch, std::string_view(xid), progress.at.number,
                                            std::string_view(progress.types), progress.rows_max}));
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(CheckPosition(rows, progress));
  progress.more = false;
  if (rows.IsNull(0, 8)) return absl::OkStatus();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ASSIGN_OR_RETURN(bool const taken, Take(rows, row, progress));
    if (!taken) return absl::OkStatus();
  }
  progress.more = static_cast<std::int64_t>(rows.size()) == progress.rows_max && progress.events.size() < progress.events_max;
  return absl::OkStatus();
}

std::span<storage::Migration const> EventLog::Migrations() { return migrations::EventsMigrations(); }

EventLog::EventLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLog::~EventLog() = default;

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(storage::Database& database, storage::TokenSealer const& sealer) {
  auto state = std::make_unique<State>(database, sealer);
  absl::Status const status = database.Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute(kBeginEpoch, {}).status());
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kIdentity, {}));
    if (rows.empty()) return absl::DataLossError("the table event_log has lost its row");
    state->log = rows.Text(0, 0);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(status);
  return std::unique_ptr<EventLog>(new EventLog(std::move(state)));
}

absl::Status EventLog::Append(storage::WriteTransaction& tx, v1::Event const& event) {
  std::string const bytes = event.SerializeAsString();
  std::int64_t const micros = event.time().seconds() * 1'000'000 + event.time().nanos() / 1000;
  std::array<storage::Bind, 3> const binds = {std::string_view(event.type()), micros, std::as_bytes(std::span(bytes))};
  return tx.Enqueue(kAppend, binds);
}

void EventLog::Appended() {
  state_->generation.fetch_add(1);
  std::vector<std::shared_ptr<Subscription>> subscriptions;
  {
    std::lock_guard const lock(state_->mutex);
    subscriptions.reserve(state_->subscriptions.size());
    for (auto const& [id, subscription] : state_->subscriptions) subscriptions.push_back(subscription);
  }
  for (auto const& subscription : subscriptions) {
    std::lock_guard const lock(subscription->mutex);
    if (subscription->wake) subscription->wake();
  }
}

absl::StatusOr<EventLog::Batch> EventLog::Read(storage::Limits const& limits, std::string_view cursor, int limit,
                                               std::span<std::string const> types) {
  if (cursor == kEnd) {
    ASSIGN_OR_RETURN(auto const end, state_->End(limits));
    return Batch{.events = {}, .next_cursor = state_->Seal(end)};
  }
  State::Progress progress{.types = JoinTypes(types),
                           .rows_max = types.empty() ? std::min<std::int64_t>(kScanRows, limit) : kScanRows,
                           .events_max = static_cast<std::size_t>(limit),
                           .from_oldest = cursor.empty(),
                           .at = {},
                           .cursor = std::string(cursor),
                           .events = {}};
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(progress.at, state_->Unseal(cursor));
  }
  auto const start = progress.at;
  do {
    RETURN_IF_ERROR(state_->ReadStep(limits, progress));
  } while (progress.more);
  if (progress.cursor.empty()) progress.cursor = state_->Seal(progress.at);
  state_->poll_millis = progress.at != start ? kPollFastest : std::min(kPollSlowest, state_->poll_millis.load() + kPollStep);
  return Batch{.events = std::move(progress.events), .next_cursor = std::move(progress.cursor)};
}

absl::StatusOr<std::int64_t> EventLog::Trim(storage::Limits const& limits, absl::Time before, int limit) {
  std::int64_t removed = 0;
  absl::Status const status = state_->database.Write(limits, [&](storage::WriteTransaction& tx) -> absl::Status {
    removed = 0;
    RETURN_IF_ERROR(tx.Lock("events/trim"));
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kOldest, {static_cast<std::int64_t>(limit)}));
    std::size_t count = 0;
    while (count < rows.size() && rows.Int64(count, 3) < absl::ToUnixMicros(before)) ++count;
    if (count == 0) return absl::OkStatus();
    std::int64_t const epoch = rows.Int64(count - 1, 0);
    std::string_view const xid = rows.Text(count - 1, 1);
    std::int64_t const number = rows.Int64(count - 1, 2);
    ASSIGN_OR_RETURN(removed, tx.Execute(kRemove, {epoch, xid, number}));
    return tx.Execute(kRaiseFloor, {epoch, xid, number}).status();
  });
  RETURN_IF_ERROR(status);
  return removed;
}

std::uint64_t EventLog::Subscribe(std::function<void()> wake) {
  auto subscription = std::make_shared<Subscription>();
  subscription->wake = std::move(wake);
  std::lock_guard const lock(state_->mutex);
  std::uint64_t const id = state_->next_subscription++;
  state_->subscriptions.emplace(id, std::move(subscription));
  return id;
}

void EventLog::Unsubscribe(std::uint64_t id) {
  std::shared_ptr<Subscription> subscription;
  {
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->subscriptions.find(id);
    if (found == state_->subscriptions.end()) return;
    subscription = std::move(found->second);
    state_->subscriptions.erase(found);
  }
  std::lock_guard const lock(subscription->mutex);
  subscription->wake = nullptr;
}

std::uint64_t EventLog::generation() const { return state_->generation.load(); }

absl::Duration EventLog::poll_interval() const {
  if (state_->database.engine() == storage::Engine::kSqlite) return absl::InfiniteDuration();
  return absl::Milliseconds(state_->poll_millis.load());
}

absl::StatusOr<EventLog::Lag> EventLog::MeasureLag(storage::Limits const& limits) {
  Lag lag;
  RETURN_IF_ERROR(state_->database.Read(limits, [&](storage::ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto const age, tx.Query(kHorizonAge, {}));
    ASSIGN_OR_RETURN(auto const waiting, tx.Query(kWaiting, {kEventsWaitingMax}));
    lag.horizon_age = absl::Microseconds(age.Int64(0, 0));
    lag.events_waiting = waiting.Int64(0, 0);
    return absl::OkStatus();
  }));
  return lag;
}

}  // namespace helhed::events
