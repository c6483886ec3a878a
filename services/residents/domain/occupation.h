#pragma once

#include <absl/status/status.h>

#include <span>
#include <string>

#include "services/platform/base/civil.h"

// Who lives where, and when: one household at a time in a dwelling that is let.
namespace helhed::residents {

// A household's time in its dwelling.
struct Occupation {
  std::string household;
  Period period;
};

// OK when `candidate` may occupy `dwelling`, which is let during `let`, beside the `others` of the same dwelling. One that has
// the candidate's household is what it replaces. Errors, all FAILED_PRECONDITION: DWELLING_NOT_LET, PERIODS_OVERLAP.
absl::Status CheckOccupation(Occupation const& candidate, std::string const& dwelling, Period const& let,
                             std::span<Occupation const> others);

// OK when `dwelling` may be let during `let` given its households; otherwise FAILED_PRECONDITION DWELLING_NOT_LET.
absl::Status CheckLetting(std::string const& dwelling, Period const& let, std::span<Occupation const> occupations);

}  // namespace helhed::residents
