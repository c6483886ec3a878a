#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <string>
#include <string_view>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/session.pb.h"
#include "helhed/activities/v1/volunteer.pb.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// Domain rule P8: FAILED_PRECONDITION CLEARANCE_NEEDED when children may come to the activity and the volunteer has no clearance
// that is valid on the day of the session. `volunteer` is the last part of the name.
absl::Status CheckCleared(ReadTransaction& tx, v1::Activity const& activity, v1::Session const& session,
                          std::string_view volunteer);

// The same for everybody who is on the session, with whom there is an agreement on its day, too (RequireAgreed).
absl::Status CheckOnSession(ReadTransaction& tx, v1::Activity const& activity, v1::Session const& session);

// P8 for the sessions of an activity that are to come.
absl::Status CheckSessionsToCome(ReadTransaction& tx, v1::Activity const& activity);

// FAILED_PRECONDITION VOLUNTEER_LEFT.
absl::Status RequireThere(v1::Volunteer const& volunteer);
// The same, or VOLUNTEER_NOT_AGREED when there is no agreement with the volunteer on the day.
absl::Status RequireAgreed(v1::Volunteer const& volunteer, absl::CivilDay day);

// Takes a volunteer off every session to come, or off those that P8 does not allow. `volunteer` is a full name.
enum class TakeOff { kAll, kNotCleared };
absl::Status TakeOffSessions(WriteTransaction& tx, std::string const& volunteer, TakeOff which);

absl::Status AppendAssignmentChanged(WriteTransaction& tx, std::string const& assignment, bool assigned);

}  // namespace helhed::activities
