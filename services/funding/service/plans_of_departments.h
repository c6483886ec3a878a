#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <vector>

#include "helhed/funding/v1/coverage.pb.h"
#include "helhed/funding/v1/missing.pb.h"
#include "services/funding/domain/plan_life.h"
#include "services/platform/service/store.h"

// A department that two running plans cover on the same days is paid for twice. Whether that is allowed is not known, so it is a
// warning and no more (domain.md 8.1, 13.11).
namespace helhed::funding {

// Keeps findable that a plan covers the department. Stays when it is left out: the department's own row says that.
absl::Status RememberCovered(WriteTransaction& tx, v1::CoveredDepartment const& covered);

// An item for each department of the plan and each other plan, approved or running, that covers it on one of the same days. The
// plans that this one goes on from are left out: theirs ends when this one takes their place.
absl::StatusOr<std::vector<v1::MissingItem>> CoveredTwice(ReadTransaction& tx, PlanFacts const& facts);

}  // namespace helhed::funding
