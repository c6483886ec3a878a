#include "services/activities/service/plan_carry.h"

#include <absl/strings/str_cat.h>

#include <map>
#include <optional>
#include <utility>

#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/activity_life.h"
#include "services/activities/domain/plan_merge.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/assignments.h"
#include "services/activities/service/indicator_service.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/plan_carry_texts.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kStoreCarry("activities.store_merge_carry",
                            "INSERT INTO merge_carries (plan, merge, kind, from_plan, from_id, id, made, confirmed) "
                            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
Statement const kCarries("activities.merge_carries",
                         "SELECT kind, from_plan, from_id, id, made, confirmed FROM merge_carries WHERE plan = $1 AND merge = $2 "
                         "ORDER BY kind, from_plan, from_id");
Statement const kMovePlan("activities.move_plan",
                          "INSERT INTO moved_plans (plan, successor, merge, move_date) VALUES ($1, $2, $3, $4)");

Statement const kIdsOfRooms("activities.ids_of_rooms", "SELECT room FROM rooms WHERE plan = $1 ORDER BY room");
Statement const kIdsOfGoals("activities.ids_of_sub_goals", "SELECT sub_goal FROM sub_goals WHERE plan = $1 ORDER BY sub_goal");
Statement const kIdsOfActivities("activities.ids_of_activities",
                                 "SELECT activity FROM activities WHERE plan = $1 ORDER BY activity");
Statement const kIdsOfIndicators("activities.ids_of_indicators",
                                 "SELECT indicator FROM indicators WHERE plan = $1 ORDER BY indicator");
Statement const kIdsOfVolunteers("activities.ids_of_volunteers",
                                 "SELECT volunteer FROM volunteers WHERE plan = $1 ORDER BY volunteer");
Statement const kVolunteersGoingOn("activities.volunteers_that_go_on",
                                   "SELECT v.volunteer, v.resident FROM volunteers v WHERE v.plan = $1 AND v.leave_date IS NULL "
                                   "AND NOT EXISTS (SELECT 1 FROM moved_plans m WHERE m.plan = v.plan) ORDER BY v.volunteer");

// 6, 7 and 9: completed, reported and cancelled.
static_assert(v1::ACTIVITY_STATE_COMPLETED == 6 && v1::ACTIVITY_STATE_REPORTED == 7 && v1::ACTIVITY_STATE_CANCELLED == 9);
Statement const kActivitiesGoingOn("activities.activities_that_go_on",
                                   "SELECT activity, display_name, activity_type FROM activities WHERE plan = $1 "
                                   "AND state NOT IN (6, 7, 9) AND move_date IS NULL ORDER BY activity");

Statement const kCarrySeats("activities.carry_seats",
                            "UPDATE activity_seats SET taken = o.taken, waiting = o.waiting, last_number = o.last_number "
                            "FROM activity_seats o WHERE activity_seats.plan = $3 AND activity_seats.activity = $4 "
                            "AND o.plan = $1 AND o.activity = $2");
Statement const kMarkMoved("activities.mark_seats_moved",
                           "UPDATE activity_seats SET moved = TRUE WHERE plan = $1 AND activity = $2");
Statement const kCarryMeasurements("activities.carry_measurements", carry::kMeasurements);
Statement const kCarrySeries("activities.carry_series",
                             absl::StrCat(Av(carry::kSeriesInto), Av(carry::kRoomThere), Av(carry::kSeriesFrom)));
Statement const kCarryExceptions("activities.carry_series_exceptions", carry::kExceptions);
// Who was there was there with the predecessor: a session that somebody was marked for stays where it is.
Statement const kCarrySessions("activities.carry_sessions",
                               absl::StrCat(Av(carry::kSessionsInto), Av(carry::kRoomThere), Av(carry::kSessionsFrom),
                                            "AND s.start_time >= $6 AND NOT EXISTS (SELECT 1 FROM attendances a "
                                            "WHERE a.plan = s.plan AND a.activity = s.activity AND a.session = s.session)"));
static_assert(v1::REGISTRATION_STATE_EXPIRED == 5 && v1::REGISTRATION_STATE_CANCELLED == 6);
Statement const kCarryRegistrations("activities.carry_registrations",
                                    absl::StrCat(Av(carry::kRegistrations), "AND state NOT IN (5, 6)"));
Statement const kCarryAssignments(
    "activities.carry_assignments",
    "INSERT INTO assignments (plan, activity, session, assignment, revision, create_time, update_time) "
    "SELECT n.plan, n.activity, n.session, c.id, 1, MIN(a.create_time), MIN(a.update_time) FROM assignments a "
    "JOIN sessions n ON n.plan = $3 AND n.activity = $4 AND n.session = a.session "
    "JOIN merge_carries c ON c.plan = $3 AND c.merge = $5 AND c.kind = 3 AND c.from_plan = a.plan AND c.from_id = a.assignment "
    "WHERE a.plan = $1 AND a.activity = $2 GROUP BY n.plan, n.activity, n.session, c.id");
static_assert(v1::REGISTRATION_STATE_CONFIRMED == 2 && v1::REGISTRATION_STATE_ATTENDED == 7 &&
              v1::REGISTRATION_STATE_NO_SHOW == 8);
Statement const kConfirmed("activities.confirmed_registrations",
                           "SELECT COUNT(*) FROM registrations WHERE plan = $1 AND activity = $2 AND state IN (2, 7, 8)");
Statement const kSetConfirmed("activities.set_confirmed",
                              "UPDATE activity_tallies SET confirmed = $3 WHERE plan = $1 AND activity = $2");

absl::StatusOr<IdSet> IdsIn(ReadTransaction& tx, Statement const& statement, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {plan}));
  IdSet ids;
  for (std::size_t i = 0; i < rows.size(); ++i) ids.insert(rows.Text(i, 0));
  return ids;
}

// One execution of a merge.
class Carrying {
 public:
  Carrying(WriteTransaction& tx, Merging const& merging) : tx_(tx), merging_(merging) {}

  absl::StatusOr<std::int64_t> Run() {
    RETURN_IF_ERROR(LockPlan(tx_, merging_.successor));
    for (auto const& plan : merging_.predecessors) RETURN_IF_ERROR(LockPlan(tx_, plan));
    ASSIGN_OR_RETURN(rooms_, RoomIds(tx_, merging_.successor));
    ASSIGN_OR_RETURN(goals_, IdsIn(tx_, kIdsOfGoals, merging_.successor));
    ASSIGN_OR_RETURN(volunteers_, IdsIn(tx_, kIdsOfVolunteers, merging_.successor));
    ASSIGN_OR_RETURN(activities_, IdsIn(tx_, kIdsOfActivities, merging_.successor));
    ASSIGN_OR_RETURN(indicators_, IdsIn(tx_, kIdsOfIndicators, merging_.successor));
    ASSIGN_OR_RETURN(auto const there, VolunteersGoingOn(tx_, merging_.successor));
    for (auto const& volunteer : there) {
      volunteer_of_[volunteer.resident()] = {std::string(contract::LastPart(volunteer.name())), false};
    }
    auto const date = ToIsoDate(merging_.effective);
    for (auto const& plan : merging_.predecessors) {
      RETURN_IF_ERROR(CarryRooms(plan));
      RETURN_IF_ERROR(CarryGoals(plan));
      RETURN_IF_ERROR(CarryVolunteers(plan));
      RETURN_IF_ERROR(CarryActivities(plan));
      RETURN_IF_ERROR(CarryIndicators(plan));
      RETURN_IF_ERROR(tx_.Enqueue(kMovePlan, {std::string_view(plan), std::string_view(merging_.successor),
                                              std::string_view(merging_.merge), std::string_view(date)}));
    }
    // Last, when everybody is on the sessions that they came with: what is known of somebody now may be another plan's no.
    for (auto const& id : joined_) {
      RETURN_IF_ERROR(TakeOffSessions(tx_, NameIn(merging_.successor, "volunteers", id), TakeOff::kNotCleared));
    }
    return count_;
  }

 private:
  absl::Status CarryRooms(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const ids, RoomIds(tx_, plan));
    for (auto const& id : ids) {
      ASSIGN_OR_RETURN(auto room, tx_.Get<v1::Room>(NameIn(plan, "rooms", id)));
      auto const carried = FreeId(id, plan, rooms_);
      room.set_name(NameIn(merging_.successor, "rooms", carried));
      RETURN_IF_ERROR(tx_.Insert(room));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kRoom, plan, id, carried}));
    }
    return absl::OkStatus();
  }

  absl::Status CarryGoals(std::string const& plan) {
    goal_of_.clear();
    ASSIGN_OR_RETURN(auto const ids, IdsIn(tx_, kIdsOfGoals, plan));
    for (auto const& id : ids) {
      ASSIGN_OR_RETURN(auto goal, tx_.Get<v1::SubGoal>(NameIn(plan, "subGoals", id)));
      auto const carried = FreeId(id, plan, goals_);
      goal.set_name(NameIn(merging_.successor, "subGoals", carried));
      RETURN_IF_ERROR(tx_.Insert(goal));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kSubGoal, plan, id, carried}));
      goal_of_[NameIn(plan, "subGoals", id)] = goal.name();
    }
    return absl::OkStatus();
  }

  // What a sub-goal is measured by goes on where it stood: rounds as they were; of what is counted, what does not go along with
  // the activities is carried as a number. After the activities.
  absl::Status CarryIndicators(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const ids, IdsIn(tx_, kIdsOfIndicators, plan));
    for (auto const& id : ids) {
      ASSIGN_OR_RETURN(auto indicator, tx_.Get<v1::Indicator>(NameIn(plan, "indicators", id)));
      v1::Indicator* const one[] = {&indicator};
      RETURN_IF_ERROR(CompleteIndicators(tx_, one));
      auto const carried = FreeId(id, plan, indicators_);
      v1::Indicator made = indicator;
      made.set_name(NameIn(merging_.successor, "indicators", carried));
      made.set_sub_goal(goal_of_.at(indicator.sub_goal()));
      if (IsCounted(made)) {
        made.clear_current_value();
        bool const seats = made.kind() == v1::INDICATOR_KIND_CONFIRMED_REGISTRATIONS;
        made.set_carried_value(indicator.current_value() - (seats ? confirmed_of_[indicator.sub_goal()] : 0));
      }
      RETURN_IF_ERROR(tx_.Insert(made));
      RETURN_IF_ERROR(tx_.Enqueue(kCarryMeasurements, {std::string_view(plan), std::string_view(id),
                                                       std::string_view(merging_.successor), std::string_view(carried)}));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kIndicator, plan, id, carried}));
      made.set_current_value(indicator.current_value());
      RETURN_IF_ERROR(AppendIndicatorChanged(tx_, made));
    }
    return absl::OkStatus();
  }

  // Nobody is a volunteer of a plan twice.
  absl::Status CarryVolunteers(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const there, VolunteersGoingOn(tx_, plan));
    for (auto const& one : there) {
      auto const id = std::string(contract::LastPart(one.name()));
      ASSIGN_OR_RETURN(auto clearance, tx_.Get<v1::Clearance>(NameIn(plan, "clearances", id)));
      clearance.clear_clearance_order();
      auto const known = volunteer_of_.find(one.resident());
      ++count_;
      if (known != volunteer_of_.end()) {
        RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kVolunteer, plan, id, known->second.id, false}));
        RETURN_IF_ERROR(JoinVolunteer(known->second, clearance));
        continue;
      }
      ASSIGN_OR_RETURN(auto volunteer, tx_.Get<v1::Volunteer>(one.name()));
      auto const carried = FreeId(id, plan, volunteers_);
      volunteer.set_name(NameIn(merging_.successor, "volunteers", carried));
      volunteer.set_minutes_total(0);
      RETURN_IF_ERROR(tx_.Insert(volunteer));
      clearance.set_name(NameIn(merging_.successor, "clearances", carried));
      RETURN_IF_ERROR(tx_.Insert(clearance));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kVolunteer, plan, id, carried}));
      volunteer_of_[one.resident()] = {carried, true};
    }
    return absl::OkStatus();
  }

  struct Known {
    std::string id;
    bool carried;
  };
  // What two predecessors know is put together. What the successor itself knows stands, but for a no of the police (P8), which is
  // not taken back with the merge either.
  absl::Status JoinVolunteer(Known const& known, v1::Clearance const& other) {
    joined_.insert(known.id);
    auto const name = NameIn(merging_.successor, "clearances", known.id);
    ASSIGN_OR_RETURN(auto clearance, tx_.Get<v1::Clearance>(name));
    bool const refused = other.state() == v1::CLEARANCE_STATE_NOT_CLEARED && clearance.state() != other.state();
    if (!known.carried && !refused) return absl::OkStatus();
    auto joined = JoinClearances(clearance, other);
    joined.set_name(name);
    joined.set_etag(clearance.etag());
    return tx_.Update(joined);
  }

  absl::Status CarryActivities(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const activities, ActivitiesGoingOn(tx_, plan));
    for (auto const& activity : activities) {
      RETURN_IF_ERROR(CarryActivity(plan, std::string(contract::LastPart(activity.name()))));
    }
    return absl::OkStatus();
  }

  absl::Status CarryActivity(std::string const& plan, std::string const& id) {
    auto const name = NameIn(plan, "activities", id);
    RETURN_IF_ERROR(LockSeats(tx_, name).status());
    ASSIGN_OR_RETURN(auto old, LoadActivity(tx_, name));
    ++count_;
    *old.mutable_move_date() = ToProtoDate(merging_.effective);
    if (!merging_.not_carried.contains(name)) {
      auto const carried = FreeId(id, plan, activities_);
      old.set_successor(NameIn(merging_.successor, "activities", carried));
      RETURN_IF_ERROR(MakeSuccessor(old, id, plan, carried));
    } else {
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kActivity, plan, id, "", false}));
    }
    RETURN_IF_ERROR(tx_.Enqueue(kMarkMoved, {std::string_view(plan), std::string_view(id)}));
    return SaveActivity(tx_, old, old.state(), "the plan goes on in another");
  }

  absl::Status MakeSuccessor(v1::Activity const& old, std::string const& id, std::string const& plan,
                             std::string const& carried) {
    v1::Activity made = old;
    made.set_name(old.successor());
    made.set_sub_goal(goal_of_.at(old.sub_goal()));
    made.set_predecessor(old.name());
    made.clear_successor();
    made.clear_move_date();
    ASSIGN_OR_RETURN(auto const paused, PausedState(tx_, old.name()));
    ASSIGN_OR_RETURN(auto const confirmed, tx_.Query(kConfirmed, {std::string_view(plan), std::string_view(id)}));
    confirmed_of_[old.sub_goal()] += confirmed.Int64(0, 0);
    RETURN_IF_ERROR(tx_.Insert(made));
    RETURN_IF_ERROR(SetPausedState(tx_, made.name(), paused));
    RETURN_IF_ERROR(StoreLists(tx_, made));
    RETURN_IF_ERROR(MakeSeats(tx_, made));
    RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kActivity, plan, id, carried, true, confirmed.Int64(0, 0)}));
    std::string_view const from(plan);
    std::string_view const to(merging_.successor);
    std::string_view const merge(merging_.merge);
    auto const midnight = absl::ToUnixMicros(absl::FromCivil(merging_.effective, Copenhagen()));
    RETURN_IF_ERROR(tx_.Enqueue(kCarrySeats, {from, id, to, carried}));
    RETURN_IF_ERROR(tx_.Enqueue(kSetConfirmed, {to, carried, confirmed.Int64(0, 0)}));
    RETURN_IF_ERROR(tx_.Enqueue(kCarrySeries, {from, id, to, carried, merge}));
    RETURN_IF_ERROR(tx_.Enqueue(kCarryExceptions, {from, id, to, carried}));
    RETURN_IF_ERROR(tx_.Enqueue(kCarrySessions, {from, id, to, carried, merge, midnight}));
    RETURN_IF_ERROR(tx_.Enqueue(kCarryRegistrations, {from, id, to, carried}));
    RETURN_IF_ERROR(tx_.Enqueue(kCarryAssignments, {from, id, to, carried, merge}));
    return AppendActivityChanged(tx_, made, v1::ACTIVITY_STATE_UNSPECIFIED, "goes on from " + old.name());
  }

  WriteTransaction& tx_;
  Merging const& merging_;
  // What is taken in the successor.
  IdSet rooms_;
  IdSet goals_;
  IdSet volunteers_;
  IdSet activities_;
  IdSet indicators_;
  std::map<std::string, std::string> goal_of_;        // by the name of the predecessor's
  std::map<std::string, std::int64_t> confirmed_of_;  // seats that go along, by the name of the predecessor's sub-goal
  std::map<std::string, Known> volunteer_of_;         // by resident
  IdSet joined_;                                      // volunteers of whom more than one plan knew something
  std::int64_t count_ = 0;
};

}  // namespace

absl::Status StoreCarry(WriteTransaction& tx, Merging const& merging, Carry const& carry) {
  return tx.Enqueue(kStoreCarry, {std::string_view(merging.successor), std::string_view(merging.merge),
                                  static_cast<std::int64_t>(carry.kind), std::string_view(carry.from_plan),
                                  std::string_view(carry.from_id), std::string_view(carry.id), carry.made, carry.confirmed});
}

absl::StatusOr<std::vector<Carry>> LoadCarries(ReadTransaction& tx, Merging const& merging) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kCarries, {std::string_view(merging.successor), std::string_view(merging.merge)}));
  std::vector<Carry> carries;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    carries.push_back({static_cast<CarryKind>(rows.Int64(i, 0)), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3),
                       rows.Bool(i, 4), rows.Int64(i, 5)});
  }
  return carries;
}

absl::StatusOr<std::vector<v1::Activity>> ActivitiesGoingOn(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kActivitiesGoingOn, {plan}));
  std::vector<v1::Activity> activities(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    activities[i].set_name(NameIn(plan, "activities", rows.Text(i, 0)));
    activities[i].set_display_name(rows.Text(i, 1));
    activities[i].set_activity_type(rows.Text(i, 2));
  }
  return activities;
}

absl::StatusOr<std::vector<v1::Volunteer>> VolunteersGoingOn(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kVolunteersGoingOn, {plan}));
  std::vector<v1::Volunteer> volunteers(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    volunteers[i].set_name(NameIn(plan, "volunteers", rows.Text(i, 0)));
    volunteers[i].set_resident(rows.Text(i, 1));
  }
  return volunteers;
}

absl::StatusOr<IdSet> RoomIds(ReadTransaction& tx, std::string_view plan) { return IdsIn(tx, kIdsOfRooms, plan); }

std::string NameIn(std::string_view plan, std::string_view collection, std::string_view id) {
  return absl::StrCat("plans/", Av(plan), "/", Av(collection), "/", Av(id));
}

absl::StatusOr<std::int64_t> CarryOver(WriteTransaction& tx, Merging const& merging) { return Carrying(tx, merging).Run(); }

}  // namespace helhed::activities
