#include "services/residents/service/consents.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/consents.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/people_store.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

using storage::Statement;

Statement const kConsents("residents.consents_to_purpose",
                          "SELECT c.consent, t.version FROM consents c JOIN consent_texts t "
                          "ON t.purpose = c.consent_text_purpose AND t.consent_text = c.consent_text "
                          "WHERE c.resident = $1 AND c.purpose = $2 ORDER BY c.consent");

absl::StatusOr<std::vector<VersionedConsent>> LoadConsents(ReadTransaction& tx, std::string_view resident,
                                                           std::string_view purpose) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kConsents, {contract::LastPart(resident), contract::LastPart(purpose)}));
  std::vector<VersionedConsent> consents;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(auto consent, tx.Get<v1::Consent>(Sv(absl::StrCat(Av(resident), "/consents/", rows.Text(i, 0)))));
    consents.push_back({std::move(consent), static_cast<int>(rows.Int64(i, 1))});
  }
  return consents;
}

// As it stands today: what has expired since it was stored shows that.
v1::Consent AsOfToday(v1::Consent consent, absl::CivilDay today) {
  if (StateOn(consent, today) == v1::CONSENT_STATE_EXPIRED && consent.state() == v1::CONSENT_STATE_GIVEN) Expire(consent);
  return consent;
}

// What the new consent takes the place of, and what had run out and was not marked yet.
absl::Status EndEarlier(WriteTransaction& tx, v1::Consent const& given, absl::CivilDay date) {
  ASSIGN_OR_RETURN(auto const consents, LoadConsents(tx, ResidentOf(given.name()), given.purpose()));
  for (auto const& each : consents) {
    if (each.consent.name() == given.name() || each.consent.state() != v1::CONSENT_STATE_GIVEN) continue;
    v1::Consent earlier = each.consent;
    if (StateOn(earlier, date) == v1::CONSENT_STATE_EXPIRED) {
      Expire(earlier);
    } else {
      Supersede(earlier, date);
    }
    RETURN_IF_ERROR(tx.Update(earlier));
    RETURN_IF_ERROR(AppendEnded(tx, earlier));
  }
  return absl::OkStatus();
}

absl::Status LogChange(WriteTransaction& tx, v1::Consent const& consent, std::string const& case_reference) {
  return LogAccess(tx, v1::ACCESS_KIND_CHANGED, consent.purpose(), case_reference, ResidentOf(consent.name()), "consents");
}

}  // namespace

absl::Status AppendEnded(WriteTransaction& tx, v1::Consent const& consent) {
  v1::ConsentEnded event;
  event.set_resident(std::string(ResidentOf(consent.name())));
  event.set_consent(consent.name());
  event.set_purpose(consent.purpose());
  event.set_state(consent.state());
  return tx.Append(event, consent.name());
}

void Consents::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.ConsentService", method, this, handler);
  };
  on("GetPurpose", &Consents::GetPurpose);
  on("ListPurposes", &Consents::ListPurposes);
  on("CreatePurpose", &Consents::CreatePurpose);
  on("UpdatePurpose", &Consents::UpdatePurpose);
  on("ListPurposeRules", &Consents::ListPurposeRules);
  on("CreatePurposeRule", &Consents::CreatePurposeRule);
  on("GetConsentText", &Consents::GetConsentText);
  on("ListConsentTexts", &Consents::ListConsentTexts);
  on("CreateConsentText", &Consents::CreateConsentText);
  on("GetConsent", &Consents::GetConsent);
  on("ListConsents", &Consents::ListConsents);
  on("CreateConsent", &Consents::CreateConsent);
  on("GiveConsent", &Consents::GiveConsent);
  on("WithdrawConsent", &Consents::WithdrawConsent);
  on("CheckConsent", &Consents::CheckConsent);
}

absl::StatusOr<v1::Consent> Consents::GetConsent(CallContext const& call, v1::GetConsentRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Consent> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    auto const resident = ResidentOf(request.name());
    RETURN_IF_ERROR(Approach(tx, resident, purpose).status());
    ASSIGN_OR_RETURN(auto consent, tx.Get<v1::Consent>(request.name()));
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), resident, "consents"));
    return AsOfToday(std::move(consent), call.Today());
  });
}

absl::StatusOr<v1::ListConsentsResponse> Consents::ListConsents(CallContext const& call, v1::ListConsentsRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListConsentsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(Approach(tx, request.parent(), purpose).status());
    storage::ListOptions options;
    options.from = "consents c";
    options.alias = "c";
    options.conditions.push_back({"c.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    // As AsOfToday says it, so that a filter by state finds what the answer shows.
    std::string const today = ToIsoDate(call.Today());
    options.expressions.push_back(
        {"state", "CASE WHEN c.state = 2 AND c.expire_date IS NOT NULL AND c.expire_date <= ? THEN 4 ELSE c.state END", {today}});
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListConsentsResponse>(request, options));
    for (auto& consent : *response.mutable_consents()) consent = AsOfToday(std::move(consent), call.Today());
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), request.parent(), "consents"));
    return response;
  });
}

absl::StatusOr<v1::Consent> Consents::CreateConsent(CallContext const& call, v1::CreateConsentRequest const& request) {
  auto const& given = request.consent();
  if (!given.consent_text().starts_with(given.purpose() + "/")) {
    return BadRequest({{"consent.consent_text", "must be a text of the purpose in consent.purpose"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Consent> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, given.purpose(), request.case_reference()));
    RETURN_IF_ERROR(LockPeople(tx, {request.parent()}));
    ASSIGN_OR_RETURN(auto const person, Approach(tx, request.parent(), purpose));
    ASSIGN_OR_RETURN(auto const text, tx.Get<v1::ConsentText>(given.consent_text()));
    ASSIGN_OR_RETURN(auto const existing, LoadConsents(tx, person.name(), purpose.name()));
    RETURN_IF_ERROR(CheckAsking(purpose, text.version(), existing, call.Today()));
    v1::Consent consent = given;
    consent.set_name(absl::StrCat(person.name(), "/consents/", call.NewId()));
    consent.set_state(v1::CONSENT_STATE_REQUESTED);
    *consent.mutable_responsibility() = person.responsibility();
    RETURN_IF_ERROR(tx.Insert(consent));
    RETURN_IF_ERROR(LogChange(tx, consent, request.case_reference()));
    return consent;
  });
}

absl::StatusOr<v1::Consent> Consents::GiveConsent(CallContext const& call, v1::GiveConsentRequest const& request) {
  auto date = call.Today();
  if (request.has_give_date()) {
    ASSIGN_OR_RETURN(date, ReadDate(request.give_date(), "give_date"));
  }
  if (date > call.Today()) return BadRequest({{"give_date", "must not be in the future"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Consent> {
    std::string const resident(ResidentOf(request.name()));
    RETURN_IF_ERROR(LockPeople(tx, {resident}));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, resident));
    RETURN_IF_ERROR(RequireReach(tx, person));
    ASSIGN_OR_RETURN(auto consent, tx.Get<v1::Consent>(request.name()));
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, consent.purpose(), request.case_reference()));
    RETURN_IF_ERROR(RequireOpen(tx, person, purpose));
    ASSIGN_OR_RETURN(auto const rule, RequireRule(tx, purpose.name(), date));
    ASSIGN_OR_RETURN(auto const guardings, LoadGuardings(tx, resident));
    std::string const giver = request.giver().empty() ? resident : request.giver();
    RETURN_IF_ERROR(Give(consent, rule,
                         {request.form(), giver, date, ToCivil(person.birth_date()).value_or(absl::CivilDay::max()),
                          IsGuardian(guardings, giver, date)}));
    RETURN_IF_ERROR(EndEarlier(tx, consent, date));
    RETURN_IF_ERROR(tx.Update(consent));
    v1::ConsentGiven event;
    event.set_resident(resident);
    event.set_consent(consent.name());
    event.set_purpose(consent.purpose());
    RETURN_IF_ERROR(tx.Append(event, consent.name()));
    RETURN_IF_ERROR(LogChange(tx, consent, request.case_reference()));
    return AsOfToday(std::move(consent), call.Today());
  });
}

// A consent must be as easy to take back as to give (GDPR art. 7(3)): neither a purpose that is no longer in force nor a
// protection stands in the way.
absl::StatusOr<v1::Consent> Consents::WithdrawConsent(CallContext const& call, v1::WithdrawConsentRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Consent> {
    std::string const resident(ResidentOf(request.name()));
    RETURN_IF_ERROR(RefuseCprNumber(request.case_reference()));
    RETURN_IF_ERROR(LockPeople(tx, {resident}));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, resident));
    RETURN_IF_ERROR(RequireReach(tx, person));
    ASSIGN_OR_RETURN(auto consent, tx.Get<v1::Consent>(request.name()));
    bool const was_given = consent.state() == v1::CONSENT_STATE_GIVEN;
    RETURN_IF_ERROR(Withdraw(consent, call.Today()));
    RETURN_IF_ERROR(tx.Update(consent));
    if (was_given) {
      RETURN_IF_ERROR(AppendEnded(tx, consent));
    }
    RETURN_IF_ERROR(LogChange(tx, consent, request.case_reference()));
    return consent;
  });
}

absl::StatusOr<v1::CheckConsentResponse> Consents::CheckConsent(CallContext const& call, v1::CheckConsentRequest const& request) {
  auto date = call.Today();
  if (request.has_date()) {
    ASSIGN_OR_RETURN(date, ReadDate(request.date(), "date"));
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::CheckConsentResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, request.parent()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    ASSIGN_OR_RETURN(auto const consents, LoadConsents(tx, person.name(), purpose.name()));
    std::vector<AskedConsent> asked;
    for (auto const& each : consents) {
      asked.push_back({each.consent, DateIn(absl::FromUnixSeconds(each.consent.create_time().seconds()))});
    }
    auto const verdict = Judge(purpose, asked, date);
    v1::CheckConsentResponse response;
    response.set_verdict(verdict.verdict);
    response.set_allowed(verdict.verdict == v1::CONSENT_VERDICT_GIVEN || verdict.verdict == v1::CONSENT_VERDICT_NOT_NEEDED);
    if (verdict.consent != nullptr) {
      response.set_consent(verdict.consent->name());
      if (verdict.consent->has_expire_date()) *response.mutable_expire_date() = verdict.consent->expire_date();
    }
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_CHECKED, purpose.name(), request.case_reference(), person.name(), "consents"));
    return response;
  });
}

}  // namespace helhed::residents
