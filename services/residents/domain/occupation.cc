#include "services/residents/domain/occupation.h"

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::residents {
namespace {

absl::Status NotLet(std::string const& dwelling, Period const& let) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DWELLING_NOT_LET,
               "Every household must occupy the dwelling within the period in which it is let.",
               {{"dwelling", dwelling}, {"period", ToIsoPeriod(let)}});
}

}  // namespace

absl::Status CheckOccupation(Occupation const& candidate, std::string const& dwelling, Period const& let,
                             std::span<Occupation const> others) {
  if (!let.Contains(candidate.period)) return NotLet(dwelling, let);
  for (auto const& other : others) {
    if (other.household == candidate.household || !other.period.Overlaps(candidate.period)) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIODS_OVERLAP,
                 "The dwelling has another household in that period; end its occupation first.",
                 {{"resource", candidate.household}, {"other", other.household}});
  }
  return absl::OkStatus();
}

absl::Status CheckLetting(std::string const& dwelling, Period const& let, std::span<Occupation const> occupations) {
  for (auto const& occupation : occupations) {
    if (!let.Contains(occupation.period)) return NotLet(dwelling, let);
  }
  return absl::OkStatus();
}

}  // namespace helhed::residents
