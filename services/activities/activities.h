#pragma once

#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>

#include "services/platform/client/channel.h"
#include "services/platform/server/instance.h"

namespace helhed::activities {

// Whom this service asks.
struct Peers {
  // The service residents; absent, the one that the options name (`--peer residents=...`). Without either nobody can be
  // registered by reference, which is refused as UNAVAILABLE.
  std::shared_ptr<client::Channel> residents = nullptr;
  // A serialized SignedIdentity of this service, valid at the time given.
  std::function<std::string(absl::Time)> identity = nullptr;
};

// The activities service, for its binary, the suite and tests.
server::Definition ActivitiesDefinition(Peers peers = {});

}  // namespace helhed::activities
