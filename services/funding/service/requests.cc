#include "services/funding/service/requests.h"

#include <absl/strings/str_cat.h>

namespace helhed::funding {

std::string_view PlanOf(std::string_view name) {
  auto const first = name.find('/');
  return first == std::string_view::npos ? name : name.substr(0, name.find('/', first + 1));
}

std::string_view PlanIdOf(std::string_view name) { return contract::LastPart(PlanOf(name)); }

std::string PlanName(std::string_view plan_id) { return absl::StrCat("plans/", Av(plan_id)); }

}  // namespace helhed::funding
