#include "services/funding/plans.h"

#include <utility>

#include "helhed_migrations/funding.h"
#include "services/funding/service/agreement_service.h"
#include "services/funding/service/coverage_service.h"
#include "services/funding/service/decision_service.h"
#include "services/funding/service/plan_service.h"
#include "services/funding/service/regulation_service.h"

namespace helhed::funding {
namespace {

struct Handlers {
  Handlers(Store& store, PlanPeers const& peers)
      : money(peers.money),
        regulations(store),
        plans(store, *money),
        coverage(store),
        agreements(store),
        decisions(store, ResidentDemocracy(peers.residents)) {}

  std::shared_ptr<MoneyGate const> money;
  RegulationService regulations;
  PlanService plans;
  CoverageService coverage;
  AgreementService agreements;
  DecisionService decisions;
};

}  // namespace

void AddPlans(server::Definition& definition) {
  for (auto const* service : {"RegulationService", "PlanService", "CoverageService", "AgreementService", "DecisionService"}) {
    definition.services.push_back(std::string("helhed.funding.v1.") + service);
  }
  for (auto const& migration : migrations::FundingMigrations()) definition.migrations.push_back(migration);
  for (auto const& resource : std::initializer_list<storage::Table::Options>{
           {v1::Regulation::descriptor(), "regulations", {}},
           {v1::Plan::descriptor(), "plans", {}},
           {v1::PlanChange::descriptor(), "plan_changes", {}},
           {v1::Extension::descriptor(), "extensions", {}},
           {v1::CoveredDepartment::descriptor(), "covered_departments", {}},
           {v1::Agreement::descriptor(), "agreements", {}},
           {v1::AgreementVersion::descriptor(), "agreement_versions", {}},
           {v1::Milestone::descriptor(), "milestones", {}},
           {v1::Approval::descriptor(), "approvals", {}},
           {v1::Decision::descriptor(), "decisions", {}},
       }) {
    definition.resources.push_back(resource);
  }
}

std::shared_ptr<void> RegisterPlans(server::Environment const& environment, Router& router, PlanPeers const& peers) {
  auto handlers = std::make_shared<Handlers>(environment.store, peers);
  handlers->regulations.Register(router);
  handlers->plans.Register(router);
  handlers->coverage.Register(router);
  handlers->agreements.Register(router);
  handlers->decisions.Register(router);
  return handlers;
}

}  // namespace helhed::funding
