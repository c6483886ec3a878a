#include "services/residents/service/people_store.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/dwelling.pb.h"
#include "helhed/residents/v1/errors.pb.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

using Binds = std::initializer_list<storage::Bind>;
using storage::Statement;

Statement const kForgetLanguages("residents.forget_languages", "DELETE FROM resident_languages WHERE resident = $1");
Statement const kStoreLanguage("residents.store_language",
                               "INSERT INTO resident_languages (resident, position, language) VALUES ($1, $2, $3)");
Statement const kForgetContacts("residents.forget_contact_points", "DELETE FROM resident_contact_points WHERE resident = $1");
Statement const kStoreContact("residents.store_contact_point",
                              "INSERT INTO resident_contact_points (resident, position, kind, value) VALUES ($1, $2, $3, $4)");
Statement const kAddToSearch("residents.add_to_search",
                             "INSERT INTO resident_search (organisation, resident, family_name_key, given_name_key, birth_date) "
                             "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organisation, resident) DO NOTHING");
Statement const kRenameInSearch("residents.rename_in_search",
                                "UPDATE resident_search SET family_name_key = $2, given_name_key = $3, birth_date = $4 "
                                "WHERE resident = $1");
Statement const kMembers("residents.members",
                         "SELECT membership, household_organisation, household, kind, period_start_date, period_end_date "
                         "FROM household_members WHERE resident = $1 ORDER BY membership");
Statement const kMoved("residents.moved_out",
                       "SELECT count(*) AS memberships, count(period_end_date) AS ended, max(period_end_date) AS last_end "
                       "FROM household_members WHERE resident = $1");
Statement const kStoreMoved("residents.store_moved_out", "UPDATE residents SET moved_out_date = $2 WHERE resident = $1");
Statement const kMembersOutside("residents.members_outside",
                                "SELECT resident FROM household_members WHERE household_organisation = $1 AND household = $2 "
                                "AND (period_start_date < $3 OR period_start_date >= $4) LIMIT 1");
Statement const kMembersBeyond("residents.members_beyond",
                               "SELECT DISTINCT resident FROM household_members WHERE household_organisation = $1 "
                               "AND household = $2 AND (period_end_date IS NULL OR period_end_date > $3)");
Statement const kEndMembership("residents.end_memberships",
                               "UPDATE household_members SET period_end_date = $4, revision = revision + 1, update_time = $5 "
                               "WHERE resident = $1 AND household_organisation = $2 AND household = $3 "
                               "AND (period_end_date IS NULL OR period_end_date > $4)");
Statement const kGuardings("residents.guardings",
                           "SELECT guardianship, guardian, period_start_date, period_end_date FROM guardianships "
                           "WHERE resident = $1 ORDER BY guardianship");

// After every date that there is.
constexpr std::string_view kNever = "9999-99-99";
// What stands for a purpose in the access log where it was a household that was changed: nobody was shown.
constexpr std::string_view kHousehold = "purposes/household";

Period PeriodAt(storage::Rows const& rows, std::size_t row, std::size_t start) {
  Period period{FromIsoDate(rows.Text(row, start)).value_or(absl::CivilDay::min()), std::nullopt};
  if (!rows.IsNull(row, start + 1)) period.end = FromIsoDate(rows.Text(row, start + 1));
  return period;
}

absl::StatusOr<std::vector<Member>> LoadMembers(ReadTransaction& tx, std::string_view resident) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMembers, {contract::LastPart(resident)}));
  std::vector<Member> members;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    members.push_back({absl::StrCat(Av(resident), "/memberships/", rows.Text(i, 0)),
                       HouseholdName(rows.Text(i, 1), rows.Text(i, 2)), static_cast<v1::MembershipKind>(rows.Int64(i, 3)),
                       PeriodAt(rows, i, 4)});
  }
  return members;
}

}  // namespace

absl::Status StoreDetails(WriteTransaction& tx, v1::Resident const& person) {
  auto const id = contract::LastPart(person.name());
  RETURN_IF_ERROR(tx.Enqueue(kForgetLanguages, Binds{id}));
  RETURN_IF_ERROR(tx.Enqueue(kForgetContacts, Binds{id}));
  for (int i = 0; i < person.languages_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreLanguage, Binds{id, std::int64_t{i}, std::string_view(person.languages(i))}));
  }
  for (int i = 0; i < person.contact_points_size(); ++i) {
    auto const& point = person.contact_points(i);
    RETURN_IF_ERROR(tx.Enqueue(
        kStoreContact, Binds{id, std::int64_t{i}, static_cast<std::int64_t>(point.kind()), std::string_view(point.value())}));
  }
  return absl::OkStatus();
}

absl::Status AddToSearch(WriteTransaction& tx, v1::Resident const& person, std::string_view organisation_id) {
  auto const family = FoldName(person.family_name());
  auto const given = FoldName(person.given_name());
  auto const birth = ToIsoDate(ToCivil(person.birth_date()).value_or(absl::CivilDay()));
  return tx.Enqueue(kAddToSearch, Binds{organisation_id, contract::LastPart(person.name()), std::string_view(family),
                                        std::string_view(given), std::string_view(birth)});
}

absl::Status RenameInSearch(WriteTransaction& tx, v1::Resident const& person) {
  auto const family = FoldName(person.family_name());
  auto const given = FoldName(person.given_name());
  auto const birth = ToIsoDate(ToCivil(person.birth_date()).value_or(absl::CivilDay()));
  return tx.Enqueue(kRenameInSearch, Binds{contract::LastPart(person.name()), std::string_view(family), std::string_view(given),
                                           std::string_view(birth)});
}

absl::Status CheckMembershipHere(WriteTransaction& tx, v1::HouseholdMembership const& membership) {
  RETURN_IF_ERROR(LockDwellingOf(tx, membership.household()));
  ASSIGN_OR_RETURN(auto const household, tx.Get<v1::Household>(membership.household()));
  ASSIGN_OR_RETURN(auto const others, LoadMembers(tx, ResidentOf(membership.name())));
  Member const member{membership.name(), membership.household(), membership.kind(), StoredPeriod(membership.period())};
  return CheckMembership(member, StoredPeriod(household.occupation()), others);
}

absl::Status StoreMovedOut(WriteTransaction& tx, std::string_view resident, absl::CivilDay if_none) {
  auto const id = contract::LastPart(resident);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kMoved, {id}));
  if (rows.Int64(0, 0) == 0) {
    auto const day = ToIsoDate(if_none);
    return tx.Enqueue(kStoreMoved, Binds{id, std::string_view(day)});
  }
  bool const lives_here = rows.Int64(0, 1) < rows.Int64(0, 0);
  return tx.Enqueue(kStoreMoved,
                    Binds{id, lives_here ? storage::Bind(nullptr) : storage::Bind(std::string_view(rows.Text(0, 2)))});
}

absl::Status FitMemberships(WriteTransaction& tx, std::string const& household, Period const& occupation) {
  auto const organisation_id = OrganisationIdOf(household);
  auto const id = contract::LastPart(household);
  auto const start = ToIsoDate(occupation.start);
  auto const end = occupation.end ? ToIsoDate(*occupation.end) : std::string(kNever);
  ASSIGN_OR_RETURN(auto const outside,
                   tx.Query(kMembersOutside, {organisation_id, id, std::string_view(start), std::string_view(end)}));
  if (!outside.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOUSEHOLD_NOT_THERE,
                 "A member's time in the household begins outside of its occupation; change the membership first.",
                 {{"household", household}, {"occupation", ToIsoPeriod(occupation)}});
  }
  if (!occupation.end) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const beyond, tx.Query(kMembersBeyond, {organisation_id, id, std::string_view(end)}));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < beyond.size(); ++i) names.push_back(ResidentName(beyond.Text(i, 0)));
  RETURN_IF_ERROR(LockPeople(tx, names));
  std::vector<Seen> ended;
  for (auto const& name : names) {
    RETURN_IF_ERROR(tx.Enqueue(kEndMembership, Binds{contract::LastPart(name), organisation_id, id, std::string_view(end),
                                                     absl::ToUnixMicros(tx.call().Now())}));
    RETURN_IF_ERROR(StoreMovedOut(tx, name, *occupation.end));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, name));
    RETURN_IF_ERROR(AppendUpdated(tx, person, {"memberships"}));
    ended.push_back({name, "memberships"});
  }
  return LogAccess(tx, v1::ACCESS_KIND_CHANGED, kHousehold, "", ended);
}

absl::StatusOr<std::vector<Guarding>> LoadGuardings(ReadTransaction& tx, std::string_view ward) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kGuardings, {contract::LastPart(ward)}));
  std::vector<Guarding> guardings;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    guardings.push_back(
        {absl::StrCat(Av(ward), "/guardianships/", rows.Text(i, 0)), ResidentName(rows.Text(i, 1)), PeriodAt(rows, i, 2)});
  }
  return guardings;
}

}  // namespace helhed::residents
