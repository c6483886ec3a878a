#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>

#include "helhed/funding/v1/plan.pb.h"
#include "helhed/funding/v1/regulation.pb.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/service/store.h"

// What every handler of this service asks about the plan that it works on. Plans and regulations are given by name.
namespace helhed::funding {

// NOT_FOUND when there is no such plan. Until the transaction ends nobody changes the plan, its state above all; others may hold
// it at the same time. Whatever depends on the plan's state and does not change the plan itself holds it: a posting.
absl::Status HoldPlan(WriteTransaction& tx, std::string_view plan);
// NOT_FOUND when there is no such plan. Waits until nobody holds the plan, and keeps others from it until the transaction ends.
absl::Status LockPlan(WriteTransaction& tx, std::string_view plan);

// The plan with everything that belongs to the message, or NOT_FOUND.
absl::StatusOr<v1::Plan> LoadPlan(ReadTransaction& tx, std::string_view plan);
// Sets what does not stand in the plans' own rows: focus areas, predecessors.
absl::Status CompletePlans(ReadTransaction& tx, std::span<v1::Plan* const> plans);

// The regulation with everything that belongs to the message, or NOT_FOUND.
absl::StatusOr<v1::Regulation> LoadRegulation(ReadTransaction& tx, std::string_view regulation);
absl::Status CompleteRegulations(ReadTransaction& tx, std::span<v1::Regulation* const> regulations);
// Stores what does not stand in the regulation's own row.
absl::Status StoreRules(WriteTransaction& tx, v1::Regulation const& regulation);
// Stores the focus areas and predecessors of a plan in place of those that are there.
absl::Status StoreFocusAreas(WriteTransaction& tx, v1::Plan const& plan);
absl::Status StorePredecessors(WriteTransaction& tx, v1::Plan const& plan);

// NOT_FOUND when there is no such plan.
absl::Status RequirePlan(ReadTransaction& tx, std::string_view plan);

// A page of what lies directly below the plan that the request names as its parent. `from` is the table with the alias `t`.
template <typename Response, typename Request>
absl::StatusOr<Response> PageBelowPlan(ReadTransaction& tx, Request const& request, std::string_view from) {
  storage::ListOptions options;
  options.from = from;
  options.alias = "t";
  options.conditions.push_back({"t.plan = ?", {std::string(contract::LastPart(request.parent()))}});
  RETURN_IF_ERROR(RequirePlan(tx, request.parent()));
  return tx.List<Response>(request, options);
}
template <typename Response, typename Request>
absl::StatusOr<Response> ListBelowPlan(Store& store, CallContext const& call, Request const& request, std::string_view from) {
  return store.Read(call, [&](ReadTransaction& tx) { return PageBelowPlan<Response>(tx, request, from); });
}

}  // namespace helhed::funding
