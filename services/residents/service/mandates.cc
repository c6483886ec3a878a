#include "services/residents/domain/mandates.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>

#include "helhed/residents/v1/democracy_events.pb.h"
#include "helhed/residents/v1/errors.pb.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/dated_rules.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/resident_democracy.h"
#include "services/residents/service/visibility.h"
#include "services/residents/service/voters.h"

namespace helhed::residents {
namespace {

using storage::Statement;

// Those that a new one could collide with: of the same board, the same household, or the same person.
Statement const kMandatesBeside("residents.mandates_beside",
                                "SELECT mandate FROM mandates WHERE organisation = $1 AND department = $2 "
                                "UNION SELECT mandate FROM mandates WHERE organisation = $1 AND household = $3 "
                                "UNION SELECT mandate FROM mandates WHERE organisation = $1 AND holder = $4");
Statement const kDeleteMandates("residents.delete_mandates_of", "DELETE FROM mandates WHERE holder = $1");

std::string MandateName(std::string_view organisation_id, std::string_view mandate_id) {
  return absl::StrCat("organisations/", Av(organisation_id), "/mandates/", Av(mandate_id));
}

// What is written in the access log of a person whose mandate is seen.
constexpr std::string_view kSeenFields = "mandates";

// NOT_FOUND unless a grant covers what the mandate is held in.
absl::Status RequireMandateReach(ReadTransaction& tx, v1::Mandate const& mandate) {
  auto const organisation = OrganisationOf(mandate.name());
  if (mandate.body() == v1::MANDATE_BODY_HOUSEHOLD) return RequireHouseholdReach(tx, mandate.household());
  if (mandate.department().empty()) return tx.call().RequireAny({organisation}, mandate.name());
  return tx.call().RequireAny({mandate.department()}, mandate.name());
}

// HOLDER_NOT_ELIGIBLE unless the holder may vote, on the first day, where the mandate is from.
absl::Status RequireEligibleHolder(ReadTransaction& tx, v1::Mandate const& mandate, v1::Resident const& holder,
                                   absl::CivilDay day) {
  ASSIGN_OR_RETURN(auto const rule, VotingRuleOn(tx, day));
  ASSIGN_OR_RETURN(auto const placed, LoadBelongings(tx, holder.name(), OrganisationIdOf(mandate.name())));
  std::vector<Belonging> there;
  for (auto const& [department, belonging] : placed) {
    bool const fits = mandate.body() == v1::MANDATE_BODY_HOUSEHOLD
                          ? belonging.household == mandate.household()
                          : mandate.department().empty() || department == mandate.department();
    if (fits) there.push_back(belonging);
  }
  auto const birth = ToCivil(holder.birth_date()).value_or(absl::CivilDay::max());
  auto const eligibility = EligibilityOn(day, birth, rule.voting_age_years(), there);
  if (eligibility.verdict == v1::VOTER_ELIGIBILITY_ELIGIBLE) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOLDER_NOT_ELIGIBLE,
      "On the first day of the mandate its holder may not vote there.",
      {{"resource", holder.name()},
       {"eligibility", v1::VoterEligibility_Name(eligibility.verdict).substr(std::string_view("VOTER_ELIGIBILITY_").size())}});
}

// One writer of an organisation's mandates at a time, so that none slips in beside another.
absl::Status LockMandates(WriteTransaction& tx, std::string_view organisation_id) {
  return tx.Lock(absl::StrCat("residents.mandates/", Av(organisation_id)));
}

absl::Status RequireFree(WriteTransaction& tx, v1::Mandate const& mandate, Period const& period) {
  auto const organisation_id = OrganisationIdOf(mandate.name());
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kMandatesBeside, {organisation_id, contract::LastPart(mandate.department()),
                                              contract::LastPart(mandate.household()), contract::LastPart(mandate.holder())}));
  std::vector<Tenure> others;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(auto other, tx.Get<v1::Mandate>(MandateName(organisation_id, rows.Text(i, 0))));
    auto const held = StoredPeriod(other.period());
    others.push_back({std::move(other), held});
  }
  return CheckMandate({mandate, period}, others);
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Mandate const& mandate) {
  v1::MandateChanged event;
  event.set_mandate(mandate.name());
  event.set_body(mandate.body());
  event.set_department(mandate.department());
  return tx.Append(event, mandate.name());
}

// Checks what does not depend on anything stored, and reads the period.
std::optional<Period> CheckForm(v1::CreateMandateRequest const& request, std::vector<FieldViolation>& violations) {
  auto const& mandate = request.mandate();
  violations = MandateViolations(mandate);
  if (!mandate.department().empty() && OrganisationOf(mandate.department()) != request.parent()) {
    violations.push_back({"mandate.department", "must be a department of the organisation in parent"});
  }
  if (!mandate.household().empty() && OrganisationOf(mandate.household()) != request.parent()) {
    violations.push_back({"mandate.household", "must be a household of the organisation in parent"});
  }
  return ReadPeriod(mandate.period(), "mandate.period", violations);
}

storage::ListOptions MandateList(v1::ListMandatesRequest const& request, Visibility const& visible, AnyOf& scope,
                                 std::string const& day, std::string const& today) {
  storage::ListOptions options;
  options.from =
      "mandates m JOIN residents r ON r.resident = m.holder "
      "LEFT JOIN department_mergers g ON g.organisation = m.organisation AND g.department = m.department";
  options.alias = "m";
  options.conditions.push_back({"m.organisation = ?", {std::string(contract::LastPart(request.parent()))}});
  options.conditions.push_back({"m.period_start_date <= ? AND (m.period_end_date IS NULL OR m.period_end_date > ?)", {day, day}});
  // A board ends with its department; who was elected to the supreme body stays.
  options.conditions.push_back({"m.body <> 2 OR g.merge_date IS NULL OR g.merge_date > ?", {day}});
  // P5: who is protected today is in no list, for whatever date.
  options.conditions.push_back(
      {"r.address_protection_start_date IS NULL OR r.address_protection_start_date > ? "
       "OR r.address_protection_end_date <= ?",
       {today, today}});
  if (!request.department().empty()) {
    options.conditions.push_back({"m.department = ?", {std::string(contract::LastPart(request.department()))}});
  }
  if (!visible.everything) {
    scope.Add("m.department", visible.departments);
    scope.Add("m.household", visible.households);
    options.conditions.push_back(scope.condition());
  }
  return options;
}

}  // namespace

absl::Status DeleteMandatesOf(WriteTransaction& tx, std::string_view resident) {
  return tx.Enqueue(kDeleteMandates, {contract::LastPart(resident)});
}

absl::StatusOr<v1::Mandate> ResidentDemocracy::GetMandate(CallContext const& call, v1::GetMandateRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Mandate> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    ASSIGN_OR_RETURN(auto mandate, tx.Get<v1::Mandate>(request.name()));
    RETURN_IF_ERROR(RequireMandateReach(tx, mandate));
    ASSIGN_OR_RETURN(auto const holder, LoadPerson(tx, mandate.holder()));
    RETURN_IF_ERROR(RequireOpen(tx, holder, purpose));
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), mandate.holder(), kSeenFields));
    return mandate;
  });
}

absl::StatusOr<v1::ListMandatesResponse> ResidentDemocracy::ListMandates(CallContext const& call,
                                                                         v1::ListMandatesRequest const& request) {
  ASSIGN_OR_RETURN(auto const date, AsOf(call, request));
  if (!request.department().empty() && OrganisationOf(request.department()) != request.parent()) {
    return BadRequest({{"department", "must be a department of the organisation in parent"}});
  }
  auto const visible = VisibilityIn(call, request.parent());
  if (!visible.everything && visible.departments.empty() && visible.households.empty()) return NotFound(request.parent());
  AnyOf scope;
  auto const options = MandateList(request, visible, scope, ToIsoDate(date), ToIsoDate(call.Today()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListMandatesResponse> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(request.parent())));
    if (!request.department().empty()) {
      RETURN_IF_ERROR(RequireDepartment(tx, request.department()));
    }
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListMandatesResponse>(request, options));
    std::vector<Seen> seen;
    for (auto const& mandate : response.mandates()) seen.push_back({mandate.holder(), std::string(kSeenFields)});
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), request.case_reference(), seen));
    return response;
  });
}

absl::StatusOr<v1::Mandate> ResidentDemocracy::CreateMandate(CallContext const& call, v1::CreateMandateRequest const& request) {
  std::vector<FieldViolation> violations;
  auto const period = CheckForm(request, violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const organisation_id = contract::LastPart(request.parent());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Mandate> {
    v1::Mandate mandate = request.mandate();
    mandate.set_name(MandateName(organisation_id, IdOr(call, request.mandate_id())));
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(RequireMandateReach(tx, mandate));
    RETURN_IF_ERROR(LockMandates(tx, organisation_id));
    RETURN_IF_ERROR(RequireOrganisation(tx, organisation_id));
    if (!mandate.department().empty()) {
      RETURN_IF_ERROR(RequireDepartmentOn(tx, mandate.department(), period->start));
    }
    RETURN_IF_ERROR(LockPeople(tx, {mandate.holder()}));
    ASSIGN_OR_RETURN(auto const holder, LoadPerson(tx, mandate.holder()));
    RETURN_IF_ERROR(RequireOpen(tx, holder, purpose));
    ASSIGN_OR_RETURN(bool const exists, tx.Exists<v1::Mandate>(mandate.name()));
    // A name that is taken is for Insert to refuse; the mandate of that name is not one that this replaces.
    if (!exists) {
      RETURN_IF_ERROR(RequireEligibleHolder(tx, mandate, holder, period->start));
      RETURN_IF_ERROR(RequireFree(tx, mandate, *period));
    }
    RETURN_IF_ERROR(tx.Insert(mandate));
    RETURN_IF_ERROR(AppendChanged(tx, mandate));
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose.name(), request.case_reference(), mandate.holder(), kSeenFields));
    return mandate;
  });
}

absl::StatusOr<v1::Mandate> ResidentDemocracy::UpdateMandate(CallContext const& call, v1::UpdateMandateRequest const& request) {
  auto const& given = request.mandate();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Mandate> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(LockMandates(tx, OrganisationIdOf(given.name())));
    ASSIGN_OR_RETURN(auto mandate, tx.Get<v1::Mandate>(given.name()));
    RETURN_IF_ERROR(RequireMandateReach(tx, mandate));
    RETURN_IF_ERROR(LockPeople(tx, {mandate.holder()}));
    ASSIGN_OR_RETURN(auto const holder, LoadPerson(tx, mandate.holder()));
    RETURN_IF_ERROR(RequireOpen(tx, holder, purpose));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), mandate.etag(), given.name()));
    auto const before = StoredPeriod(mandate.period());
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, mandate, "mandate"));
    std::vector<FieldViolation> violations;
    auto const period = ReadPeriod(mandate.period(), "mandate.period", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    if (period->start != before.start) {
      if (!mandate.department().empty()) {
        RETURN_IF_ERROR(RequireDepartmentOn(tx, mandate.department(), period->start));
      }
      RETURN_IF_ERROR(RequireEligibleHolder(tx, mandate, holder, period->start));
    }
    RETURN_IF_ERROR(RequireFree(tx, mandate, *period));
    RETURN_IF_ERROR(tx.Update(mandate));
    RETURN_IF_ERROR(AppendChanged(tx, mandate));
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose.name(), request.case_reference(), mandate.holder(), kSeenFields));
    return mandate;
  });
}

}  // namespace helhed::residents
