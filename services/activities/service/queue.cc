#include "services/activities/service/queue.h"

#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/activity_life.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/tallies.h"
#include "services/platform/base/times.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kNextInQueue("activities.next_in_queue",
                             "SELECT registration FROM registrations WHERE plan = $1 AND activity = $2 AND state = 3 "
                             "ORDER BY queue_number LIMIT 1");

// What counts as a seat that somebody has, whether or not the person came in the end.
bool IsConfirmed(v1::RegistrationState state) {
  return state == v1::REGISTRATION_STATE_CONFIRMED || state == v1::REGISTRATION_STATE_ATTENDED ||
         state == v1::REGISTRATION_STATE_NO_SHOW;
}

absl::Status OfferToNext(WriteTransaction& tx, v1::Activity const& activity, absl::Time until) {
  auto const [plan, id] = KeyOf(activity.name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kNextInQueue, {plan, id}));
  if (rows.empty()) return absl::InternalError("the queue is shorter than its count");
  ASSIGN_OR_RETURN(auto registration,
                   tx.Get<v1::Registration>(absl::StrCat(activity.name(), "/registrations/", rows.Text(0, 0))));
  registration.set_state(v1::REGISTRATION_STATE_OFFERED);
  *registration.mutable_offer_expire_time() = Stamp(until);
  return SaveRegistration(tx, registration, v1::REGISTRATION_STATE_WAITLISTED);
}

}  // namespace

absl::Status AppendRegistrationChanged(WriteTransaction& tx, v1::Registration const& registration, v1::RegistrationState former) {
  RETURN_IF_ERROR(AddToTally(tx, registration.name(),
                             {.confirmed = (IsConfirmed(registration.state()) ? 1 : 0) - (IsConfirmed(former) ? 1 : 0)}));
  v1::RegistrationChanged event;
  event.set_registration(registration.name());
  event.set_state(registration.state());
  event.set_former_state(former);
  if (registration.state() == v1::REGISTRATION_STATE_OFFERED) {
    *event.mutable_offer_expire_time() = registration.offer_expire_time();
  }
  return tx.Append(event, registration.name(), PlanOf(registration.name()));
}

absl::Status SaveRegistration(WriteTransaction& tx, v1::Registration& registration, v1::RegistrationState former) {
  RETURN_IF_ERROR(tx.Update(registration));
  return AppendRegistrationChanged(tx, registration, former);
}

absl::Status Settle(WriteTransaction& tx, v1::Activity& activity, Seats& seats) {
  if (!IsOpen(activity.state())) return SaveSeats(tx, activity.name(), seats);
  if (auto left = ToPromote(seats); left > 0) {
    ASSIGN_OR_RETURN(auto const rule, RuleOn(tx, tx.call().Today()));
    for (; left > 0; --left) {
      RETURN_IF_ERROR(OfferToNext(tx, activity, tx.call().Now() + absl::Hours(rule.offer_hours())));
      Promote(seats);
    }
  }
  RETURN_IF_ERROR(SaveSeats(tx, activity.name(), seats));
  activity.set_taken_count(static_cast<int>(seats.taken));
  activity.set_waiting_count(static_cast<int>(seats.waiting));
  auto const state = seats.has_free() ? v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP : v1::ACTIVITY_STATE_FULL;
  auto const former = activity.state();
  if (state == former) return absl::OkStatus();
  activity.set_state(state);
  return SaveActivity(tx, activity, former);
}

absl::Status Leave(WriteTransaction& tx, v1::Registration& registration, v1::RegistrationState to, Seats& seats) {
  auto const former = registration.state();
  if (former == v1::REGISTRATION_STATE_WAITLISTED) --seats.waiting;
  if (former == v1::REGISTRATION_STATE_CONFIRMED || former == v1::REGISTRATION_STATE_OFFERED) --seats.taken;
  registration.set_state(to);
  RETURN_IF_ERROR(SaveRegistration(tx, registration, former));
  ASSIGN_OR_RETURN(auto activity, tx.Get<v1::Activity>(ActivityOf(registration.name())));
  return Settle(tx, activity, seats);
}

}  // namespace helhed::activities
