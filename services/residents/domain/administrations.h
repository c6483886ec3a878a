#pragma once

#include <absl/status/status.h>

#include <span>
#include <string>
#include <string_view>

#include "services/platform/base/civil.h"

// Who administers for whom.
namespace helhed::residents {

// `administrator` administers for `organisation` during `period`. All are resource names.
struct Relation {
  std::string name;
  std::string organisation;
  std::string administrator;
  Period period;
};

// OK when `candidate` may stand beside `others`, which must hold every relation of its organisation, and every relation of the
// organisations that administer for its administrator, and so on upwards. One that has the candidate's name is what it replaces.
// Errors, all FAILED_PRECONDITION:
//   ADMINISTRATION_CIRCULAR  an organisation administers for itself, directly or by others, on some day
//   PERIODS_OVERLAP          the organisation has another administrator in the period
absl::Status CheckAdministration(Relation const& candidate, std::span<Relation const> others);

}  // namespace helhed::residents
