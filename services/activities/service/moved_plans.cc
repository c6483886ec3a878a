#include "services/activities/service/moved_plans.h"

#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/errors.pb.h"
#include "services/activities/service/requests.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kMovedPlan("activities.moved_plan", "SELECT successor FROM moved_plans WHERE plan = $1");

}  // namespace

absl::Status GoneOn(std::string_view resource, std::string_view successor) {
  ErrorMetadata metadata = {{"resource", std::string(resource)}};
  if (!successor.empty()) metadata["successor"] = std::string(successor);
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GONE_ON_ELSEWHERE,
               successor.empty() ? absl::StrCat(Av(resource), " has ended with its plan")
                                 : absl::StrCat(Av(resource), " goes on as ", Av(successor)),
               std::move(metadata));
}

absl::Status LockPlan(WriteTransaction& tx, std::string_view plan) { return tx.Lock(Sv(absl::StrCat("plan ", Av(plan)))); }

absl::Status HoldPlanHere(WriteTransaction& tx, std::string_view name) {
  RETURN_IF_ERROR(LockPlan(tx, KeyOf(name).plan));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMovedPlan, {KeyOf(name).plan}));
  if (rows.empty()) return absl::OkStatus();
  return GoneOn(PlanOf(name), Sv(absl::StrCat("plans/", rows.Text(0, 0))));
}

}  // namespace helhed::activities
