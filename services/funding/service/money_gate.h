#pragma once

#include <absl/status/statusor.h>

#include "services/funding/domain/money_question.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// Asked by whoever moves a plan on, within the transaction that moves it, after the plan was locked: what it reads is what will
// be true when the plan has moved. An error is an error of the store; what is open is an answer.
class MoneyGate {
 public:
  virtual ~MoneyGate() = default;
  virtual absl::StatusOr<MoneyAnswer> Open(ReadTransaction& tx, MoneyQuestion const& question) const = 0;
};

}  // namespace helhed::funding
