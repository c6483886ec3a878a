#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <span>
#include <string_view>

#include "helhed/activities/v1/session.pb.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// Sets when a session starts and ends, from its clock and duration. Errors as ReadLocal, about `field`.
absl::Status SetTimes(v1::Session& session, std::string_view field);

// FAILED_PRECONDITION ROOM_TAKEN when another session has the room of one of these, which start in order and are of one room;
// INVALID_ARGUMENT SESSIONS_OVERLAP when they are in each other's way. OK without a room. Nobody else books the room until the
// transaction ends.
absl::Status BookRoom(WriteTransaction& tx, std::span<v1::Session const> sessions);

// FAILED_PRECONDITION SESSION_CANCELLED.
absl::Status RequireScheduled(v1::Session const& session);

// Stores a changed session with the next number of its sequence, and says so.
absl::Status SaveSession(WriteTransaction& tx, v1::Session& session);
absl::Status AppendSessionChanged(WriteTransaction& tx, v1::Session const& session);

// Cancels the sessions of an activity, or of a series of it, that have not begun, and gives their rooms back. The activity's
// seats are locked.
absl::Status CancelSessionsToCome(WriteTransaction& tx, std::string_view activity_or_series, std::string_view reason);

}  // namespace helhed::activities
