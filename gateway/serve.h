#pragma once

#include <absl/status/status.h>

#include "gateway/options.h"

// What the subcommands of the gateway's binary do.
namespace helhed::gateway {

// Serves until SIGTERM or SIGINT, drains, and returns. A second signal ends the drain's delay. Ends the process with 75
// (EX_TEMPFAIL) when draining takes longer than the options allow.
absl::Status Serve(Options const& options);

// OK when the gateway that runs with these options is ready: its admin port is asked, or, where it has none, whether the port
// that it serves on takes connections.
absl::Status CheckHealth(Options const& options);

}  // namespace helhed::gateway
