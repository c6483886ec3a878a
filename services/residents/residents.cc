#include "services/residents/residents.h"

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "helhed_migrations/residents.h"
#include "services/residents/service/housing_register.h"

namespace helhed::residents {

server::Definition ResidentsDefinition() {
  auto const migrations = migrations::ResidentsMigrations();
  server::Definition definition;
  definition.name = "residents";
  definition.services = {"helhed.residents.v1.HousingRegisterService"};
  definition.migrations.assign(migrations.begin(), migrations.end());
  definition.resources = {
      {v1::Organisation::descriptor(), "organisations", {}}, {v1::Administration::descriptor(), "administrations", {}},
      {v1::Department::descriptor(), "departments", {}},     {v1::Dwelling::descriptor(), "dwellings", {}},
      {v1::Household::descriptor(), "households", {}},
  };
  definition.handlers = [](server::Environment const& environment, Router& router) -> std::shared_ptr<void> {
    auto handlers = std::make_shared<HousingRegister>(environment.store);
    handlers->Register(router);
    return handlers;
  };
  return definition;
}

}  // namespace helhed::residents
