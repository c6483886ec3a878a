#include "services/funding/service/merging_plans.h"

#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

Statement const kMergingPlan("funding.merging_plan", "SELECT successor, merge FROM merging_plans WHERE plan = $1");
Statement const kEnterMerging("funding.enter_merging", "INSERT INTO merging_plans (plan, successor, merge) VALUES ($1, $2, $3)");
Statement const kLeaveMerging("funding.leave_merging", "DELETE FROM merging_plans WHERE plan = $1");

}  // namespace

absl::Status RequireNotMerging(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMergingPlan, {PlanIdOf(plan)}));
  if (rows.empty()) return absl::OkStatus();
  auto merge = absl::StrCat("plans/", rows.Text(0, 0), "/merges/", rows.Text(0, 1));
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PLAN_MERGING,
               absl::StrCat(Av(PlanOf(plan)), " is in ", merge, ", which has to be sealed or undone first"),
               {{"plan", std::string(PlanOf(plan))}, {"merge", std::move(merge)}});
}

absl::Status EnterMerging(WriteTransaction& tx, std::string_view merge, std::span<std::string const> plans) {
  for (auto const& plan : plans) {
    RETURN_IF_ERROR(RequireNotMerging(tx, plan));
    RETURN_IF_ERROR(tx.Enqueue(kEnterMerging, {PlanIdOf(plan), PlanIdOf(merge), contract::LastPart(merge)}));
  }
  return absl::OkStatus();
}

absl::Status LeaveMerging(WriteTransaction& tx, std::span<std::string const> plans) {
  for (auto const& plan : plans) RETURN_IF_ERROR(tx.Enqueue(kLeaveMerging, {PlanIdOf(plan)}));
  return absl::OkStatus();
}

}  // namespace helhed::funding
