#include "services/platform/client/peer.h"

namespace helhed::client {

CallOptions Peer::OptionsOf(CallContext const& call) const {
  CallOptions options;
  options.deadline = call.deadline();
  options.stop = call.limits().stop;
  options.identity = identity_(call.Now());
  options.traceparent = call.trace().ToHeader();
  return options;
}

bool Peer::IsOurs(absl::Status const& status) {
  return absl::IsUnavailable(status) || absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnimplemented(status) || absl::IsInternal(status);
}

}  // namespace helhed::client
