#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/source.pb.h"
#include "services/funding/domain/apportion.h"
#include "services/funding/domain/budget_rules.h"
#include "services/funding/domain/money.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"
#include "services/platform/service/store.h"

// The statements about money that several handlers share.
namespace helhed::funding {

// A page of what lies in one table below a plan, amounts complete. NOT_FOUND when there is no such plan.
template <typename Response, typename Request>
absl::StatusOr<Response> ListOfPlan(ReadTransaction& tx, Request const& request, std::string_view table, std::string_view alias) {
  RETURN_IF_ERROR(RequirePlan(tx, request.parent()));
  std::string const from = absl::StrCat(Av(table), " ", Av(alias));
  std::string const of_plan = absl::StrCat(Av(alias), ".plan = ?");
  storage::ListOptions options;
  options.from = from;
  options.alias = alias;
  options.conditions.push_back({of_plan, {std::string(PlanIdOf(request.parent()))}});
  ASSIGN_OR_RETURN(auto response, tx.List<Response>(request, options));
  CompleteMoney(response);
  return response;
}

// The same for what lies below a source.
template <typename Response, typename Request>
absl::StatusOr<Response> ListOfSource(ReadTransaction& tx, Request const& request, std::string_view table,
                                      std::string_view alias) {
  ASSIGN_OR_RETURN(bool const exists, tx.Exists<v1::Source>(request.parent()));
  if (!exists) return NotFound(request.parent());
  std::string const from = absl::StrCat(Av(table), " ", Av(alias));
  std::string const of_source = absl::StrCat(Av(alias), ".plan = ? AND ", Av(alias), ".source = ?");
  storage::ListOptions options;
  options.from = from;
  options.alias = alias;
  options.conditions.push_back(
      {of_source, {std::string(PlanIdOf(request.parent())), std::string(contract::LastPart(request.parent()))}});
  ASSIGN_OR_RETURN(auto response, tx.List<Response>(request, options));
  CompleteMoney(response);
  return response;
}

// Sets what does not stand in the sources' own rows: what the books say, when a release is due, warnings.
absl::Status CompleteSources(ReadTransaction& tx, std::string_view plan, std::span<v1::Source* const> sources);

// What the current budget spends of a source.
absl::StatusOr<Ore> BudgetedOf(ReadTransaction& tx, std::string_view source);
// Removes the apportionments of a source that is removed.
absl::Status DeletePlanned(WriteTransaction& tx, std::string_view source);

// The lines of the current budget by their cells.
Lines LinesOf(std::span<v1::BudgetLine const> lines);

// What the departments that a plan covers on a date weigh. FAILED_PRECONDITION NOTHING_TO_APPORTION when there are none.
absl::StatusOr<std::vector<Weight>> CoveredWeights(ReadTransaction& tx, std::string_view plan, absl::CivilDay date,
                                                   v1::ApportionmentKey key);

// Apportionments with their parts: the one of that name, and the newest of each source of a plan.
absl::Status CompleteApportionments(ReadTransaction& tx, std::span<v1::Apportionment* const> apportionments);
absl::StatusOr<std::map<std::string, std::vector<Weight>>> NewestWeights(ReadTransaction& tx, std::string_view plan);

}  // namespace helhed::funding
