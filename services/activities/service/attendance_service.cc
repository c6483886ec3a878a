#include "services/activities/service/attendance_service.h"

#include <absl/strings/str_cat.h>

#include <tuple>
#include <utility>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "helhed/activities/v1/registration.pb.h"
#include "helhed/activities/v1/session.pb.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/session_store.h"
#include "services/activities/service/tallies.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/fields.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kKnownMark("activities.known_mark",
                           "SELECT attendance, presence, head_count, observe_time FROM attendance_entries WHERE plan = $1 "
                           "AND activity = $2 AND session = $3 AND entry = $4");
// Within one session.
Statement const kPresent("activities.present_at_session",
                         "SELECT CAST(COALESCE(SUM(CASE WHEN presence = 1 THEN head_count ELSE 0 END), 0) AS BIGINT) AS present, "
                         "CAST(COALESCE(SUM(CASE WHEN presence = 1 THEN 0 ELSE head_count END), 0) AS BIGINT) AS absent "
                         "FROM attendances WHERE plan = $1 AND activity = $2 AND session = $3");

// Which attendance a mark is about.
std::string const& SubjectOf(v1::Mark const& mark) {
  if (!mark.registration().empty()) return mark.registration();
  return mark.count().empty() ? mark.mark_id() : mark.count();
}

std::int64_t HeadsOf(v1::Mark const& mark) { return mark.registration().empty() ? mark.head_count() : 1; }

std::int64_t PresentIn(v1::Attendance const& attendance) {
  return attendance.presence() == v1::PRESENCE_PRESENT ? attendance.head_count() : 0;
}

absl::Status CheckMarks(v1::RecordAttendanceRequest const& request, absl::Time now) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < request.marks_size(); ++i) {
    auto const& mark = request.marks(i);
    auto const at = absl::StrCat("marks[", i, "].");
    if (!mark.registration().empty() && !mark.count().empty()) {
      violations.push_back({at + "count", "must be empty where a registration is given"});
    }
    if (!mark.registration().empty() && mark.head_count() != 0) {
      violations.push_back({at + "head_count", "must be 0 for a registration"});
    }
    if (mark.has_observe_time() && TimeOf(mark.observe_time()) > now) {
      violations.push_back({at + "observe_time", "must not be later than now"});
    }
  }
  return Verdict(std::move(violations));
}

// One call's work on one session.
class Recording {
 public:
  Recording(WriteTransaction& tx, v1::RecordAttendanceRequest const& request) : tx_(tx), request_(request) {}

  absl::StatusOr<v1::RecordAttendanceResponse> Run() {
    RETURN_IF_ERROR(LockSeats(tx_, request_.parent(), Moved::kAllowed).status());
    ASSIGN_OR_RETURN(auto const session, tx_.Get<v1::Session>(request_.parent()));
    RETURN_IF_ERROR(CheckStayed(session));
    RETURN_IF_ERROR(RequireScheduled(session));
    RETURN_IF_ERROR(CheckBegun(session));
    for (int i = 0; i < request_.marks_size(); ++i) RETURN_IF_ERROR(Take(request_.marks(i), i));
    RETURN_IF_ERROR(AddToTally(tx_, request_.parent(), {.attended = attended_}));
    if (response_.new_count() > 0) {
      RETURN_IF_ERROR(Announce());
    }
    return std::move(response_);
  }

 private:
  // Who came is marked where the session is: one that an activity took along when it moved is marked there.
  absl::Status CheckStayed(v1::Session const& session) {
    ASSIGN_OR_RETURN(auto const activity, tx_.Get<v1::Activity>(ActivityOf(session.name())));
    if (activity.successor().empty()) return absl::OkStatus();
    auto const there = absl::StrCat(activity.successor(), "/sessions/", Av(contract::LastPart(session.name())));
    ASSIGN_OR_RETURN(bool const went_along, tx_.Exists<v1::Session>(there));
    return went_along ? GoneOn(session.name(), there) : absl::OkStatus();
  }

  absl::Status CheckBegun(v1::Session const& session) const {
    auto const day = DateIn(TimeOf(session.start_time()));
    if (day <= tx_.call().Today()) return absl::OkStatus();
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SESSION_NOT_BEGUN,
                 "who came is said on the day of the session, or later", {{"session", session.name()}, {"date", ToIsoDate(day)}});
  }

  // Whether the mark was taken before. INVALID_ARGUMENT MARK_REUSED when it said something else then.
  absl::StatusOr<bool> IsKnown(v1::Mark const& mark, int index) {
    auto const [plan, activity] = KeyOf(request_.parent());
    ASSIGN_OR_RETURN(auto const rows,
                     tx_.Query(kKnownMark, {plan, activity, contract::LastPart(request_.parent()), mark.mark_id()}));
    if (rows.empty()) return false;
    bool const same_time = !mark.has_observe_time() || rows.Int64(0, 3) == absl::ToUnixMicros(TimeOf(mark.observe_time()));
    if (rows.Text(0, 0) == SubjectOf(mark) && rows.Int64(0, 1) == mark.presence() && rows.Int64(0, 2) == HeadsOf(mark) &&
        same_time) {
      return true;
    }
    return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_MARK_REUSED,
                 "the same mark_id said something else before; a correction is a mark of its own",
                 {{"index", std::to_string(index)}});
  }

  absl::Status CheckRegistration(v1::Mark const& mark, int index) {
    auto const name = absl::StrCat(ActivityOf(request_.parent()), "/registrations/", SubjectOf(mark));
    if (mark.registration().empty()) {
      // Both are attendances of the session, under one name.
      ASSIGN_OR_RETURN(bool const is_person, tx_.Exists<v1::Registration>(name));
      if (!is_person) return absl::OkStatus();
      return BadRequest({{absl::StrCat("marks[", index, "].", mark.count().empty() ? "mark_id" : "count"),
                          "must not be the id of a registration"}});
    }
    ASSIGN_OR_RETURN(auto const registration, tx_.Get<v1::Registration>(name));
    auto const state = registration.state();
    if (state == v1::REGISTRATION_STATE_CONFIRMED || state == v1::REGISTRATION_STATE_ATTENDED ||
        state == v1::REGISTRATION_STATE_NO_SHOW) {
      return absl::OkStatus();
    }
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_REGISTRATION_HAS_NO_SEAT,
                 "only who has a seat can be marked", {{"index", std::to_string(index)}, {"state", contract::EnumText(state)}});
  }

  absl::Status Take(v1::Mark const& mark, int index) {
    auto const name = absl::StrCat(request_.parent(), "/attendances/", SubjectOf(mark));
    ASSIGN_OR_RETURN(bool const known, IsKnown(mark, index));
    if (known) {
      ASSIGN_OR_RETURN(*response_.add_attendances(), tx_.Get<v1::Attendance>(name));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(CheckRegistration(mark, index));
    auto const observed = mark.has_observe_time() ? mark.observe_time() : Stamp(tx_.call().Now());
    RETURN_IF_ERROR(Keep(mark, name, observed));
    v1::Attendance next;
    next.set_name(name);
    next.set_presence(mark.presence());
    next.set_head_count(static_cast<int>(HeadsOf(mark)));
    *next.mutable_observe_time() = observed;
    next.set_entry(mark.mark_id());
    RETURN_IF_ERROR(Merge(next));
    *response_.add_attendances() = std::move(next);
    response_.set_new_count(response_.new_count() + 1);
    return absl::OkStatus();
  }

  absl::Status Keep(v1::Mark const& mark, std::string const& name, google::protobuf::Timestamp const& observed) {
    v1::AttendanceEntry entry;
    entry.set_name(absl::StrCat(name, "/entries/", mark.mark_id()));
    entry.set_presence(mark.presence());
    entry.set_head_count(static_cast<int>(HeadsOf(mark)));
    *entry.mutable_observe_time() = observed;
    entry.set_recorder(tx_.call().identity().subject());
    entry.set_note(mark.note());
    return tx_.Insert(entry);
  }

  // Lets the later of what stands and what is new stand, whichever came first: so every order of batches ends the same. Leaves in
  // `next` what stands.
  absl::Status Merge(v1::Attendance& next) {
    auto stands = tx_.Get<v1::Attendance>(next.name());
    if (absl::IsNotFound(stands.status())) {
      attended_ += PresentIn(next);
      return tx_.Insert(next);
    }
    RETURN_IF_ERROR(stands.status());
    auto const rank = [](v1::Attendance const& a) { return std::tuple(TimeOf(a.observe_time()), a.entry()); };
    if (rank(next) < rank(*stands)) {
      next = *std::move(stands);
      return absl::OkStatus();
    }
    attended_ += PresentIn(next) - PresentIn(*stands);
    next.set_etag(stands->etag());
    return tx_.Update(next);
  }

  absl::Status Announce() {
    auto const [plan, activity] = KeyOf(request_.parent());
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kPresent, {plan, activity, contract::LastPart(request_.parent())}));
    v1::AttendanceRecorded event;
    event.set_session(request_.parent());
    event.set_present_count(rows.Int64(0, 0));
    event.set_absent_count(rows.Int64(0, 1));
    return tx_.Append(event, request_.parent(), PlanOf(request_.parent()));
  }

  WriteTransaction& tx_;
  v1::RecordAttendanceRequest const& request_;
  v1::RecordAttendanceResponse response_;
  std::int64_t attended_ = 0;
};

// What lies below a session, or below an attendance of it.
storage::ListOptions Below(std::string_view from, std::string const& session, std::string const& attendance) {
  auto const [plan, activity] = KeyOf(session);
  storage::ListOptions options;
  options.from = from;
  options.alias = "t";
  options.conditions.push_back({"t.plan = ? AND t.activity = ? AND t.session = ?",
                                {std::string(plan), std::string(activity), std::string(contract::LastPart(session))}});
  if (!attendance.empty()) options.conditions.push_back({"t.attendance = ?", {attendance}});
  return options;
}

}  // namespace

void AttendanceService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.AttendanceService", method, this, handler);
  };
  on("GetAttendance", &AttendanceService::GetAttendance);
  on("ListAttendances", &AttendanceService::ListAttendances);
  on("RecordAttendance", &AttendanceService::RecordAttendance);
  on("ListAttendanceEntries", &AttendanceService::ListAttendanceEntries);
}

absl::StatusOr<v1::Attendance> AttendanceService::GetAttendance(CallContext const& call,
                                                                v1::GetAttendanceRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Attendance>(request.name()); });
}

absl::StatusOr<v1::ListAttendancesResponse> AttendanceService::ListAttendances(CallContext const& call,
                                                                               v1::ListAttendancesRequest const& request) {
  auto const options = Below("attendances t", request.parent(), "");
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListAttendancesResponse>(request, options); });
}

absl::StatusOr<v1::RecordAttendanceResponse> AttendanceService::RecordAttendance(CallContext const& call,
                                                                                 v1::RecordAttendanceRequest const& request) {
  RETURN_IF_ERROR(CheckMarks(request, call.Now()));
  return store_.Write(call, [&](WriteTransaction& tx) { return Recording(tx, request).Run(); });
}

absl::StatusOr<v1::ListAttendanceEntriesResponse> AttendanceService::ListAttendanceEntries(
    CallContext const& call, v1::ListAttendanceEntriesRequest const& request) {
  auto const session = std::string(contract::ParentOf(request.parent()));
  auto const options = Below("attendance_entries t", session, std::string(contract::LastPart(request.parent())));
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListAttendanceEntriesResponse>(request, options); });
}

}  // namespace helhed::activities
