#include "services/communications/service/household_register.h"

#include <absl/strings/str_cat.h>

#include "helhed/communications/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

namespace helhed::communications {
namespace {

constexpr std::string_view kFetch = "/helhed.residents.v1.HousingRegisterService/FetchHouseholdAddresses";

absl::Status Unavailable(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_REGISTER_UNAVAILABLE,
               Sv(absl::StrCat("the register of residents cannot be asked for households: ", Av(why), "; nothing was changed")));
}

}  // namespace

absl::StatusOr<residents::v1::FetchHouseholdAddressesResponse> HouseholdRegister::Fetch(std::set<std::string> const& departments,
                                                                                        absl::CivilDay day,
                                                                                        CallContext const& call) const {
  residents::v1::FetchHouseholdAddressesRequest request;
  for (auto const& department : departments) request.add_departments(department);
  *request.mutable_as_of_date() = ToProtoDate(day);
  return residents_.Ask<residents::v1::FetchHouseholdAddressesResponse>(kFetch, request, call, Unavailable);
}

}  // namespace helhed::communications
