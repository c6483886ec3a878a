#pragma once

#include "services/funding/plans.h"
#include "services/platform/server/instance.h"

namespace helhed::funding {

// The funding service, for whoever puts a door before it: the binary, the suite, a test. `peers.money` may be null: the service
// asks its own books then.
server::Definition FundingDefinition(PlanPeers peers = {});

}  // namespace helhed::funding
