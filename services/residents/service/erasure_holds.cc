#include <absl/strings/str_cat.h>

#include "services/residents/service/erasures.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {

absl::StatusOr<v1::ListErasureHoldsResponse> Erasures::ListErasureHolds(CallContext const& call,
                                                                        v1::ListErasureHoldsRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListErasureHoldsResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(Approach(tx, request.parent(), purpose).status());
    storage::ListOptions options;
    options.from = "erasure_holds h";
    options.alias = "h";
    options.conditions.push_back({"h.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), request.parent(), "erasure_holds"));
    return tx.List<v1::ListErasureHoldsResponse>(request, options);
  });
}

// A hold needs no opening of who is protected: it shows nothing of the person.
absl::StatusOr<v1::ErasureHold> Erasures::CreateErasureHold(CallContext const& call,
                                                            v1::CreateErasureHoldRequest const& request) {
  std::vector<FieldViolation> violations;
  ReadPeriod(request.erasure_hold().period(), "erasure_hold.period", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ErasureHold> {
    RETURN_IF_ERROR(RequirePurpose(tx, request.purpose(), request.case_reference()).status());
    RETURN_IF_ERROR(LockPeople(tx, {request.parent()}));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, request.parent()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    v1::ErasureHold hold = request.erasure_hold();
    hold.set_name(absl::StrCat(person.name(), "/erasureHolds/", call.NewId()));
    RETURN_IF_ERROR(tx.Insert(hold));
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_CHANGED, request.purpose(), request.case_reference(), person.name(), "erasure_holds"));
    return hold;
  });
}

absl::StatusOr<v1::ErasureHold> Erasures::UpdateErasureHold(CallContext const& call,
                                                            v1::UpdateErasureHoldRequest const& request) {
  auto const& given = request.erasure_hold();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ErasureHold> {
    RETURN_IF_ERROR(RequirePurpose(tx, request.purpose(), request.case_reference()).status());
    std::string const resident(ResidentOf(given.name()));
    RETURN_IF_ERROR(LockPeople(tx, {resident}));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, resident));
    RETURN_IF_ERROR(RequireReach(tx, person));
    ASSIGN_OR_RETURN(auto hold, tx.Get<v1::ErasureHold>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), hold.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, hold, "erasure_hold"));
    std::vector<FieldViolation> violations;
    ReadPeriod(hold.period(), "erasure_hold.period", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(tx.Update(hold));
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_CHANGED, request.purpose(), request.case_reference(), resident, "erasure_holds"));
    return hold;
  });
}

}  // namespace helhed::residents
