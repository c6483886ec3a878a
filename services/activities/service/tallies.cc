#include "services/activities/service/tallies.h"

#include <absl/strings/str_cat.h>

#include <vector>

#include "services/activities/service/requests.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kAddToTally("activities.add_to_tally",
                            "UPDATE activity_tallies SET confirmed = confirmed + $3, attended = attended + $4 "
                            "WHERE plan = $1 AND activity = $2");
Statement const kTalliesOf("activities.tallies_of_sub_goals",
                           "SELECT a.sub_goal, CAST(SUM(t.confirmed) AS BIGINT) AS confirmed, "
                           "CAST(SUM(t.attended) AS BIGINT) AS attended FROM activities a "
                           "JOIN activity_tallies t ON t.plan = a.plan AND t.activity = a.activity WHERE a.plan = $1 "
                           "AND a.sub_goal IN (SELECT wanted.value FROM json_each($2) AS wanted) GROUP BY a.sub_goal",
                           "SELECT a.sub_goal, CAST(SUM(t.confirmed) AS BIGINT) AS confirmed, "
                           "CAST(SUM(t.attended) AS BIGINT) AS attended FROM activities a "
                           "JOIN activity_tallies t ON t.plan = a.plan AND t.activity = a.activity WHERE a.plan = $1 "
                           "AND a.sub_goal IN (SELECT wanted.value FROM json_array_elements_text(CAST($2 AS JSON)) "
                           "AS wanted (value)) GROUP BY a.sub_goal");

}  // namespace

absl::Status AddToTally(WriteTransaction& tx, std::string_view name, Tally const& change) {
  if (change.confirmed == 0 && change.attended == 0) return absl::OkStatus();
  auto const [plan, activity] = KeyOf(name);
  return tx.Enqueue(kAddToTally, {plan, activity, change.confirmed, change.attended});
}

absl::StatusOr<std::map<std::string, Tally>> TalliesOf(ReadTransaction& tx, std::set<std::string> const& sub_goals) {
  std::map<std::string, Tally> tallies;
  if (sub_goals.empty()) return tallies;
  std::vector<std::string> ids;
  for (auto const& goal : sub_goals) ids.emplace_back(contract::LastPart(goal));
  auto const plan = PlanOf(*sub_goals.begin());
  auto const wanted = JsonArray(ids);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kTalliesOf, {contract::LastPart(plan), std::string_view(wanted)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tallies[absl::StrCat(plan, "/subGoals/", rows.Text(i, 0))] = {.confirmed = rows.Int64(i, 1), .attended = rows.Int64(i, 2)};
  }
  return tallies;
}

}  // namespace helhed::activities
