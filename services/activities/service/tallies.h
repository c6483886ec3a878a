#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "services/platform/service/store.h"

// What is counted of an activity, kept current with every change in the same transaction. The activity's seats are locked.
namespace helhed::activities {

struct Tally {
  // Seats that are confirmed, whether or not the person came in the end.
  std::int64_t confirmed = 0;
  // How often somebody came to a session.
  std::int64_t attended = 0;
};

// Adds to the tally of the activity that `name` is or lies below.
absl::Status AddToTally(WriteTransaction& tx, std::string_view name, Tally const& change);

// The sums over the activities of sub-goals of one plan, by the sub-goal's name; none for one without activities.
absl::StatusOr<std::map<std::string, Tally>> TalliesOf(ReadTransaction& tx, std::set<std::string> const& sub_goals);

}  // namespace helhed::activities
