#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "helhed/funding/v1/merge.pb.h"
#include "helhed/funding/v1/source.pb.h"
#include "services/funding/service/money_gate.h"
#include "services/platform/service/store.h"

// The money of plans that end in a merge. The books of each are settled on their own: nothing goes from one plan to another, and
// everything that was granted is then spent, lapsed or paid back.
namespace helhed::funding {

// What has to be decided about the money of a predecessor.
absl::StatusOr<std::vector<common::v1::MergeFinding>> MoneyFindings(ReadTransaction& tx, MoneyGate const& money,
                                                                    std::string const& predecessor);

// Settles the books of a predecessor; its ledger is taken. What stands in the way is added to `missing`, and nothing may be kept
// of what was done then.
absl::Status SettleBooks(WriteTransaction& tx, MoneyGate const& money, v1::PlanMerge const& merge, std::string const& predecessor,
                         v1::Voucher const& voucher, std::span<common::v1::MergeDecision const> decisions,
                         std::vector<std::string>& missing);

}  // namespace helhed::funding
