#include "services/funding/plans.h"

#include "helhed_migrations/funding.h"
#include "services/funding/service/plan_service.h"
#include "services/funding/service/regulation_service.h"

namespace helhed::funding {
namespace {

struct Handlers {
  explicit Handlers(Store& store) : regulations(store), plans(store) {}
  RegulationService regulations;
  PlanService plans;
};

}  // namespace

void AddPlans(server::Definition& definition) {
  for (auto const* service : {"RegulationService", "PlanService"}) {
    definition.services.push_back(std::string("helhed.funding.v1.") + service);
  }
  for (auto const& migration : migrations::FundingMigrations()) definition.migrations.push_back(migration);
  for (auto const& resource : std::initializer_list<storage::Table::Options>{
           {v1::Regulation::descriptor(), "regulations", {}},
           {v1::Plan::descriptor(), "plans", {}},
       }) {
    definition.resources.push_back(resource);
  }
}

std::shared_ptr<void> RegisterPlans(server::Environment const& environment, Router& router, PlanPeers const& /*peers*/) {
  auto handlers = std::make_shared<Handlers>(environment.store);
  handlers->regulations.Register(router);
  handlers->plans.Register(router);
  return handlers;
}

}  // namespace helhed::funding
