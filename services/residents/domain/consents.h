#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/consent.pb.h"
#include "helhed/residents/v1/purpose.pb.h"
#include "helhed/residents/v1/resident.pb.h"

// What a purpose covers, and how a consent to it comes and goes (domain.md 8.9, P4).
namespace helhed::residents {

// The rule that holds on a day: that with the latest first day. nullptr when none does.
v1::PurposeRule const* RuleOn(std::span<v1::PurposeRule const> rules, absl::CivilDay day);

// The fields of `person` that are set, in the contract's order with commas between, without what is always given (name,
// responsibility, times, etag).
std::string FieldsOf(v1::Resident const& person);
// Clears what the purpose does not cover.
void KeepCovered(v1::Purpose const& purpose, v1::Resident& person);
bool Covers(v1::Purpose const& purpose, std::string_view field);
// PURPOSE_DOES_NOT_COVER when one of the fields, as FieldsOf lists them, is not covered.
absl::Status CheckCovered(v1::Purpose const& purpose, std::string_view fields);
// The violation of a `fields` that names what is no field of Resident, if it does.
std::vector<std::string> UnknownFields(std::string_view fields);

// A consent with the version of its text.
struct VersionedConsent {
  v1::Consent consent;
  int version = 0;
};

// How a consent stands on a day, where GIVEN may have become EXPIRED since it was stored.
v1::ConsentState StateOn(v1::Consent const& consent, absl::CivilDay day);

// CONSENT_NOT_NEEDED, or CONSENT_ACTIVE when the person has been asked and not answered, or has consented to this version of the
// text or a later one. `existing` are the person's consents to the purpose.
absl::Status CheckAsking(v1::Purpose const& purpose, int version, std::span<VersionedConsent const> existing,
                         absl::CivilDay today);

// Who gives a consent, and how.
struct Giving {
  v1::ConsentForm form;
  std::string giver;
  absl::CivilDay date;
  absl::CivilDay birth_date;  // of the person whom it is about
  bool giver_is_guardian = false;
};
// Makes `consent` a given one. Errors: CONSENT_STATE_WRONG, CONSENT_FORM_INSUFFICIENT, GUARDIAN_REQUIRED when the person is below
// the age of the rule and gives it alone, NOT_A_GUARDIAN when another one gives it who is none.
absl::Status Give(v1::Consent& consent, v1::PurposeRule const& rule, Giving const& giving);

// Makes `consent` a withdrawn one from `today` on. CONSENT_STATE_WRONG when it is not REQUESTED or GIVEN.
absl::Status Withdraw(v1::Consent& consent, absl::CivilDay today);
// Makes a given consent an expired one, or one that another takes the place of from `day` on.
void Expire(v1::Consent& consent);
void Supersede(v1::Consent& consent, absl::CivilDay day);

// A consent and the day on which it was asked for.
struct AskedConsent {
  v1::Consent consent;
  absl::CivilDay asked;
};
// What held on a day. `consents` are the person's consents to the purpose.
struct Judgement {
  v1::ConsentVerdict verdict;
  v1::Consent const* consent = nullptr;  // the one that decided
};
Judgement Judge(v1::Purpose const& purpose, std::span<AskedConsent const> consents, absl::CivilDay day);

}  // namespace helhed::residents
