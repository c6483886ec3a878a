#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <set>
#include <string>
#include <utility>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/client/peer.h"
#include "services/platform/pipeline/call_context.h"

namespace helhed::communications {

// What communications asks the service residents: which households live where.
class HouseholdRegister {
 public:
  explicit HouseholdRegister(client::Peer residents) : residents_(std::move(residents)) {}

  // The households of the departments on the day, all of one state of the register. Not within a write: it waits for another
  // service. Errors: UNAVAILABLE REGISTER_UNAVAILABLE when residents cannot be asked; what residents refuses otherwise, as it
  // says.
  absl::StatusOr<residents::v1::FetchHouseholdAddressesResponse> Fetch(std::set<std::string> const& departments,
                                                                       absl::CivilDay day, CallContext const& call) const;

 private:
  client::Peer residents_;
};

}  // namespace helhed::communications
