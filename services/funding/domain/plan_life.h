#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/approval.pb.h"
#include "helhed/funding/v1/decision.pb.h"
#include "helhed/funding/v1/missing.pb.h"
#include "helhed/funding/v1/plan.pb.h"

// The life of a plan (domain.md 8.1): which step its state allows, and what is missing for a step. What is missing of its money
// is asked elsewhere (money_question.h).
namespace helhed::funding {

// The steps that a state allows, in the order of the contract.
std::vector<v1::PlanTransition> AllowedFrom(v1::PlanState state);

// Where a step leads from a state; nullopt when the state does not allow it.
std::optional<v1::PlanState> After(v1::PlanState state, v1::PlanTransition step);

// The steps that lead from a state to the start, or from a running plan to its closing, in order; empty when the life is over.
std::vector<v1::PlanTransition> StepsAhead(v1::PlanState state);

// Whether period, budget, municipality, focus areas and departments may still be changed: until the plan is submitted.
bool MayChangeTerms(v1::PlanState state);
// Whether the plan's life is over.
bool IsOver(v1::PlanState state);

// A covered department with its decision that is not annulled, if it has one.
struct DepartmentFacts {
  // `plans/{plan}/coveredDepartments/{covered_department}`.
  std::string name;
  // `organisations/{organisation}`.
  std::string organisation;
  std::int64_t dwelling_count = 0;
  // Empty when none is entered.
  std::string decision;
  v1::DecisionState decision_state = v1::DECISION_STATE_UNSPECIFIED;
  std::optional<absl::CivilDay> decision_due;
};

// What is known of a plan when a step is to be taken.
struct PlanFacts {
  v1::Plan plan;
  // Those that the plan goes on with, by name.
  std::vector<DepartmentFacts> departments;
  // Those that stand.
  std::vector<v1::Approval> approvals;
  // The last parts of the names of the agreements that have a version in force on the plan's first day.
  std::set<std::string, std::less<>> agreements;
  bool overview_published = false;
};

// Everything that is missing for a step on `date`, but money. Whether the plan's state allows the step is another question.
std::vector<v1::MissingItem> MissingFor(v1::PlanTransition step, PlanFacts const& facts, absl::CivilDay date);

// The final approvals of fund and municipality that are missing for what lies below the plan: an extension, by name. Due on
// `due`.
std::vector<v1::MissingItem> MissingFinalApprovals(PlanFacts const& facts, std::string_view subject, absl::CivilDay due);

// What each department that has said no would leave behind (domain.md 8.3): dwellings, shares, and letters.
std::vector<v1::RemovalProposal> RemovalProposals(std::span<DepartmentFacts const> departments);

// Adds what is not there yet.
void Merge(std::vector<v1::MissingItem> more, std::vector<v1::MissingItem>& into);

// FAILED_PRECONDITION PLAN_NOT_READY that says what the plan's state is, which steps it allows, and everything that is missing.
// Metadata: `plan`, `step`, `state`, `allowed`, `missing_count`, and `missing`: an item each, separated by `; `. The list is cut
// after whole items only where it would be too long for an answer's headers (5,000 bytes); WhatIsMissing has no such bound.
absl::Status NotReady(v1::Plan const& plan, v1::PlanTransition step, std::span<v1::MissingItem const> missing);

// `LOCAL_DECISION`, `SUBMIT`: the value's name without its enum's.
std::string NameOf(v1::PlanState state);
std::string NameOf(v1::PlanTransition step);

}  // namespace helhed::funding
