#pragma once

#include <absl/status/status.h>

#include <string>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"

namespace helhed {

// An error as it may leave the house, and what the log keeps of it.
struct MappedError {
  absl::Status status;
  // What the handler really said, where the caller is not told; otherwise empty.
  std::string original;
  // For faults of the service: stands in the error's metadata and in the log.
  std::string reference;
};

// Makes an error fit to leave the house:
//   - INTERNAL, UNKNOWN and DATA_LOSS, and errors without a reason for whose code the platform has none, become INTERNAL INTERNAL
//     with an opaque message and a reference;
//   - other errors without a reason get the platform's reason for their code and its message, since nobody vouches for their own;
//   - UNAVAILABLE and RESOURCE_EXHAUSTED get a retry delay, unless trying again cannot help (REQUEST_TOO_LARGE);
//   - payloads that are not of google.rpc are for inside the house and are taken off.
// `status` must not be OK.
MappedError MapError(absl::Status status, Clock const& clock, Random& random);

}  // namespace helhed
