#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/activities/v1/activity.pb.h"
#include "helhed/activities/v1/volunteer.pb.h"
#include "helhed/common/v1/merge.pb.h"

// What becomes of the activities and volunteers of plans that become one.
namespace helhed::activities {

// What has to be decided: activities of different plans with the same kind and title, and residents who are volunteers of more
// than one of the plans. In the order of kinds and names.
std::vector<common::v1::MergeFinding> FindMergeConflicts(std::span<v1::Activity const> activities,
                                                         std::span<v1::Volunteer const> volunteers);

// The activities that do not go on: those that it was decided the first of goes on for, but the first. Names.
std::set<std::string> NotCarried(std::span<common::v1::MergeDecision const> decisions);

// What is known of somebody who was cleared, or not, for two plans: a no of the police stands, else what holds longest does (P8).
v1::Clearance JoinClearances(v1::Clearance const& one, v1::Clearance const& other);

// What a predecessor knows of somebody once the merge is undone; nullopt when that is what it knew `before`. `given` is what the
// successor began with, `since` what it knows now. Only what has come since goes back, and a no of the police wherever it was
// given (P8): what another plan was told with a consent of its own stays there.
std::optional<v1::Clearance> ClearanceBack(v1::Clearance const& before, v1::Clearance const& given, v1::Clearance const& since);

}  // namespace helhed::activities
