#include "services/funding/domain/merge_life.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "services/funding/domain/money.h"
#include "services/funding/domain/plan_life.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/hash.h"
#include "services/platform/base/requests.h"
#include "services/platform/base/status.h"

namespace helhed::funding {
namespace {

namespace cv1 = common::v1;

std::string_view LastPartOf(std::string_view name) { return name.substr(name.rfind('/') + 1); }

struct Step {
  MergeAct act;
  std::string_view name;
  std::vector<v1::PlanMergeState> from;
  v1::PlanMergeState to;
};

std::vector<Step> const& MergeSteps() {
  static auto const* const steps = new std::vector<Step>{
      {MergeAct::kDecide, "DECIDE", {v1::PLAN_MERGE_STATE_PROPOSED}, v1::PLAN_MERGE_STATE_PROPOSED},
      {MergeAct::kWithdraw, "WITHDRAW", {v1::PLAN_MERGE_STATE_PROPOSED}, v1::PLAN_MERGE_STATE_WITHDRAWN},
      {MergeAct::kExecute, "EXECUTE", {v1::PLAN_MERGE_STATE_PROPOSED}, v1::PLAN_MERGE_STATE_EXECUTING},
      {MergeAct::kFinishExecution, "FINISH_EXECUTION", {v1::PLAN_MERGE_STATE_EXECUTING}, v1::PLAN_MERGE_STATE_EXECUTED},
      {MergeAct::kUndo, "UNDO", {v1::PLAN_MERGE_STATE_EXECUTING, v1::PLAN_MERGE_STATE_EXECUTED}, v1::PLAN_MERGE_STATE_UNDOING},
      {MergeAct::kFinishUndoing, "FINISH_UNDOING", {v1::PLAN_MERGE_STATE_UNDOING}, v1::PLAN_MERGE_STATE_UNDONE},
      {MergeAct::kSeal, "SEAL", {v1::PLAN_MERGE_STATE_EXECUTED}, v1::PLAN_MERGE_STATE_SEALED},
  };
  return *steps;
}

std::string AllowedActs(v1::PlanMergeState state) {
  std::vector<std::string> names;
  for (auto const& step : MergeSteps()) {
    // What finishes is not a caller's to do.
    bool const is_own = step.act == MergeAct::kFinishExecution || step.act == MergeAct::kFinishUndoing;
    if (!is_own && After(state, step.act)) names.emplace_back(step.name);
  }
  return absl::StrJoin(names, ", ");
}

bool IsApproved(MergeFacts const& facts, v1::Party party, std::string_view organisation) {
  return std::any_of(facts.approvals.begin(), facts.approvals.end(), [&](v1::Approval const& approval) {
    return approval.party() == party && approval.organisation() == organisation && approval.stage() == v1::APPROVAL_STAGE_FINAL &&
           approval.outcome() == v1::APPROVAL_OUTCOME_APPROVED;
  });
}

bool Names(v1::Plan const& successor, std::string_view predecessor) {
  return std::find(successor.predecessors().begin(), successor.predecessors().end(), predecessor) !=
         successor.predecessors().end();
}

Period PeriodOf(v1::CoveredDepartment const& covered, v1::Plan const& plan) {
  return StoredPeriod(covered.has_period() ? covered.period() : plan.period());
}

bool IsCovered(v1::CoveredDepartment const& covered) { return covered.state() == v1::COVERAGE_STATE_COVERED; }

// Whether the coverage reaches the effective date or goes beyond it.
bool Reaches(v1::CoveredDepartment const& covered, v1::Plan const& plan, absl::CivilDay effective) {
  auto const period = PeriodOf(covered, plan);
  return IsCovered(covered) && (!period.end || *period.end > effective);
}

v1::CoveredDepartment const* Find(PlanCoverage const& coverage, std::string_view id) {
  auto const found = std::find_if(coverage.departments.begin(), coverage.departments.end(),
                                  [&](auto const& covered) { return LastPartOf(covered.name()) == id; });
  return found == coverage.departments.end() ? nullptr : &*found;
}

// What moves, by the last part of its name.
using Moving = std::map<std::string, std::vector<v1::CoveredDepartment const*>>;
Moving MovingOn(std::span<PlanCoverage const> predecessors, absl::CivilDay effective) {
  Moving moving;
  for (auto const& predecessor : predecessors) {
    for (auto const& covered : predecessor.departments) {
      if (!Reaches(covered, predecessor.plan, effective)) continue;
      moving[std::string(LastPartOf(covered.name()))].push_back(&covered);
    }
  }
  return moving;
}

std::vector<std::string> NamesOf(std::vector<v1::CoveredDepartment const*> const& departments) {
  std::vector<std::string> names;
  for (auto const* const covered : departments) names.push_back(covered->name());
  return names;
}

// Whether the successor may take the department in that it has, or has not, in this row.
bool MayTakeIn(v1::CoveredDepartment const* there) {
  return there == nullptr || (!IsCovered(*there) && !there->exclude_merge().empty());
}

// The coverage as it is when it ends on the day; one that would begin then or later is left out.
v1::CoveredDepartment EndedOn(v1::CoveredDepartment covered, v1::Plan const& plan, absl::CivilDay day, std::string_view reason) {
  auto const period = PeriodOf(covered, plan);
  if (period.start >= day) {
    covered.set_state(v1::COVERAGE_STATE_EXCLUDED);
    covered.set_exclude_reason(std::string(reason));
    return covered;
  }
  *covered.mutable_period()->mutable_start_date() = ToProtoDate(period.start);
  *covered.mutable_period()->mutable_end_date() = ToProtoDate(day);
  return covered;
}

void SetPeriod(v1::CoveredDepartment& covered, absl::CivilDay start, v1::Plan const& plan) {
  *covered.mutable_period()->mutable_start_date() = ToProtoDate(start);
  if (!covered.period().has_end_date()) *covered.mutable_period()->mutable_end_date() = plan.period().end_date();
}

// What the successor's coverage of a department becomes; nullopt when it stays as it is.
std::optional<CoverageChange> TakeOver(PlanCoverage const& successor, std::vector<v1::CoveredDepartment const*> const& from,
                                       absl::CivilDay effective, std::span<cv1::MergeDecision const> decisions) {
  auto const id = LastPartOf(from.front()->name());
  auto const* const there = Find(successor, id);
  auto const start = std::max(effective, StoredPeriod(successor.plan.period()).start);
  if (there != nullptr && !MayTakeIn(there)) {
    if (!Reaches(*there, successor.plan, effective) || PeriodOf(*there, successor.plan).start >= effective) return std::nullopt;
    CoverageChange change{*there, *there};
    SetPeriod(change.after, start, successor.plan);
    return change;
  }
  std::vector<std::string> const subject = {from.front()->name()};
  auto const chosen = DecisionOn(decisions, cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED, subject);
  if (chosen != cv1::MERGE_RESOLUTION_TAKE_IN) return std::nullopt;
  CoverageChange change{*from.front(), std::nullopt};
  change.after.set_name(absl::StrCat(successor.plan.name(), "/coveredDepartments/", Av(id)));
  change.after.clear_period();
  change.after.clear_exclude_merge();
  if (there != nullptr) {
    change.before = *there;
    change.after.set_etag(there->etag());
  }
  SetPeriod(change.after, start, successor.plan);
  return change;
}

}  // namespace

std::string NameOf(v1::PlanMergeState state) {
  return v1::PlanMergeState_Name(state).substr(std::string_view("PLAN_MERGE_STATE_").size());
}
std::string_view NameOf(MergeAct act) {
  return std::find_if(MergeSteps().begin(), MergeSteps().end(), [&](Step const& step) { return step.act == act; })->name;
}

std::optional<v1::PlanMergeState> After(v1::PlanMergeState state, MergeAct act) {
  for (auto const& step : MergeSteps()) {
    if (step.act == act && std::find(step.from.begin(), step.from.end(), state) != step.from.end()) return step.to;
  }
  return std::nullopt;
}

namespace {

// What is to be decided and stands in no report: it has come, or has changed, since.
void AddUnreported(MergeFacts const& facts, std::vector<std::string>& missing) {
  if (facts.merge.parts().empty()) return;
  std::set<std::string, std::less<>> reported;
  for (auto const& conflict : facts.conflicts) reported.emplace(LastPartOf(conflict.name()));
  for (auto const& finding : facts.findings) {
    // Sealing waits for what is under way; there is nothing to choose.
    if (finding.kind() == cv1::MERGE_CONFLICT_KIND_MONEY_UNDER_WAY || reported.contains(ConflictId(finding))) continue;
    missing.push_back("a new conflict report, for " + finding.subjects(0));
  }
}

}  // namespace

std::vector<std::string> MissingToExecute(MergeFacts const& facts, absl::CivilDay today) {
  std::vector<std::string> missing;
  auto const effective = ToCivil(facts.merge.effective_date()).value_or(absl::CivilDay::max());
  if (today < effective) missing.push_back(absl::StrCat("the effective date, ", ToIsoDate(effective)));
  auto const& successor = facts.successor;
  if (successor.state() != v1::PLAN_STATE_APPROVED && successor.state() != v1::PLAN_STATE_ACTIVE) {
    missing.push_back(absl::StrCat(successor.name(), " approved or active"));
  }
  for (auto const& predecessor : facts.predecessors) {
    if (!Names(successor, predecessor.name())) {
      missing.push_back(absl::StrCat(predecessor.name(), " among the predecessors of ", successor.name()));
    }
    if (!After(predecessor.state(), v1::PLAN_TRANSITION_SUPERSEDE)) {
      missing.push_back(absl::StrCat(predecessor.name(), " active or closing"));
    }
  }
  if (facts.merge.parts().empty()) missing.emplace_back("the conflict report");
  for (auto const& part : facts.merge.parts()) {
    if (part.state() != v1::MERGE_PART_STATE_REPORTED) missing.push_back("the report of " + part.service());
  }
  for (auto const& conflict : facts.conflicts) {
    if (conflict.resolution() == cv1::MERGE_RESOLUTION_UNSPECIFIED) missing.push_back("a decision on " + conflict.name());
  }
  AddUnreported(facts, missing);
  for (auto const& organisation : facts.organisations) {
    if (!IsApproved(facts, v1::PARTY_ORGANISATION, organisation)) missing.push_back("the approval of " + organisation);
  }
  if (!IsApproved(facts, v1::PARTY_MUNICIPALITY, "")) missing.emplace_back("the approval of the municipality");
  if (!IsApproved(facts, v1::PARTY_FUND, "")) missing.emplace_back("the approval of the fund");
  return missing;
}

std::vector<std::string> MissingToSeal(v1::PlanMerge const& merge) {
  std::vector<std::string> missing;
  for (auto const& part : merge.parts()) {
    if (!part.has_execute_time()) missing.push_back("the receipt of " + part.service());
  }
  return missing;
}

absl::Status MergeNotReady(v1::PlanMerge const& merge, MergeAct act, std::span<std::string const> missing) {
  // The answer travels in headers, which have a bound.
  constexpr std::size_t listed_max = 40;
  auto const listed = absl::StrJoin(missing.first(std::min(missing.size(), listed_max)), "; ");
  auto const state = NameOf(merge.state());
  auto message = absl::StrCat(merge.name(), " cannot ", Av(NameOf(act)), "; state: ", state);
  if (!missing.empty()) absl::StrAppend(&message, "; ", missing.size(), " missing: ", missing.front());
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MERGE_NOT_READY, message,
               {{"merge", merge.name()},
                {"step", std::string(NameOf(act))},
                {"state", state},
                {"allowed", AllowedActs(merge.state())},
                {"missing_count", absl::StrCat(missing.size())},
                {"missing", listed}});
}

cv1::MergeFinding FindingOf(cv1::MergeConflictKind kind, std::vector<std::string> subjects, std::string description,
                            std::initializer_list<cv1::MergeResolution> resolutions) {
  std::sort(subjects.begin(), subjects.end());
  cv1::MergeFinding finding;
  finding.set_kind(kind);
  for (auto& subject : subjects) finding.add_subjects(std::move(subject));
  finding.set_description(std::move(description));
  for (auto const resolution : resolutions) finding.add_resolutions(resolution);
  return finding;
}

std::string ConflictId(cv1::MergeFinding const& finding) {
  return Sha256Hex(absl::StrCat(static_cast<int>(finding.kind()), "\n", absl::StrJoin(finding.subjects(), "\n"))).substr(0, 32);
}

cv1::MergeResolution DecisionOn(std::span<cv1::MergeDecision const> decisions, cv1::MergeConflictKind kind,
                                std::span<std::string const> subjects) {
  for (auto const& decision : decisions) {
    bool const same = decision.kind() == kind &&
                      std::equal(decision.subjects().begin(), decision.subjects().end(), subjects.begin(), subjects.end());
    if (same) return decision.resolution();
  }
  return cv1::MERGE_RESOLUTION_UNSPECIFIED;
}

std::vector<cv1::MergeFinding> CoverageFindings(PlanCoverage const& successor, std::span<PlanCoverage const> predecessors,
                                                absl::CivilDay effective) {
  std::vector<cv1::MergeFinding> findings;
  auto const moving = MovingOn(predecessors, effective);
  for (auto const& [id, covered] : moving) {
    if (covered.size() < 2) continue;
    findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_DEPARTMENT_IN_SEVERAL, NamesOf(covered),
                                 absl::StrCat(covered.size(), " predecessors cover department ", id),
                                 {cv1::MERGE_RESOLUTION_COVER_ONCE}));
  }
  for (auto const& [id, covered] : moving) {
    auto const* const there = Find(successor, id);
    if (there != nullptr && Reaches(*there, successor.plan, effective)) continue;
    auto finding = FindingOf(cv1::MERGE_CONFLICT_KIND_DEPARTMENT_NOT_COVERED, {covered.front()->name()},
                             absl::StrCat(successor.plan.name(), " does not cover department ", id), {cv1::MERGE_RESOLUTION_END});
    // Whom the successor's board has left out it does not get in by the back door.
    if (MayTakeIn(there)) finding.add_resolutions(cv1::MERGE_RESOLUTION_TAKE_IN);
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<CoverageChange> MoveCoverage(PlanCoverage const& successor, std::span<PlanCoverage const> predecessors,
                                         absl::CivilDay effective, std::span<cv1::MergeDecision const> decisions,
                                         std::string_view reason) {
  std::vector<CoverageChange> changes;
  for (auto const& predecessor : predecessors) {
    for (auto const& covered : predecessor.departments) {
      if (!Reaches(covered, predecessor.plan, effective)) continue;
      changes.push_back({EndedOn(covered, predecessor.plan, effective, reason), covered});
    }
  }
  for (auto const& [id, covered] : MovingOn(predecessors, effective)) {
    if (auto change = TakeOver(successor, covered, effective, decisions)) changes.push_back(*std::move(change));
  }
  return changes;
}

Settlement SettlementOf(SourceTotals const& totals, bool hours) {
  Settlement settlement;
  if (!hours) {
    settlement.lapse = totals.approved;
    settlement.repay = totals.released;
  }
  if (hours || totals.paid() > 0) {
    settlement.after = v1::SOURCE_STATE_RECONCILED;
  } else {
    settlement.after = settlement.repay > 0 ? v1::SOURCE_STATE_REPAID : v1::SOURCE_STATE_LAPSED;
  }
  return settlement;
}

}  // namespace helhed::funding
