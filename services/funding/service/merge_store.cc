#include "services/funding/service/merge_store.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"
#include "services/platform/base/times.h"

namespace helhed::funding {
namespace {

using storage::Statement;
namespace cv1 = common::v1;

Statement const kMergePredecessors("funding.merge_predecessors",
                                   "SELECT predecessor FROM plan_merge_predecessors WHERE plan = $1 AND merge = $2 "
                                   "ORDER BY position");
Statement const kStoreMergePredecessor("funding.store_merge_predecessor",
                                       "INSERT INTO plan_merge_predecessors (plan, merge, position, predecessor) "
                                       "VALUES ($1, $2, $3, $4)");
Statement const kMergeParts("funding.merge_parts",
                            "SELECT service, state, assess_time, conflict_count, execute_time, carried_count, undo_time "
                            "FROM plan_merge_parts WHERE plan = $1 AND merge = $2 ORDER BY service");
Statement const kStorePart("funding.store_merge_part",
                           "INSERT INTO plan_merge_parts (plan, merge, service, state, assess_time, conflict_count) "
                           "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (plan, merge, service) DO UPDATE SET "
                           "state = excluded.state, assess_time = excluded.assess_time, "
                           "conflict_count = excluded.conflict_count");
Statement const kExecuteReceipt("funding.receipt_of_execution",
                                "UPDATE plan_merge_parts SET execute_time = $4, carried_count = $5 "
                                "WHERE plan = $1 AND merge = $2 AND service = $3 AND execute_time IS NULL");
Statement const kUndoReceipt("funding.receipt_of_undoing",
                             "UPDATE plan_merge_parts SET undo_time = $4 "
                             "WHERE plan = $1 AND merge = $2 AND service = $3 AND undo_time IS NULL");
Statement const kMergeApprovals(
    "funding.approvals_of_merge",
    "SELECT approval, party, organisation, stage, outcome FROM approvals WHERE plan = $1 AND state = 1 "
    "AND subject = $2 ORDER BY approval");
Statement const kSubjects("funding.merge_conflict_subjects",
                          "SELECT subject FROM merge_conflict_subjects WHERE plan = $1 AND merge = $2 AND conflict = $3 "
                          "ORDER BY position");
Statement const kChoices("funding.merge_conflict_choices",
                         "SELECT resolution FROM merge_conflict_choices WHERE plan = $1 AND merge = $2 AND conflict = $3 "
                         "ORDER BY position");
Statement const kStoreSubject("funding.store_merge_conflict_subject",
                              "INSERT INTO merge_conflict_subjects (plan, merge, conflict, position, subject) "
                              "VALUES ($1, $2, $3, $4, $5)");
Statement const kStoreChoice("funding.store_merge_conflict_choice",
                             "INSERT INTO merge_conflict_choices (plan, merge, conflict, position, resolution) "
                             "VALUES ($1, $2, $3, $4, $5)");
Statement const kDropSubjects("funding.drop_merge_conflict_subjects",
                              "DELETE FROM merge_conflict_subjects WHERE plan = $1 AND merge = $2 AND conflict = $3");
Statement const kDropChoices("funding.drop_merge_conflict_choices",
                             "DELETE FROM merge_conflict_choices WHERE plan = $1 AND merge = $2 AND conflict = $3");

struct MergeKey {
  std::string_view plan;
  std::string_view merge;
};
MergeKey KeyOfMerge(std::string_view name) { return {PlanIdOf(name), contract::LastPart(name)}; }

// All rows of a resource below a parent, by name. `where` names the parent's key columns as $1, $2.
template <typename M>
absl::StatusOr<std::vector<M>> LoadAll(ReadTransaction& tx, std::string_view where, std::initializer_list<storage::Bind> binds) {
  auto const& table = tx.schema().Of<M>();
  Statement const statement(Statement::Dynamic{absl::StrCat("funding.all_of_merge_", table.name()),
                                               absl::StrCat("SELECT ", table.Select(), " FROM ", table.name(), " WHERE ",
                                                            Av(where), " ORDER BY ", table.mapping().key_columns().back())});
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, binds));
  storage::RowReader const reader(table.mapping(), rows.columns());
  std::vector<M> all(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) reader.Read(rows, i, all[i]);
  return all;
}

absl::Status CompleteMerge(ReadTransaction& tx, v1::PlanMerge& merge) {
  auto const [plan, id] = KeyOfMerge(merge.name());
  ASSIGN_OR_RETURN(auto const predecessors, tx.Query(kMergePredecessors, {plan, id}));
  for (std::size_t i = 0; i < predecessors.size(); ++i) merge.add_predecessors(PlanName(predecessors.Text(i, 0)));
  ASSIGN_OR_RETURN(auto const parts, tx.Query(kMergeParts, {plan, id}));
  auto const at = [&](std::size_t row, std::size_t column) { return Stamp(absl::FromUnixMicros(parts.Int64(row, column))); };
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& part = *merge.add_parts();
    part.set_service(parts.Text(i, 0));
    part.set_state(static_cast<v1::MergePartState>(parts.Int64(i, 1)));
    *part.mutable_assess_time() = at(i, 2);
    part.set_conflict_count(static_cast<int>(parts.Int64(i, 3)));
    if (!parts.IsNull(i, 4)) *part.mutable_execute_time() = at(i, 4);
    part.set_carried_count(parts.Int64(i, 5));
    if (!parts.IsNull(i, 6)) *part.mutable_undo_time() = at(i, 6);
  }
  return absl::OkStatus();
}

absl::Status CompleteConflict(ReadTransaction& tx, v1::MergeConflict& conflict) {
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  auto const id = contract::LastPart(conflict.name());
  ASSIGN_OR_RETURN(auto const subjects, tx.Query(kSubjects, {plan, merge, id}));
  for (std::size_t i = 0; i < subjects.size(); ++i) conflict.add_subjects(subjects.Text(i, 0));
  ASSIGN_OR_RETURN(auto const choices, tx.Query(kChoices, {plan, merge, id}));
  for (std::size_t i = 0; i < choices.size(); ++i) conflict.add_choices(static_cast<cv1::MergeResolution>(choices.Int64(i, 0)));
  return absl::OkStatus();
}

absl::Status DropConflict(WriteTransaction& tx, v1::MergeConflict const& conflict) {
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  auto const id = contract::LastPart(conflict.name());
  RETURN_IF_ERROR(tx.Enqueue(kDropSubjects, {plan, merge, id}));
  RETURN_IF_ERROR(tx.Enqueue(kDropChoices, {plan, merge, id}));
  return tx.Delete<v1::MergeConflict>(conflict.name());
}

absl::Status InsertConflict(WriteTransaction& tx, v1::MergeConflict& conflict) {
  RETURN_IF_ERROR(tx.Insert(conflict));
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  auto const id = contract::LastPart(conflict.name());
  for (int i = 0; i < conflict.subjects_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreSubject, {plan, merge, id, std::int64_t{i}, std::string_view(conflict.subjects(i))}));
  }
  for (int i = 0; i < conflict.choices_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreChoice, {plan, merge, id, std::int64_t{i}, static_cast<std::int64_t>(conflict.choices(i))}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Approval>> LoadMergeApprovals(ReadTransaction& tx, std::string const& merge) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMergeApprovals, {PlanIdOf(merge), std::string_view(merge)}));
  std::vector<v1::Approval> approvals(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    approvals[i].set_name(absl::StrCat(Av(PlanOf(merge)), "/approvals/", rows.Text(i, 0)));
    approvals[i].set_party(static_cast<v1::Party>(rows.Int64(i, 1)));
    if (!rows.Text(i, 2).empty()) approvals[i].set_organisation("organisations/" + rows.Text(i, 2));
    approvals[i].set_stage(static_cast<v1::ApprovalStage>(rows.Int64(i, 3)));
    approvals[i].set_outcome(static_cast<v1::ApprovalOutcome>(rows.Int64(i, 4)));
  }
  return approvals;
}

void AddOrganisations(PlanCoverage const& coverage, std::set<std::string>& organisations) {
  for (auto const& covered : coverage.departments) {
    if (covered.state() != v1::COVERAGE_STATE_COVERED) continue;
    organisations.insert(std::string(contract::ParentOf(covered.department())));
  }
}

}  // namespace

absl::Status CompleteMerges(ReadTransaction& tx, std::span<v1::PlanMerge* const> merges) {
  for (auto* const merge : merges) RETURN_IF_ERROR(CompleteMerge(tx, *merge));
  return absl::OkStatus();
}

absl::StatusOr<v1::PlanMerge> LoadMerge(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto merge, tx.Get<v1::PlanMerge>(name));
  RETURN_IF_ERROR(CompleteMerge(tx, merge));
  return merge;
}

absl::StatusOr<v1::PlanMerge> LockMerge(WriteTransaction& tx, std::string_view name) {
  RETURN_IF_ERROR(LockPlan(tx, name));
  return LoadMerge(tx, name);
}

absl::Status StoreMergePredecessors(WriteTransaction& tx, v1::PlanMerge const& merge) {
  auto const [plan, id] = KeyOfMerge(merge.name());
  for (int i = 0; i < merge.predecessors_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreMergePredecessor, {plan, id, std::int64_t{i}, contract::LastPart(merge.predecessors(i))}));
  }
  return absl::OkStatus();
}

absl::StatusOr<MergeFacts> LoadMergeFacts(ReadTransaction& tx, v1::PlanMerge merge) {
  MergeFacts facts;
  ASSIGN_OR_RETURN(facts.successor, LoadPlan(tx, PlanOf(merge.name())));
  ASSIGN_OR_RETURN(auto const covered, LoadCoverage(tx, facts.successor));
  AddOrganisations(covered, facts.organisations);
  for (auto const& name : merge.predecessors()) {
    ASSIGN_OR_RETURN(auto predecessor, LoadPlan(tx, name));
    ASSIGN_OR_RETURN(auto const before, LoadCoverage(tx, std::move(predecessor)));
    AddOrganisations(before, facts.organisations);
    facts.predecessors.push_back(before.plan);
  }
  ASSIGN_OR_RETURN(facts.conflicts, LoadConflicts(tx, merge.name()));
  ASSIGN_OR_RETURN(facts.approvals, LoadMergeApprovals(tx, merge.name()));
  facts.merge = std::move(merge);
  return facts;
}

absl::Status RequireUnapproved(ReadTransaction& tx, v1::PlanMerge const& merge) {
  ASSIGN_OR_RETURN(auto const approvals, LoadMergeApprovals(tx, merge.name()));
  if (approvals.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MERGE_APPROVED,
               "somebody has approved the merge as it is; annul that first",
               {{"merge", merge.name()}, {"approval", approvals.front().name()}});
}

absl::Status SaveMerge(WriteTransaction& tx, v1::PlanMerge& merge, v1::PlanMergeState state,
                       std::span<cv1::MergeDecision const> decisions) {
  merge.set_state(state);
  RETURN_IF_ERROR(tx.Update(merge));
  v1::PlanMergeChanged event;
  event.set_merge(merge.name());
  event.set_state(state);
  *event.mutable_predecessors() = merge.predecessors();
  *event.mutable_effective_date() = merge.effective_date();
  for (auto const& decision : decisions) *event.add_decisions() = decision;
  return tx.Append(event, merge.name(), PlanOf(merge.name()));
}

absl::StatusOr<std::vector<v1::MergeConflict>> LoadConflicts(ReadTransaction& tx, std::string_view merge) {
  auto const [plan, id] = KeyOfMerge(merge);
  ASSIGN_OR_RETURN(auto conflicts, LoadAll<v1::MergeConflict>(tx, "plan = $1 AND merge = $2", {plan, id}));
  for (auto& conflict : conflicts) RETURN_IF_ERROR(CompleteConflict(tx, conflict));
  return conflicts;
}

absl::Status CompleteConflicts(ReadTransaction& tx, std::span<v1::MergeConflict* const> conflicts) {
  for (auto* const conflict : conflicts) RETURN_IF_ERROR(CompleteConflict(tx, *conflict));
  return absl::OkStatus();
}

absl::Status ReplaceConflicts(WriteTransaction& tx, v1::PlanMerge const& merge, std::string_view service,
                              std::span<cv1::MergeFinding const> findings) {
  ASSIGN_OR_RETURN(auto const before, LoadConflicts(tx, merge.name()));
  std::map<std::string, v1::MergeConflict const*> known;
  for (auto const& conflict : before) {
    if (conflict.service() != service) continue;
    known[conflict.name()] = &conflict;
    RETURN_IF_ERROR(DropConflict(tx, conflict));
  }
  std::set<std::string> entered;
  for (auto const& finding : findings) {
    v1::MergeConflict conflict;
    conflict.set_name(absl::StrCat(merge.name(), "/conflicts/", ConflictId(finding)));
    // A service that says the same twice has said it once.
    if (!entered.insert(conflict.name()).second) continue;
    conflict.set_service(std::string(service));
    conflict.set_kind(finding.kind());
    *conflict.mutable_subjects() = finding.subjects();
    conflict.set_description(finding.description());
    *conflict.mutable_choices() = finding.resolutions();
    auto const old = known.find(conflict.name());
    bool const stays = old != known.end() && std::find(finding.resolutions().begin(), finding.resolutions().end(),
                                                       old->second->resolution()) != finding.resolutions().end();
    if (stays) {
      conflict.set_resolution(old->second->resolution());
      conflict.set_resolver(old->second->resolver());
    }
    RETURN_IF_ERROR(InsertConflict(tx, conflict));
  }
  return StorePart(tx, merge, service, true, static_cast<std::int64_t>(entered.size()));
}

std::vector<cv1::MergeDecision> DecisionsOf(std::span<v1::MergeConflict const> conflicts) {
  std::vector<cv1::MergeDecision> decisions(conflicts.size());
  for (std::size_t i = 0; i < conflicts.size(); ++i) {
    decisions[i].set_kind(conflicts[i].kind());
    *decisions[i].mutable_subjects() = conflicts[i].subjects();
    decisions[i].set_resolution(conflicts[i].resolution());
  }
  return decisions;
}

absl::Status StorePart(WriteTransaction& tx, v1::PlanMerge const& merge, std::string_view service, bool reported,
                       std::int64_t conflict_count) {
  auto const [plan, id] = KeyOfMerge(merge.name());
  auto const state = reported ? v1::MERGE_PART_STATE_REPORTED : v1::MERGE_PART_STATE_MISSING;
  return tx.Enqueue(kStorePart,
                    {plan, id, service, static_cast<std::int64_t>(state), absl::ToUnixMicros(tx.call().Now()), conflict_count});
}

absl::Status StoreReceipt(WriteTransaction& tx, std::string_view merge, std::string_view service, cv1::MergeStep step,
                          std::int64_t carried_count) {
  auto const [plan, id] = KeyOfMerge(merge);
  auto const now = absl::ToUnixMicros(tx.call().Now());
  if (step == cv1::MERGE_STEP_UNDO) return tx.Execute(kUndoReceipt, {plan, id, service, now}).status();
  return tx.Execute(kExecuteReceipt, {plan, id, service, now, carried_count}).status();
}

absl::StatusOr<PlanCoverage> LoadCoverage(ReadTransaction& tx, v1::Plan plan) {
  PlanCoverage coverage;
  ASSIGN_OR_RETURN(coverage.departments, LoadAll<v1::CoveredDepartment>(tx, "plan = $1", {contract::LastPart(plan.name())}));
  coverage.plan = std::move(plan);
  return coverage;
}

}  // namespace helhed::funding
