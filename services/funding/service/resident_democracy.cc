#include "services/funding/service/resident_democracy.h"

#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/residents/v1/democracy_service.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

namespace helhed::funding {
namespace {

constexpr std::string_view kCount = "/helhed.residents.v1.ResidentDemocracyService/CountEligibleVotes";

absl::Status Unavailable(std::string_view why) {
  return Error(
      absl::StatusCode::kUnavailable, v1::ERROR_REASON_REGISTER_UNAVAILABLE,
      Sv(absl::StrCat("the register of residents cannot be asked how many may vote: ", Av(why), "; nothing was changed")));
}

}  // namespace

absl::StatusOr<Eligible> ResidentDemocracy::EligibleOn(std::string const& department, absl::CivilDay day,
                                                       CallContext const& call) const {
  residents::v1::CountEligibleVotesRequest request;
  request.set_parent(department);
  *request.mutable_meeting_date() = ToProtoDate(day);
  ASSIGN_OR_RETURN(auto const counted,
                   residents_.Ask<residents::v1::CountEligibleVotesResponse>(kCount, request, call, Unavailable));
  return Eligible{.household_count = counted.household_count(), .vote_count = counted.vote_count()};
}

}  // namespace helhed::funding
