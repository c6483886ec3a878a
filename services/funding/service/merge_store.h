#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/funding/domain/merge_life.h"
#include "services/platform/service/store.h"

// Merges of plans as they are kept. Merges are given by name; they lie below the successor, whose row is locked by whoever
// changes one.
namespace helhed::funding {

// The merge with everything that belongs to the message, or NOT_FOUND.
absl::StatusOr<v1::PlanMerge> LoadMerge(ReadTransaction& tx, std::string_view name);
// Sets what does not stand in the merges' own rows; they are of one plan.
absl::Status CompleteMerges(ReadTransaction& tx, std::span<v1::PlanMerge* const> merges);
absl::Status StoreMergePredecessors(WriteTransaction& tx, v1::PlanMerge const& merge);
// The same with the successor locked.
absl::StatusOr<v1::PlanMerge> LockMerge(WriteTransaction& tx, std::string_view name);

// Everything that the merge's acts depend on, but `findings`, which need the money.
absl::StatusOr<MergeFacts> LoadMergeFacts(ReadTransaction& tx, v1::PlanMerge merge);
// FAILED_PRECONDITION MERGE_APPROVED when somebody has approved it for good as it is. Who refused, or agreed beforehand, waits
// for another proposal.
absl::Status RequireUnapproved(ReadTransaction& tx, v1::PlanMerge const& merge);

// Stores the state that the act leads to, with an event. `decisions` are told when it is EXECUTING.
absl::Status SaveMerge(WriteTransaction& tx, v1::PlanMerge& merge, v1::PlanMergeState state,
                       std::span<common::v1::MergeDecision const> decisions = {});

// All conflicts of the merge, by name.
absl::StatusOr<std::vector<v1::MergeConflict>> LoadConflicts(ReadTransaction& tx, std::string_view merge);
// Sets what does not stand in the conflicts' own rows; they are of one merge.
absl::Status CompleteConflicts(ReadTransaction& tx, std::span<v1::MergeConflict* const> conflicts);
// Puts what a service has found in place of what it had found before: what is found again stays the same resource, with what was
// chosen where that is still offered.
absl::Status ReplaceConflicts(WriteTransaction& tx, v1::PlanMerge const& merge, std::string_view service,
                              std::span<common::v1::MergeFinding const> findings);
std::vector<common::v1::MergeDecision> DecisionsOf(std::span<v1::MergeConflict const> conflicts);

// Enters that a service was asked: with how many conflicts it has found, or without an answer, which leaves those from before.
absl::Status StorePart(WriteTransaction& tx, v1::PlanMerge const& merge, std::string_view service, bool reported,
                       std::int64_t conflict_count);
// Enters a receipt; one that is there already stays as it is.
absl::Status StoreReceipt(WriteTransaction& tx, std::string_view merge, std::string_view service, common::v1::MergeStep step,
                          std::int64_t carried_count);

// The departments that a plan covers or has left out.
absl::StatusOr<PlanCoverage> LoadCoverage(ReadTransaction& tx, v1::Plan plan);

}  // namespace helhed::funding
