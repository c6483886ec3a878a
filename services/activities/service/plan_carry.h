#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/volunteer.pb.h"
#include "services/platform/base/free_id.h"
#include "services/platform/service/store.h"

// What plans that become one have goes on in their successor, and back again while that can be undone.
//
// Nothing is taken from a predecessor. An activity that is not over gets a successor with the same description, seats, queue and
// registrations, and with its sessions from the day on that nobody was marked for; the old one stays as it was then, readable
// under its name with everything below it, and is not changed any more. What was marked is counted where it was marked; an
// indicator goes along with its sub-goal, its rounds and what it had counted.
namespace helhed::activities {

// Plans by the last part of their names.
struct Merging {
  std::string successor;
  std::string merge;
  // In the order of their names, so that the outcome does not depend on the caller's.
  std::vector<std::string> predecessors;
  absl::CivilDay effective;
  // Names of activities that end with their plans.
  std::set<std::string> not_carried;
};

// Returns how many activities and volunteers go on.
absl::StatusOr<std::int64_t> CarryOver(WriteTransaction& tx, Merging const& merging);

// Takes it back, with what has come since: registrations, sessions, marks, hours. What was entered in the successor itself stays
// there, and so does what another predecessor knew of a volunteer, but for a no of the police (P8). Returns how many went back.
absl::StatusOr<std::int64_t> CarryBack(WriteTransaction& tx, Merging const& merging);

// What goes on as what. `kind` as in merge_carries.
enum class CarryKind : std::int64_t { kRoom = 1, kSubGoal = 2, kVolunteer = 3, kActivity = 4, kIndicator = 5 };
struct Carry {
  CarryKind kind;
  std::string from_plan;
  std::string from_id;
  std::string id;
  bool made = true;
  std::int64_t confirmed = 0;
};

absl::Status StoreCarry(WriteTransaction& tx, Merging const& merging, Carry const& carry);
absl::StatusOr<std::vector<Carry>> LoadCarries(ReadTransaction& tx, Merging const& merging);

// What of a plan goes on when it moves, in the order of names, with what decides how; nothing when it has moved. `plan` is the
// last part of its name.
absl::StatusOr<std::vector<v1::Activity>> ActivitiesGoingOn(ReadTransaction& tx, std::string_view plan);
absl::StatusOr<std::vector<v1::Volunteer>> VolunteersGoingOn(ReadTransaction& tx, std::string_view plan);

// The last parts of the names of a plan's rooms.
absl::StatusOr<IdSet> RoomIds(ReadTransaction& tx, std::string_view plan);

// `amagerplanen`, `rooms`, `sal` -> `plans/amagerplanen/rooms/sal`.
std::string NameIn(std::string_view plan, std::string_view collection, std::string_view id);

}  // namespace helhed::activities
