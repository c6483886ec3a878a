#pragma once

#include <absl/status/status.h>

#include <functional>
#include <memory>

#include "gateway/gateway.h"
#include "gateway/options.h"
#include "services/platform/server/ending.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// What the subcommands of the gateway's binary do.
namespace helhed::gateway {

// Serves until SIGTERM or SIGINT, drains, and returns. A second signal ends the drain's delay. Ends the process with 75
// (EX_TEMPFAIL) when draining takes longer than the options allow.
absl::Status Serve(Options const& options);

// What is between a gateway's first call and its last: the admin port, which calls it ready when `ready` does, the wait for the
// end, and the drain, over which the watchdog that it sets stands also for what the caller has to close after that.
absl::Status ServeUntilEnd(Gateway& gateway, Options const& options, std::function<absl::Status()> ready,
                           telemetry::Metrics& metrics, telemetry::Log& log, std::unique_ptr<server::Watchdog>& watchdog);

// OK when the gateway that runs with these options is ready: its admin port is asked, or, where it has none, whether the port
// that it serves on takes connections.
absl::Status CheckHealth(Options const& options);

}  // namespace helhed::gateway
