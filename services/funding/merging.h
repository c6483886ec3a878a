#pragma once

#include <memory>

#include "services/funding/service/money_gate.h"
#include "services/platform/client/peer.h"
#include "services/platform/server/instance.h"

// The part of the funding service that merges plans: it changes plans and settles their money, and asks the other services.
// funding.cc puts the parts together.
namespace helhed::funding {

// Whom it asks, and whose receipts it takes in.
struct MergingPeers {
  client::Peer activities;
  client::Peer communications;
};

// Adds its services and resources; its tables stand with the plans'.
void AddMerging(server::Definition& definition);

// Enters its handlers, and the jobs that take in receipts; what is returned owns them. `money` is not null.
std::shared_ptr<void> RegisterMerging(server::Environment const& environment, Router& router,
                                      std::shared_ptr<MoneyGate const> money, MergingPeers const& peers);

}  // namespace helhed::funding
