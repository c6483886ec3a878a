#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/service/requests.h"
#include "services/platform/service/store.h"

// What the handlers read out of requests in the same way.
namespace helhed::activities {

// The first two variables of a name below an activity; views into it.
struct ActivityKey {
  std::string_view plan;
  std::string_view activity;
};
// `plans/amagerplanen/activities/lektier/sessions/1` -> {`amagerplanen`, `lektier`}; only for names that the contract has
// checked.
ActivityKey KeyOf(std::string_view name);

// `plans/amagerplanen/rooms/sal` -> `plans/amagerplanen`.
std::string PlanOf(std::string_view name);
// `plans/amagerplanen/activities/lektier/sessions/1` -> `plans/amagerplanen/activities/lektier`.
std::string ActivityOf(std::string_view name);

// A page of what lies below the resource that the request names as its parent: a plan, or an activity. `from` is the table with
// the alias `t`.
template <typename Response, typename Request>
absl::StatusOr<Response> PageBelow(ReadTransaction& tx, Request const& request, std::string_view from) {
  storage::ListOptions options;
  options.from = from;
  options.alias = "t";
  auto const [plan, activity] = KeyOf(request.parent());
  options.conditions.push_back({"t.plan = ?", {std::string(plan)}});
  if (!activity.empty()) options.conditions.push_back({"t.activity = ?", {std::string(activity)}});
  return tx.List<Response>(request, options);
}
template <typename Response, typename Request>
absl::StatusOr<Response> ListBelow(Store& store, CallContext const& call, Request const& request, std::string_view from) {
  return store.Read(call, [&](ReadTransaction& tx) { return PageBelow<Response>(tx, request, from); });
}

}  // namespace helhed::activities
