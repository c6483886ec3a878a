#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/numbers.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/visibility.h"

namespace helhed::residents {
namespace {

using storage::Statement;

Statement const kStoreMerger("residents.store_merger",
                             "INSERT INTO department_mergers (organisation, department, successor, merge_date) "
                             "VALUES ($1, $2, $3, $4)");
// The department's own columns do not change, but what is told of it does.
Statement const kTouchDepartment("residents.touch_department",
                                 "UPDATE departments SET revision = revision + 1, update_time = $3 "
                                 "WHERE organisation = $1 AND department = $2");

// A merger moves every dwelling that would have stayed, in three statements however many they are: those that are there on the
// day go on in the successor, their stay in the predecessor ends, and those that come later come to the successor at once.
Statement const kOpenStays(
    "residents.open_stays",
    "INSERT INTO dwelling_departments (organisation, dwelling, start_date, end_date, department, entered_in) "
    "SELECT organisation, dwelling, CAST($4 AS TEXT), NULL, CAST($3 AS TEXT), entered_in FROM dwelling_departments "
    "WHERE organisation = $1 AND department = $2 AND end_date IS NULL AND start_date < $4");
Statement const kEndStays("residents.end_stays",
                          "UPDATE dwelling_departments SET end_date = $3 "
                          "WHERE organisation = $1 AND department = $2 AND end_date IS NULL AND start_date < $3");
Statement const kMoveStays("residents.move_stays",
                           "UPDATE dwelling_departments SET department = $3 "
                           "WHERE organisation = $1 AND department = $2 AND end_date IS NULL");

// Moves the dwellings of a department that becomes part of another, and on from there where that one is merged later.
absl::Status MoveDwellings(WriteTransaction& tx, std::string_view organisation_id, Merger const& first, Mergers const& mergers) {
  for (Merger const* merger = &first; merger != nullptr; merger = mergers.Of(merger->successor)) {
    std::string const date = ToIsoDate(merger->date);
    auto const from = contract::LastPart(merger->department);
    auto const to = contract::LastPart(merger->successor);
    RETURN_IF_ERROR(tx.Enqueue(kOpenStays, {organisation_id, from, to, std::string_view(date)}));
    RETURN_IF_ERROR(tx.Enqueue(kEndStays, {organisation_id, from, std::string_view(date)}));
    RETURN_IF_ERROR(tx.Enqueue(kMoveStays, {organisation_id, from, to}));
  }
  return absl::OkStatus();
}

absl::Status StoreMerger(WriteTransaction& tx, std::string_view organisation_id, Merger const& merger) {
  std::string const date = ToIsoDate(merger.date);
  auto const department = contract::LastPart(merger.department);
  RETURN_IF_ERROR(
      tx.Enqueue(kStoreMerger, {organisation_id, department, contract::LastPart(merger.successor), std::string_view(date)}));
  return tx.Enqueue(kTouchDepartment, {organisation_id, department, absl::ToUnixMicros(tx.call().Now())});
}

// NOT_FOUND for the first department that does not exist, or that the caller may not merge: the successor is what the policy asks
// for, but a merger decides about the predecessors.
absl::Status RequireAll(WriteTransaction& tx, v1::MergeDepartmentsRequest const& request) {
  ASSIGN_OR_RETURN(auto const names, LoadDepartmentNames(tx, OrganisationIdOf(request.name())));
  if (!names.contains(request.name())) return NotFound(request.name());
  for (auto const& predecessor : request.predecessors()) {
    RETURN_IF_ERROR(tx.call().RequireAny({predecessor}, predecessor));
    // One of another organisation is refused for that, whether it exists or not.
    bool const is_own = OrganisationOf(predecessor) == OrganisationOf(request.name());
    if (is_own && !names.contains(predecessor)) return NotFound(predecessor);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Department> HousingRegister::GetDepartment(CallContext const& call, v1::GetDepartmentRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Department> {
    ASSIGN_OR_RETURN(auto department, tx.Get<v1::Department>(request.name()));
    ASSIGN_OR_RETURN(auto const mergers, LoadMergersAbout(tx, request.name()));
    CompleteDepartment(department, mergers, date);
    return department;
  });
}

absl::StatusOr<v1::ListDepartmentsResponse> HousingRegister::ListDepartments(CallContext const& call,
                                                                             v1::ListDepartmentsRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  std::string const day = ToIsoDate(date);
  std::string const organisation_id(contract::LastPart(request.parent()));
  auto const visible = VisibilityIn(call, request.parent());
  if (!visible.everything && visible.departments.empty()) return NotFound(request.parent());

  storage::ListOptions options;
  options.from =
      "departments d LEFT JOIN department_mergers m ON m.organisation = d.organisation AND m.department = d.department";
  options.alias = "d";
  options.conditions.push_back({"d.organisation = ?", {organisation_id}});
  if (!request.show_merged()) options.conditions.push_back({"(m.merge_date IS NULL OR m.merge_date > ?)", {day}});
  AnyOf scope;
  scope.Add("d.department", visible.departments);
  if (!visible.everything) options.conditions.push_back(scope.condition());
  static_assert(v1::DEPARTMENT_STATE_ACTIVE == 1 && v1::DEPARTMENT_STATE_MERGED == 2);
  options.expressions.push_back({"state", "CASE WHEN m.merge_date <= ? THEN 2 ELSE 1 END", {day}});
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListDepartmentsResponse> {
    RETURN_IF_ERROR(RequireOrganisation(tx, organisation_id));
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListDepartmentsResponse>(request, options));
    ASSIGN_OR_RETURN(auto const mergers, LoadMergers(tx, organisation_id));
    for (auto& department : *response.mutable_departments()) CompleteDepartment(department, mergers, date);
    return response;
  });
}

absl::StatusOr<v1::Department> HousingRegister::CreateDepartment(CallContext const& call,
                                                                 v1::CreateDepartmentRequest const& request) {
  if (!IsDepartmentNumber(request.department_id())) {
    return BadRequest({{"department_id", "must be an LBF number: three digits, from 001"}});
  }
  auto const organisation_id = contract::LastPart(request.parent());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Department> {
    RETURN_IF_ERROR(RequireOrganisation(tx, organisation_id));
    v1::Department department = request.department();
    department.set_name(DepartmentName(organisation_id, request.department_id()));
    CompleteDepartment(department, {}, call.Today());
    RETURN_IF_ERROR(tx.Insert(department));
    v1::DepartmentCreated event;
    *event.mutable_department() = department;
    RETURN_IF_ERROR(tx.Append(event, department.name()));
    return department;
  });
}

absl::StatusOr<v1::Department> HousingRegister::UpdateDepartment(CallContext const& call,
                                                                 v1::UpdateDepartmentRequest const& request) {
  auto const& given = request.department();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Department> {
    RETURN_IF_ERROR(LockDepartment(tx, given.name()));
    ASSIGN_OR_RETURN(auto department, tx.Get<v1::Department>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), department.etag(), given.name()));
    ASSIGN_OR_RETURN(auto const mergers, LoadMergersAbout(tx, given.name()));
    CompleteDepartment(department, mergers, call.Today());
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, department, "department"));
    RETURN_IF_ERROR(tx.Update(department));
    v1::DepartmentUpdated event;
    *event.mutable_department() = department;
    RETURN_IF_ERROR(tx.Append(event, department.name()));
    return department;
  });
}

absl::StatusOr<v1::Department> HousingRegister::MergeDepartments(CallContext const& call,
                                                                 v1::MergeDepartmentsRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, ReadDate(request.merge_date(), "merge_date"));
  auto const organisation_id = OrganisationIdOf(request.name());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Department> {
    RETURN_IF_ERROR(LockMergers(tx, organisation_id));
    RETURN_IF_ERROR(RequireAll(tx, request));
    RETURN_IF_ERROR(LockDepartment(tx, request.name()));
    ASSIGN_OR_RETURN(auto successor, tx.Get<v1::Department>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), successor.etag(), request.name()));
    ASSIGN_OR_RETURN(auto known, LoadMergers(tx, organisation_id));
    std::vector<std::string> const predecessors(request.predecessors().begin(), request.predecessors().end());
    Mergers const before(known);
    RETURN_IF_ERROR(before.Check(request.name(), predecessors, date));

    for (auto const& predecessor : predecessors) {
      Merger const merger{predecessor, request.name(), date};
      RETURN_IF_ERROR(StoreMerger(tx, organisation_id, merger));
      RETURN_IF_ERROR(MoveDwellings(tx, organisation_id, merger, before));
      known.push_back(merger);
    }
    RETURN_IF_ERROR(tx.Update(successor));
    v1::DepartmentsMerged event;
    event.set_successor(request.name());
    *event.mutable_predecessors() = request.predecessors();
    *event.mutable_merge_date() = request.merge_date();
    RETURN_IF_ERROR(tx.Append(event, request.name()));
    CompleteDepartment(successor, known, call.Today());
    return successor;
  });
}

absl::StatusOr<v1::Department> HousingRegister::ResolveDepartment(CallContext const& call,
                                                                  v1::ResolveDepartmentRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Department> {
    ASSIGN_OR_RETURN(auto const mergers, LoadMergers(tx, OrganisationIdOf(request.name())));
    ASSIGN_OR_RETURN(auto department, tx.Get<v1::Department>(Mergers(mergers).Resolve(request.name(), date)));
    CompleteDepartment(department, mergers, date);
    return department;
  });
}

}  // namespace helhed::residents
