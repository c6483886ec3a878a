#include "services/suite/suite.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>

#include "gateway/upstream/in_process.h"
#include "services/activities/activities.h"
#include "services/communications/communications.h"
#include "services/funding/funding.h"
#include "services/platform/base/status.h"
#include "services/residents/residents.h"

namespace helhed::suite {
namespace {

constexpr absl::Duration kPingTimeout = absl::Seconds(1);

}  // namespace

std::vector<server::Definition> Definitions() {
  return {residents::ResidentsDefinition(), funding::FundingDefinition(), activities::ActivitiesDefinition(),
          communications::CommunicationsDefinition()};
}

absl::StatusOr<std::unique_ptr<Services>> Services::Open(std::vector<server::Definition> const& definitions,
                                                         std::vector<server::Options> const& options,
                                                         identity::Signer const& signer, Clock const& clock, Random& random,
                                                         telemetry::Metrics& metrics) {
  std::unique_ptr<Services> services(new Services());
  for (auto const& definition : definitions) services->doors_.try_emplace(definition.name);
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    auto const status = services->Start(definitions[i], options[i], signer, clock, random, metrics);
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat(definitions[i].name, ": ", status.message()));
  }
  // Jobs ask other services: they begin when all doors are open.
  for (auto& [name, service] : services->services_) services->doors_.at(name).Open(service->instance->pipeline());
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    auto& service = *services->services_.at(definitions[i].name);
    service.housekeeping =
        std::make_unique<server::Housekeeping>(*service.instance, options[i].event_retention, clock, service.log, metrics);
    service.jobs = std::make_unique<server::Jobs>(definitions[i].name, service.instance->jobs(), clock, service.log, metrics);
  }
  return services;
}

absl::Status Services::Start(server::Definition const& definition, server::Options const& options, identity::Signer const& signer,
                             Clock const& clock, Random& random, telemetry::Metrics& metrics) {
  auto instance = options.instance;
  instance.program = "helhed-suite";
  instance.identity_keys = {signer.PublicKeyText()};
  instance.peers.signer = signer;
  // One set of options for all: the carrier is theirs who send something.
  if (!definition.sends_mail) instance.mail = {};
  for (auto const& name : definition.peers) {
    auto const door = doors_.find(name);
    if (door != doors_.end()) instance.peers.doors[name] = [&way = door->second] { return way.Connect(); };
  }
  auto service = std::make_unique<Service>(definition.name, options.log_level);
  ASSIGN_OR_RETURN(service->instance, server::Instance::Open(definition, instance, clock, random, service->log, metrics));
  services_[definition.name] = std::move(service);
  return absl::OkStatus();
}

Services::~Services() {
  // Jobs ask other services: they end while all doors are open.
  for (auto& [name, service] : services_) {
    service->jobs.reset();
    service->housekeeping.reset();
  }
  for (auto& [name, door] : doors_) door.Close();
}

std::map<std::string, gateway::MakeUpstream> Services::Upstreams() {
  std::map<std::string, gateway::MakeUpstream> upstreams;
  for (auto const& [name, service] : services_) {
    upstreams.emplace(name, [&pipeline = service->instance->pipeline()](boost::asio::io_context& loop) {
      return gateway::upstream::ConnectInProcess(loop, pipeline);
    });
  }
  return upstreams;
}

absl::Status Services::Ping() {
  for (auto const& [name, service] : services_) {
    storage::Limits limits;
    limits.deadline = absl::Now() + kPingTimeout;
    auto const status = service->instance->database().Ping(limits);
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat(name, ": ", status.message()));
  }
  return absl::OkStatus();
}

}  // namespace helhed::suite
