#include "services/activities/service/assignments.h"

#include <absl/strings/str_cat.h>

#include <vector>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/activity_life.h"
#include "services/activities/domain/clearance.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"

namespace helhed::activities {
namespace {

using storage::Statement;

// Held until the transaction ends, so that nobody enters an answer of the police meanwhile.
Statement const kHoldClearance("activities.hold_clearance", "SELECT state FROM clearances WHERE plan = $1 AND clearance = $2",
                               "SELECT state FROM clearances WHERE plan = $1 AND clearance = $2 FOR SHARE");
Statement const kOnSession("activities.volunteers_on_session",
                           "SELECT assignment FROM assignments WHERE plan = $1 AND activity = $2 AND session = $3 "
                           "ORDER BY assignment");
Statement const kSessionsToCome("activities.sessions_with_volunteers_to_come",
                                "SELECT session FROM sessions s WHERE plan = $1 AND activity = $2 AND state = 1 "
                                "AND start_time > $3 AND EXISTS (SELECT 1 FROM assignments a WHERE a.plan = s.plan "
                                "AND a.activity = s.activity AND a.session = s.session)");
Statement const kOfVolunteer("activities.assignments_to_come",
                             "SELECT a.activity, a.session FROM assignments a JOIN sessions s ON s.plan = a.plan "
                             "AND s.activity = a.activity AND s.session = a.session WHERE a.plan = $1 AND a.assignment = $2 "
                             "AND s.start_time > $3 ORDER BY a.activity, a.session");

absl::CivilDay DayOf(v1::Session const& session) { return DateIn(TimeOf(session.start_time())); }

absl::Status Needed(v1::Session const& session, std::string const& volunteer, int child_age) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CLEARANCE_NEEDED,
               "children may come, and the volunteer has no clearance that is valid on that day",
               {{"volunteer", volunteer},
                {"session", session.name()},
                {"date", ToIsoDate(DayOf(session))},
                {"child_age", std::to_string(child_age)}});
}

// Who is on a session: last parts of names.
absl::StatusOr<std::vector<std::string>> OnSession(ReadTransaction& tx, v1::Session const& session) {
  auto const [plan, activity] = KeyOf(session.name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kOnSession, {plan, activity, contract::LastPart(session.name())}));
  std::vector<std::string> ids;
  for (std::size_t row = 0; row < rows.size(); ++row) ids.push_back(rows.Text(row, 0));
  return ids;
}

}  // namespace

absl::Status CheckCleared(ReadTransaction& tx, v1::Activity const& activity, v1::Session const& session,
                          std::string_view volunteer) {
  auto const plan = PlanOf(activity.name());
  RETURN_IF_ERROR(tx.Query(kHoldClearance, {contract::LastPart(plan), volunteer}).status());
  ASSIGN_OR_RETURN(auto const rule, RuleOn(tx, DayOf(session)));
  if (!TakesBelow(activity, rule.child_age())) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const clearance, tx.Get<v1::Clearance>(absl::StrCat(plan, "/clearances/", Av(volunteer))));
  if (IsClearedOn(clearance, DayOf(session))) return absl::OkStatus();
  return Needed(session, absl::StrCat(plan, "/volunteers/", Av(volunteer)), rule.child_age());
}

absl::Status CheckOnSession(ReadTransaction& tx, v1::Activity const& activity, v1::Session const& session) {
  ASSIGN_OR_RETURN(auto const volunteers, OnSession(tx, session));
  for (auto const& id : volunteers) {
    RETURN_IF_ERROR(CheckCleared(tx, activity, session, id));
    ASSIGN_OR_RETURN(auto const volunteer, tx.Get<v1::Volunteer>(absl::StrCat(PlanOf(session.name()), "/volunteers/", id)));
    RETURN_IF_ERROR(RequireAgreed(volunteer, DayOf(session)));
  }
  return absl::OkStatus();
}

absl::Status RequireThere(v1::Volunteer const& volunteer) {
  if (!volunteer.has_leave_date()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VOLUNTEER_LEFT, "the volunteer has left",
               {{"volunteer", volunteer.name()}});
}

absl::Status RequireAgreed(v1::Volunteer const& volunteer, absl::CivilDay day) {
  RETURN_IF_ERROR(RequireThere(volunteer));
  auto const from = ToCivil(volunteer.start_date());
  auto const until = ToCivil(volunteer.end_date());
  if (from && *from <= day && (!until || day < *until)) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VOLUNTEER_NOT_AGREED,
               "there is no agreement with the volunteer on that day",
               {{"volunteer", volunteer.name()}, {"date", ToIsoDate(day)}});
}

absl::Status CheckSessionsToCome(ReadTransaction& tx, v1::Activity const& activity) {
  auto const [plan, id] = KeyOf(activity.name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kSessionsToCome, {plan, id, absl::ToUnixMicros(tx.call().Now())}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ASSIGN_OR_RETURN(auto const session, tx.Get<v1::Session>(absl::StrCat(activity.name(), "/sessions/", rows.Text(row, 0))));
    ASSIGN_OR_RETURN(auto const volunteers, OnSession(tx, session));
    for (auto const& volunteer : volunteers) RETURN_IF_ERROR(CheckCleared(tx, activity, session, volunteer));
  }
  return absl::OkStatus();
}

absl::Status TakeOffSessions(WriteTransaction& tx, std::string const& volunteer, TakeOff which) {
  auto const plan = PlanOf(volunteer);
  auto const id = contract::LastPart(volunteer);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kOfVolunteer, {contract::LastPart(plan), id, absl::ToUnixMicros(tx.call().Now())}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto const activity = absl::StrCat(plan, "/activities/", rows.Text(row, 0));
    auto const session = absl::StrCat(activity, "/sessions/", rows.Text(row, 1));
    if (which == TakeOff::kNotCleared) {
      ASSIGN_OR_RETURN(auto const found, tx.Get<v1::Activity>(activity));
      ASSIGN_OR_RETURN(auto const on, tx.Get<v1::Session>(session));
      auto const cleared = CheckCleared(tx, found, on, id);
      if (cleared.ok()) continue;
      if (!absl::IsFailedPrecondition(cleared)) return cleared;
    }
    auto const assignment = absl::StrCat(session, "/assignments/", Av(id));
    RETURN_IF_ERROR(tx.Delete<v1::Assignment>(assignment));
    RETURN_IF_ERROR(AppendAssignmentChanged(tx, assignment, false));
  }
  return absl::OkStatus();
}

absl::Status AppendAssignmentChanged(WriteTransaction& tx, std::string const& assignment, bool assigned) {
  v1::AssignmentChanged event;
  event.set_assignment(assignment);
  event.set_assigned(assigned);
  return tx.Append(event, assignment, PlanOf(assignment));
}

}  // namespace helhed::activities
