#include "services/activities/service/volunteer_service.h"

#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/assignments.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/session_store.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"

namespace helhed::activities {
namespace {

using storage::Statement;

// The revision counts it, so that who has read the volunteer before does not overwrite it.
Statement const kAddMinutes("activities.add_volunteer_minutes",
                            "UPDATE volunteers SET minutes_total = minutes_total + $3, revision = revision + 1, update_time = $4 "
                            "WHERE plan = $1 AND volunteer = $2");

absl::Status AppendChanged(WriteTransaction& tx, v1::Volunteer const& volunteer) {
  v1::VolunteerChanged event;
  event.set_volunteer(volunteer.name());
  if (volunteer.has_leave_date()) *event.mutable_leave_date() = volunteer.leave_date();
  return tx.Append(event, volunteer.name(), PlanOf(volunteer.name()));
}

absl::Status CheckAgreement(v1::Volunteer const& volunteer) {
  auto const from = ToCivil(volunteer.start_date());
  std::vector<FieldViolation> violations;
  if (!from) violations.push_back({"volunteer.start_date", "must be an existing date"});
  if (volunteer.has_end_date()) {
    auto const until = ToCivil(volunteer.end_date());
    if (!until || (from && *until <= *from)) violations.push_back({"volunteer.end_date", "must be a date after the start"});
  }
  return Verdict(std::move(violations));
}

v1::Assignment Named(std::string const& session, std::string const& volunteer) {
  v1::Assignment assignment;
  assignment.set_name(absl::StrCat(session, "/assignments/", Av(contract::LastPart(volunteer))));
  assignment.set_volunteer(volunteer);
  return assignment;
}

}  // namespace

absl::Status EndAgreement(WriteTransaction& tx, v1::Volunteer& volunteer, google::type::Date const& day) {
  *volunteer.mutable_leave_date() = day;
  RETURN_IF_ERROR(tx.Update(volunteer));
  ASSIGN_OR_RETURN(auto clearance, tx.Get<v1::Clearance>(absl::StrCat(PlanOf(volunteer.name()), "/clearances/",
                                                                      Av(contract::LastPart(volunteer.name())))));
  clearance.set_state(v1::CLEARANCE_STATE_LEFT);
  clearance.clear_expire_date();
  RETURN_IF_ERROR(tx.Update(clearance));
  RETURN_IF_ERROR(TakeOffSessions(tx, volunteer.name(), TakeOff::kAll));
  return AppendChanged(tx, volunteer);
}

void VolunteerService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.VolunteerService", method, this, handler);
  };
  on("GetVolunteer", &VolunteerService::GetVolunteer);
  on("ListVolunteers", &VolunteerService::ListVolunteers);
  on("CreateVolunteer", &VolunteerService::CreateVolunteer);
  on("LeaveVolunteer", &VolunteerService::LeaveVolunteer);
  on("CreateVolunteerHours", &VolunteerService::CreateVolunteerHours);
  on("ListVolunteerHours", &VolunteerService::ListVolunteerHours);
  on("GetClearance", &VolunteerService::GetClearance);
  on("ConsentToClearance", &VolunteerService::ConsentToClearance);
  on("RecordClearance", &VolunteerService::RecordClearance);
  on("ListRenewalsDue", &VolunteerService::ListRenewalsDue);
  on("CreateClearanceOrder", &VolunteerService::CreateClearanceOrder);
  on("GetClearanceOrder", &VolunteerService::GetClearanceOrder);
  on("AssignVolunteer", &VolunteerService::AssignVolunteer);
  on("UnassignVolunteer", &VolunteerService::UnassignVolunteer);
  on("ListAssignments", &VolunteerService::ListAssignments);
}

absl::StatusOr<v1::Volunteer> VolunteerService::GetVolunteer(CallContext const& call, v1::GetVolunteerRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Volunteer>(request.name()); });
}

absl::StatusOr<v1::ListVolunteersResponse> VolunteerService::ListVolunteers(CallContext const& call,
                                                                            v1::ListVolunteersRequest const& request) {
  return ListBelow<v1::ListVolunteersResponse>(store_, call, request, "volunteers t");
}

absl::StatusOr<v1::Volunteer> VolunteerService::CreateVolunteer(CallContext const& call,
                                                                v1::CreateVolunteerRequest const& request) {
  RETURN_IF_ERROR(CheckAgreement(request.volunteer()));
  ASSIGN_OR_RETURN(auto const rule, store_.Read(call, [&](ReadTransaction& tx) { return RuleOn(tx, call.Today()); }));
  RETURN_IF_ERROR(consents_.Require(request.volunteer().resident(), rule.purpose(), call));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Volunteer> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.parent()));
    v1::Volunteer volunteer = request.volunteer();
    auto const id = IdOr(call, request.volunteer_id());
    volunteer.set_name(absl::StrCat(request.parent(), "/volunteers/", id));
    RETURN_IF_ERROR(tx.Insert(volunteer));
    v1::Clearance clearance;
    clearance.set_name(absl::StrCat(request.parent(), "/clearances/", id));
    clearance.set_state(v1::CLEARANCE_STATE_NONE);
    RETURN_IF_ERROR(tx.Insert(clearance));
    RETURN_IF_ERROR(AppendChanged(tx, volunteer));
    tx.AnswerIsAbout(volunteer.resident());
    return volunteer;
  });
}

absl::StatusOr<v1::Volunteer> VolunteerService::LeaveVolunteer(CallContext const& call,
                                                               v1::LeaveVolunteerRequest const& request) {
  auto const day = ToCivil(request.leave_date());
  if (!day || *day > call.Today()) return BadRequest({{"leave_date", "must be an existing date, not later than today"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Volunteer> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.name()));
    ASSIGN_OR_RETURN(auto volunteer, tx.Get<v1::Volunteer>(request.name()));
    RETURN_IF_ERROR(RequireThere(volunteer));
    RETURN_IF_ERROR(EndAgreement(tx, volunteer, request.leave_date()));
    tx.AnswerIsAbout(volunteer.resident());
    return volunteer;
  });
}

absl::StatusOr<v1::VolunteerHours> VolunteerService::CreateVolunteerHours(CallContext const& call,
                                                                          v1::CreateVolunteerHoursRequest const& request) {
  auto const day = ToCivil(request.volunteer_hours().date());
  if (!day || *day > call.Today()) {
    return BadRequest({{"volunteer_hours.date", "must be an existing date, not later than today"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::VolunteerHours> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const volunteer, tx.Get<v1::Volunteer>(request.parent()));
    RETURN_IF_ERROR(RequireAgreed(volunteer, *day));
    v1::VolunteerHours hours = request.volunteer_hours();
    hours.set_name(absl::StrCat(request.parent(), "/hours/", IdOr(call, request.volunteer_hours_id())));
    RETURN_IF_ERROR(tx.Insert(hours));
    RETURN_IF_ERROR(tx.Enqueue(kAddMinutes, {KeyOf(request.parent()).plan, contract::LastPart(request.parent()),
                                             std::int64_t{hours.minutes()}, absl::ToUnixMicros(call.Now())}));
    return hours;
  });
}

absl::StatusOr<v1::ListVolunteerHoursResponse> VolunteerService::ListVolunteerHours(
    CallContext const& call, v1::ListVolunteerHoursRequest const& request) {
  storage::ListOptions options;
  options.from = "volunteer_hours t";
  options.alias = "t";
  options.conditions.push_back({"t.plan = ? AND t.volunteer = ?",
                                {std::string(KeyOf(request.parent()).plan), std::string(contract::LastPart(request.parent()))}});
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListVolunteerHoursResponse>(request, options); });
}

absl::StatusOr<v1::Assignment> VolunteerService::AssignVolunteer(CallContext const& call,
                                                                 v1::AssignVolunteerRequest const& request) {
  if (PlanOf(request.volunteer()) != PlanOf(request.parent())) {
    return BadRequest({{"volunteer", "must be a volunteer of the plan"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Assignment> {
    RETURN_IF_ERROR(LockSeats(tx, request.parent()).status());
    ASSIGN_OR_RETURN(auto const activity, tx.Get<v1::Activity>(ActivityOf(request.parent())));
    ASSIGN_OR_RETURN(auto const session, tx.Get<v1::Session>(request.parent()));
    RETURN_IF_ERROR(RequireScheduled(session));
    ASSIGN_OR_RETURN(auto volunteer, tx.Get<v1::Volunteer>(request.volunteer()));
    RETURN_IF_ERROR(RequireThere(volunteer));
    RETURN_IF_ERROR(CheckCleared(tx, activity, session, contract::LastPart(request.volunteer())));
    // Once more, now that the clearance is held: who leaves changes it.
    ASSIGN_OR_RETURN(volunteer, tx.Get<v1::Volunteer>(request.volunteer()));
    RETURN_IF_ERROR(RequireAgreed(volunteer, DateIn(TimeOf(session.start_time()))));
    auto assignment = Named(request.parent(), request.volunteer());
    RETURN_IF_ERROR(tx.Insert(assignment));
    RETURN_IF_ERROR(AppendAssignmentChanged(tx, assignment.name(), true));
    return assignment;
  });
}

absl::StatusOr<v1::Assignment> VolunteerService::UnassignVolunteer(CallContext const& call,
                                                                   v1::UnassignVolunteerRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Assignment> {
    RETURN_IF_ERROR(LockSeats(tx, request.name()).status());
    ASSIGN_OR_RETURN(auto assignment, tx.Get<v1::Assignment>(request.name()));
    RETURN_IF_ERROR(tx.Delete<v1::Assignment>(request.name()));
    RETURN_IF_ERROR(AppendAssignmentChanged(tx, request.name(), false));
    assignment.set_volunteer(absl::StrCat(PlanOf(request.name()), "/volunteers/", Av(contract::LastPart(request.name()))));
    return assignment;
  });
}

absl::StatusOr<v1::ListAssignmentsResponse> VolunteerService::ListAssignments(CallContext const& call,
                                                                              v1::ListAssignmentsRequest const& request) {
  storage::ListOptions options;
  options.from = "assignments t";
  options.alias = "t";
  auto const [plan, activity] = KeyOf(request.parent());
  options.conditions.push_back({"t.plan = ? AND t.activity = ? AND t.session = ?",
                                {std::string(plan), std::string(activity), std::string(contract::LastPart(request.parent()))}});
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListAssignmentsResponse> {
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListAssignmentsResponse>(request, options));
    for (auto& one : *response.mutable_assignments()) {
      one.set_volunteer(absl::StrCat(PlanOf(one.name()), "/volunteers/", Av(contract::LastPart(one.name()))));
    }
    return response;
  });
}

}  // namespace helhed::activities
