#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include "helhed/residents/v1/democracy.pb.h"
#include "helhed/residents/v1/statistics.pb.h"
#include "services/platform/service/store.h"

// Rules that begin on a day and hold until the next one begins.
namespace helhed::residents {

// The rule that holds on the day, or RULE_NOT_CONFIGURED.
absl::StatusOr<v1::VotingRule> VotingRuleOn(ReadTransaction& tx, absl::CivilDay day);
absl::StatusOr<v1::StatisticsRule> StatisticsRuleOn(ReadTransaction& tx, absl::CivilDay day);

// RULE_DAY_TAKEN when a rule of that kind begins on the day.
absl::Status RequireFreeVotingDay(ReadTransaction& tx, absl::CivilDay day);
absl::Status RequireFreeStatisticsDay(ReadTransaction& tx, absl::CivilDay day);

}  // namespace helhed::residents
