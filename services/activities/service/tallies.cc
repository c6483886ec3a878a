#include "services/activities/service/tallies.h"

#include "services/activities/service/requests.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kAddToTally("activities.add_to_tally",
                            "UPDATE activity_tallies SET confirmed = confirmed + $3, attended = attended + $4 "
                            "WHERE plan = $1 AND activity = $2");
Statement const kTallyOf("activities.tally_of_sub_goal",
                         "SELECT CAST(COALESCE(SUM(t.confirmed), 0) AS BIGINT) AS confirmed, "
                         "CAST(COALESCE(SUM(t.attended), 0) AS BIGINT) AS attended FROM activities a "
                         "JOIN activity_tallies t ON t.plan = a.plan AND t.activity = a.activity "
                         "WHERE a.plan = $1 AND a.sub_goal = $2");

}  // namespace

absl::Status AddToTally(WriteTransaction& tx, std::string_view name, Tally const& change) {
  if (change.confirmed == 0 && change.attended == 0) return absl::OkStatus();
  auto const [plan, activity] = KeyOf(name);
  return tx.Enqueue(kAddToTally, {plan, activity, change.confirmed, change.attended});
}

absl::StatusOr<Tally> TallyOf(ReadTransaction& tx, std::string_view sub_goal) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kTallyOf, {KeyOf(sub_goal).plan, contract::LastPart(sub_goal)}));
  return Tally{.confirmed = rows.Int64(0, 0), .attended = rows.Int64(0, 1)};
}

}  // namespace helhed::activities
