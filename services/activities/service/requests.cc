#include "services/activities/service/requests.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <utility>

namespace helhed::activities {
namespace {

// The `index`th part of a name, from 0; empty when it is shorter.
std::string_view Part(std::string_view name, int index) {
  for (; index > 0; --index) {
    auto const slash = name.find('/');
    if (slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
  return name.substr(0, name.find('/'));
}

}  // namespace

ActivityKey KeyOf(std::string_view name) {
  return {Part(name, 1), Part(name, 2) == "activities" ? Part(name, 3) : std::string_view()};
}

std::string PlanOf(std::string_view name) { return absl::StrCat("plans/", Av(Part(name, 1))); }

std::string ActivityOf(std::string_view name) {
  auto const [plan, activity] = KeyOf(name);
  return absl::StrCat("plans/", Av(plan), "/activities/", Av(activity));
}

}  // namespace helhed::activities
