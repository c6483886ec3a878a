#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/resident.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

// Rules about people, their households and their guardians.
namespace helhed::residents {

// Whole years on a day. Who was born on 29 February is a year older on 1 March of other years.
int AgeOn(absl::CivilDay birth_date, absl::CivilDay day);

// The age from which one can be a guardian (Guardianship Act § 1: the age of majority).
inline constexpr int kMajorityYears = 18;

// Whether name and address are protected on a day.
bool IsProtected(v1::Resident const& resident, absl::CivilDay day);

// The form that names are searched by: lower case, also of accented Latin letters; the rest as it is.
std::string FoldName(std::string_view name);
// After every text that begins with `folded` in the order of bytes.
std::string EndOfPrefix(std::string_view folded);

// Checks that do not depend on anything stored, with paths below `field`: contact points in their form, a birth date that fits
// the CPR number and is not after `today`. Takes the birth date from the CPR number where it is missing.
void CheckPerson(v1::Resident& person, absl::CivilDay today, std::string_view field, std::vector<FieldViolation>& violations);

// A membership as it is or is to be.
struct Member {
  std::string name;
  std::string household;
  v1::MembershipKind kind;
  Period period;
};
// PERIODS_OVERLAP when another of the person's registered memberships, or one in the same household, overlaps;
// HOUSEHOLD_NOT_THERE when the period is not within the occupation of the household.
absl::Status CheckMembership(Member const& member, Period const& occupation, std::span<Member const> others);

// A guardianship as it is or is to be.
struct Guarding {
  std::string name;
  std::string guardian;
  Period period;
};
// GUARDIAN_UNFIT when the guardian is the ward or no adult on the first day, or the ward is the guardian's guardian at the same
// time (`wards_own`: the guardianships in which the ward is the guardian of that person); PERIODS_OVERLAP with another one of the
// same guardian.
absl::Status CheckGuardianship(Guarding const& guarding, std::string const& ward, absl::CivilDay guardian_birth_date,
                               std::span<Guarding const> others, std::span<Period const> wards_own);

// Whether `guardian` decides for the person on the day.
bool IsGuardian(std::span<Guarding const> guardings, std::string_view guardian, absl::CivilDay day);

}  // namespace helhed::residents
