#pragma once

#include <absl/status/statusor.h>

#include "helhed/residents/v1/consent_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of ConsentService, one for each method of the contract, which says what they do and refuse.
class Consents {
 public:
  explicit Consents(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // purposes.cc
  absl::StatusOr<v1::Purpose> GetPurpose(CallContext const& call, v1::GetPurposeRequest const& request);
  absl::StatusOr<v1::ListPurposesResponse> ListPurposes(CallContext const& call, v1::ListPurposesRequest const& request);
  absl::StatusOr<v1::Purpose> CreatePurpose(CallContext const& call, v1::CreatePurposeRequest const& request);
  absl::StatusOr<v1::Purpose> UpdatePurpose(CallContext const& call, v1::UpdatePurposeRequest const& request);
  absl::StatusOr<v1::ListPurposeRulesResponse> ListPurposeRules(CallContext const& call,
                                                                v1::ListPurposeRulesRequest const& request);
  absl::StatusOr<v1::PurposeRule> CreatePurposeRule(CallContext const& call, v1::CreatePurposeRuleRequest const& request);
  absl::StatusOr<v1::ConsentText> GetConsentText(CallContext const& call, v1::GetConsentTextRequest const& request);
  absl::StatusOr<v1::ListConsentTextsResponse> ListConsentTexts(CallContext const& call,
                                                                v1::ListConsentTextsRequest const& request);
  absl::StatusOr<v1::ConsentText> CreateConsentText(CallContext const& call, v1::CreateConsentTextRequest const& request);

  // consents.cc
  absl::StatusOr<v1::Consent> GetConsent(CallContext const& call, v1::GetConsentRequest const& request);
  absl::StatusOr<v1::ListConsentsResponse> ListConsents(CallContext const& call, v1::ListConsentsRequest const& request);
  absl::StatusOr<v1::Consent> CreateConsent(CallContext const& call, v1::CreateConsentRequest const& request);
  absl::StatusOr<v1::Consent> GiveConsent(CallContext const& call, v1::GiveConsentRequest const& request);
  absl::StatusOr<v1::Consent> WithdrawConsent(CallContext const& call, v1::WithdrawConsentRequest const& request);
  absl::StatusOr<v1::CheckConsentResponse> CheckConsent(CallContext const& call, v1::CheckConsentRequest const& request);

 private:
  Store& store_;
};

// Tells others that a consent no longer holds.
absl::Status AppendEnded(WriteTransaction& tx, v1::Consent const& consent);

}  // namespace helhed::residents
