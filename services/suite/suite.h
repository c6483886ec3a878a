#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/gateway.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/client/late_door.h"
#include "services/platform/identity/identity.h"
#include "services/platform/server/housekeeping.h"
#include "services/platform/server/instance.h"
#include "services/platform/server/jobs.h"
#include "services/platform/server/options.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// All services in one process: they and the gateway call each other's pipelines, and no socket is between them.
namespace helhed::suite {

// Every service there is, in an order in which a service comes after those that it asks, as far as there is one.
std::vector<server::Definition> Definitions();

class Services {
 public:
  // Opens each store. `options` are in the order of `definitions`, which outlive this, as do the others. `signer` makes the
  // identities that the services believe, and theirs when they ask each other. Errors: those of server::Instance::Open.
  static absl::StatusOr<std::unique_ptr<Services>> Open(std::vector<server::Definition> const& definitions,
                                                        std::vector<server::Options> const& options,
                                                        identity::Signer const& signer, Clock const& clock, Random& random,
                                                        telemetry::Metrics& metrics);
  // What calls them must have ended. Ends what they do by themselves, then closes the stores.
  ~Services();

  // For the gateway, which must go before this.
  std::map<std::string, gateway::MakeUpstream> Upstreams();

  // OK when every store answers.
  absl::Status Ping();

 private:
  struct Service {
    explicit Service(std::string const& name, telemetry::Severity level) : log({.service = name, .minimum = level}) {}

    telemetry::Log log;
    std::unique_ptr<server::Instance> instance;
    std::unique_ptr<server::Housekeeping> housekeeping;
    std::unique_ptr<server::Jobs> jobs;
  };
  Services() = default;

  absl::Status Start(server::Definition const& definition, server::Options const& options, identity::Signer const& signer,
                     Clock const& clock, Random& random, telemetry::Metrics& metrics);

  // By name. The doors are made before there is anything behind them, and closed before that goes.
  std::map<std::string, client::LateDoor> doors_;
  std::map<std::string, std::unique_ptr<Service>> services_;
};

}  // namespace helhed::suite
