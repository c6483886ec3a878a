#pragma once

#include <absl/status/status.h>

#include <span>
#include <vector>

#include "helhed/residents/v1/democracy.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

// Which mandates go together.
namespace helhed::residents {

// What is wrong with the combination of body, role, department and household; the fields are paths below `mandate`.
std::vector<FieldViolation> MandateViolations(v1::Mandate const& mandate);

// A mandate that is there, or is to be.
struct Tenure {
  v1::Mandate mandate;
  Period period;
};

// OK when `candidate` can be held beside `others` of the same body: a household has one representative at a time, a board one
// chair, and nobody two mandates in one board or in the supreme body. One of the candidate's name is what it replaces. Otherwise
// FAILED_PRECONDITION PERIODS_OVERLAP.
absl::Status CheckMandate(Tenure const& candidate, std::span<Tenure const> others);

}  // namespace helhed::residents
