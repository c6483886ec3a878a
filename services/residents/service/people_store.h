#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "helhed/residents/v1/resident.pb.h"
#include "services/platform/service/store.h"
#include "services/residents/domain/people.h"

// What several handlers write about people.
namespace helhed::residents {

// Writes the languages and contact points in the place of those that were there.
absl::Status StoreDetails(WriteTransaction& tx, v1::Resident const& person);

// Lets the person be found by name among those of the organisation, and under a changed name in all of them.
absl::Status AddToSearch(WriteTransaction& tx, v1::Resident const& person, std::string_view organisation_id);
absl::Status RenameInSearch(WriteTransaction& tx, v1::Resident const& person);

// Checks a membership whose person is locked, and whose household's dwelling is locked here, so that its occupation stays as it
// is.
absl::Status CheckMembershipHere(WriteTransaction& tx, v1::HouseholdMembership const& membership);
// Stores since when the person is a member of no household: from `if_none` on who never was.
absl::Status StoreMovedOut(WriteTransaction& tx, std::string_view resident, absl::CivilDay if_none);

// Ends the memberships in a household whose occupation ends earlier now. HOUSEHOLD_NOT_THERE when one would begin outside of it.
absl::Status FitMemberships(WriteTransaction& tx, std::string const& household, Period const& occupation);

absl::StatusOr<std::vector<Guarding>> LoadGuardings(ReadTransaction& tx, std::string_view ward);

}  // namespace helhed::residents
