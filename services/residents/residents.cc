#include "services/residents/residents.h"

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "helhed_migrations/residents.h"
#include "services/residents/service/access_log.h"
#include "services/residents/service/consents.h"
#include "services/residents/service/cpr_store.h"
#include "services/residents/service/erasures.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/resident_democracy.h"
#include "services/residents/service/resident_statistics.h"

namespace helhed::residents {
namespace {

// How many rows a job takes in one transaction.
constexpr int kAtOnce = 500;

// Every handler of the service, and what they stand on.
struct Handlers {
  explicit Handlers(server::Environment const& environment)
      : housing(environment.store),
        people(environment.store, environment.keys),
        consents(environment.store),
        access_logs(environment.store),
        erasures(environment.store),
        democracy(environment.store),
        statistics(environment.store) {}

  void Register(Router& router) {
    housing.Register(router);
    people.Register(router);
    consents.Register(router);
    access_logs.Register(router);
    erasures.Register(router);
    democracy.Register(router);
    statistics.Register(router);
  }

  HousingRegister housing;
  People people;
  Consents consents;
  AccessLogs access_logs;
  Erasures erasures;
  ResidentDemocracy democracy;
  ResidentStatistics statistics;
};

// What the service does by itself.
void AddJobs(server::Environment const& environment, Handlers& handlers) {
  auto& database = environment.database;
  environment.jobs.push_back(
      {"link-access-log", absl::Seconds(2), [&database](storage::Limits const& limits) -> absl::StatusOr<bool> {
         ASSIGN_OR_RETURN(auto const linked, chain::Link(database, limits, AccessLog(), kAtOnce));
         return linked == kAtOnce;
       }});
  environment.jobs.push_back({"retention", absl::Hours(1), [&erasures = handlers.erasures](storage::Limits const& limits) {
                                return erasures.RunRetentionJob(limits);
                              }});
  if (environment.keys == nullptr) return;
  environment.jobs.push_back({"rotate-cpr-numbers", absl::Hours(1),
                              [&people = handlers.people](storage::Limits const& limits) { return people.RotateJob(limits); }});
}

}  // namespace

server::Definition ResidentsDefinition() {
  auto const migrations = migrations::ResidentsMigrations();
  server::Definition definition;
  definition.name = "residents";
  definition.services = {"helhed.residents.v1.HousingRegisterService",   "helhed.residents.v1.PeopleService",
                         "helhed.residents.v1.ConsentService",           "helhed.residents.v1.AccessLogService",
                         "helhed.residents.v1.ErasureService",           "helhed.residents.v1.ResidentDemocracyService",
                         "helhed.residents.v1.ResidentStatisticsService"};
  definition.migrations.assign(migrations.begin(), migrations.end());
  definition.resources = {
      {v1::Organisation::descriptor(), "organisations", {}},
      {v1::Administration::descriptor(), "administrations", {}},
      {v1::Department::descriptor(), "departments", {}},
      {v1::Dwelling::descriptor(), "dwellings", {}},
      {v1::Household::descriptor(), "households", {}},
      {v1::Resident::descriptor(), "residents", {"moved_out_date"}},
      {v1::HouseholdMembership::descriptor(), "household_members", {}},
      {v1::Guardianship::descriptor(), "guardianships", {}},
      {v1::ProtectedAccess::descriptor(), "protected_accesses", {}},
      {v1::Purpose::descriptor(), "purposes", {}},
      {v1::PurposeRule::descriptor(), "purpose_rules", {}},
      {v1::ConsentText::descriptor(), "consent_texts", {}},
      {v1::Consent::descriptor(), "consents", {}},
      {v1::AccessLogEntry::descriptor(), "access_log", {}},
      {v1::ErasureHold::descriptor(), "erasure_holds", {}},
      {v1::Erasure::descriptor(), "erasures", {}},
      {v1::ErasureRecipient::descriptor(), "erasure_recipients", {}},
      {v1::RetentionPolicy::descriptor(), "retention_policies", {}},
      {v1::RetentionRun::descriptor(), "retention_runs", {}},
      {v1::Mandate::descriptor(), "mandates", {}},
      {v1::VotingRule::descriptor(), "voting_rules", {}},
      {v1::StatisticsRule::descriptor(), "statistics_rules", {}},
  };
  definition.handlers = [](server::Environment const& environment, Router& router) -> std::shared_ptr<void> {
    auto handlers = std::make_shared<Handlers>(environment);
    handlers->Register(router);
    AddJobs(environment, *handlers);
    return handlers;
  };
  return definition;
}

}  // namespace helhed::residents
