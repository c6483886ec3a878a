#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/dwelling.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/service/store.h"
#include "services/residents/domain/mergers.h"
#include "services/residents/service/queries.h"

// What entering one dwelling and entering many have in common.
namespace helhed::residents {

// Completes a dwelling that is to be entered below `organisation` and adds what is wrong with it to `violations`, with paths
// below `field`.
void CheckNewDwelling(v1::Dwelling& dwelling, std::string_view organisation, std::string_view field,
                      std::vector<FieldViolation>& violations);

// Where a checked dwelling will be, or DEPARTMENT_MERGED when its department is part of another by then.
absl::StatusOr<Residence> Place(v1::Dwelling const& dwelling, Mergers const& mergers);

}  // namespace helhed::residents
