#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "helhed/funding/v1/coverage.pb.h"
#include "services/funding/domain/merge_life.h"
#include "services/funding/service/coverage_service.h"
#include "services/funding/service/merge_service.h"
#include "services/funding/service/merge_settlement.h"
#include "services/funding/service/merge_store.h"
#include "services/funding/service/merging_plans.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/plans_of_departments.h"
#include "services/funding/service/requests.h"
#include "services/platform/base/requests.h"

// A merge is a saga over events. What this service does itself happens in the transaction that says so to the others; each of
// those does its part in the transaction that moves its cursor, with its receipt; and the last receipt finishes the step. So
// whoever dies in between carries on where it was. What cannot be taken back, the settlement of the books and the end of the
// predecessors, is done last, by sealing.
namespace helhed::funding {
namespace {

using storage::Statement;
namespace cv1 = common::v1;

Statement const kKeepCoverage("funding.keep_coverage_of_merge",
                              "INSERT INTO merge_coverage (plan, merge, covering_plan, covered_department, period_start_date, "
                              "period_end_date, state) VALUES ($1, $2, $3, $4, $5, $6, $7)");
Statement const kKeptCoverage("funding.kept_coverage_of_merge",
                              "SELECT covering_plan, covered_department, period_start_date, period_end_date, state "
                              "FROM merge_coverage WHERE plan = $1 AND merge = $2 ORDER BY covering_plan, covered_department");
Statement const kDropCoverage("funding.drop_coverage_of_merge", "DELETE FROM merge_coverage WHERE plan = $1 AND merge = $2");

// Every plan of the merge, in the order of their names.
std::vector<std::string> PlansIn(v1::PlanMerge const& merge) {
  std::set<std::string> plans(merge.predecessors().begin(), merge.predecessors().end());
  plans.insert(std::string(PlanOf(merge.name())));
  return {plans.begin(), plans.end()};
}

// The merge with all its plans locked: in one order for whoever locks them so, whichever of them is the successor. Which they are
// never changes, so that it can be read before.
absl::StatusOr<v1::PlanMerge> LockAll(WriteTransaction& tx, std::string const& name, std::string const& etag) {
  ASSIGN_OR_RETURN(auto const known, LoadMerge(tx, name));
  for (auto const& plan : PlansIn(known)) RETURN_IF_ERROR(LockPlan(tx, plan));
  ASSIGN_OR_RETURN(auto merge, LoadMerge(tx, name));
  RETURN_IF_ERROR(storage::CheckEtag(etag, merge.etag(), merge.name()));
  return merge;
}

absl::Status Keep(WriteTransaction& tx, v1::PlanMerge const& merge, CoverageChange const& change) {
  auto const day = [](google::type::Date const& date) { return ToIsoDate(ToCivil(date).value_or(absl::CivilDay())); };
  auto const plan = PlanIdOf(merge.name());
  auto const id = contract::LastPart(merge.name());
  auto const covering = PlanIdOf(change.after.name());
  auto const department = contract::LastPart(change.after.name());
  storage::Bind start(nullptr);
  storage::Bind end(nullptr);
  storage::Bind state(nullptr);
  std::string start_text;
  std::string end_text;
  if (change.before) {
    state = storage::Bind(static_cast<std::int64_t>(change.before->state()));
    if (change.before->has_period()) {
      start_text = day(change.before->period().start_date());
      end_text = day(change.before->period().end_date());
      start = storage::Bind(std::string_view(start_text));
      end = storage::Bind(std::string_view(end_text));
    }
  }
  return tx.Execute(kKeepCoverage, {plan, id, covering, department, start, end, state}).status();
}

// Departments end in the predecessors and begin in the successor.
absl::StatusOr<std::int64_t> MoveDepartments(WriteTransaction& tx, MergeFacts const& facts,
                                             std::vector<cv1::MergeDecision> const& decisions) {
  ASSIGN_OR_RETURN(auto const successor, LoadCoverage(tx, facts.successor));
  std::vector<PlanCoverage> predecessors;
  for (auto const& plan : facts.predecessors) {
    ASSIGN_OR_RETURN(predecessors.emplace_back(), LoadCoverage(tx, plan));
  }
  auto const effective = ToCivil(facts.merge.effective_date()).value_or(absl::CivilDay::max());
  auto changes = MoveCoverage(successor, predecessors, effective, decisions, "merged into " + facts.successor.name());
  for (auto& change : changes) {
    RETURN_IF_ERROR(Keep(tx, facts.merge, change));
    if (change.before) {
      RETURN_IF_ERROR(tx.Update(change.after));
    } else {
      RETURN_IF_ERROR(tx.Insert(change.after));
      RETURN_IF_ERROR(RememberCovered(tx, change.after));
    }
    RETURN_IF_ERROR(AppendCoverageChanged(tx, change.after));
  }
  return static_cast<std::int64_t>(changes.size());
}

// As the departments were before. One that the successor got by the merge is left out there: that it was covered stays readable,
// and so does why it is not, so that another merge may take it in again.
absl::Status PutDepartmentsBack(WriteTransaction& tx, v1::PlanMerge const& merge) {
  auto const plan = PlanIdOf(merge.name());
  auto const id = contract::LastPart(merge.name());
  ASSIGN_OR_RETURN(auto const kept, tx.Query(kKeptCoverage, {plan, id}));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    auto const name = absl::StrCat("plans/", kept.Text(i, 0), "/coveredDepartments/", kept.Text(i, 1));
    ASSIGN_OR_RETURN(auto covered, tx.Get<v1::CoveredDepartment>(name));
    bool const taken_in = kept.IsNull(i, 4) || kept.Int64(i, 4) == v1::COVERAGE_STATE_EXCLUDED;
    if (taken_in) {
      covered.set_state(v1::COVERAGE_STATE_EXCLUDED);
      covered.set_exclude_reason("the merge was undone");
      covered.set_exclude_merge(merge.name());
    } else {
      covered.set_state(static_cast<v1::CoverageState>(kept.Int64(i, 4)));
      covered.clear_exclude_reason();
      covered.clear_period();
      if (!kept.IsNull(i, 2)) {
        *covered.mutable_period()->mutable_start_date() = ToProtoDate(FromIsoDate(kept.Text(i, 2)).value_or(absl::CivilDay()));
        *covered.mutable_period()->mutable_end_date() = ToProtoDate(FromIsoDate(kept.Text(i, 3)).value_or(absl::CivilDay()));
      }
    }
    RETURN_IF_ERROR(tx.Update(covered));
    RETURN_IF_ERROR(AppendCoverageChanged(tx, covered));
  }
  return tx.Enqueue(kDropCoverage, {plan, id});
}

// The predecessor ends, and says who takes its place.
absl::Status Supersede(WriteTransaction& tx, v1::PlanMerge const& merge, std::string const& predecessor,
                       std::vector<std::string>& missing) {
  ASSIGN_OR_RETURN(auto plan, LoadPlan(tx, predecessor));
  auto const next = After(plan.state(), v1::PLAN_TRANSITION_SUPERSEDE);
  if (!next) {
    missing.push_back(absl::StrCat(predecessor, " active or closing"));
    return absl::OkStatus();
  }
  Act act;
  act.step = v1::PLAN_TRANSITION_SUPERSEDE;
  act.plan = predecessor;
  act.reason = merge.reason();
  auto const effective = ToCivil(merge.effective_date()).value_or(tx.call().Today());
  ASSIGN_OR_RETURN(auto const date, DateNotBeforeLastChange(tx, predecessor, effective));
  return EndFor(tx, act, date, plan, *next, PlanOf(merge.name()));
}

template <typename Has>
bool AllParts(v1::PlanMerge const& merge, Has const& has) {
  return std::all_of(merge.parts().begin(), merge.parts().end(), has);
}

// Finishes the step that the merge is in when the last receipt for it is there.
absl::Status FinishIfComplete(WriteTransaction& tx, v1::PlanMerge& merge) {
  if (After(merge.state(), MergeAct::kFinishExecution) &&
      AllParts(merge, [](v1::MergePart const& part) { return part.has_execute_time(); })) {
    return SaveMerge(tx, merge, v1::PLAN_MERGE_STATE_EXECUTED);
  }
  if (After(merge.state(), MergeAct::kFinishUndoing) &&
      AllParts(merge, [](v1::MergePart const& part) { return part.has_undo_time(); })) {
    RETURN_IF_ERROR(LeaveMerging(tx, PlansIn(merge)));
    return SaveMerge(tx, merge, v1::PLAN_MERGE_STATE_UNDONE);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::PlanMerge> MergeService::ExecutePlanMerge(CallContext const& call,
                                                             v1::ExecutePlanMergeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PlanMerge> {
    ASSIGN_OR_RETURN(auto merge, LockAll(tx, request.name(), request.etag()));
    ASSIGN_OR_RETURN(auto facts, LoadMergeFacts(tx, merge));
    ASSIGN_OR_RETURN(facts.findings, OwnFindings(tx, merge));
    auto const missing = MissingToExecute(facts, call.Today());
    auto const next = After(merge.state(), MergeAct::kExecute);
    if (!next || !missing.empty()) return MergeNotReady(merge, MergeAct::kExecute, missing);
    RETURN_IF_ERROR(EnterMerging(tx, merge.name(), PlansIn(merge)));
    auto const decisions = DecisionsOf(facts.conflicts);
    ASSIGN_OR_RETURN(auto const moved, MoveDepartments(tx, facts, decisions));
    RETURN_IF_ERROR(SaveMerge(tx, merge, *next, decisions));
    RETURN_IF_ERROR(StoreReceipt(tx, merge.name(), "funding", cv1::MERGE_STEP_EXECUTE, moved));
    return LoadMerge(tx, merge.name());
  });
}

absl::StatusOr<v1::PlanMerge> MergeService::UndoPlanMerge(CallContext const& call, v1::UndoPlanMergeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PlanMerge> {
    ASSIGN_OR_RETURN(auto merge, LockAll(tx, request.name(), request.etag()));
    auto const next = After(merge.state(), MergeAct::kUndo);
    if (!next) return MergeNotReady(merge, MergeAct::kUndo, {});
    RETURN_IF_ERROR(PutDepartmentsBack(tx, merge));
    RETURN_IF_ERROR(SaveMerge(tx, merge, *next));
    RETURN_IF_ERROR(StoreReceipt(tx, merge.name(), "funding", cv1::MERGE_STEP_UNDO, 0));
    return LoadMerge(tx, merge.name());
  });
}

absl::StatusOr<v1::PlanMerge> MergeService::SealPlanMerge(CallContext const& call, v1::SealPlanMergeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PlanMerge> {
    ASSIGN_OR_RETURN(auto merge, LockMerge(tx, request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), merge.etag(), merge.name()));
    auto const next = After(merge.state(), MergeAct::kSeal);
    auto missing = MissingToSeal(merge);
    if (!next) return MergeNotReady(merge, MergeAct::kSeal, missing);
    ASSIGN_OR_RETURN(auto const conflicts, LoadConflicts(tx, merge.name()));
    auto const decisions = DecisionsOf(conflicts);
    auto predecessors = std::vector<std::string>(merge.predecessors().begin(), merge.predecessors().end());
    std::sort(predecessors.begin(), predecessors.end());
    for (auto const& predecessor : predecessors) {
      // The ledger is taken before the plan, as whoever posts does.
      RETURN_IF_ERROR(SettleBooks(tx, money_, merge, predecessor, request.voucher(), decisions, missing));
      RETURN_IF_ERROR(LockPlan(tx, predecessor));
      RETURN_IF_ERROR(Supersede(tx, merge, predecessor, missing));
    }
    if (!missing.empty()) return MergeNotReady(merge, MergeAct::kSeal, missing);
    RETURN_IF_ERROR(LeaveMerging(tx, PlansIn(merge)));
    *merge.mutable_seal_date() = ToProtoDate(call.Today());
    RETURN_IF_ERROR(SaveMerge(tx, merge, *next));
    return merge;
  });
}

absl::Status MergeService::TakeReceipt(WriteTransaction& tx, cv1::MergeReceipt const& receipt) {
  auto locked = LockMerge(tx, receipt.merge());
  // Of another installation's log, or of a store that was set back: nothing to do here, and nothing to wait for.
  if (absl::IsNotFound(locked.status())) return absl::OkStatus();
  RETURN_IF_ERROR(locked.status());
  RETURN_IF_ERROR(StoreReceipt(tx, receipt.merge(), receipt.service(), receipt.step(), receipt.carried_count()));
  ASSIGN_OR_RETURN(auto merge, LoadMerge(tx, receipt.merge()));
  return FinishIfComplete(tx, merge);
}

}  // namespace helhed::funding
