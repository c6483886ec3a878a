#pragma once

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/registration.pb.h"

// What becomes of a registration when the register of residents says that a person is erased (P7) or that a consent holds no more
// (P4, domain.md 8.9).
namespace helhed::activities {

enum class Fate {
  kStays,
  // It goes on, or stands, without a name: what it counts for is counted still.
  kUnnamed,
  // The seat, the offer or the place in the queue is given up, and the name with it.
  kCancelled,
};

// Nobody sits on the seat of somebody who is not there any more, while others can still sign up for it.
Fate AfterErasure(v1::RegistrationState state, v1::ActivityState activity);

// Withdrawal stops future use and leaves past lawful use: what is over stays as it is. Nobody loses a seat by it (a consent that
// cannot be withdrawn without detriment is none: GDPR, recital 42): who has one is counted without a name from now on. Who waits,
// or is offered a seat, cannot be told of it any more: the next is. `can_come`: the register can still get a consent, which who
// awaits a guardian's goes on waiting for.
Fate AfterConsent(v1::RegistrationState state, v1::ActivityState activity, bool can_come);

}  // namespace helhed::activities
