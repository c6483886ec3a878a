#include "services/funding/funding.h"

#include <utility>
#include <vector>

#include "services/funding/merging.h"
#include "services/funding/money.h"

namespace helhed::funding {
server::Definition FundingDefinition(PlanPeers peers) {
  server::Definition definition;
  definition.name = "funding";
  AddPlans(definition);
  AddMoney(definition);
  AddMerging(definition);
  definition.peers = {"residents", "activities", "communications"};
  if (peers.money == nullptr) peers.money = OwnBooks();
  definition.handlers = [peers = std::move(peers)](server::Environment const& environment,
                                                   Router& router) -> std::shared_ptr<void> {
    // A copy: one definition may be served more than once.
    auto asked = peers;
    if (!asked.residents) asked.residents = environment.peers.Find("residents");
    if (!asked.activities) asked.activities = environment.peers.Find("activities");
    if (!asked.communications) asked.communications = environment.peers.Find("communications");
    return std::make_shared<std::vector<std::shared_ptr<void>>>(std::vector<std::shared_ptr<void>>{
        RegisterPlans(environment, router, asked), RegisterMoney(environment, router),
        RegisterMerging(environment, router, asked.money,
                        {.activities = asked.activities, .communications = asked.communications})});
  };
  return definition;
}

}  // namespace helhed::funding
