#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

#include "helhed/activities/v1/registration_service.pb.h"
#include "services/activities/service/resident_consents.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of RegistrationService, one for each method of the contract, which says what they do and refuse.
class RegistrationService {
 public:
  RegistrationService(Store& store, ResidentConsents consents) : store_(store), consents_(std::move(consents)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Registration> GetRegistration(CallContext const& call, v1::GetRegistrationRequest const& request);
  absl::StatusOr<v1::ListRegistrationsResponse> ListRegistrations(CallContext const& call,
                                                                  v1::ListRegistrationsRequest const& request);
  absl::StatusOr<v1::Registration> CreateRegistration(CallContext const& call, v1::CreateRegistrationRequest const& request);
  absl::StatusOr<v1::Registration> ConfirmGuardianConsent(CallContext const& call,
                                                          v1::ConfirmGuardianConsentRequest const& request);
  absl::StatusOr<v1::Registration> AcceptOffer(CallContext const& call, v1::AcceptOfferRequest const& request);
  absl::StatusOr<v1::Registration> CancelRegistration(CallContext const& call, v1::CancelRegistrationRequest const& request);
  absl::StatusOr<v1::Registration> RecordOutcome(CallContext const& call, v1::RecordOutcomeRequest const& request);

  // Lets an offer expire whose deadline has passed and offers the seat to the next; returns whether there may be more.
  absl::StatusOr<bool> ExpireJob(storage::Limits const& limits);

 private:
  // Whether the person's data may be used; not yet where a guardian is to be asked first, with what was asked and answered.
  struct Consent {
    bool given = false;
    std::string purpose;
    std::string verdict;
  };
  // FAILED_PRECONDITION CONSENT_MISSING where nobody is to be asked any more.
  absl::StatusOr<Consent> AskConsent(CallContext const& call, std::string const& activity, std::string const& resident);

  Store& store_;
  ResidentConsents consents_;
};

}  // namespace helhed::activities
