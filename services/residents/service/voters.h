#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/resident.pb.h"
#include "services/platform/service/store.h"
#include "services/residents/domain/eligibility.h"

// Where a person belongs, as eligibility asks it.
namespace helhed::residents {

// NOT_FOUND when there is no such department, DEPARTMENT_MERGED when it is part of another on the day.
absl::Status RequireDepartmentOn(ReadTransaction& tx, std::string const& department, absl::CivilDay day);

// A belonging with the department that it was in.
struct PlacedBelonging {
  std::string department;
  Belonging belonging;
};
// All of the person's in the organisation, on whatever days.
absl::StatusOr<std::vector<PlacedBelonging>> LoadBelongings(ReadTransaction& tx, std::string_view resident,
                                                            std::string_view organisation_id);

}  // namespace helhed::residents
