#pragma once

#include <memory>

#include "services/communications/mail/mailer.h"
#include "services/platform/client/peer.h"
#include "services/platform/server/instance.h"

namespace helhed::communications {

// Whom communications asks and follows; nobody stands for those that the options name (`--peer residents=...`).
struct Peers {
  // Whom it asks for the households of departments, and who says that one moves out. Without it no audience can be frozen, which
  // is refused as UNAVAILABLE.
  client::Peer residents;
  // Whose merges of plans it takes part in.
  client::Peer funding;
};

// The communications service, for its binary, the suite and tests.
// `mailer` is by what mails go; nobody stands for the carrier that the options name (`--mail-url`). Without either letters go in
// their place.
server::Definition CommunicationsDefinition(Peers peers = {}, std::shared_ptr<mail::Mailer> mailer = nullptr);

}  // namespace helhed::communications
