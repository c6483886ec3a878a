#include "services/communications/communications.h"

#include <utility>

#include "helhed_migrations/communications.h"
#include "services/communications/service/notice_service.h"
#include "services/communications/service/template_service.h"

namespace helhed::communications {
namespace {

// Every handler of the service. A part is a class with `Register`, listed here, in `services` and, with its tables, in
// `resources`.
struct Handlers {
  explicit Handlers(Store& store) : notices(store), templates(store) {}

  void Register(Router& router) {
    notices.Register(router);
    templates.Register(router);
  }

  NoticeService notices;
  TemplateService templates;
};

}  // namespace

server::Definition CommunicationsDefinition(client::Peer residents) {
  auto const migrations = migrations::CommunicationsMigrations();
  server::Definition definition;
  definition.name = "communications";
  definition.peers.emplace_back("residents");
  for (auto const* service : {"NoticeService", "TemplateService"}) {
    definition.services.push_back(std::string("helhed.communications.v1.") + service);
  }
  definition.migrations.assign(migrations.begin(), migrations.end());
  definition.resources = {
      {v1::Notice::descriptor(), "notices", {"correction"}},
      {v1::Template::descriptor(), "templates", {}},
      {v1::TemplateVersion::descriptor(), "template_versions", {}},
  };
  definition.handlers = [residents = std::move(residents)](server::Environment const& environment,
                                                           Router& router) -> std::shared_ptr<void> {
    auto handlers = std::make_shared<Handlers>(environment.store);
    handlers->Register(router);
    return handlers;
  };
  return definition;
}

}  // namespace helhed::communications
