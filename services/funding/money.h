#pragma once

#include <memory>

#include "services/funding/service/money_gate.h"
#include "services/platform/server/instance.h"

// The half of the funding service that keeps the money: sources, budgets, ledger, reports. funding.cc puts the halves together.
namespace helhed::funding {

// Adds its services, migrations and resources.
void AddMoney(server::Definition& definition);

// Enters its handlers; what is returned owns them.
std::shared_ptr<void> RegisterMoney(server::Environment const& environment, Router& router);

// Answers for the money of a plan from its own books.
std::shared_ptr<MoneyGate const> OwnBooks();

}  // namespace helhed::funding
