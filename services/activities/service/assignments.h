#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/session.pb.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// Domain rule P8: FAILED_PRECONDITION CLEARANCE_NEEDED when children may come to the activity and the volunteer has no clearance
// that is valid on the day of the session. `volunteer` is the last part of the name.
absl::Status CheckCleared(ReadTransaction& tx, v1::Activity const& activity, v1::Session const& session,
                          std::string_view volunteer);

// The same for everybody who is on the session.
absl::Status CheckAllCleared(ReadTransaction& tx, v1::Activity const& activity, v1::Session const& session);

// The same for the sessions of an activity that are to come.
absl::Status CheckSessionsToCome(ReadTransaction& tx, v1::Activity const& activity);

// Takes a volunteer off every session to come, or only off those to which children may come. `volunteer` is a full name.
absl::Status TakeOffSessions(WriteTransaction& tx, std::string const& volunteer, bool only_with_children);

absl::Status AppendAssignmentChanged(WriteTransaction& tx, std::string const& assignment, bool assigned);

}  // namespace helhed::activities
