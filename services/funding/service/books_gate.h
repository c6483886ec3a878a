#pragma once

#include "services/funding/service/money_gate.h"

namespace helhed::funding {

// Answers for a plan's money from its own sources, budget and books.
class BooksGate final : public MoneyGate {
 public:
  absl::StatusOr<MoneyAnswer> Open(ReadTransaction& tx, MoneyQuestion const& question) const override;
};

}  // namespace helhed::funding
