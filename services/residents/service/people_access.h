#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/access_log.pb.h"
#include "helhed/residents/v1/purpose.pb.h"
#include "helhed/residents/v1/resident.pb.h"
#include "services/platform/service/store.h"

// What every call about people goes through: why, whether the caller may reach the person, whether the person is protected; and
// the log of who saw whom. See the comment on PeopleService in the contract.
namespace helhed::residents {

// `residents/a/consents/b` -> `residents/a`, `a`.
std::string_view ResidentOf(std::string_view name);
std::string_view ResidentIdOf(std::string_view name);
std::string ResidentName(std::string_view resident_id);

// The purpose when it is configured and in force today, otherwise PURPOSE_NOT_CONFIGURED. BAD_REQUEST when `case_reference` holds
// a CPR number.
absl::StatusOr<v1::Purpose> RequirePurpose(ReadTransaction& tx, std::string const& purpose, std::string_view case_reference);
// BAD_REQUEST when a case reference, which is logged, holds a CPR number.
absl::Status RefuseCprNumber(std::string_view case_reference);
// What holds for the purpose on the day, or PURPOSE_WITHOUT_RULE.
absl::StatusOr<v1::PurposeRule> RequireRule(ReadTransaction& tx, std::string const& purpose, absl::CivilDay day);

// The person, whole; NOT_FOUND, or RESIDENT_ERASED.
absl::StatusOr<v1::Resident> LoadPerson(ReadTransaction& tx, std::string_view name);
// Fills what stands in tables of its own: languages and contact points.
absl::Status CompletePeople(ReadTransaction& tx, std::span<v1::Resident* const> people);
// Waits for other writers of the persons, and keeps them away; in the order of names, so that nobody waits in a circle.
absl::Status LockPeople(WriteTransaction& tx, std::vector<std::string> names);

// NOT_FOUND unless a grant that carries the method's permission covers a household, dwelling or department where the person is a
// member today, or the person; where the person is a member of none, also the controller.
absl::Status RequireReach(ReadTransaction& tx, v1::Resident const& person);
// The same for one who may have been erased: then the controller of the tombstone decides.
absl::Status RequireReachOfTrail(ReadTransaction& tx, std::string_view name);
// NOT_FOUND unless a grant covers the household, its dwelling, or its department today (or on its first day, if that is to come).
absl::Status RequireHouseholdReach(ReadTransaction& tx, std::string const& household);

// RESIDENT_PROTECTED when the person is protected today and the caller has not opened the person for the purpose.
absl::Status RequireOpen(ReadTransaction& tx, v1::Resident const& person, v1::Purpose const& purpose);

// LoadPerson, RequireReach and RequireOpen.
absl::StatusOr<v1::Resident> Approach(ReadTransaction& tx, std::string_view name, v1::Purpose const& purpose);

// Who was seen or changed, and of whom which fields.
struct Seen {
  std::string resident;
  std::string fields;
};
// Enters it in the access log. A job of the service has no method; `job` is its name then.
absl::Status LogAccess(WriteTransaction& tx, v1::AccessKind kind, std::string_view purpose, std::string_view case_reference,
                       std::span<Seen const> seen, std::string_view job = "");
inline absl::Status LogAccess(WriteTransaction& tx, v1::AccessKind kind, std::string_view purpose,
                              std::string_view case_reference, std::string_view resident, std::string_view fields) {
  Seen const one{std::string(resident), std::string(fields)};
  return LogAccess(tx, kind, purpose, case_reference, std::span(&one, 1));
}
chain::Log const& AccessLog();

// What the purpose lets be seen of the person, entered in the access log as read.
absl::StatusOr<v1::Resident> Show(WriteTransaction& tx, v1::Purpose const& purpose, std::string_view case_reference,
                                  v1::Resident person);
// The same for a page of people.
absl::Status ShowAll(WriteTransaction& tx, v1::Purpose const& purpose, std::string_view case_reference,
                     std::span<v1::Resident* const> people);

// Tells others that something about the person changed, unless the person is protected.
absl::Status AppendUpdated(WriteTransaction& tx, v1::Resident const& person, std::vector<std::string> const& fields);

}  // namespace helhed::residents
