#include "services/activities/domain/resident_end.h"

#include "services/activities/domain/activity_life.h"

namespace helhed::activities {
namespace {

bool Waits(v1::RegistrationState state) {
  return state == v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT || state == v1::REGISTRATION_STATE_WAITLISTED ||
         state == v1::REGISTRATION_STATE_OFFERED;
}

}  // namespace

Fate AfterErasure(v1::RegistrationState state, v1::ActivityState activity) {
  if (Waits(state)) return Fate::kCancelled;
  bool const began = activity == v1::ACTIVITY_STATE_RUNNING || IsOver(activity);
  return state == v1::REGISTRATION_STATE_CONFIRMED && !began ? Fate::kCancelled : Fate::kUnnamed;
}

Fate AfterConsent(v1::RegistrationState state, v1::ActivityState activity, bool can_come) {
  if (IsOver(activity)) return Fate::kStays;
  if (state == v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT && can_come) return Fate::kStays;
  if (Waits(state)) return Fate::kCancelled;
  return state == v1::REGISTRATION_STATE_CONFIRMED ? Fate::kUnnamed : Fate::kStays;
}

}  // namespace helhed::activities
