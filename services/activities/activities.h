#pragma once

#include "services/platform/client/peer.h"
#include "services/platform/server/instance.h"

namespace helhed::activities {

// The activities service, for its binary, the suite and tests. `residents` is whom it asks for consents; nobody means the one
// that the options name (`--peer residents=...`). Without either nobody can be registered by reference, which is refused as
// UNAVAILABLE. `funding` is who says when plans become one, in the same way; without it they do not, here.
server::Definition ActivitiesDefinition(client::Peer residents = {}, client::Peer funding = {});

}  // namespace helhed::activities
