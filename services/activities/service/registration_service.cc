#include "services/activities/service/registration_service.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <initializer_list>

#include "helhed/activities/v1/errors.pb.h"
#include "services/activities/domain/activity_life.h"
#include "services/activities/domain/seats.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/queue.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/fields.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kStands("activities.registration_stands",
                        "SELECT registration FROM registrations WHERE plan = $1 AND activity = $2 AND resident = $3 "
                        "AND resident IS NOT NULL AND state NOT IN (5, 6)");
Statement const kCountOfId("activities.count_of_id",
                           "SELECT s.session FROM sessions s JOIN attendances a ON a.plan = s.plan AND a.activity = s.activity "
                           "AND a.session = s.session WHERE s.plan = $1 AND s.activity = $2 AND a.attendance = $3 LIMIT 1");
Statement const kNextToExpire(
    "activities.next_offer_to_expire",
    "SELECT r.plan, r.activity, r.registration FROM registrations r WHERE r.state = 4 AND r.offer_expire_time <= $1 "
    "AND NOT EXISTS (SELECT 1 FROM activity_seats s WHERE s.plan = r.plan AND s.activity = r.activity AND s.moved) "
    "ORDER BY r.offer_expire_time LIMIT 1");

std::string StateName(v1::RegistrationState state) { return contract::EnumText(state); }

absl::Status Require(v1::Registration const& registration, std::initializer_list<v1::RegistrationState> states) {
  if (std::find(states.begin(), states.end(), registration.state()) != states.end()) return absl::OkStatus();
  std::vector<std::string> names;
  for (auto const state : states) names.push_back(StateName(state));
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_REGISTRATION_STATE,
               "the registration is in another state than this needs",
               {{"registration", registration.name()},
                {"state", StateName(registration.state())},
                {"needed", absl::StrJoin(names, ", ")}});
}

// Whether one can register now.
absl::Status CheckOpen(v1::Activity const& activity, absl::Time now) {
  if (!IsOpen(activity.state())) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SIGNUP_CLOSED,
                 "one can register while the activity is open for it",
                 {{"activity", activity.name()}, {"state", NameOf(activity.state())}});
  }
  if (!activity.has_registration_deadline_time() || now <= TimeOf(activity.registration_deadline_time())) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DEADLINE_PASSED, "the time to register is over",
               {{"activity", activity.name()}, {"deadline", Rfc3339(TimeOf(activity.registration_deadline_time()))}});
}

// One person, one seat. The activity's seats are locked, so that nobody comes in between; the database holds it as well.
absl::Status CheckOnce(ReadTransaction& tx, std::string const& activity, std::string const& resident) {
  if (resident.empty()) return absl::OkStatus();
  auto const [plan, id] = KeyOf(activity);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kStands, {plan, id, contract::LastPart(resident)}));
  if (rows.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALREADY_REGISTERED,
               "the person has a seat, an offer or a place in the queue", {{"activity", activity}});
}

// What is marked of a session stands under the id of a registration or of a count: one id is not both.
absl::Status RequireNoCount(ReadTransaction& tx, std::string const& activity, std::string_view id) {
  if (activity.empty()) return absl::OkStatus();
  auto const [plan, key] = KeyOf(activity);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kCountOfId, {plan, key, id}));
  if (rows.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS, "a count of who came has that id",
               {{"resource", absl::StrCat(activity, "/sessions/", rows.Text(0, 0), "/attendances/", Av(id))}});
}

// Gives the registration a seat or a place in the queue.
void Place(v1::Registration& registration, Seats& seats) {
  auto const number = Enter(seats);
  registration.set_queue_number(number);
  registration.set_state(number == 0 ? v1::REGISTRATION_STATE_CONFIRMED : v1::REGISTRATION_STATE_WAITLISTED);
}

}  // namespace

void RegistrationService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.RegistrationService", method, this, handler);
  };
  on("GetRegistration", &RegistrationService::GetRegistration);
  on("ListRegistrations", &RegistrationService::ListRegistrations);
  on("CreateRegistration", &RegistrationService::CreateRegistration);
  on("ConfirmGuardianConsent", &RegistrationService::ConfirmGuardianConsent);
  on("AcceptOffer", &RegistrationService::AcceptOffer);
  on("CancelRegistration", &RegistrationService::CancelRegistration);
  on("RecordOutcome", &RegistrationService::RecordOutcome);
}

absl::StatusOr<RegistrationService::Consent> RegistrationService::AskConsent(CallContext const& call, std::string const& activity,
                                                                             std::string const& resident) {
  if (resident.empty()) return Consent{.given = true};
  v1::ActivityRule rule;
  bool takes_minors = false;
  auto const read = store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(auto const found, tx.Get<v1::Activity>(activity));
    ASSIGN_OR_RETURN(rule, RuleOn(tx, call.Today()));
    takes_minors = TakesBelow(found, rule.guardian_consent_age());
    return true;
  });
  RETURN_IF_ERROR(read.status());
  ASSIGN_OR_RETURN(auto const answer, consents_.Ask(resident, rule.purpose(), call));
  if (answer.allowed) return Consent{.given = true};
  // Who must consent follows from the person's age, which only residents knows. Where nobody under the age may come the person
  // could have consented; where children may, somebody is still to be asked.
  if (takes_minors && answer.open) return Consent{.given = false, .purpose = rule.purpose(), .verdict = answer.verdict};
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_MISSING,
               "the person has not consented to this use of the data",
               {{"purpose", rule.purpose()}, {"verdict", answer.verdict}});
}

absl::StatusOr<v1::Registration> RegistrationService::GetRegistration(CallContext const& call,
                                                                      v1::GetRegistrationRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Registration>(request.name()); });
}

absl::StatusOr<v1::ListRegistrationsResponse> RegistrationService::ListRegistrations(
    CallContext const& call, v1::ListRegistrationsRequest const& request) {
  return ListBelow<v1::ListRegistrationsResponse>(store_, call, request, "registrations t");
}

absl::StatusOr<v1::Registration> RegistrationService::CreateRegistration(CallContext const& call,
                                                                         v1::CreateRegistrationRequest const& request) {
  auto const& given = request.registration();
  ASSIGN_OR_RETURN(auto const consent, AskConsent(call, request.parent(), given.resident()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Registration> {
    ASSIGN_OR_RETURN(auto seats, LockSeats(tx, request.parent()));
    ASSIGN_OR_RETURN(auto activity, tx.Get<v1::Activity>(request.parent()));
    RETURN_IF_ERROR(CheckOpen(activity, call.Now()));
    RETURN_IF_ERROR(CheckOnce(tx, activity.name(), given.resident()));
    v1::Registration registration = given;
    auto const id = IdOr(call, request.registration_id());
    RETURN_IF_ERROR(RequireNewBelow<v1::Registration>(tx, activity, "registrations", id));
    // What was marked before the plan went on may come to lie beside this again. An id that is made here is nobody's.
    if (!request.registration_id().empty()) {
      RETURN_IF_ERROR(RequireNoCount(tx, activity.name(), id));
      RETURN_IF_ERROR(RequireNoCount(tx, activity.predecessor(), id));
    }
    registration.set_name(absl::StrCat(request.parent(), "/registrations/", id));
    if (consent.given) {
      Place(registration, seats);
    } else {
      registration.set_state(v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT);
    }
    RETURN_IF_ERROR(tx.Insert(registration));
    RETURN_IF_ERROR(AppendRegistrationChanged(tx, registration, v1::REGISTRATION_STATE_UNSPECIFIED));
    RETURN_IF_ERROR(Settle(tx, activity, seats));
    tx.AnswerIsAbout(registration.resident());
    return registration;
  });
}

absl::StatusOr<v1::Registration> RegistrationService::ConfirmGuardianConsent(CallContext const& call,
                                                                             v1::ConfirmGuardianConsentRequest const& request) {
  ASSIGN_OR_RETURN(auto const before,
                   store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Registration>(request.name()); }));
  ASSIGN_OR_RETURN(auto const consent, AskConsent(call, ActivityOf(request.name()), before.resident()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Registration> {
    ASSIGN_OR_RETURN(auto seats, LockSeats(tx, request.name()));
    ASSIGN_OR_RETURN(auto activity, tx.Get<v1::Activity>(ActivityOf(request.name())));
    RETURN_IF_ERROR(CheckOpen(activity, call.Now()));
    ASSIGN_OR_RETURN(auto registration, tx.Get<v1::Registration>(request.name()));
    RETURN_IF_ERROR(Require(registration, {v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT}));
    if (!consent.given) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_MISSING, "no guardian has consented yet",
                   {{"purpose", consent.purpose}, {"verdict", consent.verdict}});
    }
    Place(registration, seats);
    RETURN_IF_ERROR(SaveRegistration(tx, registration, v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT));
    RETURN_IF_ERROR(Settle(tx, activity, seats));
    tx.AnswerIsAbout(registration.resident());
    return registration;
  });
}

absl::StatusOr<v1::Registration> RegistrationService::AcceptOffer(CallContext const& call,
                                                                  v1::AcceptOfferRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Registration> {
    RETURN_IF_ERROR(LockSeats(tx, request.name()).status());
    ASSIGN_OR_RETURN(auto registration, tx.Get<v1::Registration>(request.name()));
    RETURN_IF_ERROR(Require(registration, {v1::REGISTRATION_STATE_OFFERED}));
    if (call.Now() >= TimeOf(registration.offer_expire_time())) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_OFFER_EXPIRED, "the offer was open until its deadline",
                   {{"registration", request.name()}, {"deadline", Rfc3339(TimeOf(registration.offer_expire_time()))}});
    }
    registration.set_state(v1::REGISTRATION_STATE_CONFIRMED);
    registration.clear_offer_expire_time();
    RETURN_IF_ERROR(SaveRegistration(tx, registration, v1::REGISTRATION_STATE_OFFERED));
    tx.AnswerIsAbout(registration.resident());
    return registration;
  });
}

absl::StatusOr<v1::Registration> RegistrationService::CancelRegistration(CallContext const& call,
                                                                         v1::CancelRegistrationRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Registration> {
    ASSIGN_OR_RETURN(auto seats, LockSeats(tx, request.name()));
    ASSIGN_OR_RETURN(auto registration, tx.Get<v1::Registration>(request.name()));
    RETURN_IF_ERROR(Require(registration, {v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT, v1::REGISTRATION_STATE_CONFIRMED,
                                           v1::REGISTRATION_STATE_WAITLISTED, v1::REGISTRATION_STATE_OFFERED}));
    registration.set_cancel_reason(request.reason());
    RETURN_IF_ERROR(Leave(tx, registration, v1::REGISTRATION_STATE_CANCELLED, seats));
    tx.AnswerIsAbout(registration.resident());
    return registration;
  });
}

absl::StatusOr<v1::Registration> RegistrationService::RecordOutcome(CallContext const& call,
                                                                    v1::RecordOutcomeRequest const& request) {
  auto const outcome = request.outcome();
  if (outcome != v1::REGISTRATION_STATE_ATTENDED && outcome != v1::REGISTRATION_STATE_NO_SHOW) {
    return BadRequest({{"outcome", "must be REGISTRATION_STATE_ATTENDED or REGISTRATION_STATE_NO_SHOW"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Registration> {
    RETURN_IF_ERROR(LockSeats(tx, request.name()).status());
    ASSIGN_OR_RETURN(auto const activity, tx.Get<v1::Activity>(ActivityOf(request.name())));
    auto const state = activity.state();
    if (state != v1::ACTIVITY_STATE_RUNNING && state != v1::ACTIVITY_STATE_COMPLETED) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SIGNUP_CLOSED,
                   "who came is said once the activity runs", {{"activity", activity.name()}, {"state", NameOf(state)}});
    }
    ASSIGN_OR_RETURN(auto registration, tx.Get<v1::Registration>(request.name()));
    RETURN_IF_ERROR(Require(registration,
                            {v1::REGISTRATION_STATE_CONFIRMED, v1::REGISTRATION_STATE_ATTENDED, v1::REGISTRATION_STATE_NO_SHOW}));
    auto const former = registration.state();
    registration.set_state(outcome);
    RETURN_IF_ERROR(SaveRegistration(tx, registration, former));
    tx.AnswerIsAbout(registration.resident());
    return registration;
  });
}

absl::StatusOr<bool> RegistrationService::ExpireJob(storage::Limits const& limits) {
  bool found = false;
  auto const status = store_.Apply(OwnContext("activities", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kNextToExpire, {absl::ToUnixMicros(tx.call().Now())}));
    found = !rows.empty();
    if (!found) return absl::OkStatus();
    auto const name =
        absl::StrCat("plans/", rows.Text(0, 0), "/activities/", rows.Text(0, 1), "/registrations/", rows.Text(0, 2));
    auto locked = LockSeats(tx, name);
    // The activity has moved while this waited: the offer went along.
    if (absl::IsFailedPrecondition(locked.status())) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto seats, std::move(locked));
    ASSIGN_OR_RETURN(auto registration, tx.Get<v1::Registration>(name));
    // Accepted, or given up, while this waited for the seats.
    if (registration.state() != v1::REGISTRATION_STATE_OFFERED) return absl::OkStatus();
    return Leave(tx, registration, v1::REGISTRATION_STATE_EXPIRED, seats);
  });
  if (!status.ok()) return status;
  return found;
}

}  // namespace helhed::activities
