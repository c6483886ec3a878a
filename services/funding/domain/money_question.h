#pragma once

#include <absl/time/civil_time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "helhed/funding/v1/missing.pb.h"
#include "helhed/funding/v1/regulation.pb.h"
#include "services/platform/base/civil.h"

// What the life of a plan asks of its money: one question for each step that depends on it, answered with everything that is
// open.
namespace helhed::funding {

// The steps that depend on money.
enum class MoneyStep {
  // The plan goes to final approval. The sources sum to `budget_ore` exactly, so do the budget lines (domain.md M2), and the
  // local share is at least what `rule` asks for (M3). Sources are pledged.
  kSubmit,
  // The extension `extension` is applied. Its own sources and lines sum to its own `budget_ore`, 0 included (M9).
  kExtend,
  // The accounts go to the auditor: nothing is reserved or under way, no period that the plan ran in is open.
  kSubmitAccounts,
  // The plan ends in a merge: nothing is reserved or under way.
  kMerge,
  // The plan is closed for good: every source is reconciled, lapsed or repaid.
  kFinish,
  // No step: what should be looked at on `date` and hinders nothing. Money that is approved and not released
  // `release_warning_days` after the plan's start.
  kWarnings,
};

struct MoneyQuestion {
  MoneyStep step = MoneyStep::kSubmit;
  // `plans/{plan}`.
  std::string plan;
  // The last part of the extension's name, of kExtend; empty otherwise.
  std::string extension;
  // What sources and lines must sum to, in øre: the plan's stated budget, or the extension's.
  std::int64_t budget_ore = 0;
  v1::LocalCofundingRule rule;
  std::int32_t release_warning_days = 0;
  // The plan's period.
  Period period;
  // The day that the step is taken on.
  absl::CivilDay date;
};

// By when the money has to be there: when what it pays for begins, which is the plan, or its extension where the plan ends now.
inline absl::CivilDay MoneyDueOn(MoneyQuestion const& question) {
  if (question.extension.empty()) return question.period.start;
  return question.period.end.value_or(question.period.start);
}

// Everything that is open for the step, each with whom it lies; empty when nothing is. In a stable order.
using MoneyAnswer = std::vector<v1::MissingItem>;

}  // namespace helhed::funding
