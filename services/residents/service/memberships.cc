#include <absl/strings/str_cat.h>

#include "services/residents/domain/people.h"
#include "services/residents/service/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/people_store.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

// What follows from a membership that was written.
absl::Status ConcludeMembership(WriteTransaction& tx, v1::Resident const& person, std::string const& purpose,
                                std::string const& case_reference) {
  RETURN_IF_ERROR(StoreMovedOut(tx, person.name(), tx.call().Today()));
  RETURN_IF_ERROR(AppendUpdated(tx, person, {"memberships"}));
  return LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose, case_reference, person.name(), "memberships");
}

}  // namespace

absl::StatusOr<v1::ListMembershipsResponse> People::ListMemberships(CallContext const& call,
                                                                    v1::ListMembershipsRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListMembershipsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(Approach(tx, request.parent(), purpose).status());
    storage::ListOptions options;
    options.from = "household_members m";
    options.alias = "m";
    options.conditions.push_back({"m.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), request.parent(), "memberships"));
    return tx.List<v1::ListMembershipsResponse>(request, options);
  });
}

absl::StatusOr<v1::HouseholdMembership> People::CreateMembership(CallContext const& call,
                                                                 v1::CreateMembershipRequest const& request) {
  std::vector<FieldViolation> violations;
  ReadPeriod(request.membership().period(), "membership.period", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::HouseholdMembership> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(LockPeople(tx, {request.parent()}));
    ASSIGN_OR_RETURN(auto const person, Approach(tx, request.parent(), purpose));
    // Both: who reaches only the household could make anybody one whom he reaches.
    RETURN_IF_ERROR(RequireHouseholdReach(tx, request.membership().household()));
    v1::HouseholdMembership membership = request.membership();
    membership.set_name(absl::StrCat(person.name(), "/memberships/", call.NewId()));
    RETURN_IF_ERROR(CheckMembershipHere(tx, membership));
    RETURN_IF_ERROR(tx.Insert(membership));
    RETURN_IF_ERROR(AddToSearch(tx, person, OrganisationIdOf(membership.household())));
    RETURN_IF_ERROR(ConcludeMembership(tx, person, purpose.name(), request.case_reference()));
    return membership;
  });
}

absl::StatusOr<v1::HouseholdMembership> People::UpdateMembership(CallContext const& call,
                                                                 v1::UpdateMembershipRequest const& request) {
  auto const& given = request.membership();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::HouseholdMembership> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    std::string const resident(ResidentOf(given.name()));
    RETURN_IF_ERROR(LockPeople(tx, {resident}));
    ASSIGN_OR_RETURN(auto const person, Approach(tx, resident, purpose));
    ASSIGN_OR_RETURN(auto membership, tx.Get<v1::HouseholdMembership>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), membership.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, membership, "membership"));
    std::vector<FieldViolation> violations;
    ReadPeriod(membership.period(), "membership.period", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(CheckMembershipHere(tx, membership));
    RETURN_IF_ERROR(tx.Update(membership));
    RETURN_IF_ERROR(ConcludeMembership(tx, person, purpose.name(), request.case_reference()));
    return membership;
  });
}

}  // namespace helhed::residents
