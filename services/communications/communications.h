#pragma once

#include <memory>

#include "services/communications/mail/mailer.h"
#include "services/platform/client/peer.h"
#include "services/platform/server/instance.h"

namespace helhed::communications {

// The communications service, for its binary, the suite and tests. `residents` is whom it asks for the households of departments;
// nobody stands for the one that the options name (`--peer residents=...`). Without either no audience can be frozen, which is
// refused as UNAVAILABLE.
// `mailer` is by what mails go; nobody stands for the carrier that the options name (`--mail-url`). Without either letters go in
// their place.
server::Definition CommunicationsDefinition(client::Peer residents = {}, std::shared_ptr<mail::Mailer> mailer = nullptr);

}  // namespace helhed::communications
