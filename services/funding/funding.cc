#include "services/funding/funding.h"

#include <utility>
#include <vector>

#include "services/funding/money.h"

namespace helhed::funding {
namespace {

// Whoever shares no process with the register asks it where the options say, if they say.
void AskByOptions(server::Peers const& given, PlanPeers& peers) {
  auto* const residents = given.Find("residents");
  if (residents == nullptr) return;
  // The environment outlives the handlers, and owns it.
  peers.residents = std::shared_ptr<client::Channel>(residents, [](client::Channel* /*borrowed*/) {});
  peers.identity = [&given](absl::Time now) { return given.Identity(now); };
}

}  // namespace

server::Definition FundingDefinition(PlanPeers peers) {
  server::Definition definition;
  definition.name = "funding";
  AddPlans(definition);
  AddMoney(definition);
  definition.peers.emplace_back("residents");
  if (peers.money == nullptr) peers.money = OwnBooks();
  definition.handlers = [peers = std::move(peers)](server::Environment const& environment,
                                                   Router& router) -> std::shared_ptr<void> {
    // A copy: one definition may be served more than once.
    auto asked = peers;
    if (asked.residents == nullptr) AskByOptions(environment.peers, asked);
    return std::make_shared<std::vector<std::shared_ptr<void>>>(
        std::vector<std::shared_ptr<void>>{RegisterPlans(environment, router, asked), RegisterMoney(environment, router)});
  };
  return definition;
}

}  // namespace helhed::funding
