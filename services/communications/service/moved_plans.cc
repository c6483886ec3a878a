#include "services/communications/service/moved_plans.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/incident.pb.h"
#include "services/communications/service/names.h"

namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kMovedPlan("communications.moved_plan", "SELECT successor FROM moved_plans WHERE plan = $1");
Statement const kMovedIncident("communications.moved_incident",
                               "SELECT successor_plan, successor FROM moved_incidents WHERE plan = $1 AND incident = $2");

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
  auto const plan = PlanOf(name);
  auto const id = contract::LastPart(plan);
  RETURN_IF_ERROR(LockPlan(tx, id));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMovedPlan, {id}));
  if (rows.empty()) return absl::OkStatus();
  return GoneOn(plan, Sv(absl::StrCat("plans/", rows.Text(0, 0))));
}

absl::StatusOr<std::string> IncidentNow(ReadTransaction& tx, std::string_view incident) {
  std::string now(incident);
  // A plan goes on in a later one, which may go on in turn; no merge leads back.
  for (;;) {
    auto const key = KeyOf<v1::Incident>(now);
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kMovedIncident, {std::string_view(key[0]), std::string_view(key[1])}));
    if (rows.empty()) return now;
    now = absl::StrCat("plans/", rows.Text(0, 0), "/incidents/", rows.Text(0, 1));
  }
}

}  // namespace helhed::communications
