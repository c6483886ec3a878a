#include "services/residents/domain/administrations.h"

#include "helhed/residents/v1/events.pb.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

// A relation is checked against those of other organisations, which no lock on one of them protects. They change seldom.
constexpr std::string_view kLock = "residents.administrations";

absl::Status Check(ReadTransaction& tx, v1::Administration const& administration, Period const& period) {
  auto const organisation = OrganisationOf(administration.name());
  ASSIGN_OR_RETURN(auto const others, LoadRelations(tx, OrganisationIdOf(administration.name()),
                                                    contract::LastPart(administration.administrator())));
  return CheckAdministration({administration.name(), std::string(organisation), administration.administrator(), period}, others);
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Administration const& administration) {
  v1::AdministrationChanged event;
  *event.mutable_administration() = administration;
  return tx.Append(event, administration.name());
}

}  // namespace

absl::StatusOr<v1::Administration> HousingRegister::GetAdministration(CallContext const& call,
                                                                      v1::GetAdministrationRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Administration>(request.name()); });
}

absl::StatusOr<v1::ListAdministrationsResponse> HousingRegister::ListAdministrations(
    CallContext const& call, v1::ListAdministrationsRequest const& request) {
  storage::ListOptions options;
  options.from = "administrations a";
  options.alias = "a";
  options.conditions.push_back({"a.organisation = ?", {std::string(contract::LastPart(request.parent()))}});
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListAdministrationsResponse> {
    RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(request.parent())));
    return tx.List<v1::ListAdministrationsResponse>(request, options);
  });
}

absl::StatusOr<v1::Administration> HousingRegister::CreateAdministration(CallContext const& call,
                                                                         v1::CreateAdministrationRequest const& request) {
  std::vector<FieldViolation> violations;
  auto const period = ReadPeriod(request.administration().period(), "administration.period", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const organisation_id = contract::LastPart(request.parent());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Administration> {
    v1::Administration administration = request.administration();
    administration.set_name(AdministrationName(organisation_id, IdOr(call, request.administration_id())));
    RETURN_IF_ERROR(tx.Lock(kLock));
    RETURN_IF_ERROR(RequireOrganisation(tx, organisation_id));
    RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(administration.administrator())));
    ASSIGN_OR_RETURN(bool const exists, tx.Exists<v1::Administration>(administration.name()));
    // A name that is taken is for Insert to refuse; the relation of that name is not one that this replaces.
    if (!exists) {
      RETURN_IF_ERROR(Check(tx, administration, *period));
    }
    RETURN_IF_ERROR(tx.Insert(administration));
    RETURN_IF_ERROR(AppendChanged(tx, administration));
    return administration;
  });
}

absl::StatusOr<v1::Administration> HousingRegister::UpdateAdministration(CallContext const& call,
                                                                         v1::UpdateAdministrationRequest const& request) {
  auto const& given = request.administration();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Administration> {
    RETURN_IF_ERROR(tx.Lock(kLock));
    ASSIGN_OR_RETURN(auto administration, tx.Get<v1::Administration>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), administration.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, administration, "administration"));
    std::vector<FieldViolation> violations;
    auto const period = ReadPeriod(administration.period(), "administration.period", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(Check(tx, administration, *period));
    RETURN_IF_ERROR(tx.Update(administration));
    RETURN_IF_ERROR(AppendChanged(tx, administration));
    return administration;
  });
}

}  // namespace helhed::residents
