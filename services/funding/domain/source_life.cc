#include "services/funding/domain/source_life.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <array>

#include "helhed/funding/v1/errors.pb.h"

namespace helhed::funding {
namespace {

using v1::SourceState;

struct Rule {
  SourceAct act;
  std::string_view verb;
  SourceState after;
  std::vector<SourceState> from;
};

std::vector<Rule> const& Rules() {
  static auto const& rules = *new std::vector<Rule>{
      {SourceAct::kPledge, "pledge", v1::SOURCE_STATE_PLEDGED, {v1::SOURCE_STATE_PROPOSED}},
      {SourceAct::kApprove, "approve", v1::SOURCE_STATE_APPROVED, {v1::SOURCE_STATE_PLEDGED}},
      {SourceAct::kRelease,
       "release",
       v1::SOURCE_STATE_RELEASED,
       {v1::SOURCE_STATE_APPROVED, v1::SOURCE_STATE_RELEASED, v1::SOURCE_STATE_PARTLY_PAID}},
      {SourceAct::kReserve, "reserve", v1::SOURCE_STATE_RELEASED, {v1::SOURCE_STATE_RELEASED, v1::SOURCE_STATE_PARTLY_PAID}},
      // From the later states on what is left unreleased lapses, and the rest lives on.
      {SourceAct::kLapse,
       "lapse",
       v1::SOURCE_STATE_LAPSED,
       {v1::SOURCE_STATE_APPROVED, v1::SOURCE_STATE_RELEASED, v1::SOURCE_STATE_PARTLY_PAID}},
      {SourceAct::kReconcile, "reconcile", v1::SOURCE_STATE_RECONCILED, {v1::SOURCE_STATE_PAID}},
      {SourceAct::kDemandRepayment,
       "demandRepayment",
       v1::SOURCE_STATE_REPAYMENT_DUE,
       {v1::SOURCE_STATE_RELEASED, v1::SOURCE_STATE_PARTLY_PAID}},
      {SourceAct::kRepay, "repay", v1::SOURCE_STATE_REPAID, {v1::SOURCE_STATE_REPAYMENT_DUE}},
      {SourceAct::kClose,
       "close",
       v1::SOURCE_STATE_CLOSED,
       {v1::SOURCE_STATE_RECONCILED, v1::SOURCE_STATE_REPAID, v1::SOURCE_STATE_LAPSED}},
  };
  return rules;
}

Rule const& RuleOf(SourceAct act) {
  return *std::find_if(Rules().begin(), Rules().end(), [&](Rule const& rule) { return rule.act == act; });
}

bool IsHours(v1::Source const& source) { return source.contribution() == v1::CONTRIBUTION_IN_KIND_HOURS; }

bool Possible(v1::Source const& source, Rule const& rule) {
  // Hours are delivered, not released and paid: approved they can be reconciled.
  if (IsHours(source) && rule.act == SourceAct::kReconcile) return source.state() == v1::SOURCE_STATE_APPROVED;
  if (IsHours(source) && (rule.act == SourceAct::kRelease || rule.act == SourceAct::kReserve)) return false;
  return std::find(rule.from.begin(), rule.from.end(), source.state()) != rule.from.end();
}

std::string AllowedNow(v1::Source const& source) {
  std::vector<std::string_view> verbs;
  for (auto const& rule : Rules()) {
    if (Possible(source, rule)) verbs.push_back(rule.verb);
  }
  return absl::StrJoin(verbs, ", ", [](std::string* out, std::string_view verb) { absl::StrAppend(out, Av(verb)); });
}

absl::Status Settled(v1::Source const& source, std::string_view what, Ore amount) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MONEY_NOT_SETTLED,
               absl::StrCat(source.name(), " has ", ToKroner(amount), " kr. ", Av(what), ", so this cannot be done now."),
               {{"source", source.name()}, {"what", std::string(what)}, {"amount", absl::StrCat(amount)}});
}

}  // namespace

absl::Status CheckAct(v1::Source const& source, SourceAct act, SourceTotals const& totals) {
  auto const& rule = RuleOf(act);
  if (IsHours(source) && (act == SourceAct::kRelease || act == SourceAct::kReserve)) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_IN_KIND_NOT_PAID,
                 absl::StrCat(source.name(), " contributes hours; hours are never released and never paid."),
                 {{"source", source.name()}});
  }
  if (!Possible(source, rule)) {
    std::string state = v1::SourceState_Name(source.state()).substr(std::string_view("SOURCE_STATE_").size());
    std::string allowed = AllowedNow(source);
    std::string text = absl::StrCat(source.name(), " is ", state, "; it cannot ", Av(rule.verb),
                                    " now. Possible now: ", allowed.empty() ? "nothing" : allowed, ".");
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SOURCE_STATE_WRONG, text,
                 {{"source", source.name()}, {"state", std::move(state)}, {"allowed", std::move(allowed)}});
  }
  if (act == SourceAct::kDemandRepayment && totals.reserved > 0) return Settled(source, "reserved", totals.reserved);
  if (act == SourceAct::kDemandRepayment && totals.released == 0) return Settled(source, "released and not used", 0);
  if (act == SourceAct::kLapse && !IsHours(source) && totals.approved == 0)
    return Settled(source, "approved and not released", 0);
  return absl::OkStatus();
}

v1::SourceState StateAfter(SourceAct act) { return RuleOf(act).after; }

bool FollowsFromTotals(v1::SourceState state) {
  return state == v1::SOURCE_STATE_APPROVED || state == v1::SOURCE_STATE_RELEASED || state == v1::SOURCE_STATE_PARTLY_PAID ||
         state == v1::SOURCE_STATE_PAID;
}

v1::SourceState StateByTotals(SourceTotals const& totals) {
  if (totals.released_in_all() == 0) return v1::SOURCE_STATE_APPROVED;
  if (totals.paid() == 0) return v1::SOURCE_STATE_RELEASED;
  return totals.paid() == totals.granted ? v1::SOURCE_STATE_PAID : v1::SOURCE_STATE_PARTLY_PAID;
}

std::vector<v1::SourceWarning> WarningsOf(v1::Source const& source, SourceTotals const& totals, bool in_budget,
                                          absl::CivilDay today, std::optional<absl::CivilDay> release_due) {
  std::vector<v1::SourceWarning> warnings;
  bool const waits = !IsHours(source) && FollowsFromTotals(source.state()) && totals.approved > 0;
  if (waits && release_due && *release_due <= today) warnings.push_back(v1::SOURCE_WARNING_RELEASE_OVERDUE);
  if (!in_budget) warnings.push_back(v1::SOURCE_WARNING_NOT_IN_BUDGET);
  if (source.precision() == v1::PRECISION_APPROXIMATE) warnings.push_back(v1::SOURCE_WARNING_AMOUNT_APPROXIMATE);
  return warnings;
}

}  // namespace helhed::funding
