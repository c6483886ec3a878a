#include "helhed/residents/v1/errors.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/address_key.h"
#include "services/residents/service/dwelling_entry.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/visibility.h"

namespace helhed::residents {
namespace {

absl::Status RequireFreeAddress(ReadTransaction& tx, v1::Dwelling const& dwelling) {
  if (dwelling.address_uuid().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const owner, FindAddress(tx, OrganisationIdOf(dwelling.name()), dwelling.address_uuid()));
  if (!owner || *owner == dwelling.name()) return absl::OkStatus();
  return AddressTaken(dwelling.address_uuid(), *owner);
}

// The department's dwellings are found first where only those of some departments are wanted; otherwise the dwellings come in the
// order asked for and each one's department is looked up. CROSS JOIN keeps SQLite to the order written here.
storage::ListOptions DwellingList(std::string const& organisation_id, std::string const& day, bool by_department) {
  storage::ListOptions options;
  options.from =
      by_department ? "dwelling_departments m CROSS JOIN dwellings d" : "dwellings d CROSS JOIN dwelling_departments m";
  options.alias = "d";
  options.select = "m.department AS department";
  options.conditions.push_back({"d.organisation = ?", {organisation_id}});
  options.conditions.push_back({"m.organisation = ?", {organisation_id}});
  options.conditions.push_back({"m.dwelling = d.dwelling", {}});
  options.conditions.push_back({"m.start_date <= ? AND (m.end_date IS NULL OR m.end_date > ?)", {day, day}});
  options.conditions.push_back({"d.period_start_date <= ? AND (d.period_end_date IS NULL OR d.period_end_date > ?)", {day, day}});
  return options;
}

// Applies the update to `dwelling`. A floor and a door that came from a key do not outlive it.
absl::Status ApplyDwellingUpdate(v1::UpdateDwellingRequest const& request, v1::Dwelling& dwelling) {
  auto const& given = request.dwelling();
  std::string const key = dwelling.kvhx_key();
  RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, dwelling, "dwelling"));
  if (dwelling.kvhx_key() != key && !dwelling.kvhx_key().empty()) {
    if (!GivesValue(request.update_mask(), "floor", given.floor())) dwelling.clear_floor();
    if (!GivesValue(request.update_mask(), "door", given.door())) dwelling.clear_door();
  }
  std::vector<FieldViolation> violations;
  CompleteAddress(dwelling, "dwelling", violations);
  ReadPeriod(dwelling.period(), "dwelling.period", violations);
  return Verdict(std::move(violations));
}

// Makes households and stays follow a changed period.
absl::Status ChangePeriod(WriteTransaction& tx, std::string const& dwelling, Period const& from, Period const& to,
                          Residence& residence) {
  ASSIGN_OR_RETURN(auto const occupations, LoadOccupations(tx, dwelling));
  RETURN_IF_ERROR(CheckLetting(dwelling, to, occupations));
  if (from.start == to.start) return absl::OkStatus();
  RETURN_IF_ERROR(HoldMergers(tx, OrganisationIdOf(dwelling)));
  ASSIGN_OR_RETURN(auto const mergers, LoadMergers(tx, OrganisationIdOf(dwelling)));
  residence.stays = Mergers(mergers).Stays(residence.entered_in, to.start);
  RETURN_IF_ERROR(DeleteStays(tx, dwelling));
  return StoreStays(tx, dwelling, residence);
}

}  // namespace

void CheckNewDwelling(v1::Dwelling& dwelling, std::string_view organisation, std::string_view field,
                      std::vector<FieldViolation>& violations) {
  std::string const path(field);
  if (!dwelling.department().empty() && OrganisationOf(dwelling.department()) != organisation) {
    violations.push_back({path + ".department", "must be a department of the organisation in parent"});
  }
  CompleteAddress(dwelling, field, violations);
  ReadPeriod(dwelling.period(), path + ".period", violations);
}

absl::StatusOr<Residence> Place(v1::Dwelling const& dwelling, Mergers const& mergers) {
  auto const start = StoredPeriod(dwelling.period()).start;
  auto const* const merger = mergers.Of(dwelling.department());
  if (merger != nullptr && merger->date <= start) return DepartmentMerged(*merger);
  return Residence{dwelling.department(), mergers.Stays(dwelling.department(), start)};
}

absl::StatusOr<v1::Dwelling> HousingRegister::GetDwelling(CallContext const& call, v1::GetDwellingRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Dwelling> {
    ASSIGN_OR_RETURN(auto const residence, LoadResidence(tx, request.name()));
    auto const& department = StayOn(residence.stays, date).department;
    RETURN_IF_ERROR(call.RequireAny({request.name(), department}, request.name()));
    ASSIGN_OR_RETURN(auto dwelling, tx.Get<v1::Dwelling>(request.name()));
    dwelling.set_department(department);
    return dwelling;
  });
}

absl::StatusOr<v1::ListDwellingsResponse> HousingRegister::ListDwellings(CallContext const& call,
                                                                         v1::ListDwellingsRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  std::string const organisation_id(contract::LastPart(request.parent()));
  auto const visible = VisibilityIn(call, request.parent());
  if (!visible.everything && visible.departments.empty() && visible.dwellings.empty()) return NotFound(request.parent());
  std::string const& department = request.department();
  if (!department.empty() && OrganisationOf(department) != request.parent()) {
    return BadRequest({{"department", "must be a department of the organisation in parent"}});
  }

  bool const by_department = !department.empty() || (!visible.everything && visible.dwellings.empty());
  auto options = DwellingList(organisation_id, ToIsoDate(date), by_department);
  if (!department.empty()) options.conditions.push_back({"m.department = ?", {std::string(contract::LastPart(department))}});
  AnyOf scope;
  scope.Add("m.department", visible.departments);
  scope.Add("d.dwelling", visible.dwellings);
  if (!visible.everything) options.conditions.push_back(scope.condition());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListDwellingsResponse> {
    RETURN_IF_ERROR(RequireOrganisation(tx, organisation_id));
    if (!department.empty()) {
      RETURN_IF_ERROR(RequireDepartment(tx, department));
    }
    return tx.List<v1::ListDwellingsResponse>(request, options);
  });
}

absl::StatusOr<v1::Dwelling> HousingRegister::CreateDwelling(CallContext const& call, v1::CreateDwellingRequest const& request) {
  auto const organisation_id = contract::LastPart(request.parent());
  v1::Dwelling checked = request.dwelling();
  std::vector<FieldViolation> violations;
  CheckNewDwelling(checked, request.parent(), "dwelling", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto result = store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Dwelling> {
    v1::Dwelling dwelling = checked;
    dwelling.set_name(DwellingName(organisation_id, IdOr(call, request.dwelling_id())));
    RETURN_IF_ERROR(HoldMergers(tx, organisation_id));
    RETURN_IF_ERROR(RequireDepartment(tx, dwelling.department()));
    ASSIGN_OR_RETURN(auto const mergers, LoadMergers(tx, organisation_id));
    ASSIGN_OR_RETURN(auto const residence, Place(dwelling, Mergers(mergers)));
    RETURN_IF_ERROR(RequireFreeAddress(tx, dwelling));
    RETURN_IF_ERROR(tx.Insert(dwelling));
    RETURN_IF_ERROR(StoreStays(tx, dwelling.name(), residence));
    dwelling.set_department(StayOn(residence.stays, call.Today()).department);
    v1::DwellingsCreated event;
    *event.add_dwellings() = dwelling;
    RETURN_IF_ERROR(tx.Append(event, dwelling.name()));
    return dwelling;
  });
  if (!result.ok()) return ExplainTaken(std::move(result).status(), checked.address_uuid());
  return result;
}

absl::StatusOr<v1::Dwelling> HousingRegister::UpdateDwelling(CallContext const& call, v1::UpdateDwellingRequest const& request) {
  auto const& given = request.dwelling();
  auto result = store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Dwelling> {
    RETURN_IF_ERROR(LockDwelling(tx, given.name()));
    ASSIGN_OR_RETURN(auto dwelling, tx.Get<v1::Dwelling>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), dwelling.etag(), given.name()));
    ASSIGN_OR_RETURN(auto residence, LoadResidence(tx, given.name()));
    dwelling.set_department(StayOn(residence.stays, call.Today()).department);
    auto const before = StoredPeriod(dwelling.period());
    RETURN_IF_ERROR(ApplyDwellingUpdate(request, dwelling));
    RETURN_IF_ERROR(RequireFreeAddress(tx, dwelling));
    auto const after = StoredPeriod(dwelling.period());
    if (!(before == after)) {
      RETURN_IF_ERROR(ChangePeriod(tx, given.name(), before, after, residence));
    }
    RETURN_IF_ERROR(tx.Update(dwelling));
    dwelling.set_department(StayOn(residence.stays, call.Today()).department);
    v1::DwellingUpdated event;
    *event.mutable_dwelling() = dwelling;
    RETURN_IF_ERROR(tx.Append(event, dwelling.name()));
    return dwelling;
  });
  if (!result.ok()) return ExplainTaken(std::move(result).status(), given.address_uuid());
  return result;
}

absl::StatusOr<google::protobuf::Empty> HousingRegister::DeleteDwelling(CallContext const& call,
                                                                        v1::DeleteDwellingRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<google::protobuf::Empty> {
    RETURN_IF_ERROR(LockDwelling(tx, request.name()));
    ASSIGN_OR_RETURN(auto const occupations, LoadOccupations(tx, request.name()));
    if (!occupations.empty()) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DWELLING_OCCUPIED,
                   "A dwelling that has or had households cannot be removed; end its period instead.",
                   {{"resource", request.name()}});
    }
    RETURN_IF_ERROR(DeleteStays(tx, request.name()));
    RETURN_IF_ERROR(tx.Delete<v1::Dwelling>(request.name(), request.etag()));
    v1::DwellingDeleted event;
    event.set_dwelling(request.name());
    RETURN_IF_ERROR(tx.Append(event, request.name()));
    return google::protobuf::Empty();
  });
}

}  // namespace helhed::residents
