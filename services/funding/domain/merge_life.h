#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "helhed/funding/v1/approval.pb.h"
#include "helhed/funding/v1/coverage.pb.h"
#include "helhed/funding/v1/merge.pb.h"
#include "helhed/funding/v1/plan.pb.h"
#include "services/funding/domain/source_life.h"

// How plans become one (domain.md 8.1): what is decided first, what moves on the effective date, and how the predecessors' money
// is settled. Nothing of a predecessor is taken away: what moves ends there and begins in the successor.
namespace helhed::funding {

// What is done to a merge. Finished are execution and undoing when every service has left its receipt.
enum class MergeAct { kDecide, kWithdraw, kExecute, kFinishExecution, kUndo, kFinishUndoing, kSeal };

// Where an act leads from a state; nullopt when the state does not allow it.
std::optional<v1::PlanMergeState> After(v1::PlanMergeState state, MergeAct act);

// The merge, and what its acts are decided by.
struct MergeFacts {
  v1::PlanMerge merge;
  v1::Plan successor;
  std::vector<v1::Plan> predecessors;
  std::vector<v1::MergeConflict> conflicts;
  // The final yeses that stand and whose subject is the merge.
  std::vector<v1::Approval> approvals;
  // Whose departments the plans cover: `organisations/{organisation}`.
  std::set<std::string> organisations;
  // What has to be decided about departments and money as they are now, whatever the report says.
  std::vector<common::v1::MergeFinding> findings;
};

// Everything that is missing before the merge is executed on `today`, in words.
std::vector<std::string> MissingToExecute(MergeFacts const& facts, absl::CivilDay today);
// What is missing before it is sealed, but money: receipts.
std::vector<std::string> MissingToSeal(v1::PlanMerge const& merge);

// FAILED_PRECONDITION MERGE_NOT_READY.
absl::Status MergeNotReady(v1::PlanMerge const& merge, MergeAct act, std::span<std::string const> missing);

// Something to be decided on.
common::v1::MergeFinding FindingOf(common::v1::MergeConflictKind kind, std::vector<std::string> subjects, std::string description,
                                   std::initializer_list<common::v1::MergeResolution> resolutions);

// The last part of the name of a conflict: from what it is about, so that it stays the same.
std::string ConflictId(common::v1::MergeFinding const& finding);

// What was decided about the finding of that kind on those subjects; UNSPECIFIED when nothing was.
common::v1::MergeResolution DecisionOn(std::span<common::v1::MergeDecision const> decisions, common::v1::MergeConflictKind kind,
                                       std::span<std::string const> subjects);

// A plan with the departments that it covers, or has left out.
struct PlanCoverage {
  v1::Plan plan;
  std::vector<v1::CoveredDepartment> departments;
};

// What has to be decided about departments: those that several predecessors cover on the effective date or later, and those that
// the successor does not. Whom its board has left out is not taken in; whom an undone merge has left out may be again.
std::vector<common::v1::MergeFinding> CoverageFindings(PlanCoverage const& successor, std::span<PlanCoverage const> predecessors,
                                                       absl::CivilDay effective);

// One department as it is to be.
struct CoverageChange {
  v1::CoveredDepartment after;
  // As it was; absent where the successor gets it now.
  std::optional<v1::CoveredDepartment> before;
};

// What the effective date changes: every predecessor covers until then, the successor from then on. A coverage that would only
// have begun later is left out with `reason`.
std::vector<CoverageChange> MoveCoverage(PlanCoverage const& successor, std::span<PlanCoverage const> predecessors,
                                         absl::CivilDay effective, std::span<common::v1::MergeDecision const> decisions,
                                         std::string_view reason);

// How what is left of a source is settled: everything that was granted is then spent, lapsed or paid back.
struct Settlement {
  Ore lapse = 0;  // approved, not released
  Ore repay = 0;  // released, not spent
  v1::SourceState after = v1::SOURCE_STATE_UNSPECIFIED;
};
// Nothing is reserved. `hours` for what is given in hours, which never enters the books (M12).
Settlement SettlementOf(SourceTotals const& totals, bool hours);

// `EXECUTED`, `EXECUTE`: short names.
std::string NameOf(v1::PlanMergeState state);
std::string_view NameOf(MergeAct act);

}  // namespace helhed::funding
