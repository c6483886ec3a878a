#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/plan_merge.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/assignments.h"
#include "services/activities/service/indicator_service.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/plan_carry.h"
#include "services/activities/service/plan_carry_texts.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/tallies.h"

namespace helhed::activities {
namespace {

using storage::Statement;

// $1, $2 are the successor's activity, $3, $4 the predecessor's, $5 is the merge.

// Rooms of the successor in which the activity takes place, or a series of it, and which did not come from the predecessor.
Statement const kNewRooms(
    "activities.rooms_since_carried",
    "SELECT u.room FROM (SELECT s.room FROM sessions s WHERE s.plan = $1 AND s.activity = $2 UNION "
    "SELECT r.room FROM series r WHERE r.plan = $1 AND r.activity = $2) u WHERE u.room IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM merge_carries c WHERE c.plan = $1 AND c.merge = $4 AND c.kind = 1 AND c.from_plan = $3 AND c.id = u.room) "
    "ORDER BY u.room");
// What went along is there; no id that stayed in the predecessor is given again (RequireNewBelow).
Statement const kBackSeries("activities.carry_series_back",
                            absl::StrCat(Av(carry::kSeriesInto), Av(carry::kRoomBack), Av(carry::kSeriesFrom),
                                         "ON CONFLICT (plan, activity, series) DO NOTHING"));
Statement const kBackExceptions("activities.carry_series_exceptions_back",
                                absl::StrCat(Av(carry::kExceptions),
                                             "ON CONFLICT (plan, activity, series, exception_date) DO NOTHING"));
Statement const kBackSessions(
    "activities.carry_sessions_back",
    absl::StrCat(
        Av(carry::kSessionsInto), Av(carry::kRoomBack), Av(carry::kSessionsFrom),
        "ON CONFLICT (plan, activity, session) DO UPDATE SET "
        "local_start = excluded.local_start, duration_minutes = excluded.duration_minutes, start_time = excluded.start_time, "
        "end_time = excluded.end_time, room = excluded.room, responsible = excluded.responsible, state = excluded.state, "
        "series = excluded.series, former_start_time = excluded.former_start_time, cancel_reason = excluded.cancel_reason, "
        "sequence = excluded.sequence, update_time = excluded.update_time, revision = sessions.revision + 1"));
// $5: those that gave their seat up. They go first: who registered again meanwhile is there once.
Statement const kBackRegistrations(
    "activities.carry_registrations_back",
    absl::StrCat(Av(carry::kRegistrations),
                 "AND (state IN (5, 6)) = $5 ON CONFLICT (plan, activity, registration) DO UPDATE SET "
                 "resident = excluded.resident, state = excluded.state, queue_number = excluded.queue_number, "
                 "offer_expire_time = excluded.offer_expire_time, cancel_reason = excluded.cancel_reason, "
                 "update_time = excluded.update_time, revision = registrations.revision + 1"));
Statement const kBackAttendances(
    "activities.carry_attendances_back",
    "INSERT INTO attendances (plan, activity, session, attendance, presence, head_count, observe_time, entry, revision, "
    "create_time, update_time) SELECT $3, $4, session, attendance, presence, head_count, observe_time, entry, 1, create_time, "
    "update_time FROM attendances WHERE plan = $1 AND activity = $2");
Statement const kBackEntries(
    "activities.carry_attendance_entries_back",
    "INSERT INTO attendance_entries (plan, activity, session, attendance, entry, presence, head_count, observe_time, recorder, "
    "note, revision, create_time, update_time) SELECT $3, $4, session, attendance, entry, presence, head_count, observe_time, "
    "recorder, note, 1, create_time, update_time FROM attendance_entries WHERE plan = $1 AND activity = $2");
Statement const kDropOldAssignments(
    "activities.drop_assignments_before_carrying_back",
    "DELETE FROM assignments WHERE plan = $3 AND activity = $4 AND EXISTS (SELECT 1 FROM sessions n "
    "WHERE n.plan = $1 AND n.activity = $2 AND n.session = assignments.session)");
Statement const kBackAssignments(
    "activities.carry_assignments_back",
    "INSERT INTO assignments (plan, activity, session, assignment, revision, create_time, update_time) "
    "SELECT c.from_plan, $4, a.session, c.from_id, 1, a.create_time, a.update_time FROM assignments a "
    "JOIN merge_carries c ON c.plan = a.plan AND c.merge = $5 AND c.kind = 3 AND c.from_plan = $3 AND c.id = a.assignment "
    "WHERE a.plan = $1 AND a.activity = $2");
Statement const kBackSeats("activities.carry_seats_back",
                           "UPDATE activity_seats SET capacity = o.capacity, taken = o.taken, waiting = o.waiting, "
                           "last_number = o.last_number, moved = FALSE FROM activity_seats o WHERE activity_seats.plan = $3 "
                           "AND activity_seats.activity = $4 AND o.plan = $1 AND o.activity = $2");
Statement const kStayedSeats("activities.mark_seats_stayed",
                             "UPDATE activity_seats SET moved = FALSE WHERE plan = $1 AND activity = $2");
Statement const kTally("activities.tally_of_activity",
                       "SELECT confirmed, attended FROM activity_tallies WHERE plan = $1 AND activity = $2");

Statement const kDropEntries("activities.drop_carried_entries",
                             "DELETE FROM attendance_entries WHERE plan = $1 AND activity = $2");
Statement const kDropAttendances("activities.drop_carried_attendances",
                                 "DELETE FROM attendances WHERE plan = $1 AND activity = $2");
Statement const kDropAssignments("activities.drop_carried_assignments",
                                 "DELETE FROM assignments WHERE plan = $1 AND activity = $2");
Statement const kDropSessions("activities.drop_carried_sessions", "DELETE FROM sessions WHERE plan = $1 AND activity = $2");
Statement const kDropExceptions("activities.drop_carried_exceptions",
                                "DELETE FROM series_exceptions WHERE plan = $1 AND activity = $2");
Statement const kDropSeries("activities.drop_carried_series", "DELETE FROM series WHERE plan = $1 AND activity = $2");
Statement const kDropRegistrations("activities.drop_carried_registrations",
                                   "DELETE FROM registrations WHERE plan = $1 AND activity = $2");
Statement const kDropPartners("activities.drop_carried_partners",
                              "DELETE FROM activity_partners WHERE plan = $1 AND activity = $2");
Statement const kDropLanguages("activities.drop_carried_languages",
                               "DELETE FROM activity_languages WHERE plan = $1 AND activity = $2");
Statement const kDropSeats("activities.drop_carried_seats", "DELETE FROM activity_seats WHERE plan = $1 AND activity = $2");
Statement const kDropTally("activities.drop_carried_tally", "DELETE FROM activity_tallies WHERE plan = $1 AND activity = $2");
Statement const kDropActivity("activities.drop_carried_activity", "DELETE FROM activities WHERE plan = $1 AND activity = $2");
Statement const kForgetActivity("activities.forget_carried_activity",
                                "UPDATE volunteer_hours SET activity = NULL WHERE plan = $1 AND activity = $2");

// Of volunteers: $1, $2 are the successor's, $3, $4 the predecessor's.
Statement const kHoursTwice("activities.hours_of_both",
                            "SELECT h.hours FROM volunteer_hours h JOIN volunteer_hours o ON o.plan = $3 AND o.volunteer = $4 "
                            "AND o.hours = h.hours WHERE h.plan = $1 AND h.volunteer = $2 ORDER BY h.hours");
Statement const kHoursIds("activities.ids_of_hours", "SELECT hours FROM volunteer_hours WHERE plan = $1 AND volunteer = $2");
Statement const kRenameHours("activities.rename_hours",
                             "UPDATE volunteer_hours SET hours = $4 WHERE plan = $1 AND volunteer = $2 AND hours = $3");
Statement const kBackHours(
    "activities.carry_hours_back",
    "INSERT INTO volunteer_hours (plan, volunteer, hours, date, minutes, activity, revision, create_time, update_time) "
    "SELECT $3, $4, h.hours, h.date, h.minutes, (SELECT c.from_id FROM merge_carries c WHERE c.plan = h.plan AND c.merge = $5 "
    "AND c.kind = 4 AND c.from_plan = $3 AND c.id = h.activity), 1, h.create_time, h.update_time FROM volunteer_hours h "
    "WHERE h.plan = $1 AND h.volunteer = $2");
Statement const kDropHours("activities.drop_carried_hours", "DELETE FROM volunteer_hours WHERE plan = $1 AND volunteer = $2");
Statement const kDropOrdered("activities.drop_carried_from_orders",
                             "DELETE FROM clearance_order_volunteers WHERE plan = $1 AND volunteer = $2");
Statement const kDropOnSessions("activities.drop_carried_from_sessions",
                                "DELETE FROM assignments WHERE plan = $1 AND assignment = $2");

// Rounds that went along are there.
Statement const kBackMeasurements("activities.carry_measurements_back",
                                  absl::StrCat(Av(carry::kMeasurements),
                                               "ON CONFLICT (plan, indicator, measurement) DO NOTHING"));
Statement const kDropMeasurements("activities.drop_carried_measurements",
                                  "DELETE FROM measurements WHERE plan = $1 AND indicator = $2");

Statement const kDropRoom("activities.drop_carried_room",
                          "DELETE FROM rooms WHERE plan = $1 AND room = $2 AND NOT EXISTS (SELECT 1 FROM sessions s "
                          "WHERE s.plan = $1 AND s.room = $2)");
Statement const kDropGoal("activities.drop_carried_sub_goal",
                          "DELETE FROM sub_goals WHERE plan = $1 AND sub_goal = $2 AND NOT EXISTS (SELECT 1 FROM activities a "
                          "WHERE a.plan = $1 AND a.sub_goal = $2) AND NOT EXISTS (SELECT 1 FROM indicators i WHERE i.plan = $1 "
                          "AND i.sub_goal = $2)");
Statement const kDropCarries("activities.drop_merge_carries", "DELETE FROM merge_carries WHERE plan = $1 AND merge = $2");
Statement const kPlanBack("activities.plan_stays", "DELETE FROM moved_plans WHERE plan = $1");

// One undoing of a merge.
class CarryingBack {
 public:
  CarryingBack(WriteTransaction& tx, Merging const& merging) : tx_(tx), merging_(merging) {}

  absl::StatusOr<std::int64_t> Run() {
    RETURN_IF_ERROR(LockPlan(tx_, merging_.successor));
    for (auto const& plan : merging_.predecessors) RETURN_IF_ERROR(LockPlan(tx_, plan));
    ASSIGN_OR_RETURN(carries_, LoadCarries(tx_, merging_));
    // Hours before the activities that they name, activities before those who help with them, and who helps once it is known
    // again what each plan knows.
    RETURN_IF_ERROR(ForEach(CarryKind::kVolunteer, &CarryingBack::BringHours));
    RETURN_IF_ERROR(ForEach(CarryKind::kActivity, &CarryingBack::BringActivity));
    RETURN_IF_ERROR(ForEach(CarryKind::kVolunteer, &CarryingBack::BringClearance));
    RETURN_IF_ERROR(ForEach(CarryKind::kVolunteer, &CarryingBack::BringVolunteer));
    RETURN_IF_ERROR(ForEach(CarryKind::kRoom, &CarryingBack::DropRoom));
    RETURN_IF_ERROR(ForEach(CarryKind::kIndicator, &CarryingBack::BringIndicator));
    RETURN_IF_ERROR(ForEach(CarryKind::kSubGoal, &CarryingBack::DropGoal));
    for (auto const& plan : merging_.predecessors) RETURN_IF_ERROR(tx_.Enqueue(kPlanBack, {std::string_view(plan)}));
    RETURN_IF_ERROR(tx_.Enqueue(kDropCarries, {std::string_view(merging_.successor), std::string_view(merging_.merge)}));
    return std::count_if(carries_.begin(), carries_.end(), [](Carry const& carry) {
      return carry.kind == CarryKind::kActivity || carry.kind == CarryKind::kVolunteer;
    });
  }

 private:
  absl::Status ForEach(CarryKind kind, absl::Status (CarryingBack::*bring)(Carry const&)) {
    for (auto const& carry : carries_) {
      if (carry.kind != kind) continue;
      RETURN_IF_ERROR((this->*bring)(carry));
    }
    return absl::OkStatus();
  }

  // An activity that was to end with its plan goes on in it.
  absl::Status LetStay(Carry const& carry) {
    ASSIGN_OR_RETURN(auto old, LoadActivity(tx_, NameIn(carry.from_plan, "activities", carry.from_id)));
    old.clear_move_date();
    RETURN_IF_ERROR(tx_.Enqueue(kStayedSeats, {std::string_view(carry.from_plan), std::string_view(carry.from_id)}));
    return SaveActivity(tx_, old, old.state(), "the merge was undone");
  }

  absl::Status BringActivity(Carry const& carry) {
    if (!carry.made) return LetStay(carry);
    auto const name = NameIn(merging_.successor, "activities", carry.id);
    RETURN_IF_ERROR(LockSeats(tx_, name).status());
    RETURN_IF_ERROR(BringRooms(carry));
    RETURN_IF_ERROR(BringRows(carry));
    RETURN_IF_ERROR(BringDescription(carry, name));
    return DropSuccessor(name, carry);
  }

  // A room that the successor has taken for it since goes along.
  absl::Status BringRooms(Carry const& carry) {
    std::string_view const plan(merging_.successor);
    std::string_view const from(carry.from_plan);
    ASSIGN_OR_RETURN(auto const rooms,
                     tx_.Query(kNewRooms, {plan, std::string_view(carry.id), from, std::string_view(merging_.merge)}));
    if (rooms.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto taken, RoomIds(tx_, from));
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      auto const& id = rooms.Text(i, 0);
      ASSIGN_OR_RETURN(auto room, tx_.Get<v1::Room>(NameIn(plan, "rooms", id)));
      auto const back = FreeId(id, plan, taken);
      room.set_name(NameIn(from, "rooms", back));
      RETURN_IF_ERROR(tx_.Insert(room));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kRoom, carry.from_plan, back, id, false}));
    }
    return absl::OkStatus();
  }

  absl::Status BringRows(Carry const& carry) {
    std::string_view const plan(merging_.successor);
    std::string_view const id(carry.id);
    std::string_view const to(carry.from_plan);
    std::string_view const to_id(carry.from_id);
    std::string_view const merge(merging_.merge);
    RETURN_IF_ERROR(tx_.Enqueue(kBackSeries, {plan, id, to, to_id, merge}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackExceptions, {plan, id, to, to_id}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackSessions, {plan, id, to, to_id, merge}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackRegistrations, {plan, id, to, to_id, true}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackRegistrations, {plan, id, to, to_id, false}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackAttendances, {plan, id, to, to_id}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackEntries, {plan, id, to, to_id}));
    RETURN_IF_ERROR(tx_.Enqueue(kDropOldAssignments, {plan, id, to, to_id}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackAssignments, {plan, id, to, to_id, merge}));
    RETURN_IF_ERROR(tx_.Enqueue(kBackSeats, {plan, id, to, to_id}));
    ASSIGN_OR_RETURN(auto const tally, tx_.Query(kTally, {plan, id}));
    return AddToTally(tx_, NameIn(to, "activities", to_id),
                      {.confirmed = tally.Int64(0, 0) - carry.confirmed, .attended = tally.Int64(0, 1)});
  }

  // What it is called and where it is in its life, as it has become.
  absl::Status BringDescription(Carry const& carry, std::string const& name) {
    ASSIGN_OR_RETURN(auto const since, LoadActivity(tx_, name));
    ASSIGN_OR_RETURN(auto const old, LoadActivity(tx_, NameIn(carry.from_plan, "activities", carry.from_id)));
    ASSIGN_OR_RETURN(auto const paused, PausedState(tx_, name));
    auto back = since;
    back.set_name(old.name());
    back.set_etag(old.etag());
    back.set_sub_goal(old.sub_goal());
    back.set_focus_area(old.focus_area());
    back.clear_successor();
    back.clear_move_date();
    if (old.predecessor().empty()) {
      back.clear_predecessor();
    } else {
      back.set_predecessor(old.predecessor());
    }
    RETURN_IF_ERROR(SaveActivity(tx_, back, old.state(), "the merge was undone"));
    RETURN_IF_ERROR(StoreLists(tx_, back));
    return SetPausedState(tx_, old.name(), paused);
  }

  absl::Status DropSuccessor(std::string const& name, Carry const& carry) {
    std::string_view const plan(merging_.successor);
    std::string_view const id(carry.id);
    // Hours of others than the predecessor's volunteers are kept without it.
    for (auto const* const statement :
         {&kForgetActivity, &kDropEntries, &kDropAttendances, &kDropAssignments, &kDropSessions, &kDropExceptions, &kDropSeries,
          &kDropRegistrations, &kDropPartners, &kDropLanguages, &kDropSeats, &kDropTally, &kDropActivity}) {
      RETURN_IF_ERROR(tx_.Enqueue(*statement, {plan, id}));
    }
    v1::ActivityRemoved event;
    event.set_activity(name);
    event.set_goes_on_as(NameIn(carry.from_plan, "activities", carry.from_id));
    return tx_.Append(event, name, PlanOf(name));
  }

  // Hours under an id that the predecessor's own have go back under another.
  absl::Status BringHours(Carry const& carry) {
    if (!carry.made) return absl::OkStatus();
    std::string_view const plan(merging_.successor);
    std::string_view const id(carry.id);
    std::string_view const to(carry.from_plan);
    std::string_view const to_id(carry.from_id);
    ASSIGN_OR_RETURN(auto const twice, tx_.Query(kHoursTwice, {plan, id, to, to_id}));
    if (!twice.empty()) {
      ASSIGN_OR_RETURN(auto taken, IdsOfHours(to, to_id));
      ASSIGN_OR_RETURN(auto const own, IdsOfHours(plan, id));
      taken.insert(own.begin(), own.end());
      for (std::size_t i = 0; i < twice.size(); ++i) {
        auto const back = FreeId(twice.Text(i, 0), plan, taken);
        RETURN_IF_ERROR(tx_.Enqueue(kRenameHours, {plan, id, std::string_view(twice.Text(i, 0)), std::string_view(back)}));
      }
    }
    RETURN_IF_ERROR(tx_.Enqueue(kBackHours, {plan, id, to, to_id, std::string_view(merging_.merge)}));
    return tx_.Enqueue(kDropHours, {plan, id});
  }
  absl::StatusOr<IdSet> IdsOfHours(std::string_view plan, std::string_view volunteer) {
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kHoursIds, {plan, volunteer}));
    IdSet ids;
    for (std::size_t i = 0; i < rows.size(); ++i) ids.insert(rows.Text(i, 0));
    return ids;
  }

  // What the successor's volunteer began with: what the predecessors knew, put together as it was then. They have not changed it.
  absl::StatusOr<v1::Clearance> GivenTo(std::string const& id) {
    std::optional<v1::Clearance> given;
    for (auto const& carry : carries_) {
      if (carry.kind != CarryKind::kVolunteer || carry.id != id) continue;
      ASSIGN_OR_RETURN(auto const known, tx_.Get<v1::Clearance>(NameIn(carry.from_plan, "clearances", carry.from_id)));
      given = given ? JoinClearances(*given, known) : known;
    }
    return given.value_or(v1::Clearance());
  }

  absl::Status BringClearance(Carry const& carry) {
    ASSIGN_OR_RETURN(auto const since, tx_.Get<v1::Clearance>(NameIn(merging_.successor, "clearances", carry.id)));
    ASSIGN_OR_RETURN(auto const before, tx_.Get<v1::Clearance>(NameIn(carry.from_plan, "clearances", carry.from_id)));
    bool const refused = since.state() == v1::CLEARANCE_STATE_NOT_CLEARED && before.state() != since.state();
    // What has come since went to the one whose volunteer went along; only a no is told to all who know the person.
    if (!carry.made && !refused) return absl::OkStatus();
    auto const [given, first] = given_.try_emplace(carry.id);
    if (first) {
      ASSIGN_OR_RETURN(given->second, GivenTo(carry.id));
    }
    auto back = ClearanceBack(before, given->second, since);
    return back ? tx_.Update(*back) : absl::OkStatus();
  }

  absl::Status BringVolunteer(Carry const& carry) {
    RETURN_IF_ERROR(TakeOffSessions(tx_, NameIn(carry.from_plan, "volunteers", carry.from_id), TakeOff::kNotCleared));
    if (!carry.made) return absl::OkStatus();
    std::string_view const plan(merging_.successor);
    std::string_view const id(carry.id);
    ASSIGN_OR_RETURN(auto const since, tx_.Get<v1::Volunteer>(NameIn(plan, "volunteers", id)));
    ASSIGN_OR_RETURN(auto volunteer, tx_.Get<v1::Volunteer>(NameIn(carry.from_plan, "volunteers", carry.from_id)));
    volunteer.set_tasks(since.tasks());
    if (since.has_leave_date()) *volunteer.mutable_leave_date() = since.leave_date();
    volunteer.set_minutes_total(volunteer.minutes_total() + since.minutes_total());
    RETURN_IF_ERROR(tx_.Update(volunteer));
    for (auto const* const statement : {&kDropOrdered, &kDropOnSessions}) RETURN_IF_ERROR(tx_.Enqueue(*statement, {plan, id}));
    RETURN_IF_ERROR(tx_.Delete<v1::Clearance>(NameIn(plan, "clearances", id)));
    return tx_.Delete<v1::Volunteer>(NameIn(plan, "volunteers", id));
  }

  // What it says of itself, and its rounds, as they have become. What it counts is the predecessor's again.
  absl::Status BringIndicator(Carry const& carry) {
    auto const name = NameIn(merging_.successor, "indicators", carry.id);
    ASSIGN_OR_RETURN(auto const since, tx_.Get<v1::Indicator>(name));
    ASSIGN_OR_RETURN(auto const old, tx_.Get<v1::Indicator>(NameIn(carry.from_plan, "indicators", carry.from_id)));
    auto back = since;
    back.set_name(old.name());
    back.set_etag(old.etag());
    back.set_sub_goal(old.sub_goal());
    back.set_focus_area(old.focus_area());
    back.set_carried_value(old.carried_value());
    RETURN_IF_ERROR(tx_.Update(back));
    std::string_view const plan(merging_.successor);
    std::string_view const id(carry.id);
    RETURN_IF_ERROR(
        tx_.Enqueue(kBackMeasurements, {plan, id, std::string_view(carry.from_plan), std::string_view(carry.from_id)}));
    RETURN_IF_ERROR(tx_.Enqueue(kDropMeasurements, {plan, id}));
    RETURN_IF_ERROR(tx_.Delete<v1::Indicator>(name));
    v1::Indicator* const one[] = {&back};
    RETURN_IF_ERROR(CompleteIndicators(tx_, one));
    return AppendIndicatorChanged(tx_, back);
  }

  absl::Status DropRoom(Carry const& carry) {
    return tx_.Enqueue(kDropRoom, {std::string_view(merging_.successor), std::string_view(carry.id)});
  }
  absl::Status DropGoal(Carry const& carry) {
    return tx_.Enqueue(kDropGoal, {std::string_view(merging_.successor), std::string_view(carry.id)});
  }

  WriteTransaction& tx_;
  Merging const& merging_;
  std::vector<Carry> carries_;
  std::map<std::string, v1::Clearance> given_;  // by the volunteer of the successor, from before anything went back
};

}  // namespace

absl::StatusOr<std::int64_t> CarryBack(WriteTransaction& tx, Merging const& merging) { return CarryingBack(tx, merging).Run(); }

}  // namespace helhed::activities
