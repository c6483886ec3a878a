#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "gateway/door/door.h"

namespace helhed::gateway {

// What the gateway tells of the contract itself: `/openapi.json`, `/docs` to browse and try it, and `/descriptor.binpb`, a
// google.protobuf.FileDescriptorSet with comments. `issuer` is the OpenID Connect issuer to sign in at, or empty.
absl::StatusOr<std::map<std::string, door::Page, std::less<>>> MakePages(door::Catalogue const& catalogue,
                                                                         std::string const& issuer);

}  // namespace helhed::gateway
