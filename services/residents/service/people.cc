#include "services/residents/service/people.h"

#include "services/residents/domain/consents.h"
#include "services/residents/domain/cpr_number.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/cpr_store.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {

void People::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.PeopleService", method, this, handler);
  };
  on("GetResident", &People::GetResident);
  on("BatchGetResidents", &People::BatchGetResidents);
  on("ListResidents", &People::ListResidents);
  on("SearchResidents", &People::SearchResidents);
  on("LookupResident", &People::LookupResident);
  on("CreateResident", &People::CreateResident);
  on("UpdateResident", &People::UpdateResident);
  on("RevealCprNumber", &People::RevealCprNumber);
  on("ProtectResident", &People::ProtectResident);
  on("UnprotectResident", &People::UnprotectResident);
  on("CreateProtectedAccess", &People::CreateProtectedAccess);
  on("ListProtectedAccesses", &People::ListProtectedAccesses);
  on("ListMemberships", &People::ListMemberships);
  on("CreateMembership", &People::CreateMembership);
  on("UpdateMembership", &People::UpdateMembership);
  on("ListGuardianships", &People::ListGuardianships);
  on("CreateGuardianship", &People::CreateGuardianship);
  on("UpdateGuardianship", &People::UpdateGuardianship);
}

// Reads are writes to the access log: who cannot be logged is not shown.
absl::StatusOr<v1::Resident> People::GetResident(CallContext const& call, v1::GetResidentRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Resident> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    ASSIGN_OR_RETURN(auto person, Approach(tx, request.name(), purpose));
    return Show(tx, purpose, request.case_reference(), std::move(person));
  });
}

absl::StatusOr<v1::BatchGetResidentsResponse> People::BatchGetResidents(CallContext const& call,
                                                                        v1::BatchGetResidentsRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::BatchGetResidentsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    v1::BatchGetResidentsResponse response;
    for (auto const& name : request.names()) {
      auto person = Approach(tx, name, purpose);
      bool const is_hidden =
          person.status().code() == absl::StatusCode::kNotFound || person.status().code() == absl::StatusCode::kPermissionDenied;
      if (is_hidden) continue;
      if (!person.ok()) return std::move(person).status();
      // P5: a batch is a list; who was opened is to be had by GetResident.
      if (IsProtected(*person, call.Today())) continue;
      *response.add_residents() = *std::move(person);
    }
    std::vector<v1::Resident*> const all(response.mutable_residents()->pointer_begin(),
                                         response.mutable_residents()->pointer_end());
    RETURN_IF_ERROR(ShowAll(tx, purpose, request.case_reference(), all));
    return response;
  });
}

absl::StatusOr<v1::Resident> People::LookupResident(CallContext const& call, v1::LookupResidentRequest const& request) {
  auto const number = ParseCprNumber(request.cpr_number());
  if (!number) return BadRequest({{"cpr_number", "must be a CPR number that was given out: the day must exist"}});
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Resident> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    // P2: to find somebody by the number is to use it.
    if (!Covers(purpose, "cpr_number")) {
      RETURN_IF_ERROR(CheckCovered(purpose, "cpr_number_masked"));
    }
    ASSIGN_OR_RETURN(auto const name, FindByCprNumber(tx, keys_, *number));
    // Not even that there is somebody is said to who may not see the person.
    auto const nobody = NotFound("residents/-");
    if (!name) return nobody;
    auto person = Approach(tx, *name, purpose);
    if (person.status().code() == absl::StatusCode::kNotFound) return nobody;
    if (!person.ok()) return std::move(person).status();
    return Show(tx, purpose, request.case_reference(), *std::move(person));
  });
}

absl::StatusOr<v1::RevealCprNumberResponse> People::RevealCprNumber(CallContext const& call,
                                                                    v1::RevealCprNumberRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::RevealCprNumberResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    ASSIGN_OR_RETURN(auto const person, Approach(tx, request.name(), purpose));
    RETURN_IF_ERROR(CheckCovered(purpose, "cpr_number"));
    ASSIGN_OR_RETURN(auto const digits, OpenCprNumber(tx, keys_, person.name()));
    v1::RevealCprNumberResponse response;
    if (digits) response.set_cpr_number(WriteCprNumber(*digits));
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), person.name(), "cpr_number"));
    return response;
  });
}

absl::StatusOr<bool> People::RotateJob(storage::Limits const& limits) {
  constexpr int kAtOnce = 100;
  int rotated = 0;
  auto const status = store_.Apply(OwnContext("residents", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(rotated, RotateCprNumbers(tx, *keys_, kAtOnce));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return rotated == kAtOnce;
}

}  // namespace helhed::residents
