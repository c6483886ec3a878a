#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/errors.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/requests.h"

// Protected names and addresses (CPR Act § 28; domain.md 5.5, P5).
namespace helhed::residents {
namespace {

absl::Status NotProtected(std::string const& resident) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_RESIDENT_NOT_PROTECTED,
               "The person's name and address are not protected.", {{"resource", resident}});
}

// Who protects a person need not see the person: the answer says no more than was asked.
v1::Resident OnlyProtection(v1::Resident const& person) {
  v1::Resident answer;
  answer.set_name(person.name());
  if (person.has_address_protection()) *answer.mutable_address_protection() = person.address_protection();
  *answer.mutable_responsibility() = person.responsibility();
  *answer.mutable_create_time() = person.create_time();
  *answer.mutable_update_time() = person.update_time();
  answer.set_etag(person.etag());
  return answer;
}

template <typename Request>
absl::StatusOr<v1::Resident> SaveProtection(WriteTransaction& tx, Request const& request, v1::Resident person) {
  RETURN_IF_ERROR(tx.Update(person));
  v1::ResidentProtectionChanged event;
  event.set_resident(person.name());
  RETURN_IF_ERROR(tx.Append(event, person.name()));
  RETURN_IF_ERROR(
      LogAccess(tx, v1::ACCESS_KIND_CHANGED, request.purpose(), request.case_reference(), person.name(), "address_protection"));
  return OnlyProtection(person);
}

// When the access ends; PROTECTED_ACCESS_TOO_LONG when the purpose's rule does not allow that.
absl::StatusOr<absl::Time> ExpireTime(v1::ProtectedAccess const& access, v1::PurposeRule const& rule, std::string const& purpose,
                                      absl::Time now) {
  auto const latest = now + absl::Hours(rule.protected_access_hours_max());
  absl::Time expire = latest;
  if (access.has_expire_time()) expire = absl::FromUnixSeconds(access.expire_time().seconds());
  if (expire <= latest && latest > now) {
    if (expire > now) return expire;
    return BadRequest({{"protected_access.expire_time", "must be in the future"}});
  }
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PROTECTED_ACCESS_TOO_LONG,
               "The purpose does not allow a protected person to be opened, or not for so long.",
               {{"purpose", purpose}, {"hours_max", absl::StrCat(rule.protected_access_hours_max())}});
}

}  // namespace

absl::StatusOr<v1::Resident> People::ProtectResident(CallContext const& call, v1::ProtectResidentRequest const& request) {
  std::vector<FieldViolation> violations;
  auto const period = ReadPeriod(request.period(), "period", violations);
  if (period && !period->end)
    violations.push_back({"period.end_date", "must be given: a protection lapses unless it is asked for again"});
  if (period && period->end && *period->end <= call.Today()) violations.push_back({"period.end_date", "must be in the future"});
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Resident> {
    RETURN_IF_ERROR(RequirePurpose(tx, request.purpose(), request.case_reference()).status());
    RETURN_IF_ERROR(LockPeople(tx, {request.name()}));
    ASSIGN_OR_RETURN(auto person, LoadPerson(tx, request.name()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    *person.mutable_address_protection() = request.period();
    return SaveProtection(tx, request, std::move(person));
  });
}

absl::StatusOr<v1::Resident> People::UnprotectResident(CallContext const& call, v1::UnprotectResidentRequest const& request) {
  auto end = call.Today();
  if (request.has_end_date()) {
    ASSIGN_OR_RETURN(end, ReadDate(request.end_date(), "end_date"));
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Resident> {
    RETURN_IF_ERROR(RequirePurpose(tx, request.purpose(), request.case_reference()).status());
    RETURN_IF_ERROR(LockPeople(tx, {request.name()}));
    ASSIGN_OR_RETURN(auto person, LoadPerson(tx, request.name()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    if (!person.has_address_protection()) return NotProtected(request.name());
    auto const period = StoredPeriod(person.address_protection());
    if (period.end && *period.end <= end) return NotProtected(request.name());
    if (end <= period.start) {
      person.clear_address_protection();
    } else {
      *person.mutable_address_protection()->mutable_end_date() = ToProtoDate(end);
    }
    return SaveProtection(tx, request, std::move(person));
  });
}

absl::StatusOr<v1::ProtectedAccess> People::CreateProtectedAccess(CallContext const& call,
                                                                  v1::CreateProtectedAccessRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ProtectedAccess> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, request.parent()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    if (!IsProtected(person, call.Today())) return NotProtected(person.name());
    ASSIGN_OR_RETURN(auto const rule, RequireRule(tx, purpose.name(), call.Today()));
    v1::ProtectedAccess access = request.protected_access();
    ASSIGN_OR_RETURN(auto const expire, ExpireTime(access, rule, purpose.name(), call.Now()));
    access.set_name(absl::StrCat(person.name(), "/protectedAccesses/", call.NewId()));
    access.set_subject(call.identity().subject());
    access.set_purpose(purpose.name());
    access.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(expire));
    access.mutable_expire_time()->set_nanos(0);
    RETURN_IF_ERROR(tx.Insert(access));
    v1::ProtectedResidentOpened event;
    event.set_resident(person.name());
    event.set_protected_access(access.name());
    event.set_subject(access.subject());
    event.set_purpose(purpose.name());
    RETURN_IF_ERROR(tx.Append(event, person.name()));
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose.name(), request.case_reference(), person.name(), "protected_accesses"));
    return access;
  });
}

absl::StatusOr<v1::ListProtectedAccessesResponse> People::ListProtectedAccesses(CallContext const& call,
                                                                                v1::ListProtectedAccessesRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListProtectedAccessesResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, request.parent()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    storage::ListOptions options;
    options.from = "protected_accesses a";
    options.alias = "a";
    options.conditions.push_back({"a.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), person.name(), "protected_accesses"));
    return tx.List<v1::ListProtectedAccessesResponse>(request, options);
  });
}

}  // namespace helhed::residents
