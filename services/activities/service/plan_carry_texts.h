#pragma once

#include <string_view>

// What the statements that carry an activity over and those that carry it back have in common. $1, $2 are the activity that the
// rows are taken from, $3, $4 the one that gets them, $5 is the merge. Rooms are called by other names in the other plan.
namespace helhed::activities::carry {

inline constexpr std::string_view kSeriesInto =
    "INSERT INTO series (plan, activity, series, recurrence_rule, local_start, duration_minutes, room, responsible, "
    "session_count, revision, create_time, update_time) "
    "SELECT $3, $4, s.series, s.recurrence_rule, s.local_start, s.duration_minutes, ";
inline constexpr std::string_view kSeriesFrom =
    ", s.responsible, s.session_count, 1, s.create_time, s.update_time FROM series s WHERE s.plan = $1 AND s.activity = $2 ";

inline constexpr std::string_view kExceptions =
    "INSERT INTO series_exceptions (plan, activity, series, exception_date) "
    "SELECT $3, $4, series, exception_date FROM series_exceptions WHERE plan = $1 AND activity = $2 ";

inline constexpr std::string_view kSessionsInto =
    "INSERT INTO sessions (plan, activity, session, local_start, duration_minutes, start_time, end_time, room, responsible, "
    "state, series, former_start_time, cancel_reason, sequence, revision, create_time, update_time) "
    "SELECT $3, $4, s.session, s.local_start, s.duration_minutes, s.start_time, s.end_time, ";
inline constexpr std::string_view kSessionsFrom =
    ", s.responsible, s.state, s.series, s.former_start_time, s.cancel_reason, s.sequence, 1, s.create_time, s.update_time "
    "FROM sessions s WHERE s.plan = $1 AND s.activity = $2 ";

// 5 and 6: expired and cancelled.
inline constexpr std::string_view kRegistrations =
    "INSERT INTO registrations (plan, activity, registration, resident, state, queue_number, offer_expire_time, cancel_reason, "
    "revision, create_time, update_time) SELECT $3, $4, registration, resident, state, queue_number, offer_expire_time, "
    "cancel_reason, 1, create_time, update_time FROM registrations WHERE plan = $1 AND activity = $2 ";

// Of indicators: $2 and $4 are theirs.
inline constexpr std::string_view kMeasurements =
    "INSERT INTO measurements (plan, indicator, measurement, date, value, source, revision, create_time, update_time) "
    "SELECT $3, $4, measurement, date, value, source, 1, create_time, update_time FROM measurements "
    "WHERE plan = $1 AND indicator = $2 ";

// The room `s.room` of a predecessor as the successor calls it, and the other way.
inline constexpr std::string_view kRoomThere =
    "(SELECT c.id FROM merge_carries c WHERE c.plan = $3 AND c.merge = $5 AND c.kind = 1 AND c.from_plan = s.plan "
    "AND c.from_id = s.room)";
inline constexpr std::string_view kRoomBack =
    "(SELECT c.from_id FROM merge_carries c WHERE c.plan = s.plan AND c.merge = $5 AND c.kind = 1 AND c.from_plan = $3 "
    "AND c.id = s.room)";

}  // namespace helhed::activities::carry
