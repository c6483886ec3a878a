#pragma once

#include <memory>

#include "services/funding/service/money_gate.h"
#include "services/platform/client/peer.h"
#include "services/platform/server/instance.h"

// The half of the funding service that keeps regulations, plans and decisions. funding.cc puts the halves together.
namespace helhed::funding {

// Whom this half asks.
struct PlanPeers {
  // The service residents; nobody means the one that the options of the process name. Without one nothing can be counted, and a
  // count is refused as UNAVAILABLE.
  client::Peer residents = {};
  // What the plan's money has to say to its steps. Not null.
  std::shared_ptr<MoneyGate const> money = nullptr;
  // The services that take part when plans are merged; nobody means the one that the options of the process name.
  client::Peer activities = {};
  client::Peer communications = {};
};

// Adds its services, migrations and resources.
void AddPlans(server::Definition& definition);

// Enters its handlers; what is returned owns them.
std::shared_ptr<void> RegisterPlans(server::Environment const& environment, Router& router, PlanPeers const& peers);

}  // namespace helhed::funding
