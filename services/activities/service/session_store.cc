#include "services/activities/service/session_store.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/local_time.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/times.h"

namespace helhed::activities {
namespace {

using storage::Statement;

constexpr std::int64_t kDayMicros = 86'400'000'000;

// No session is longer than a day, so that one which is under way at $3 began within the day before.
Statement const kBookings("activities.bookings",
                          "SELECT activity, session, start_time, end_time FROM sessions WHERE plan = $1 AND room = $2 "
                          "AND state = 1 AND room IS NOT NULL AND start_time > $3 AND start_time < $4 ORDER BY start_time");
Statement const kToCome("activities.sessions_to_come",
                        "SELECT session FROM sessions WHERE plan = $1 AND activity = $2 AND state = 1 AND start_time > $3 "
                        "ORDER BY start_time");
Statement const kSeriesToCome("activities.sessions_of_series_to_come",
                              "SELECT session FROM sessions WHERE plan = $1 AND activity = $2 AND series = $3 AND state = 1 "
                              "AND start_time > $4 ORDER BY start_time");

std::int64_t Micros(google::protobuf::Timestamp const& time) { return absl::ToUnixMicros(TimeOf(time)); }

absl::Status RoomTaken(v1::Session const& wanted, std::string const& by, std::int64_t start, std::int64_t end) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ROOM_TAKEN, "the room is booked at that time",
               {{"room", wanted.room()},
                {"session", by},
                {"start_time", Rfc3339(absl::FromUnixMicros(start))},
                {"end_time", Rfc3339(absl::FromUnixMicros(end))},
                {"wanted_start_time", Rfc3339(TimeOf(wanted.start_time()))}});
}

absl::Status CheckAmong(std::span<v1::Session const> sessions) {
  for (std::size_t i = 1; i < sessions.size(); ++i) {
    if (Micros(sessions[i].start_time()) >= Micros(sessions[i - 1].end_time())) continue;
    return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_SESSIONS_OVERLAP,
                 "sessions of the series would book the room at the same time", {{"room", sessions[i].room()}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SetTimes(v1::Session& session, std::string_view field) {
  ASSIGN_OR_RETURN(auto const start, ReadLocal(session.local_start(), field));
  *session.mutable_start_time() = Stamp(start);
  *session.mutable_end_time() = Stamp(start + absl::Minutes(session.duration_minutes()));
  return absl::OkStatus();
}

absl::Status RequireScheduled(v1::Session const& session) {
  if (session.state() == v1::SESSION_STATE_SCHEDULED) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SESSION_CANCELLED, "the session was cancelled",
               {{"session", session.name()}});
}

absl::Status BookRoom(WriteTransaction& tx, std::span<v1::Session const> sessions) {
  if (sessions.empty() || sessions.front().room().empty()) return absl::OkStatus();
  std::string const& room = sessions.front().room();
  auto const plan = PlanOf(sessions.front().name());
  if (PlanOf(room) != plan) return BadRequest({{"room", "must be a room of the plan"}});
  RETURN_IF_ERROR(tx.Get<v1::Room>(room).status());
  RETURN_IF_ERROR(CheckAmong(sessions));
  RETURN_IF_ERROR(tx.Lock("room " + room));
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kBookings, {contract::LastPart(plan), contract::LastPart(room),
                                        Micros(sessions.front().start_time()) - kDayMicros, Micros(sessions.back().end_time())}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto const start = rows.Int64(row, 2);
    auto const end = rows.Int64(row, 3);
    auto const by = absl::StrCat(plan, "/activities/", rows.Text(row, 0), "/sessions/", rows.Text(row, 1));
    // Sessions start in order and do not overlap: the first that ends after the booking began is the only one that may meet it.
    auto const met = std::partition_point(sessions.begin(), sessions.end(),
                                          [&](v1::Session const& session) { return Micros(session.end_time()) <= start; });
    if (met == sessions.end() || Micros(met->start_time()) >= end || met->name() == by) continue;
    return RoomTaken(*met, by, start, end);
  }
  return absl::OkStatus();
}

absl::Status AppendSessionChanged(WriteTransaction& tx, v1::Session const& session) {
  v1::SessionChanged event;
  *event.mutable_session() = session;
  event.mutable_session()->clear_responsible();
  return tx.Append(event, session.name(), PlanOf(session.name()));
}

absl::Status SaveSession(WriteTransaction& tx, v1::Session& session) {
  session.set_sequence(session.sequence() + 1);
  RETURN_IF_ERROR(tx.Update(session));
  return AppendSessionChanged(tx, session);
}

absl::Status CancelSessionsToCome(WriteTransaction& tx, std::string_view name, std::string_view reason) {
  auto const [plan, activity] = KeyOf(name);
  auto const above = ActivityOf(name);
  auto const now = absl::ToUnixMicros(tx.call().Now());
  auto const rows = name.size() == above.size() ? tx.Query(kToCome, {plan, activity, now})
                                                : tx.Query(kSeriesToCome, {plan, activity, contract::LastPart(name), now});
  RETURN_IF_ERROR(rows.status());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    ASSIGN_OR_RETURN(auto session, tx.Get<v1::Session>(absl::StrCat(above, "/sessions/", rows->Text(row, 0))));
    session.set_state(v1::SESSION_STATE_CANCELLED);
    session.set_cancel_reason(std::string(reason));
    RETURN_IF_ERROR(SaveSession(tx, session));
  }
  return absl::OkStatus();
}

}  // namespace helhed::activities
