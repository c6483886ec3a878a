#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "helhed/residents/v1/democracy_service.pb.h"
#include "services/platform/client/fake.h"

// Residents as funding asks it, which is not there.
namespace helhed::funding::testing {

// A department that it does not know; it knows every other.
inline constexpr std::string_view kUnknownDepartment = "organisations/9009/departments/999";

// Lets the channel say of every department that `households` may vote and have `votes` together.
inline void SayEligible(client::FakeChannel& residents, std::int64_t households, std::int64_t votes) {
  residents.On<residents::v1::CountEligibleVotesRequest, residents::v1::CountEligibleVotesResponse>(
      "/helhed.residents.v1.ResidentDemocracyService/CountEligibleVotes",
      [households, votes](residents::v1::CountEligibleVotesRequest const& request,
                          client::CallOptions const&) -> absl::StatusOr<residents::v1::CountEligibleVotesResponse> {
        if (request.parent() == kUnknownDepartment) return NotFound(request.parent());
        residents::v1::CountEligibleVotesResponse response;
        response.set_household_count(households);
        response.set_voter_count(votes);
        response.set_vote_count(votes);
        *response.mutable_meeting_date() = request.meeting_date();
        return response;
      });
}

}  // namespace helhed::funding::testing
