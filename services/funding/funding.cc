#include "services/funding/funding.h"

#include <utility>
#include <vector>

namespace helhed::funding {

server::Definition FundingDefinition(PlanPeers peers) {
  server::Definition definition;
  definition.name = "funding";
  AddPlans(definition);
  definition.handlers = [peers = std::move(peers)](server::Environment const& environment,
                                                   Router& router) -> std::shared_ptr<void> {
    return RegisterPlans(environment, router, peers);
  };
  return definition;
}

}  // namespace helhed::funding
