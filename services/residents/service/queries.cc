#include "services/residents/service/queries.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/storage/database.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

using storage::Statement;

Statement const kFindOrganisation("residents.find_organisation",
                                  "SELECT organisation FROM organisations WHERE organisation = $1");
Statement const kFindDepartment("residents.find_department",
                                "SELECT department FROM departments WHERE organisation = $1 AND department = $2");

// Whoever places dwellings shares the organisation's row, whoever merges its departments has it alone. A foreign key into
// organisations shares it in the same way. SQLite has one writer.
Statement const kHoldMergers("residents.hold_mergers", "SELECT organisation FROM organisations WHERE organisation = $1",
                             "SELECT organisation FROM organisations WHERE organisation = $1 FOR KEY SHARE");
Statement const kLockMergers("residents.lock_mergers", "SELECT organisation FROM organisations WHERE organisation = $1",
                             "SELECT organisation FROM organisations WHERE organisation = $1 FOR UPDATE");

Statement const kLockOrganisation("residents.lock_organisation", "SELECT organisation FROM organisations WHERE organisation = $1",
                                  "SELECT organisation FROM organisations WHERE organisation = $1 FOR NO KEY UPDATE");
Statement const kLockDepartment(
    "residents.lock_department", "SELECT department FROM departments WHERE organisation = $1 AND department = $2",
    "SELECT department FROM departments WHERE organisation = $1 AND department = $2 FOR NO KEY UPDATE");
Statement const kLockDwelling("residents.lock_dwelling",
                              "SELECT dwelling FROM dwellings WHERE organisation = $1 AND dwelling = $2",
                              "SELECT dwelling FROM dwellings WHERE organisation = $1 AND dwelling = $2 FOR NO KEY UPDATE");
Statement const kLockDwellingOf(
    "residents.lock_dwelling_of_household",
    "SELECT d.dwelling FROM households h JOIN dwellings d ON d.organisation = h.organisation AND d.dwelling = h.dwelling "
    "WHERE h.organisation = $1 AND h.household = $2",
    "SELECT d.dwelling FROM households h JOIN dwellings d ON d.organisation = h.organisation AND d.dwelling = h.dwelling "
    "WHERE h.organisation = $1 AND h.household = $2 FOR NO KEY UPDATE OF d");

Statement const kMergers("residents.mergers",
                         "SELECT department, successor, merge_date FROM department_mergers WHERE organisation = $1");
Statement const kMergersAbout("residents.mergers_about_department",
                              "SELECT department, successor, merge_date FROM department_mergers "
                              "WHERE organisation = $1 AND department = $2 "
                              "UNION SELECT department, successor, merge_date FROM department_mergers "
                              "WHERE organisation = $1 AND successor = $2");
Statement const kDepartmentNames("residents.department_names", "SELECT department FROM departments WHERE organisation = $1");

Statement const kResidence("residents.residence",
                           "SELECT entered_in, department, start_date, end_date FROM dwelling_departments "
                           "WHERE organisation = $1 AND dwelling = $2 ORDER BY start_date");
Statement const kStoreStay(
    "residents.store_stay",
    "INSERT INTO dwelling_departments (organisation, dwelling, start_date, end_date, department, entered_in) "
    "VALUES ($1, $2, $3, $4, $5, $6)");
Statement const kDeleteStays("residents.delete_stays",
                             "DELETE FROM dwelling_departments WHERE organisation = $1 AND dwelling = $2");

Statement const kFindAddress("residents.find_address",
                             "SELECT dwelling FROM dwellings WHERE organisation = $1 AND address_uuid = $2");
Statement const kOccupations("residents.occupations",
                             "SELECT household, occupation_start_date, occupation_end_date FROM households "
                             "WHERE organisation = $1 AND dwelling = $2 ORDER BY occupation_start_date");

Statement const kRelations("residents.relations_upwards",
                           "WITH RECURSIVE up (organisation) AS ("
                           "SELECT CAST($1 AS TEXT) UNION SELECT CAST($2 AS TEXT) UNION "
                           "SELECT a.administrator FROM up JOIN administrations a ON a.organisation = up.organisation) "
                           "SELECT a.organisation, a.administration, a.administrator, a.period_start_date, a.period_end_date "
                           "FROM up JOIN administrations a ON a.organisation = up.organisation");
Statement const kAdministrators(
    "residents.administrators_on",
    "SELECT a.organisation, a.administrator FROM json_each($1) AS wanted JOIN administrations a ON a.organisation = wanted.value "
    "WHERE a.period_start_date <= $2 AND (a.period_end_date IS NULL OR a.period_end_date > $2)",
    "SELECT a.organisation, a.administrator FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "JOIN administrations a ON a.organisation = wanted.value "
    "WHERE a.period_start_date <= $2 AND (a.period_end_date IS NULL OR a.period_end_date > $2)");

absl::Status RequireRow(ReadTransaction& tx, Statement const& statement, std::initializer_list<storage::Bind> binds,
                        std::string const& name) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, binds));
  return rows.empty() ? NotFound(name) : absl::OkStatus();
}

absl::Status RequireOwn(ReadTransaction& tx, Statement const& statement, std::string const& name) {
  return RequireRow(tx, statement, {OrganisationIdOf(name), contract::LastPart(name)}, name);
}

Period PeriodAt(storage::Rows const& rows, std::size_t row, std::size_t start, std::size_t end) {
  Period period{FromIsoDate(rows.Text(row, start)).value_or(absl::CivilDay::min()), std::nullopt};
  if (!rows.IsNull(row, end)) period.end = FromIsoDate(rows.Text(row, end));
  return period;
}

std::vector<Merger> MergersIn(storage::Rows const& rows, std::string_view organisation_id) {
  std::vector<Merger> mergers;
  mergers.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    mergers.push_back({DepartmentName(organisation_id, rows.Text(i, 0)), DepartmentName(organisation_id, rows.Text(i, 1)),
                       FromIsoDate(rows.Text(i, 2)).value_or(absl::CivilDay::max())});
  }
  return mergers;
}

}  // namespace

absl::Status RequireOrganisation(ReadTransaction& tx, std::string_view organisation_id) {
  return RequireRow(tx, kFindOrganisation, {organisation_id}, OrganisationName(organisation_id));
}
absl::Status RequireDepartment(ReadTransaction& tx, std::string const& department) {
  return RequireOwn(tx, kFindDepartment, department);
}
absl::Status HoldMergers(WriteTransaction& tx, std::string_view organisation_id) {
  return RequireRow(tx, kHoldMergers, {organisation_id}, OrganisationName(organisation_id));
}
absl::Status LockMergers(WriteTransaction& tx, std::string_view organisation_id) {
  return RequireRow(tx, kLockMergers, {organisation_id}, OrganisationName(organisation_id));
}
absl::Status LockOrganisation(WriteTransaction& tx, std::string const& name) {
  return RequireRow(tx, kLockOrganisation, {contract::LastPart(name)}, name);
}
absl::Status LockDepartment(WriteTransaction& tx, std::string const& name) { return RequireOwn(tx, kLockDepartment, name); }
absl::Status LockDwelling(WriteTransaction& tx, std::string const& name) { return RequireOwn(tx, kLockDwelling, name); }
absl::Status LockDwellingOf(WriteTransaction& tx, std::string const& household) {
  return RequireOwn(tx, kLockDwellingOf, household);
}

absl::StatusOr<std::vector<Merger>> LoadMergers(ReadTransaction& tx, std::string_view organisation_id) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMergers, {organisation_id}));
  return MergersIn(rows, organisation_id);
}

absl::StatusOr<std::vector<Merger>> LoadMergersAbout(ReadTransaction& tx, std::string const& department) {
  auto const organisation_id = OrganisationIdOf(department);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMergersAbout, {organisation_id, contract::LastPart(department)}));
  return MergersIn(rows, organisation_id);
}

absl::StatusOr<std::set<std::string, std::less<>>> LoadDepartmentNames(ReadTransaction& tx, std::string_view organisation_id) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kDepartmentNames, {organisation_id}));
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.insert(DepartmentName(organisation_id, rows.Text(i, 0)));
  return names;
}

void CompleteDepartment(v1::Department& department, std::span<Merger const> mergers, absl::CivilDay date) {
  department.set_state(v1::DEPARTMENT_STATE_ACTIVE);
  department.clear_successor();
  department.clear_merge_date();
  department.clear_predecessors();
  for (auto const& merger : mergers) {
    if (merger.successor == department.name()) department.add_predecessors(merger.department);
    if (merger.department != department.name()) continue;
    department.set_successor(merger.successor);
    *department.mutable_merge_date() = ToProtoDate(merger.date);
    if (merger.date <= date) department.set_state(v1::DEPARTMENT_STATE_MERGED);
  }
  std::sort(department.mutable_predecessors()->begin(), department.mutable_predecessors()->end());
}

absl::StatusOr<Residence> LoadResidence(ReadTransaction& tx, std::string const& dwelling) {
  auto const organisation_id = OrganisationIdOf(dwelling);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kResidence, {organisation_id, contract::LastPart(dwelling)}));
  if (rows.empty()) return NotFound(dwelling);
  Residence residence{DepartmentName(organisation_id, rows.Text(0, 0)), {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    residence.stays.push_back({DepartmentName(organisation_id, rows.Text(i, 1)), PeriodAt(rows, i, 2, 3)});
  }
  return residence;
}

absl::Status StoreStays(WriteTransaction& tx, std::string const& dwelling, Residence const& residence) {
  for (auto const& stay : residence.stays) {
    std::string const start = ToIsoDate(stay.period.start);
    std::string const end = stay.period.end ? ToIsoDate(*stay.period.end) : "";
    RETURN_IF_ERROR(tx.Enqueue(kStoreStay, {OrganisationIdOf(dwelling), contract::LastPart(dwelling), std::string_view(start),
                                            stay.period.end ? storage::Bind(std::string_view(end)) : storage::Bind(nullptr),
                                            contract::LastPart(stay.department), contract::LastPart(residence.entered_in)}));
  }
  return absl::OkStatus();
}

absl::Status DeleteStays(WriteTransaction& tx, std::string const& dwelling) {
  return tx.Enqueue(kDeleteStays, {OrganisationIdOf(dwelling), contract::LastPart(dwelling)});
}

absl::StatusOr<std::optional<std::string>> FindAddress(ReadTransaction& tx, std::string_view organisation_id,
                                                       std::string const& address_uuid) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kFindAddress, {organisation_id, std::string_view(address_uuid)}));
  if (rows.empty()) return std::nullopt;
  return DwellingName(organisation_id, rows.Text(0, 0));
}

absl::Status AddressTaken(std::string const& address_uuid, std::string const& owner) {
  ErrorMetadata metadata = {{"address_uuid", address_uuid}};
  if (!owner.empty()) metadata.emplace("resource", owner);
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ADDRESS_TAKEN,
               "Another dwelling of the organisation has that address.", std::move(metadata));
}

absl::Status ExplainTaken(absl::Status status, std::string const& address_uuid) {
  bool const is_address = status.code() == absl::StatusCode::kAlreadyExists &&
                          storage::ConstraintOf(status).find("address_uuid") != std::string::npos;
  return is_address ? AddressTaken(address_uuid, "") : status;
}

absl::StatusOr<std::vector<Occupation>> LoadOccupations(ReadTransaction& tx, std::string const& dwelling) {
  auto const organisation_id = OrganisationIdOf(dwelling);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kOccupations, {organisation_id, contract::LastPart(dwelling)}));
  std::vector<Occupation> occupations;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    occupations.push_back({HouseholdName(organisation_id, rows.Text(i, 0)), PeriodAt(rows, i, 1, 2)});
  }
  return occupations;
}

absl::StatusOr<std::vector<Relation>> LoadRelations(ReadTransaction& tx, std::string_view organisation_id,
                                                    std::string_view administrator_id) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kRelations, {organisation_id, administrator_id}));
  std::vector<Relation> relations;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    relations.push_back({AdministrationName(rows.Text(i, 0), rows.Text(i, 1)), OrganisationName(rows.Text(i, 0)),
                         OrganisationName(rows.Text(i, 2)), PeriodAt(rows, i, 3, 4)});
  }
  return relations;
}

absl::Status CompleteOrganisations(ReadTransaction& tx, std::span<v1::Organisation* const> organisations, absl::CivilDay date) {
  std::vector<std::string> ids;
  for (auto const* organisation : organisations) ids.emplace_back(contract::LastPart(organisation->name()));
  std::string const wanted = JsonArray(ids);
  std::string const day = ToIsoDate(date);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kAdministrators, {std::string_view(wanted), std::string_view(day)}));
  std::map<std::string, std::string> administrators;
  for (std::size_t i = 0; i < rows.size(); ++i)
    administrators[OrganisationName(rows.Text(i, 0))] = OrganisationName(rows.Text(i, 1));
  for (auto* organisation : organisations) {
    auto const found = administrators.find(organisation->name());
    organisation->set_administrator(found == administrators.end() ? "" : found->second);
  }
  return absl::OkStatus();
}

}  // namespace helhed::residents
