#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <string>
#include <utility>

#include "services/funding/domain/decision_life.h"
#include "services/platform/client/peer.h"
#include "services/platform/pipeline/call_context.h"

namespace helhed::funding {

// What funding asks the service residents: how many may vote.
class ResidentDemocracy {
 public:
  explicit ResidentDemocracy(client::Peer residents) : residents_(std::move(residents)) {}

  // The households of `department` (`organisations/{organisation}/departments/{department}`) that may vote on the day, and their
  // votes. Not within a write: it waits for another service. Errors: UNAVAILABLE REGISTER_UNAVAILABLE when residents cannot be
  // asked; what residents refuses otherwise, as it says.
  absl::StatusOr<Eligible> EligibleOn(std::string const& department, absl::CivilDay day, CallContext const& call) const;

 private:
  client::Peer residents_;
};

}  // namespace helhed::funding
