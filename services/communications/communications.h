#pragma once

#include "services/platform/client/peer.h"
#include "services/platform/server/instance.h"

namespace helhed::communications {

// The communications service, for its binary, the suite and tests. `residents` is whom it asks for the households of departments;
// nobody stands for the one that the options name (`--peer residents=...`). Without either no audience can be frozen, which is
// refused as UNAVAILABLE.
server::Definition CommunicationsDefinition(client::Peer residents = {});

}  // namespace helhed::communications
