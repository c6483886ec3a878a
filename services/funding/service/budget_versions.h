#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <vector>

#include "helhed/funding/v1/budget.pb.h"
#include "services/funding/domain/budget_rules.h"
#include "services/funding/service/money_session.h"

// A new version of a budget: what planning and reallocating have in common.
namespace helhed::funding {

// The plan and its money as a budget is held against them, and the lines as they are.
struct BudgetState {
  BudgetFrame frame;
  std::vector<v1::BudgetLine> lines;
};
absl::StatusOr<BudgetState> LoadBudgetState(WriteTransaction& tx, MoneySession const& session);

// Stores the amounts as a new version; `budget` says what occasions it. Returns it with its lines.
absl::StatusOr<v1::Budget> StoreVersion(WriteTransaction& tx, MoneySession const& session, BudgetState const& state,
                                        std::map<Cell, Ore> const& amounts, v1::Budget budget);

}  // namespace helhed::funding
