#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <utility>

#include "services/platform/client/peer.h"
#include "services/platform/pipeline/call_context.h"

namespace helhed::activities {

// What residents says about the use of a person's data.
struct ConsentAnswer {
  bool allowed = false;
  // There is no consent yet, and one could come: nobody was asked, or nobody has answered.
  bool open = false;
  // `NOT_ASKED`: the verdict's name without its enum's.
  std::string verdict;
};

// What activities asks the service residents: whether it may use a person's data.
class ResidentConsents {
 public:
  explicit ResidentConsents(client::Peer residents) : residents_(std::move(residents)) {}

  // Whether the data of `resident` may be used for `purpose` today. Not within a write: it waits for another service. Errors:
  // UNAVAILABLE REGISTER_UNAVAILABLE when residents cannot be asked; what residents refuses otherwise, as it says.
  absl::StatusOr<ConsentAnswer> Ask(std::string const& resident, std::string const& purpose, CallContext const& call) const;
  // The same, and FAILED_PRECONDITION CONSENT_MISSING when it may not.
  absl::Status Require(std::string const& resident, std::string const& purpose, CallContext const& call) const;

 private:
  client::Peer residents_;
};

}  // namespace helhed::activities
