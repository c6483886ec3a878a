#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/contract/resource_name.h"
#include "services/platform/service/requests.h"
#include "services/platform/service/store.h"

// What the handlers read out of names, and the lists that follow from them.
namespace helhed::communications {

// The values of the variables in the name of an `M`, which the contract has checked: `plans/p/notices/n` -> {`p`, `n`}.
template <typename M>
std::vector<std::string> KeyOf(std::string_view name) {
  return contract::PatternOf(*M::descriptor())->Match(name).value_or(std::vector<std::string>());
}

// `plans/amagerplanen/notices/n` -> `plans/amagerplanen`.
inline std::string PlanOf(std::string_view name) { return std::string(name.substr(0, name.find('/', sizeof("plans/") - 1))); }

// A page of what lies below the resource that the request names as its parent: `below` are its key columns of the table `t`, the
// first of them the plan.
template <typename Response, typename Request>
absl::StatusOr<Response> PageBelow(ReadTransaction& tx, Request const& request, std::string_view from,
                                   std::vector<storage::Condition> conditions) {
  storage::ListOptions options;
  options.from = from;
  options.alias = "t";
  options.conditions = std::move(conditions);
  return tx.List<Response>(request, options);
}
template <typename Response, typename Request>
absl::StatusOr<Response> PageOfPlan(ReadTransaction& tx, Request const& request, std::string_view from) {
  return PageBelow<Response>(tx, request, from, {{"t.plan = ?", {std::string(contract::LastPart(request.parent()))}}});
}

}  // namespace helhed::communications
