#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/department.pb.h"
#include "helhed/residents/v1/organisation.pb.h"
#include "services/platform/service/store.h"
#include "services/residents/domain/administrations.h"
#include "services/residents/domain/mergers.h"
#include "services/residents/domain/occupation.h"

// The statements that several handlers share. Organisations are given by their number, everything else by name.
namespace helhed::residents {

// NOT_FOUND for the organisation's name when there is none.
absl::Status RequireOrganisation(ReadTransaction& tx, std::string_view organisation_id);
// NOT_FOUND for `department` when there is none.
absl::Status RequireDepartment(ReadTransaction& tx, std::string const& department);

// As RequireOrganisation; until the transaction ends no departments of the organisation are merged. What places dwellings in
// departments holds it.
absl::Status HoldMergers(WriteTransaction& tx, std::string_view organisation_id);
// As RequireOrganisation; waits until nobody holds the organisation, and keeps others from it.
absl::Status LockMergers(WriteTransaction& tx, std::string_view organisation_id);

// Waits for other writers of one resource, so that what is read next is what is written over. NOT_FOUND when there is none.
absl::Status LockOrganisation(WriteTransaction& tx, std::string const& name);
absl::Status LockDepartment(WriteTransaction& tx, std::string const& name);
absl::Status LockDwelling(WriteTransaction& tx, std::string const& name);
// Locks the dwelling that a household occupies.
absl::Status LockDwellingOf(WriteTransaction& tx, std::string const& household);

// All mergers of the organisation; only those that `department` has a part in, where that is given.
absl::StatusOr<std::vector<Merger>> LoadMergers(ReadTransaction& tx, std::string_view organisation_id);
absl::StatusOr<std::vector<Merger>> LoadMergersAbout(ReadTransaction& tx, std::string const& department);
// The names of the organisation's departments.
absl::StatusOr<std::set<std::string, std::less<>>> LoadDepartmentNames(ReadTransaction& tx, std::string_view organisation_id);

// Sets what follows from mergers and the date: state, successor, merge_date and predecessors.
void CompleteDepartment(v1::Department& department, std::span<Merger const> mergers, absl::CivilDay date);

// Where a dwelling is and was. `entered_in` is the name that it was entered under.
struct Residence {
  std::string entered_in;
  std::vector<Stay> stays;
};
// NOT_FOUND when there is no such dwelling.
absl::StatusOr<Residence> LoadResidence(ReadTransaction& tx, std::string const& dwelling);
absl::Status StoreStays(WriteTransaction& tx, std::string const& dwelling, Residence const& residence);
absl::Status DeleteStays(WriteTransaction& tx, std::string const& dwelling);

// The dwelling's name that has the address, if any.
absl::StatusOr<std::optional<std::string>> FindAddress(ReadTransaction& tx, std::string_view organisation_id,
                                                       std::string const& address_uuid);
// ALREADY_EXISTS ADDRESS_TAKEN. `owner` may be empty where it is not known.
absl::Status AddressTaken(std::string const& address_uuid, std::string const& owner);
// What a write says when another one took the address between its look and its insert.
absl::Status ExplainTaken(absl::Status status, std::string const& address_uuid);

absl::StatusOr<std::vector<Occupation>> LoadOccupations(ReadTransaction& tx, std::string const& dwelling);

// Every relation of the organisations, and of those that administer for them, upwards.
absl::StatusOr<std::vector<Relation>> LoadRelations(ReadTransaction& tx, std::string_view organisation_id,
                                                    std::string_view administrator_id);
// Sets who administers for each of the organisations on the date.
absl::Status CompleteOrganisations(ReadTransaction& tx, std::span<v1::Organisation* const> organisations, absl::CivilDay date);

}  // namespace helhed::residents
