#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <absl/time/civil_time.h>

#include <span>
#include <string>
#include <string_view>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/activity_rule.pb.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/activities/domain/seats.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/service/store.h"

// What every handler asks about the activity that it works on. Activities are given by name; so are what lies below them.
namespace helhed::activities {

// Whether an activity that goes on in another plan may be changed: only what was done before it moved may be entered late.
enum class Moved { kRefused, kAllowed };

// The activity's seats. Whoever changes the activity, its sessions or its registrations takes them first and has them alone until
// the transaction ends: so that what stands below is decided one after the other. NOT_FOUND when there is no such activity,
// FAILED_PRECONDITION GONE_ON_ELSEWHERE when it has moved.
absl::StatusOr<Seats> LockSeats(WriteTransaction& tx, std::string_view name, Moved moved = Moved::kRefused);
absl::Status SaveSeats(WriteTransaction& tx, std::string_view name, Seats const& seats);

// The activity with everything that belongs to the message, or NOT_FOUND.
absl::StatusOr<v1::Activity> LoadActivity(ReadTransaction& tx, std::string_view name);
// Sets what does not stand in the activities' own rows. They are of one plan.
absl::Status CompleteActivities(ReadTransaction& tx, std::span<v1::Activity* const> activities);
// Stores partners and languages in place of those that are there.
absl::Status StoreLists(WriteTransaction& tx, v1::Activity const& activity);
// Makes the seats of a new activity, and its tally.
absl::Status MakeSeats(WriteTransaction& tx, v1::Activity const& activity);

// The state in which the activity was paused.
absl::StatusOr<v1::ActivityState> PausedState(ReadTransaction& tx, std::string_view name);
absl::Status SetPausedState(WriteTransaction& tx, std::string_view name, v1::ActivityState state);

// Stores a changed activity, and says so.
absl::Status SaveActivity(WriteTransaction& tx, v1::Activity& activity, v1::ActivityState former, std::string_view reason = "");
absl::Status AppendActivityChanged(WriteTransaction& tx, v1::Activity const& activity, v1::ActivityState former,
                                   std::string_view reason);

// FAILED_PRECONDITION ACTIVITY_CLOSED when it is over.
absl::Status RequireNotOver(v1::Activity const& activity);

// What an activity did before its plan went on in another lies below its predecessor, and may come to lie beside what is below it
// now: nothing is named alike. ALREADY_EXISTS RESOURCE_EXISTS when the predecessor has a resource M of that id.
template <typename M>
absl::Status RequireNewBelow(ReadTransaction& tx, v1::Activity const& activity, std::string_view collection,
                             std::string_view id) {
  if (activity.predecessor().empty()) return absl::OkStatus();
  auto const name = absl::StrCat(activity.predecessor(), "/", Av(collection), "/", Av(id));
  ASSIGN_OR_RETURN(bool const taken, tx.Exists<M>(name));
  if (!taken) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS,
               "the activity had one of that id before its plan went on in this one", {{"resource", name}});
}

// The rule that holds on the day. FAILED_PRECONDITION NO_RULE.
absl::StatusOr<v1::ActivityRule> RuleOn(ReadTransaction& tx, absl::CivilDay day);

}  // namespace helhed::activities
