#pragma once

#include <absl/status/statusor.h>

#include "helhed/residents/v1/people_service.pb.h"
#include "services/platform/crypto/key_ring.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of PeopleService, one for each method of the contract, which says what they do and refuse.
class People {
 public:
  // `keys` seal CPR numbers; nullptr where none are kept.
  People(Store& store, crypto::KeyRing const* keys) : store_(store), keys_(keys) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // people.cc
  absl::StatusOr<v1::Resident> GetResident(CallContext const& call, v1::GetResidentRequest const& request);
  absl::StatusOr<v1::BatchGetResidentsResponse> BatchGetResidents(CallContext const& call,
                                                                  v1::BatchGetResidentsRequest const& request);
  absl::StatusOr<v1::Resident> LookupResident(CallContext const& call, v1::LookupResidentRequest const& request);
  absl::StatusOr<v1::RevealCprNumberResponse> RevealCprNumber(CallContext const& call, v1::RevealCprNumberRequest const& request);

  // people_lists.cc
  absl::StatusOr<v1::ListResidentsResponse> ListResidents(CallContext const& call, v1::ListResidentsRequest const& request);
  absl::StatusOr<v1::SearchResidentsResponse> SearchResidents(CallContext const& call, v1::SearchResidentsRequest const& request);

  // people_entry.cc
  absl::StatusOr<v1::Resident> CreateResident(CallContext const& call, v1::CreateResidentRequest const& request);
  absl::StatusOr<v1::Resident> UpdateResident(CallContext const& call, v1::UpdateResidentRequest const& request);

  // protection.cc
  absl::StatusOr<v1::Resident> ProtectResident(CallContext const& call, v1::ProtectResidentRequest const& request);
  absl::StatusOr<v1::Resident> UnprotectResident(CallContext const& call, v1::UnprotectResidentRequest const& request);
  absl::StatusOr<v1::ProtectedAccess> CreateProtectedAccess(CallContext const& call,
                                                            v1::CreateProtectedAccessRequest const& request);
  absl::StatusOr<v1::ListProtectedAccessesResponse> ListProtectedAccesses(CallContext const& call,
                                                                          v1::ListProtectedAccessesRequest const& request);

  // memberships.cc
  absl::StatusOr<v1::ListMembershipsResponse> ListMemberships(CallContext const& call, v1::ListMembershipsRequest const& request);
  absl::StatusOr<v1::HouseholdMembership> CreateMembership(CallContext const& call, v1::CreateMembershipRequest const& request);
  absl::StatusOr<v1::HouseholdMembership> UpdateMembership(CallContext const& call, v1::UpdateMembershipRequest const& request);

  // guardianships.cc
  absl::StatusOr<v1::ListGuardianshipsResponse> ListGuardianships(CallContext const& call,
                                                                  v1::ListGuardianshipsRequest const& request);
  absl::StatusOr<v1::Guardianship> CreateGuardianship(CallContext const& call, v1::CreateGuardianshipRequest const& request);
  absl::StatusOr<v1::Guardianship> UpdateGuardianship(CallContext const& call, v1::UpdateGuardianshipRequest const& request);

  // Seals CPR numbers anew whose key is no longer the active one; returns whether there is more to do. Needs keys.
  absl::StatusOr<bool> RotateJob(storage::Limits const& limits);

 private:
  Store& store_;
  crypto::KeyRing const* keys_;
};

}  // namespace helhed::residents
