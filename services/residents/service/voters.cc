#include "services/residents/service/voters.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/storage/collation.h"
#include "services/residents/domain/consents.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/dated_rules.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/resident_democracy.h"

namespace helhed::residents {
namespace {

using storage::Statement;

// The dwellings of the department come first: a planner that begins elsewhere reads a whole table, or the people of the whole
// organisation. SQLite keeps the order of CROSS JOIN, PostgreSQL that of LATERAL with an OFFSET. The birth dates are read where
// people of an organisation lie together: in the register of a nation each of `residents` would be a page of its own.
Statement const kCountVoters(
    "residents.count_voters",
    "SELECT COUNT(DISTINCT h.household) AS households, COUNT(DISTINCT x.resident) AS voters "
    "FROM dwelling_departments m CROSS JOIN households h CROSS JOIN household_members x CROSS JOIN resident_search r "
    "WHERE m.organisation = $1 AND m.department = $2 AND m.start_date <= $3 AND (m.end_date IS NULL OR m.end_date > $3) "
    "AND h.organisation = m.organisation AND h.dwelling = m.dwelling "
    "AND h.occupation_start_date <= $3 AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $3) "
    "AND x.household_organisation = h.organisation AND x.household = h.household AND x.kind = 1 "
    "AND x.period_start_date <= $3 AND (x.period_end_date IS NULL OR x.period_end_date > $3) "
    "AND r.organisation = x.household_organisation AND r.resident = x.resident AND r.birth_date <= $4",
    "SELECT COUNT(DISTINCT h.household) AS households, COUNT(DISTINCT x.resident) AS voters FROM dwelling_departments m "
    "CROSS JOIN LATERAL (SELECT organisation, household FROM households "
    "WHERE organisation = m.organisation AND dwelling = m.dwelling "
    "AND occupation_start_date <= $3 AND (occupation_end_date IS NULL OR occupation_end_date > $3) OFFSET 0) h "
    "CROSS JOIN LATERAL (SELECT household_organisation, resident FROM household_members "
    "WHERE household_organisation = h.organisation AND household = h.household AND kind = 1 "
    "AND period_start_date <= $3 AND (period_end_date IS NULL OR period_end_date > $3) OFFSET 0) x "
    "CROSS JOIN LATERAL (SELECT FROM resident_search s WHERE s.organisation = x.household_organisation "
    "AND s.resident = x.resident AND s.birth_date <= $4 OFFSET 0) r "
    "WHERE m.organisation = $1 AND m.department = $2 AND m.start_date <= $3 AND (m.end_date IS NULL OR m.end_date > $3)");

// Of the dwellings that have somebody who may vote.
constexpr std::string_view kHasVoter =
    "EXISTS (SELECT 1 FROM households h CROSS JOIN household_members x CROSS JOIN residents r "
    "WHERE h.organisation = d.organisation AND h.dwelling = d.dwelling "
    "AND h.occupation_start_date <= ? AND (h.occupation_end_date IS NULL OR h.occupation_end_date > ?) "
    "AND x.household_organisation = h.organisation AND x.household = h.household AND x.kind = 1 "
    "AND x.period_start_date <= ? AND (x.period_end_date IS NULL OR x.period_end_date > ?) "
    "AND r.resident = x.resident AND r.birth_date <= ?)";

Statement const kVotersOfDwellings(
    "residents.voters_of_dwellings",
    "SELECT h.dwelling, h.household, r.resident, r.given_name, r.family_name, r.preferred_name, "
    "r.address_protection_start_date, r.address_protection_end_date "
    "FROM json_each($1) AS wanted "
    "CROSS JOIN households h CROSS JOIN household_members x CROSS JOIN residents r "
    "WHERE h.organisation = $2 AND h.dwelling = wanted.value "
    "AND h.occupation_start_date <= $3 AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $3) "
    "AND x.household_organisation = h.organisation AND x.household = h.household AND x.kind = 1 "
    "AND x.period_start_date <= $3 AND (x.period_end_date IS NULL OR x.period_end_date > $3) "
    "AND r.resident = x.resident AND r.birth_date <= $4",
    "SELECT h.dwelling, h.household, r.resident, r.given_name, r.family_name, r.preferred_name, "
    "r.address_protection_start_date, r.address_protection_end_date "
    "FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "CROSS JOIN households h CROSS JOIN household_members x CROSS JOIN residents r "
    "WHERE h.organisation = $2 AND h.dwelling = wanted.value "
    "AND h.occupation_start_date <= $3 AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $3) "
    "AND x.household_organisation = h.organisation AND x.household = h.household AND x.kind = 1 "
    "AND x.period_start_date <= $3 AND (x.period_end_date IS NULL OR x.period_end_date > $3) "
    "AND r.resident = x.resident AND r.birth_date <= $4");

Statement const kBelongings("residents.belongings",
                            "SELECT d.department, p.household, p.kind, p.period_start_date, p.period_end_date, "
                            "h.occupation_start_date, h.occupation_end_date, d.start_date, d.end_date FROM household_members p "
                            "JOIN households h ON h.organisation = p.household_organisation AND h.household = p.household "
                            "JOIN dwelling_departments d ON d.organisation = h.organisation AND d.dwelling = h.dwelling "
                            "WHERE p.resident = $1 AND p.household_organisation = $2 ORDER BY p.membership, d.start_date");

Period PeriodAt(storage::Rows const& rows, std::size_t row, std::size_t start) {
  Period period{FromIsoDate(rows.Text(row, start)).value_or(absl::CivilDay::min()), std::nullopt};
  if (!rows.IsNull(row, start + 1)) period.end = FromIsoDate(rows.Text(row, start + 1));
  return period;
}

// The date of the meeting that a request names, or today.
template <typename Request>
absl::StatusOr<absl::CivilDay> MeetingDate(CallContext const& call, Request const& request) {
  if (!request.has_meeting_date()) return call.Today();
  return ReadDate(request.meeting_date(), "meeting_date");
}

// A page of the dwellings that have a household that may vote, in the order of their addresses.
absl::StatusOr<v1::ListDwellingsResponse> LoadDwellings(ReadTransaction& tx, v1::FetchEligibleVotersRequest const& request,
                                                        absl::CivilDay date, absl::CivilDay latest_birth) {
  v1::ListDwellingsRequest page;
  page.set_parent(std::string(OrganisationOf(request.parent())));
  page.set_department(request.parent());
  *page.mutable_as_of_date() = ToProtoDate(date);
  page.set_page_size(request.page_size());
  page.set_page_token(request.page_token());
  page.set_order_by("address");

  std::string const organisation_id(OrganisationIdOf(request.parent()));
  std::string const day = ToIsoDate(date);
  storage::ListOptions options;
  options.from = "dwelling_departments m CROSS JOIN dwellings d";
  options.alias = "d";
  options.conditions.push_back({"m.organisation = ?", {organisation_id}});
  options.conditions.push_back({"m.department = ?", {std::string(contract::LastPart(request.parent()))}});
  options.conditions.push_back({"m.start_date <= ? AND (m.end_date IS NULL OR m.end_date > ?)", {day, day}});
  options.conditions.push_back({"d.organisation = ?", {organisation_id}});
  options.conditions.push_back({"d.dwelling = m.dwelling", {}});
  options.conditions.push_back({kHasVoter, {day, day, day, day, ToIsoDate(latest_birth)}});
  return tx.List<v1::ListDwellingsResponse>(page, options);
}

// Somebody who may vote, as stored: what of it may be shown is decided by the purpose and the protection.
struct Voter {
  std::string dwelling;
  std::string household;
  v1::Resident person;
};

absl::StatusOr<std::vector<Voter>> LoadVoters(ReadTransaction& tx, std::string_view organisation_id,
                                              v1::ListDwellingsResponse const& dwellings, absl::CivilDay date,
                                              absl::CivilDay latest_birth) {
  std::vector<std::string> ids;
  for (auto const& dwelling : dwellings.dwellings()) ids.emplace_back(contract::LastPart(dwelling.name()));
  std::string const wanted = JsonArray(ids);
  std::string const day = ToIsoDate(date);
  std::string const birth = ToIsoDate(latest_birth);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kVotersOfDwellings, {std::string_view(wanted), organisation_id,
                                                                  std::string_view(day), std::string_view(birth)}));
  std::vector<Voter> voters;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Voter voter{DwellingName(organisation_id, rows.Text(i, 0)), HouseholdName(organisation_id, rows.Text(i, 1)), {}};
    voter.person.set_name(ResidentName(rows.Text(i, 2)));
    voter.person.set_given_name(rows.Text(i, 3));
    voter.person.set_family_name(rows.Text(i, 4));
    if (!rows.IsNull(i, 5)) voter.person.set_preferred_name(rows.Text(i, 5));
    if (!rows.IsNull(i, 6)) *voter.person.mutable_address_protection() = ToProtoRange(PeriodAt(rows, i, 6));
    voters.push_back(std::move(voter));
  }
  return voters;
}

std::string DisplayName(v1::Resident const& person) {
  auto const& first = person.preferred_name().empty() ? person.given_name() : person.preferred_name();
  return absl::StrCat(first, first.empty() || person.family_name().empty() ? "" : " ", person.family_name());
}

// Sets the names of those who may be named, and returns them as people with what was shown of each.
std::vector<v1::Resident> NameVoters(std::vector<Voter>& voters, absl::CivilDay today, absl::CivilDay date,
                                     std::map<std::string, v1::EligibleHousehold*> const& households) {
  std::vector<v1::Resident> named;
  for (auto& voter : voters) {
    // P5: neither on the day that the list is made, nor on the one that it is made for.
    if (IsProtected(voter.person, today) || IsProtected(voter.person, date)) continue;
    auto& shown = *households.at(voter.household)->add_voters();
    shown.set_resident(voter.person.name());
    shown.set_display_name(DisplayName(voter.person));
    // What protection there was is not shown.
    voter.person.clear_address_protection();
    named.push_back(std::move(voter.person));
  }
  for (auto const& [_, household] : households) {
    std::sort(household->mutable_voters()->begin(), household->mutable_voters()->end(), [](auto const& a, auto const& b) {
      return std::pair(storage::DanishSortKey(a.display_name()), a.resident()) <
             std::pair(storage::DanishSortKey(b.display_name()), b.resident());
    });
  }
  return named;
}

}  // namespace

absl::Status RequireDepartmentOn(ReadTransaction& tx, std::string const& department, absl::CivilDay day) {
  RETURN_IF_ERROR(RequireDepartment(tx, department));
  ASSIGN_OR_RETURN(auto const known, LoadMergersAbout(tx, department));
  Mergers const mergers(known);
  auto const* const merger = mergers.Of(department);
  return merger != nullptr && merger->date <= day ? DepartmentMerged(*merger) : absl::OkStatus();
}

absl::StatusOr<std::vector<PlacedBelonging>> LoadBelongings(ReadTransaction& tx, std::string_view resident,
                                                            std::string_view organisation_id) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kBelongings, {contract::LastPart(resident), organisation_id}));
  std::vector<PlacedBelonging> belongings;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    belongings.push_back({DepartmentName(organisation_id, rows.Text(i, 0)),
                          {HouseholdName(organisation_id, rows.Text(i, 1)), rows.Int64(i, 2) == v1::MEMBERSHIP_KIND_REGISTERED,
                           PeriodAt(rows, i, 3), PeriodAt(rows, i, 5), PeriodAt(rows, i, 7)}});
  }
  return belongings;
}

absl::StatusOr<v1::FetchEligibleVotersResponse> ResidentDemocracy::FetchEligibleVoters(
    CallContext const& call, v1::FetchEligibleVotersRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, MeetingDate(call, request));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::FetchEligibleVotersResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    // A list without names is none: who lacks the purpose for them is told so.
    RETURN_IF_ERROR(CheckCovered(purpose, "given_name,family_name,preferred_name"));
    RETURN_IF_ERROR(RequireDepartmentOn(tx, request.parent(), date));
    ASSIGN_OR_RETURN(auto const rule, VotingRuleOn(tx, date));
    auto const latest_birth = LatestBirth(date, rule.voting_age_years());
    ASSIGN_OR_RETURN(auto dwellings, LoadDwellings(tx, request, date, latest_birth));
    ASSIGN_OR_RETURN(auto voters, LoadVoters(tx, OrganisationIdOf(request.parent()), dwellings, date, latest_birth));

    v1::FetchEligibleVotersResponse response;
    std::map<std::string, std::string> household_in;
    for (auto const& voter : voters) household_in[voter.dwelling] = voter.household;
    std::map<std::string, v1::EligibleHousehold*> households;
    for (auto const& dwelling : dwellings.dwellings()) {
      auto& household = *response.add_households();
      household.set_household(household_in[dwelling.name()]);
      household.set_address(dwelling.address());
      household.set_vote_count(rule.household_vote_count());
      households[household.household()] = &household;
    }
    std::vector<Seen> seen;
    for (auto const& person : NameVoters(voters, call.Today(), date, households)) {
      seen.push_back({person.name(), FieldsOf(person)});
    }
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), seen));
    response.set_next_page_token(dwellings.next_page_token());
    response.set_voting_rule(rule.name());
    *response.mutable_meeting_date() = ToProtoDate(date);
    return response;
  });
}

absl::StatusOr<v1::CheckEligibilityResponse> ResidentDemocracy::CheckEligibility(CallContext const& call,
                                                                                 v1::CheckEligibilityRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, MeetingDate(call, request));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::CheckEligibilityResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(RequireDepartmentOn(tx, request.parent(), date));
    ASSIGN_OR_RETURN(auto const rule, VotingRuleOn(tx, date));
    // Whoever may ask for the department may ask of anybody whether that is a voter there, and hears nothing else. Of a person
    // who is protected even that is where the person lives.
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, request.resident()));
    RETURN_IF_ERROR(RequireOpen(tx, person, purpose));
    ASSIGN_OR_RETURN(auto const placed, LoadBelongings(tx, request.resident(), OrganisationIdOf(request.parent())));
    std::vector<Belonging> there;
    for (auto const& [department, belonging] : placed) {
      if (department == request.parent()) there.push_back(belonging);
    }
    auto const birth = ToCivil(person.birth_date()).value_or(absl::CivilDay::max());
    auto const eligibility = EligibilityOn(date, birth, rule.voting_age_years(), there);
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), request.resident(), "eligibility"));
    v1::CheckEligibilityResponse response;
    response.set_eligibility(eligibility.verdict);
    if (eligibility.verdict == v1::VOTER_ELIGIBILITY_ELIGIBLE) {
      response.set_household(eligibility.household);
      response.set_household_vote_count(rule.household_vote_count());
    }
    response.set_voting_rule(rule.name());
    *response.mutable_meeting_date() = ToProtoDate(date);
    return response;
  });
}

absl::StatusOr<v1::CountEligibleVotesResponse> ResidentDemocracy::CountEligibleVotes(
    CallContext const& call, v1::CountEligibleVotesRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, MeetingDate(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::CountEligibleVotesResponse> {
    RETURN_IF_ERROR(RequireDepartmentOn(tx, request.parent(), date));
    ASSIGN_OR_RETURN(auto const rule, VotingRuleOn(tx, date));
    std::string const day = ToIsoDate(date);
    std::string const birth = ToIsoDate(LatestBirth(date, rule.voting_age_years()));
    ASSIGN_OR_RETURN(auto const rows,
                     tx.Query(kCountVoters, {OrganisationIdOf(request.parent()), contract::LastPart(request.parent()),
                                             std::string_view(day), std::string_view(birth)}));
    v1::CountEligibleVotesResponse response;
    response.set_household_count(rows.Int64(0, 0));
    response.set_voter_count(rows.Int64(0, 1));
    response.set_vote_count(rows.Int64(0, 0) * rule.household_vote_count());
    response.set_voting_rule(rule.name());
    *response.mutable_meeting_date() = ToProtoDate(date);
    return response;
  });
}

}  // namespace helhed::residents
