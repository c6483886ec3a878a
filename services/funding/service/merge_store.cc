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

// Of several merges of one plan, or several conflicts of one merge.
Statement const kMergePredecessors("funding.merge_predecessors",
                                   "SELECT merge, predecessor FROM plan_merge_predecessors WHERE plan = $1 "
                                   "AND merge IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY merge, position",
                                   "SELECT merge, predecessor FROM plan_merge_predecessors WHERE plan = $1 "
                                   "AND merge IN (SELECT wanted.value FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted "
                                   "(value)) ORDER BY merge, position");
Statement const kStoreMergePredecessor("funding.store_merge_predecessor",
                                       "INSERT INTO plan_merge_predecessors (plan, merge, position, predecessor) "
                                       "VALUES ($1, $2, $3, $4)");
Statement const kMergeParts("funding.merge_parts",
                            "SELECT merge, service, state, assess_time, conflict_count, execute_time, carried_count, undo_time "
                            "FROM plan_merge_parts WHERE plan = $1 "
                            "AND merge IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY merge, service",
                            "SELECT merge, service, state, assess_time, conflict_count, execute_time, carried_count, undo_time "
                            "FROM plan_merge_parts WHERE plan = $1 "
                            "AND merge IN (SELECT wanted.value FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted "
                            "(value)) ORDER BY merge, service");
// Where a service does not answer, what it found before is still there.
static_assert(v1::MERGE_PART_STATE_MISSING == 1);
Statement const kStorePart(
    "funding.store_merge_part",
    "INSERT INTO plan_merge_parts (plan, merge, service, state, assess_time, conflict_count) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (plan, merge, service) DO UPDATE SET "
    "state = excluded.state, assess_time = excluded.assess_time, "
    "conflict_count = CASE WHEN excluded.state = 1 THEN plan_merge_parts.conflict_count ELSE excluded.conflict_count END");
Statement const kExecuteReceipt("funding.receipt_of_execution",
                                "UPDATE plan_merge_parts SET execute_time = $4, carried_count = $5 "
                                "WHERE plan = $1 AND merge = $2 AND service = $3 AND execute_time IS NULL");
Statement const kUndoReceipt("funding.receipt_of_undoing",
                             "UPDATE plan_merge_parts SET undo_time = $4 "
                             "WHERE plan = $1 AND merge = $2 AND service = $3 AND undo_time IS NULL");
static_assert(v1::APPROVAL_STATE_STANDING == 1 && v1::APPROVAL_STAGE_FINAL == 2 && v1::APPROVAL_OUTCOME_APPROVED == 1);
Statement const kMergeApprovals("funding.approvals_of_merge",
                                "SELECT approval, party, organisation FROM approvals WHERE plan = $1 AND state = 1 "
                                "AND stage = 2 AND outcome = 1 AND subject = $2 ORDER BY approval");
Statement const kSubjects("funding.merge_conflict_subjects",
                          "SELECT conflict, subject FROM merge_conflict_subjects WHERE plan = $1 AND merge = $2 "
                          "AND conflict IN (SELECT wanted.value FROM json_each($3) AS wanted) ORDER BY conflict, position",
                          "SELECT conflict, subject FROM merge_conflict_subjects WHERE plan = $1 AND merge = $2 "
                          "AND conflict IN (SELECT wanted.value FROM json_array_elements_text(CAST($3 AS JSON)) AS wanted "
                          "(value)) ORDER BY conflict, position");
Statement const kChoices("funding.merge_conflict_choices",
                         "SELECT conflict, resolution FROM merge_conflict_choices WHERE plan = $1 AND merge = $2 "
                         "AND conflict IN (SELECT wanted.value FROM json_each($3) AS wanted) ORDER BY conflict, position",
                         "SELECT conflict, resolution FROM merge_conflict_choices WHERE plan = $1 AND merge = $2 "
                         "AND conflict IN (SELECT wanted.value FROM json_array_elements_text(CAST($3 AS JSON)) AS wanted "
                         "(value)) ORDER BY conflict, position");
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

// The last parts of names, as a list that statements take, and the messages by them.
template <typename M>
struct Listed {
  explicit Listed(std::span<M* const> messages) {
    std::vector<std::string> ids;
    for (auto* const message : messages) {
      ids.emplace_back(contract::LastPart(message->name()));
      by_id[ids.back()] = message;
    }
    wanted = JsonArray(ids);
  }
  std::string wanted;
  std::map<std::string, M*> by_id;
};

v1::MergePart PartIn(storage::Rows const& rows, std::size_t i) {
  auto const at = [&](std::size_t column) { return Stamp(absl::FromUnixMicros(rows.Int64(i, column))); };
  v1::MergePart part;
  part.set_service(rows.Text(i, 1));
  part.set_state(static_cast<v1::MergePartState>(rows.Int64(i, 2)));
  *part.mutable_assess_time() = at(3);
  part.set_conflict_count(static_cast<int>(rows.Int64(i, 4)));
  if (!rows.IsNull(i, 5)) *part.mutable_execute_time() = at(5);
  part.set_carried_count(rows.Int64(i, 6));
  if (!rows.IsNull(i, 7)) *part.mutable_undo_time() = at(7);
  return part;
}

absl::Status DropConflict(WriteTransaction& tx, v1::MergeConflict const& conflict) {
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  auto const id = contract::LastPart(conflict.name());
  RETURN_IF_ERROR(tx.Enqueue(kDropSubjects, {plan, merge, id}));
  RETURN_IF_ERROR(tx.Enqueue(kDropChoices, {plan, merge, id}));
  return tx.Delete<v1::MergeConflict>(conflict.name());
}

absl::Status StoreChoices(WriteTransaction& tx, v1::MergeConflict const& conflict) {
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  auto const id = contract::LastPart(conflict.name());
  for (int i = 0; i < conflict.choices_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreChoice, {plan, merge, id, std::int64_t{i}, static_cast<std::int64_t>(conflict.choices(i))}));
  }
  return absl::OkStatus();
}

absl::Status InsertConflict(WriteTransaction& tx, v1::MergeConflict& conflict) {
  RETURN_IF_ERROR(tx.Insert(conflict));
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  auto const id = contract::LastPart(conflict.name());
  for (int i = 0; i < conflict.subjects_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreSubject, {plan, merge, id, std::int64_t{i}, std::string_view(conflict.subjects(i))}));
  }
  return StoreChoices(tx, conflict);
}

// What is found again stays as it was entered, with what was chosen where that is still offered.
absl::Status RenewConflict(WriteTransaction& tx, v1::MergeConflict const& before, v1::MergeConflict const& found) {
  auto conflict = before;
  conflict.set_description(found.description());
  *conflict.mutable_choices() = found.choices();
  auto const& choices = conflict.choices();
  if (std::find(choices.begin(), choices.end(), conflict.resolution()) == choices.end()) {
    conflict.clear_resolution();
    conflict.clear_resolver();
  }
  bool const same_choices = std::equal(choices.begin(), choices.end(), before.choices().begin(), before.choices().end());
  if (same_choices && conflict.description() == before.description()) return absl::OkStatus();
  RETURN_IF_ERROR(tx.Update(conflict));
  if (same_choices) return absl::OkStatus();
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflict.name()));
  RETURN_IF_ERROR(tx.Enqueue(kDropChoices, {plan, merge, contract::LastPart(conflict.name())}));
  return StoreChoices(tx, conflict);
}

v1::MergeConflict ConflictOf(v1::PlanMerge const& merge, std::string_view service, cv1::MergeFinding const& finding) {
  v1::MergeConflict conflict;
  conflict.set_name(absl::StrCat(merge.name(), "/conflicts/", ConflictId(finding)));
  conflict.set_service(std::string(service));
  conflict.set_kind(finding.kind());
  *conflict.mutable_subjects() = finding.subjects();
  conflict.set_description(finding.description());
  *conflict.mutable_choices() = finding.resolutions();
  return conflict;
}

absl::StatusOr<std::vector<v1::Approval>> LoadMergeApprovals(ReadTransaction& tx, std::string const& merge) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMergeApprovals, {PlanIdOf(merge), std::string_view(merge)}));
  std::vector<v1::Approval> approvals(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    approvals[i].set_name(absl::StrCat(Av(PlanOf(merge)), "/approvals/", rows.Text(i, 0)));
    approvals[i].set_party(static_cast<v1::Party>(rows.Int64(i, 1)));
    if (!rows.Text(i, 2).empty()) approvals[i].set_organisation("organisations/" + rows.Text(i, 2));
    approvals[i].set_stage(v1::APPROVAL_STAGE_FINAL);
    approvals[i].set_outcome(v1::APPROVAL_OUTCOME_APPROVED);
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
  if (merges.empty()) return absl::OkStatus();
  auto const plan = PlanIdOf(merges.front()->name());
  Listed const listed(merges);
  ASSIGN_OR_RETURN(auto const predecessors, tx.Query(kMergePredecessors, {plan, std::string_view(listed.wanted)}));
  for (std::size_t i = 0; i < predecessors.size(); ++i) {
    listed.by_id.at(predecessors.Text(i, 0))->add_predecessors(PlanName(predecessors.Text(i, 1)));
  }
  ASSIGN_OR_RETURN(auto const parts, tx.Query(kMergeParts, {plan, std::string_view(listed.wanted)}));
  for (std::size_t i = 0; i < parts.size(); ++i) *listed.by_id.at(parts.Text(i, 0))->add_parts() = PartIn(parts, i);
  return absl::OkStatus();
}

absl::StatusOr<v1::PlanMerge> LoadMerge(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto merge, tx.Get<v1::PlanMerge>(name));
  v1::PlanMerge* const one[] = {&merge};
  RETURN_IF_ERROR(CompleteMerges(tx, one));
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
  std::vector<v1::MergeConflict*> pointers;
  for (auto& conflict : conflicts) pointers.push_back(&conflict);
  RETURN_IF_ERROR(CompleteConflicts(tx, pointers));
  return conflicts;
}

absl::Status CompleteConflicts(ReadTransaction& tx, std::span<v1::MergeConflict* const> conflicts) {
  if (conflicts.empty()) return absl::OkStatus();
  auto const [plan, merge] = KeyOfMerge(contract::ParentOf(conflicts.front()->name()));
  Listed const listed(conflicts);
  ASSIGN_OR_RETURN(auto const subjects, tx.Query(kSubjects, {plan, merge, std::string_view(listed.wanted)}));
  for (std::size_t i = 0; i < subjects.size(); ++i) listed.by_id.at(subjects.Text(i, 0))->add_subjects(subjects.Text(i, 1));
  ASSIGN_OR_RETURN(auto const choices, tx.Query(kChoices, {plan, merge, std::string_view(listed.wanted)}));
  for (std::size_t i = 0; i < choices.size(); ++i) {
    listed.by_id.at(choices.Text(i, 0))->add_choices(static_cast<cv1::MergeResolution>(choices.Int64(i, 1)));
  }
  return absl::OkStatus();
}

absl::Status ReplaceConflicts(WriteTransaction& tx, v1::PlanMerge const& merge, std::string_view service,
                              std::span<cv1::MergeFinding const> findings) {
  ASSIGN_OR_RETURN(auto const before, LoadConflicts(tx, merge.name()));
  std::map<std::string, v1::MergeConflict const*> gone;
  for (auto const& conflict : before) {
    if (conflict.service() == service) gone[conflict.name()] = &conflict;
  }
  std::set<std::string> entered;
  for (auto const& finding : findings) {
    auto conflict = ConflictOf(merge, service, finding);
    // A service that says the same twice has said it once.
    if (!entered.insert(conflict.name()).second) continue;
    auto const known = gone.extract(conflict.name());
    RETURN_IF_ERROR(known.empty() ? InsertConflict(tx, conflict) : RenewConflict(tx, *known.mapped(), conflict));
  }
  for (auto const& [_, conflict] : gone) RETURN_IF_ERROR(DropConflict(tx, *conflict));
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
