#pragma once

#include <absl/strings/str_cat.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <map>
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

// Resources that lie below one other, by the last parts of their names: what stands in tables of their own is added to all of
// them by one statement.
template <typename M>
using ById = std::map<std::string, M*, std::less<>>;
template <typename M>
ById<M> ByIdOf(google::protobuf::RepeatedPtrField<M>& page) {
  ById<M> by_id;
  for (auto& each : page) by_id.emplace(contract::LastPart(each.name()), &each);
  return by_id;
}
// The ids as a JSON array, as such a statement takes them. An id needs no escaping.
template <typename M>
std::string IdsOf(ById<M> const& by_id) {
  std::string ids;
  for (auto const& [id, _] : by_id) absl::StrAppend(&ids, ids.empty() ? "" : ",", "\"", id, "\"");
  return absl::StrCat("[", ids, "]");
}

// A page of what lies below the resource that the request names as its parent: `conditions` say which rows of the table `t` do.
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
