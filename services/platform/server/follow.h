#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/client/peer.h"
#include "services/platform/consumer/consumer.h"
#include "services/platform/server/instance.h"

namespace helhed::server {

// Takes in the events of another service, each once, in a job of this one: `handler` runs in the transaction that moves the
// cursor. `other` is its name, as the peer's. Nobody is followed where the peer is nobody. About a second's delay while the other
// service answers, and up to a quarter of a minute after it was away.
void Follow(Environment const& environment, client::Peer const& peer, std::string_view other, std::vector<std::string> types,
            consumer::Consumer::Handler handler);

}  // namespace helhed::server
