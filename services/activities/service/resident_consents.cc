#include "services/activities/service/resident_consents.h"

#include <absl/strings/str_cat.h>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/residents/v1/consent_service.pb.h"
#include "services/platform/base/status.h"

namespace helhed::activities {
namespace {

constexpr std::string_view kCheck = "/helhed.residents.v1.ConsentService/CheckConsent";

absl::Status Unavailable(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_REGISTER_UNAVAILABLE,
               Sv(absl::StrCat("the register of residents cannot be asked for the consent: ", Av(why), "; nothing was changed")));
}

// What the caller can do nothing about: the other service is away, or does not trust this one.
bool IsOurs(absl::Status const& status) {
  return absl::IsUnavailable(status) || absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnimplemented(status) || absl::IsInternal(status);
}

}  // namespace

absl::StatusOr<ConsentAnswer> ResidentConsents::Ask(std::string const& resident, std::string const& purpose,
                                                    CallContext const& call) const {
  if (channel_ == nullptr) return Unavailable("no such service is configured");
  residents::v1::CheckConsentRequest request;
  request.set_parent(resident);
  request.set_purpose(purpose);
  client::CallOptions options;
  options.deadline = call.deadline();
  options.stop = call.limits().stop;
  options.identity = identity_(call.Now());
  options.traceparent = call.trace().ToHeader();
  auto const answer = client::Invoke<residents::v1::CheckConsentResponse>(*channel_, kCheck, request, options);
  if (!answer.ok()) return IsOurs(answer.status()) ? Unavailable("it does not answer") : answer.status();
  auto const verdict = answer->verdict();
  return ConsentAnswer{
      .allowed = answer->allowed(),
      .open = verdict == residents::v1::CONSENT_VERDICT_NOT_ASKED || verdict == residents::v1::CONSENT_VERDICT_NOT_ANSWERED,
      .verdict = residents::v1::ConsentVerdict_Name(verdict).substr(sizeof("CONSENT_VERDICT_") - 1)};
}

}  // namespace helhed::activities
