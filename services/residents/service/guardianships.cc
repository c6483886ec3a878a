#include <absl/strings/str_cat.h>

#include "services/residents/domain/people.h"
#include "services/residents/service/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/people_store.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

// A person who decides for another must be there and be fit for it. Both are locked.
absl::Status CheckGuardianshipHere(WriteTransaction& tx, v1::Guardianship const& guardianship) {
  std::string const ward(ResidentOf(guardianship.name()));
  ASSIGN_OR_RETURN(auto const guardian, LoadPerson(tx, guardianship.guardian()));
  ASSIGN_OR_RETURN(auto const others, LoadGuardings(tx, ward));
  ASSIGN_OR_RETURN(auto const of_guardian, LoadGuardings(tx, guardianship.guardian()));
  std::vector<Period> wards_own;
  for (auto const& each : of_guardian) {
    if (each.guardian == ward) wards_own.push_back(each.period);
  }
  Guarding const guarding{guardianship.name(), guardianship.guardian(), StoredPeriod(guardianship.period())};
  return CheckGuardianship(guarding, ward, ToCivil(guardian.birth_date()).value_or(absl::CivilDay::max()), others, wards_own);
}

absl::Status ConcludeGuardianship(WriteTransaction& tx, v1::Resident const& ward, std::string const& purpose,
                                  std::string const& case_reference) {
  RETURN_IF_ERROR(AppendUpdated(tx, ward, {"guardianships"}));
  return LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose, case_reference, ward.name(), "guardianships");
}

}  // namespace

absl::StatusOr<v1::ListGuardianshipsResponse> People::ListGuardianships(CallContext const& call,
                                                                        v1::ListGuardianshipsRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListGuardianshipsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(Approach(tx, request.parent(), purpose).status());
    std::string const today = ToIsoDate(call.Today());
    // P5: whose other person is protected is left out.
    storage::ListOptions options;
    options.from = request.as_guardian() ? "guardianships g JOIN residents r ON r.resident = g.resident"
                                         : "guardianships g JOIN residents r ON r.resident = g.guardian";
    options.alias = "g";
    options.conditions.push_back(
        {request.as_guardian() ? "g.guardian = ?" : "g.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    options.conditions.push_back(
        {"NOT (r.address_protection_start_date IS NOT NULL AND r.address_protection_start_date <= ? "
         "AND r.address_protection_end_date > ?)",
         {today, today}});
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), request.parent(), "guardianships"));
    return tx.List<v1::ListGuardianshipsResponse>(request, options);
  });
}

absl::StatusOr<v1::Guardianship> People::CreateGuardianship(CallContext const& call,
                                                            v1::CreateGuardianshipRequest const& request) {
  std::vector<FieldViolation> violations;
  ReadPeriod(request.guardianship().period(), "guardianship.period", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Guardianship> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(LockPeople(tx, {request.parent(), request.guardianship().guardian()}));
    ASSIGN_OR_RETURN(auto const ward, Approach(tx, request.parent(), purpose));
    v1::Guardianship guardianship = request.guardianship();
    guardianship.set_name(absl::StrCat(ward.name(), "/guardianships/", call.NewId()));
    RETURN_IF_ERROR(CheckGuardianshipHere(tx, guardianship));
    RETURN_IF_ERROR(tx.Insert(guardianship));
    RETURN_IF_ERROR(ConcludeGuardianship(tx, ward, purpose.name(), request.case_reference()));
    return guardianship;
  });
}

absl::StatusOr<v1::Guardianship> People::UpdateGuardianship(CallContext const& call,
                                                            v1::UpdateGuardianshipRequest const& request) {
  auto const& given = request.guardianship();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Guardianship> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    std::string const resident(ResidentOf(given.name()));
    ASSIGN_OR_RETURN(auto const seen, tx.Get<v1::Guardianship>(given.name()));
    RETURN_IF_ERROR(LockPeople(tx, {resident, seen.guardian()}));
    ASSIGN_OR_RETURN(auto const ward, Approach(tx, resident, purpose));
    ASSIGN_OR_RETURN(auto guardianship, tx.Get<v1::Guardianship>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), guardianship.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, guardianship, "guardianship"));
    std::vector<FieldViolation> violations;
    ReadPeriod(guardianship.period(), "guardianship.period", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(CheckGuardianshipHere(tx, guardianship));
    RETURN_IF_ERROR(tx.Update(guardianship));
    RETURN_IF_ERROR(ConcludeGuardianship(tx, ward, purpose.name(), request.case_reference()));
    return guardianship;
  });
}

}  // namespace helhed::residents
