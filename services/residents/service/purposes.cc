#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/consents.h"
#include "services/residents/service/consents.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

using storage::Statement;

Statement const kLockPurpose("residents.lock_purpose", "SELECT purpose FROM purposes WHERE purpose = $1",
                             "SELECT purpose FROM purposes WHERE purpose = $1 FOR NO KEY UPDATE");

absl::Status RequirePurposeRow(ReadTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(bool const exists, tx.Exists<v1::Purpose>(name));
  return exists ? absl::OkStatus() : NotFound(name);
}

void CheckPurpose(v1::Purpose const& purpose, std::vector<FieldViolation>& violations) {
  ReadPeriod(purpose.period(), "purpose.period", violations);
  if (!UnknownFields(purpose.fields()).empty()) {
    violations.push_back({"purpose.fields", "must be names of fields of Resident, with commas between and no spaces"});
  }
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Purpose const& purpose) {
  v1::PurposeChanged event;
  *event.mutable_purpose() = purpose;
  return tx.Append(event, purpose.name());
}

storage::ListOptions Below(std::string_view from, std::string_view condition, std::string const& parent) {
  storage::ListOptions options;
  options.from = from;
  options.alias = "t";
  options.conditions.push_back({condition, {std::string(contract::LastPart(parent))}});
  return options;
}

}  // namespace

absl::StatusOr<v1::Purpose> Consents::GetPurpose(CallContext const& call, v1::GetPurposeRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Purpose>(request.name()); });
}

absl::StatusOr<v1::ListPurposesResponse> Consents::ListPurposes(CallContext const& call, v1::ListPurposesRequest const& request) {
  storage::ListOptions options;
  options.from = "purposes t";
  options.alias = "t";
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListPurposesResponse>(request, options); });
}

absl::StatusOr<v1::Purpose> Consents::CreatePurpose(CallContext const& call, v1::CreatePurposeRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckPurpose(request.purpose(), violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Purpose> {
    v1::Purpose purpose = request.purpose();
    purpose.set_name(absl::StrCat("purposes/", request.purpose_id()));
    RETURN_IF_ERROR(tx.Insert(purpose));
    RETURN_IF_ERROR(AppendChanged(tx, purpose));
    return purpose;
  });
}

absl::StatusOr<v1::Purpose> Consents::UpdatePurpose(CallContext const& call, v1::UpdatePurposeRequest const& request) {
  auto const& given = request.purpose();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Purpose> {
    RETURN_IF_ERROR(tx.Query(kLockPurpose, {contract::LastPart(given.name())}).status());
    ASSIGN_OR_RETURN(auto purpose, tx.Get<v1::Purpose>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), purpose.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, purpose, "purpose"));
    std::vector<FieldViolation> violations;
    CheckPurpose(purpose, violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(tx.Update(purpose));
    RETURN_IF_ERROR(AppendChanged(tx, purpose));
    return purpose;
  });
}

absl::StatusOr<v1::ListPurposeRulesResponse> Consents::ListPurposeRules(CallContext const& call,
                                                                        v1::ListPurposeRulesRequest const& request) {
  auto const options = Below("purpose_rules t", "t.purpose = ?", request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListPurposeRulesResponse> {
    RETURN_IF_ERROR(RequirePurposeRow(tx, request.parent()));
    return tx.List<v1::ListPurposeRulesResponse>(request, options);
  });
}

absl::StatusOr<v1::PurposeRule> Consents::CreatePurposeRule(CallContext const& call,
                                                            v1::CreatePurposeRuleRequest const& request) {
  ASSIGN_OR_RETURN(auto const start, ReadDate(request.start_date(), "start_date"));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PurposeRule> {
    RETURN_IF_ERROR(RequirePurposeRow(tx, request.parent()));
    v1::PurposeRule rule = request.rule();
    rule.set_name(absl::StrCat(request.parent(), "/rules/", ToIsoDate(start)));
    RETURN_IF_ERROR(tx.Insert(rule));
    return rule;
  });
}

absl::StatusOr<v1::ConsentText> Consents::GetConsentText(CallContext const& call, v1::GetConsentTextRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::ConsentText>(request.name()); });
}

absl::StatusOr<v1::ListConsentTextsResponse> Consents::ListConsentTexts(CallContext const& call,
                                                                        v1::ListConsentTextsRequest const& request) {
  auto const options = Below("consent_texts t", "t.purpose = ?", request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListConsentTextsResponse> {
    RETURN_IF_ERROR(RequirePurposeRow(tx, request.parent()));
    return tx.List<v1::ListConsentTextsResponse>(request, options);
  });
}

absl::StatusOr<v1::ConsentText> Consents::CreateConsentText(CallContext const& call,
                                                            v1::CreateConsentTextRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ConsentText> {
    RETURN_IF_ERROR(RequirePurposeRow(tx, request.parent()));
    v1::ConsentText text = request.consent_text();
    text.set_name(absl::StrCat(request.parent(), "/consentTexts/", request.consent_text_id()));
    RETURN_IF_ERROR(tx.Insert(text));
    return text;
  });
}

}  // namespace helhed::residents
