#pragma once

#include "services/platform/server/instance.h"

namespace helhed::server {

// The main function of a service's binary.
//
//   serve         serves until SIGTERM or SIGINT, then drains; 75 when the drain took too long
//   migrate       brings the store's schema up to date
//   healthcheck   asks the running service whether it serves: 0 or 1
//   check-config  prints the effective options and where each came from
//   backup PATH   copies the store, also while it is in use
//
// Returns 0, 1 when it failed, 2 when it was called wrongly. What is wrong is said on standard error, a line each.
int Main(Definition const& definition, int argc, char** argv);

}  // namespace helhed::server
