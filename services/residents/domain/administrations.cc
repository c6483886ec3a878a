#include "services/residents/domain/administrations.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::residents {
namespace {

// The days that two overlapping periods share.
Period Shared(Period const& a, Period const& b) {
  Period shared{std::max(a.start, b.start), a.end};
  if (b.end && (!shared.end || *b.end < *shared.end)) shared.end = b.end;
  return shared;
}

// Whether somebody up from `organisation` during `period` is `sought`. Periods only shrink on the way and organisations are
// finite; a step taken before with the same days need not be taken again.
bool Reaches(std::string_view organisation, Period const& period, std::string_view sought, Relation const& replaced,
             std::span<Relation const> others) {
  std::vector<std::pair<std::string_view, Period>> open = {{organisation, period}};
  std::set<std::pair<std::string_view, std::string>> seen;
  while (!open.empty()) {
    auto const [at, days] = open.back();
    open.pop_back();
    if (at == sought) return true;
    if (!seen.emplace(at, ToIsoPeriod(days)).second) continue;
    for (auto const& other : others) {
      if (other.name == replaced.name || other.organisation != at || !other.period.Overlaps(days)) continue;
      open.emplace_back(other.administrator, Shared(other.period, days));
    }
  }
  return false;
}

}  // namespace

absl::Status CheckAdministration(Relation const& candidate, std::span<Relation const> others) {
  if (Reaches(candidate.administrator, candidate.period, candidate.organisation, candidate, others)) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ADMINISTRATION_CIRCULAR,
                 "An organisation cannot administer for itself, or for one that administers for it at the same time.",
                 {{"organisation", candidate.organisation}});
  }
  for (auto const& other : others) {
    if (other.name == candidate.name || other.organisation != candidate.organisation) continue;
    if (!other.period.Overlaps(candidate.period)) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIODS_OVERLAP,
                 "The organisation has another administrator in that period; end that one first.",
                 {{"resource", candidate.name}, {"other", other.name}});
  }
  return absl::OkStatus();
}

}  // namespace helhed::residents
