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

// What the caller can do nothing about: the other service is away, or does not trust this one.
bool IsOurs(absl::Status const& status) {
  return absl::IsUnavailable(status) || absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnimplemented(status) || absl::IsInternal(status);
}

}  // namespace

absl::StatusOr<Eligible> ResidentDemocracy::EligibleOn(std::string const& department, absl::CivilDay day,
                                                       CallContext const& call) const {
  if (channel_ == nullptr) return Unavailable("no such service is configured");
  residents::v1::CountEligibleVotesRequest request;
  request.set_parent(department);
  *request.mutable_meeting_date() = ToProtoDate(day);
  client::CallOptions options;
  options.deadline = call.deadline();
  options.stop = call.limits().stop;
  options.identity = identity_(call.Now());
  options.traceparent = call.trace().ToHeader();
  auto const counted = client::Invoke<residents::v1::CountEligibleVotesResponse>(*channel_, kCount, request, options);
  if (!counted.ok()) return IsOurs(counted.status()) ? Unavailable("it does not answer") : counted.status();
  return Eligible{.household_count = counted->household_count(), .vote_count = counted->vote_count()};
}

}  // namespace helhed::funding
