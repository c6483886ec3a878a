#include "services/activities/service/resident_consents.h"

#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/residents/v1/consent_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/fields.h"

namespace helhed::activities {
namespace {

constexpr std::string_view kCheck = "/helhed.residents.v1.ConsentService/CheckConsent";

absl::Status Unavailable(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_REGISTER_UNAVAILABLE,
               Sv(absl::StrCat("the register of residents cannot be asked for the consent: ", Av(why), "; nothing was changed")));
}

}  // namespace

absl::StatusOr<ConsentAnswer> ResidentConsents::Ask(std::string const& resident, std::string const& purpose,
                                                    CallContext const& call) const {
  residents::v1::CheckConsentRequest request;
  request.set_parent(resident);
  request.set_purpose(purpose);
  ASSIGN_OR_RETURN(auto const answer, residents_.Ask<residents::v1::CheckConsentResponse>(kCheck, request, call, Unavailable));
  auto const verdict = answer.verdict();
  return ConsentAnswer{
      .allowed = answer.allowed(),
      .open = verdict == residents::v1::CONSENT_VERDICT_NOT_ASKED || verdict == residents::v1::CONSENT_VERDICT_NOT_ANSWERED,
      .verdict = contract::EnumText(verdict)};
}

absl::Status ResidentConsents::Require(std::string const& resident, std::string const& purpose, CallContext const& call) const {
  ASSIGN_OR_RETURN(auto const answer, Ask(resident, purpose, call));
  if (answer.allowed) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_MISSING,
               "the person has not consented to this use of the data", {{"purpose", purpose}, {"verdict", answer.verdict}});
}

}  // namespace helhed::activities
