#include "services/residents/service/dated_rules.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/civil.h"

namespace helhed::residents {
namespace {

using storage::Statement;

Statement const kVotingRuleOn("residents.voting_rule_on",
                              "SELECT voting_rule, start_date FROM voting_rules WHERE start_date <= $1 "
                              "ORDER BY start_date DESC LIMIT 1");
Statement const kStatisticsRuleOn("residents.statistics_rule_on",
                                  "SELECT statistics_rule, start_date FROM statistics_rules WHERE start_date <= $1 "
                                  "ORDER BY start_date DESC LIMIT 1");

template <typename Rule>
absl::StatusOr<Rule> RuleOn(ReadTransaction& tx, Statement const& statement, std::string_view collection, absl::CivilDay day) {
  std::string const iso = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {std::string_view(iso)}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_RULE_NOT_CONFIGURED,
                 "No rule of that kind holds on the date.", {{"rule_kind", std::string(collection)}, {"date", iso}});
  }
  return tx.Get<Rule>(absl::StrCat(Av(collection), "/", rows.Text(0, 0)));
}

absl::Status RequireFreeDay(ReadTransaction& tx, Statement const& statement, std::string_view collection, absl::CivilDay day) {
  std::string const iso = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {std::string_view(iso)}));
  if (rows.empty() || rows.Text(0, 1) != iso) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_RULE_DAY_TAKEN, "Another rule begins on that day.",
               {{"resource", absl::StrCat(Av(collection), "/", rows.Text(0, 0))}});
}

}  // namespace

absl::StatusOr<v1::VotingRule> VotingRuleOn(ReadTransaction& tx, absl::CivilDay day) {
  return RuleOn<v1::VotingRule>(tx, kVotingRuleOn, "votingRules", day);
}
absl::StatusOr<v1::StatisticsRule> StatisticsRuleOn(ReadTransaction& tx, absl::CivilDay day) {
  return RuleOn<v1::StatisticsRule>(tx, kStatisticsRuleOn, "statisticsRules", day);
}
absl::Status RequireFreeVotingDay(ReadTransaction& tx, absl::CivilDay day) {
  return RequireFreeDay(tx, kVotingRuleOn, "votingRules", day);
}
absl::Status RequireFreeStatisticsDay(ReadTransaction& tx, absl::CivilDay day) {
  return RequireFreeDay(tx, kStatisticsRuleOn, "statisticsRules", day);
}

}  // namespace helhed::residents
