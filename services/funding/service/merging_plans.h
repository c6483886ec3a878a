#pragma once

#include <absl/status/status.h>

#include <span>
#include <string>
#include <string_view>

#include "services/platform/service/store.h"

// Which plans a merge is running through. A plan is in one at a time, and until that is sealed or undone it does not come to its
// end in another way, nor changes what it covers.
namespace helhed::funding {

// FAILED_PRECONDITION PLAN_MERGING when the plan is in a merge. The plan is locked.
absl::Status RequireNotMerging(ReadTransaction& tx, std::string_view plan);

// Enters the plans as being in the merge; they are locked. FAILED_PRECONDITION PLAN_MERGING when one is in another.
absl::Status EnterMerging(WriteTransaction& tx, std::string_view merge, std::span<std::string const> plans);
absl::Status LeaveMerging(WriteTransaction& tx, std::span<std::string const> plans);

}  // namespace helhed::funding
