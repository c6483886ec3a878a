#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/type/date.pb.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helhed/common/v1/date_range.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/service/requests.h"

// What the handlers read out of requests in the same way.
namespace helhed::funding {

// `plans/amagerplanen/sources/lbf` -> `amagerplanen`.
std::string_view PlanIdOf(std::string_view name);
// `plans/amagerplanen/sources/lbf` -> `plans/amagerplanen`.
std::string_view PlanOf(std::string_view name);
std::string PlanName(std::string_view plan_id);

}  // namespace helhed::funding
