#include "services/residents/domain/consents.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <set>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/residents/domain/people.h"
#include "services/residents/domain/retention.h"

namespace helhed::residents {
namespace {

using google::protobuf::FieldDescriptor;

// Given with every answer: they say nothing about the person that the caller does not know.
bool IsAlwaysGiven(std::string_view field) {
  static std::set<std::string_view> const always = {"name", "responsibility", "create_time", "update_time", "etag"};
  return always.contains(field);
}

std::vector<std::string> Split(std::string_view fields) { return absl::StrSplit(Av(fields), ',', absl::SkipEmpty()); }

std::string NameOf(v1::ConsentState state) {
  return v1::ConsentState_Name(state).substr(std::string_view("CONSENT_STATE_").size());
}

absl::Status WrongState(v1::Consent const& consent, v1::ConsentState state) {
  std::string_view allowed;
  if (state == v1::CONSENT_STATE_REQUESTED) allowed = "give, withdraw";
  if (state == v1::CONSENT_STATE_GIVEN) allowed = "withdraw";
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_STATE_WRONG,
               "The consent does not stand so that this could be done; ask for a new one.",
               {{"resource", consent.name()}, {"state", NameOf(state)}, {"allowed", std::string(allowed)}});
}

// The part of a consent that matters for a verdict, on the day.
v1::ConsentVerdict VerdictOf(v1::Consent const& consent, absl::CivilDay day) {
  auto const given = ToCivil(consent.give_date());
  auto const end = ToCivil(consent.end_date());
  auto const expire = ToCivil(consent.expire_date());
  if (!given || day < *given) {
    bool const refused = !given && end && *end <= day;
    return refused ? v1::CONSENT_VERDICT_WITHDRAWN : v1::CONSENT_VERDICT_NOT_ANSWERED;
  }
  if (end && *end <= day) {
    return consent.state() == v1::CONSENT_STATE_EXPIRED ? v1::CONSENT_VERDICT_EXPIRED : v1::CONSENT_VERDICT_WITHDRAWN;
  }
  if (expire && *expire <= day) return v1::CONSENT_VERDICT_EXPIRED;
  return v1::CONSENT_VERDICT_GIVEN;
}

}  // namespace

v1::PurposeRule const* RuleOn(std::span<v1::PurposeRule const> rules, absl::CivilDay day) {
  v1::PurposeRule const* found = nullptr;
  // The last part of a rule's name is its first day, so that names of one purpose sort as days do.
  auto const start = [](v1::PurposeRule const& rule) { return rule.name().substr(rule.name().rfind('/') + 1); };
  std::string const iso = ToIsoDate(day);
  for (auto const& rule : rules) {
    if (start(rule) <= iso && (found == nullptr || start(*found) < start(rule))) found = &rule;
  }
  return found;
}

std::string FieldsOf(v1::Resident const& person) {
  std::vector<FieldDescriptor const*> set;
  person.GetReflection()->ListFields(person, &set);
  std::vector<std::string> names;
  for (auto const* const field : set) {
    if (!IsAlwaysGiven(field->name())) names.push_back(field->name());
  }
  return absl::StrJoin(names, ",");
}

bool Covers(v1::Purpose const& purpose, std::string_view field) {
  if (IsAlwaysGiven(field)) return true;
  if (purpose.fields().empty()) return field != "cpr_number";
  auto const covered = Split(purpose.fields());
  return std::find(covered.begin(), covered.end(), field) != covered.end();
}

void KeepCovered(v1::Purpose const& purpose, v1::Resident& person) {
  std::vector<FieldDescriptor const*> set;
  person.GetReflection()->ListFields(person, &set);
  for (auto const* const field : set) {
    if (!Covers(purpose, field->name())) person.GetReflection()->ClearField(&person, field);
  }
}

absl::Status CheckCovered(v1::Purpose const& purpose, std::string_view fields) {
  std::vector<std::string> uncovered;
  for (auto& field : Split(fields)) {
    if (!Covers(purpose, field)) uncovered.push_back(std::move(field));
  }
  if (uncovered.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_PURPOSE_DOES_NOT_COVER,
               "The purpose does not cover these fields. Name a purpose that does, or leave them out.",
               {{"purpose", purpose.name()}, {"fields", absl::StrJoin(uncovered, ",")}});
}

std::vector<std::string> UnknownFields(std::string_view fields) {
  std::vector<std::string> unknown;
  for (auto& field : Split(fields)) {
    if (v1::Resident::descriptor()->FindFieldByName(field) == nullptr || IsAlwaysGiven(field))
      unknown.push_back(std::move(field));
  }
  return unknown;
}

v1::ConsentState StateOn(v1::Consent const& consent, absl::CivilDay day) {
  auto const expire = ToCivil(consent.expire_date());
  bool const expired = consent.state() == v1::CONSENT_STATE_GIVEN && expire && *expire <= day;
  return expired ? v1::CONSENT_STATE_EXPIRED : consent.state();
}

absl::Status CheckAsking(v1::Purpose const& purpose, int version, std::span<VersionedConsent const> existing,
                         absl::CivilDay today) {
  if (purpose.legal_basis() != v1::LEGAL_BASIS_CONSENT) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_NOT_NEEDED,
                 "The purpose rests on another ground than consent; to ask for one would mislead.",
                 {{"purpose", purpose.name()}, {"legal_basis", v1::LegalBasis_Name(purpose.legal_basis())}});
  }
  for (auto const& [consent, given_version] : existing) {
    auto const state = StateOn(consent, today);
    bool const active = state == v1::CONSENT_STATE_REQUESTED || (state == v1::CONSENT_STATE_GIVEN && given_version >= version);
    if (!active) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_ACTIVE,
                 "The person was asked for this purpose already; withdraw that consent first, or ask with a later text.",
                 {{"consent", consent.name()}, {"state", NameOf(state)}});
  }
  return absl::OkStatus();
}

absl::Status Give(v1::Consent& consent, v1::PurposeRule const& rule, Giving const& giving) {
  if (consent.state() != v1::CONSENT_STATE_REQUESTED) return WrongState(consent, StateOn(consent, giving.date));
  if (rule.written_consent_required() && giving.form != v1::CONSENT_FORM_WRITTEN) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CONSENT_FORM_INSUFFICIENT,
                 "The purpose needs a written consent.", {{"purpose", consent.purpose()}});
  }
  std::string const resident = consent.name().substr(0, consent.name().find("/consents/"));
  bool const alone = giving.giver == resident;
  if (alone && AgeOn(giving.birth_date, giving.date) < rule.own_consent_age_years()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GUARDIAN_REQUIRED,
                 "The person is too young to consent alone; a guardian must.",
                 {{"resource", resident}, {"own_consent_age_years", absl::StrCat(rule.own_consent_age_years())}});
  }
  if (!alone && !giving.giver_is_guardian) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_A_GUARDIAN,
                 "Only the person or a guardian of the person on that day can consent.",
                 {{"resource", resident}, {"giver", giving.giver}});
  }
  consent.set_state(v1::CONSENT_STATE_GIVEN);
  consent.set_form(giving.form);
  consent.set_giver(giving.giver);
  *consent.mutable_give_date() = ToProtoDate(giving.date);
  if (rule.consent_months() > 0) *consent.mutable_expire_date() = ToProtoDate(AddMonths(giving.date, rule.consent_months()));
  return absl::OkStatus();
}

absl::Status Withdraw(v1::Consent& consent, absl::CivilDay today) {
  auto const state = StateOn(consent, today);
  if (state != v1::CONSENT_STATE_REQUESTED && state != v1::CONSENT_STATE_GIVEN) return WrongState(consent, state);
  consent.set_state(v1::CONSENT_STATE_WITHDRAWN);
  *consent.mutable_end_date() = ToProtoDate(today);
  return absl::OkStatus();
}

void Expire(v1::Consent& consent) {
  consent.set_state(v1::CONSENT_STATE_EXPIRED);
  *consent.mutable_end_date() = consent.expire_date();
}

void Supersede(v1::Consent& consent, absl::CivilDay day) {
  consent.set_state(v1::CONSENT_STATE_SUPERSEDED);
  // A consent that is superseded on the day that it was given, or before, held on no day.
  *consent.mutable_end_date() = ToProtoDate(std::max(day, ToCivil(consent.give_date()).value_or(day)));
}

Judgement Judge(v1::Purpose const& purpose, std::span<AskedConsent const> consents, absl::CivilDay day) {
  if (purpose.legal_basis() != v1::LEGAL_BASIS_CONSENT) return {v1::CONSENT_VERDICT_NOT_NEEDED, nullptr};
  // What allows comes first, then what was decided last, then what was only asked.
  auto const rank = [](v1::ConsentVerdict verdict) {
    return verdict == v1::CONSENT_VERDICT_GIVEN ? 2 : verdict == v1::CONSENT_VERDICT_NOT_ANSWERED ? 0 : 1;
  };
  auto const ended = [](v1::Consent const& consent) {
    return ToCivil(consent.has_end_date() ? consent.end_date() : consent.expire_date()).value_or(absl::CivilDay::min());
  };
  Judgement best{v1::CONSENT_VERDICT_NOT_ASKED, nullptr};
  for (auto const& [consent, asked] : consents) {
    auto const verdict = VerdictOf(consent, day);
    // Who was asked after the day had not been asked on it, unless what was entered late held then.
    if (asked > day && verdict == v1::CONSENT_VERDICT_NOT_ANSWERED) continue;
    bool const better = best.consent == nullptr || rank(verdict) > rank(best.verdict) ||
                        (rank(verdict) == rank(best.verdict) && ended(consent) >= ended(*best.consent));
    if (better) best = {verdict, &consent};
  }
  return best;
}

}  // namespace helhed::residents
