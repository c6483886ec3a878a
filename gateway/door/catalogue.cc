#include "gateway/door/catalogue.h"

#include <absl/strings/str_split.h>

#include <algorithm>

namespace helhed::gateway::door {

std::string ServiceOf(contract::Method const& method) {
  std::vector<std::string> const words = absl::StrSplit(method.descriptor().service()->file()->package(), '.');
  return words.size() > 1 ? words[1] : "";
}

Catalogue::Catalogue(std::span<std::string const> services) {
  for (auto const* const method : contract::AllMethods()) {
    auto service = ServiceOf(*method);
    if (service != kGateway && std::find(services.begin(), services.end(), service) == services.end()) continue;
    methods_.push_back(method);
    answers_.emplace(method, std::move(service));
    auto const& name = method->descriptor().service()->full_name();
    if (std::find(service_names_.begin(), service_names_.end(), name) == service_names_.end()) service_names_.push_back(name);
  }
}

contract::Method const* Catalogue::Find(std::string_view path) const {
  auto const* const method = contract::FindMethod(path);
  return method != nullptr && answers_.contains(method) ? method : nullptr;
}

std::string Catalogue::AnswersService(std::string_view full_name) const {
  if (std::find(service_names_.begin(), service_names_.end(), full_name) == service_names_.end()) return "";
  auto const methods = contract::MethodsOf(full_name);
  return methods.empty() ? "" : Answers(*methods.front());
}

}  // namespace helhed::gateway::door
