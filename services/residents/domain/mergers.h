#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/civil.h"

// How departments become one, and where that leaves their dwellings.
namespace helhed::residents {

// From `date` on, `department` is part of `successor`. Both are resource names.
struct Merger {
  std::string department;
  std::string successor;
  absl::CivilDay date;
};

// A dwelling's time in one department.
struct Stay {
  std::string department;
  Period period;
  friend bool operator==(Stay const&, Stay const&) = default;
};

// The mergers of one organisation. A department is merged once at most and never back, so following successors ends.
//
// Later facts do not undo earlier ones: when B is registered to become part of C before the day on which A becomes part of B,
// then A's dwellings go to C on their day.
class Mergers {
 public:
  explicit Mergers(std::span<Merger const> mergers);

  // How `department` was merged, whenever that takes effect; nullptr when it was not.
  Merger const* Of(std::string_view department) const;

  // The department that has the dwellings of `department` on `day`: itself, its successor if it is merged by then, and so on.
  std::string Resolve(std::string_view department, absl::CivilDay day) const;

  // The departments that a dwelling passes through which belongs to `department` from `from` on, without gap or overlap. The
  // first stay is in another department when `department` is merged by then.
  std::vector<Stay> Stays(std::string_view department, absl::CivilDay from) const;

  // OK when the `predecessors` may become part of `successor` on `date`. Errors:
  //   INVALID_ARGUMENT     MERGER_ACROSS_ORGANISATIONS  a predecessor is of another organisation
  //   FAILED_PRECONDITION  MERGER_CIRCULAR              a predecessor is the successor, or has become part of it by a chain
  //   already FAILED_PRECONDITION  DEPARTMENT_MERGED            a predecessor is merged already, or the successor is before
  //   `date`
  absl::Status Check(std::string_view successor, std::span<std::string const> predecessors, absl::CivilDay date) const;

 private:
  std::map<std::string, Merger, std::less<>> by_department_;
};

// FAILED_PRECONDITION DEPARTMENT_MERGED.
absl::Status DepartmentMerged(Merger const& merger);

// The stay that `day` lies in; the first one for a day before it. `stays` must not be empty.
Stay const& StayOn(std::span<Stay const> stays, absl::CivilDay day);

}  // namespace helhed::residents
