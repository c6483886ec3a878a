#pragma once

#include <absl/status/status.h>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/registration.pb.h"
#include "services/activities/domain/seats.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// Stores a changed registration, counts it for the indicators, and says so.
absl::Status SaveRegistration(WriteTransaction& tx, v1::Registration& registration, v1::RegistrationState former);
absl::Status AppendRegistrationChanged(WriteTransaction& tx, v1::Registration const& registration, v1::RegistrationState former);

// After seats became free or were taken: offers those that are free to the first in the queue, stores the seats, and moves the
// activity between OPEN_FOR_SIGNUP and FULL. The seats are locked. Nothing is offered when nobody can sign up any more: a place
// in the queue of an activity that runs, stands still or is over is worth nothing.
absl::Status Settle(WriteTransaction& tx, v1::Activity& activity, Seats& seats);

// Takes a registration out of the seats or the queue, and lets the next come up. The seats are locked.
absl::Status Leave(WriteTransaction& tx, v1::Registration& registration, v1::RegistrationState to, Seats& seats);

}  // namespace helhed::activities
