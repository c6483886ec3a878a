#include "services/residents/service/people_access.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>

#include "helhed/residents/v1/dwelling.pb.h"
#include "helhed/residents/v1/errors.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/platform/base/civil.h"
#include "services/residents/domain/consents.h"
#include "services/residents/domain/cpr_number.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

using Binds = std::initializer_list<storage::Bind>;
using storage::Statement;

Statement const kRules(
    "residents.purpose_rules",
    "SELECT purpose, rule, own_consent_age_years, consent_months, written_consent_required, "
    "protected_access_hours_max FROM purpose_rules WHERE purpose = $1 AND rule <= $2 ORDER BY rule DESC LIMIT 1");
Statement const kLanguages("residents.languages",
                           "SELECT l.resident, l.language FROM json_each($1) AS wanted "
                           "JOIN resident_languages l ON l.resident = wanted.value ORDER BY l.resident, l.position",
                           "SELECT l.resident, l.language FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
                           "JOIN resident_languages l ON l.resident = wanted.value ORDER BY l.resident, l.position");
Statement const kContactPoints(
    "residents.contact_points",
    "SELECT c.resident, c.kind, c.value FROM json_each($1) AS wanted "
    "JOIN resident_contact_points c ON c.resident = wanted.value ORDER BY c.resident, c.position",
    "SELECT c.resident, c.kind, c.value FROM json_array_elements_text(CAST($1 AS JSON)) AS wanted (value) "
    "JOIN resident_contact_points c ON c.resident = wanted.value ORDER BY c.resident, c.position");
Statement const kLockPerson("residents.lock_person", "SELECT resident FROM residents WHERE resident = $1",
                            "SELECT resident FROM residents WHERE resident = $1 FOR NO KEY UPDATE");
Statement const kErased("residents.erased",
                        "SELECT erasure, responsibility_controller FROM erasures WHERE resident = $1 AND erase_time IS NOT NULL");
Statement const kPlaces("residents.places_of_person",
                        "SELECT p.household_organisation, p.household, h.dwelling, d.department FROM household_members p "
                        "JOIN households h ON h.organisation = p.household_organisation AND h.household = p.household "
                        "JOIN dwelling_departments d ON d.organisation = h.organisation AND d.dwelling = h.dwelling "
                        "WHERE p.resident = $1 "
                        "AND p.period_start_date <= $2 AND (p.period_end_date IS NULL OR p.period_end_date > $2) "
                        "AND h.occupation_start_date <= $2 AND (h.occupation_end_date IS NULL OR h.occupation_end_date > $2) "
                        "AND d.start_date <= $2 AND (d.end_date IS NULL OR d.end_date > $2)");
Statement const kOpened("residents.opened",
                        "SELECT protected_access FROM protected_accesses "
                        "WHERE resident = $1 AND subject = $2 AND purpose = $3 AND expire_time > $4 LIMIT 1");
Statement const kLog(
    "residents.log_access",
    "INSERT INTO access_log (resident, access_log_entry, subject, kind, method, purpose, case_reference, fields, "
    "trace_id, revision, create_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)");
Statement const kLogLinks("residents.access_log_links",
                          "SELECT l.position, l.scope, l.entry, l.digest, l.hash, a.access_log_entry AS found, a.resident, "
                          "a.access_log_entry, a.subject, a.kind, a.method, a.purpose, a.case_reference, a.fields, a.trace_id, "
                          "a.create_time FROM chain_links l "
                          "LEFT JOIN access_log a ON a.resident = l.scope AND a.access_log_entry = l.entry "
                          "WHERE l.chain = $1 AND l.position > $2 ORDER BY l.position LIMIT $3");
Statement const kLogRows("residents.access_log_rows",
                         "SELECT a.resident, a.access_log_entry, l.position, p.entry FROM access_log a "
                         "LEFT JOIN chain_links l ON l.chain = $1 AND l.scope = a.resident AND l.entry = a.access_log_entry "
                         "LEFT JOIN chain_pending p ON p.chain = $1 AND p.entry = a.access_log_entry AND p.scope = a.resident "
                         "WHERE (a.resident, a.access_log_entry) > ($2, $3) ORDER BY a.resident, a.access_log_entry LIMIT $4");

absl::Status NotConfigured(std::string const& purpose) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PURPOSE_NOT_CONFIGURED,
               "The purpose is not configured, or not in force today.", {{"purpose", purpose}});
}

absl::Status Erased(std::string_view name) {
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_RESIDENT_ERASED, "The person has been erased.",
               {{"resource", std::string(name)}});
}

std::string IdsOf(std::span<v1::Resident* const> people) {
  std::vector<std::string> ids;
  for (auto const* person : people) ids.emplace_back(contract::LastPart(person->name()));
  return JsonArray(ids);
}

// OK when one of the places is covered, otherwise NOT_FOUND for `asked_for`.
absl::Status RequireAnyOf(CallContext const& call, std::span<std::string const> places, std::string_view asked_for) {
  absl::Status status = call.RequireAny({}, asked_for);
  for (auto const& place : places) {
    status = call.RequireAny({place}, asked_for);
    if (status.ok()) break;
  }
  return status;
}

// Where the person is a member today.
absl::StatusOr<std::vector<std::string>> PlacesOf(ReadTransaction& tx, std::string_view resident) {
  std::string const today = ToIsoDate(tx.call().Today());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kPlaces, {ResidentIdOf(resident), std::string_view(today)}));
  std::vector<std::string> places;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto const& organisation = rows.Text(i, 0);
    places.push_back(HouseholdName(organisation, rows.Text(i, 1)));
    places.push_back(DwellingName(organisation, rows.Text(i, 2)));
    places.push_back(DepartmentName(organisation, rows.Text(i, 3)));
  }
  return places;
}

}  // namespace

std::string_view ResidentOf(std::string_view name) { return OrganisationOf(name); }
std::string_view ResidentIdOf(std::string_view name) { return OrganisationIdOf(name); }
std::string ResidentName(std::string_view resident_id) { return absl::StrCat("residents/", Av(resident_id)); }

absl::Status RefuseCprNumber(std::string_view case_reference) {
  if (!HoldsCprNumber(case_reference)) return absl::OkStatus();
  return BadRequest({{"case_reference", "must not hold a CPR number: it is logged"}});
}

absl::StatusOr<v1::Purpose> RequirePurpose(ReadTransaction& tx, std::string const& purpose, std::string_view case_reference) {
  RETURN_IF_ERROR(RefuseCprNumber(case_reference));
  auto found = tx.Get<v1::Purpose>(purpose);
  if (found.status().code() == absl::StatusCode::kNotFound) return NotConfigured(purpose);
  if (found.ok() && !StoredPeriod(found->period()).Contains(tx.call().Today())) return NotConfigured(purpose);
  return found;
}

absl::StatusOr<v1::PurposeRule> RequireRule(ReadTransaction& tx, std::string const& purpose, absl::CivilDay day) {
  std::string const iso = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kRules, {contract::LastPart(purpose), std::string_view(iso)}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PURPOSE_WITHOUT_RULE,
                 "No rule of the purpose holds on the date; configure one.", {{"purpose", purpose}, {"date", iso}});
  }
  v1::PurposeRule rule;
  rule.set_name(absl::StrCat(purpose, "/rules/", rows.Text(0, 1)));
  rule.set_own_consent_age_years(static_cast<std::int32_t>(rows.Int64(0, 2)));
  rule.set_consent_months(static_cast<std::int32_t>(rows.Int64(0, 3)));
  rule.set_written_consent_required(rows.Bool(0, 4));
  rule.set_protected_access_hours_max(static_cast<std::int32_t>(rows.Int64(0, 5)));
  return rule;
}

absl::StatusOr<v1::Resident> LoadPerson(ReadTransaction& tx, std::string_view name) {
  auto person = tx.Get<v1::Resident>(name);
  if (person.status().code() == absl::StatusCode::kNotFound) {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kErased, {contract::LastPart(name)}));
    if (rows.empty()) return person.status();
    // That there was somebody is said to who answered for the person.
    std::string const places[] = {rows.Text(0, 1), std::string(name)};
    RETURN_IF_ERROR(RequireAnyOf(tx.call(), places, name));
    return Erased(name);
  }
  if (!person.ok()) return person.status();
  v1::Resident* const one[] = {&*person};
  RETURN_IF_ERROR(CompletePeople(tx, one));
  return person;
}

absl::Status CompletePeople(ReadTransaction& tx, std::span<v1::Resident* const> people) {
  if (people.empty()) return absl::OkStatus();
  std::string const wanted = IdsOf(people);
  ASSIGN_OR_RETURN(auto const languages, tx.Query(kLanguages, {std::string_view(wanted)}));
  ASSIGN_OR_RETURN(auto const points, tx.Query(kContactPoints, {std::string_view(wanted)}));
  std::map<std::string_view, v1::Resident*> by_id;
  for (auto* person : people) by_id[contract::LastPart(person->name())] = person;
  for (std::size_t i = 0; i < languages.size(); ++i) by_id[languages.Text(i, 0)]->add_languages(languages.Text(i, 1));
  for (std::size_t i = 0; i < points.size(); ++i) {
    auto& point = *by_id[points.Text(i, 0)]->add_contact_points();
    point.set_kind(static_cast<v1::ContactPointKind>(points.Int64(i, 1)));
    point.set_value(points.Text(i, 2));
  }
  return absl::OkStatus();
}

absl::Status LockPeople(WriteTransaction& tx, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  for (auto const& name : names) {
    RETURN_IF_ERROR(tx.Query(kLockPerson, {contract::LastPart(name)}).status());
  }
  return absl::OkStatus();
}

absl::Status RequireReach(ReadTransaction& tx, v1::Resident const& person) {
  ASSIGN_OR_RETURN(auto places, PlacesOf(tx, person.name()));
  if (places.empty()) places.push_back(person.responsibility().controller());
  places.push_back(person.name());
  return RequireAnyOf(tx.call(), places, person.name());
}

absl::Status RequireReachOfTrail(ReadTransaction& tx, std::string_view name) {
  auto const person = tx.Get<v1::Resident>(name);
  if (person.ok()) return RequireReach(tx, *person);
  if (person.status().code() != absl::StatusCode::kNotFound) return person.status();
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kErased, {contract::LastPart(name)}));
  if (rows.empty()) return NotFound(name);
  std::string const places[] = {rows.Text(0, 1), std::string(name)};
  return RequireAnyOf(tx.call(), places, name);
}

absl::Status RequireHouseholdReach(ReadTransaction& tx, std::string const& household) {
  ASSIGN_OR_RETURN(auto const stored, tx.Get<v1::Household>(household));
  ASSIGN_OR_RETURN(auto const residence, LoadResidence(tx, stored.dwelling()));
  auto const day = std::max(tx.call().Today(), StoredPeriod(stored.occupation()).start);
  return tx.call().RequireAny({household, stored.dwelling(), StayOn(residence.stays, day).department}, household);
}

absl::Status RequireOpen(ReadTransaction& tx, v1::Resident const& person, v1::Purpose const& purpose) {
  auto const& call = tx.call();
  if (!IsProtected(person, call.Today())) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kOpened, {contract::LastPart(person.name()), std::string_view(call.identity().subject()),
                                      contract::LastPart(purpose.name()), absl::ToUnixMicros(call.Now())}));
  if (!rows.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_RESIDENT_PROTECTED,
               "The person's name and address are protected. Who must see them opens the person first: CreateProtectedAccess.",
               {{"resource", person.name()}});
}

absl::StatusOr<v1::Resident> Approach(ReadTransaction& tx, std::string_view name, v1::Purpose const& purpose) {
  ASSIGN_OR_RETURN(auto person, LoadPerson(tx, name));
  RETURN_IF_ERROR(RequireReach(tx, person));
  RETURN_IF_ERROR(RequireOpen(tx, person, purpose));
  return person;
}

absl::Status LogAccess(WriteTransaction& tx, v1::AccessKind kind, std::string_view purpose, std::string_view case_reference,
                       std::span<Seen const> seen, std::string_view job) {
  auto const& call = tx.call();
  std::string const method = job.empty() ? call.method().path() : std::string(job);
  std::int64_t const micros = absl::ToUnixMicros(call.Now());
  storage::Bind const reference = case_reference.empty() ? storage::Bind(nullptr) : storage::Bind(case_reference);
  storage::Rows::Value const reference_value =
      case_reference.empty() ? storage::Rows::Value(nullptr) : storage::Rows::Value(std::string(case_reference));
  for (auto const& [resident, fields] : seen) {
    std::string const entry = call.NewId();
    auto const resident_id = contract::LastPart(resident);
    auto const purpose_id = contract::LastPart(purpose);
    RETURN_IF_ERROR(tx.Enqueue(kLog, Binds{resident_id, std::string_view(entry), std::string_view(call.identity().subject()),
                                           static_cast<std::int64_t>(kind), std::string_view(method), purpose_id, reference,
                                           std::string_view(fields), std::string_view(call.trace().trace_id), micros}));
    // As kLogLinks reads them.
    storage::Rows::Value const values[] = {std::string(resident_id),
                                           entry,
                                           call.identity().subject(),
                                           static_cast<std::int64_t>(kind),
                                           method,
                                           std::string(purpose_id),
                                           reference_value,
                                           fields,
                                           call.trace().trace_id,
                                           micros};
    RETURN_IF_ERROR(tx.Chain(AccessLog(), resident_id, entry, values));
  }
  if (seen.size() == 1) tx.AnswerIsAbout(seen.front().resident);
  return absl::OkStatus();
}

chain::Log const& AccessLog() {
  static chain::Log const log{"access", &kLogLinks, &kLogRows};
  return log;
}

absl::StatusOr<v1::Resident> Show(WriteTransaction& tx, v1::Purpose const& purpose, std::string_view case_reference,
                                  v1::Resident person) {
  v1::Resident* const one[] = {&person};
  RETURN_IF_ERROR(ShowAll(tx, purpose, case_reference, one));
  return person;
}

absl::Status ShowAll(WriteTransaction& tx, v1::Purpose const& purpose, std::string_view case_reference,
                     std::span<v1::Resident* const> people) {
  std::vector<Seen> seen;
  for (auto* person : people) {
    KeepCovered(purpose, *person);
    seen.push_back({person->name(), FieldsOf(*person)});
  }
  return LogAccess(tx, v1::ACCESS_KIND_READ, purpose.name(), case_reference, seen);
}

absl::Status AppendUpdated(WriteTransaction& tx, v1::Resident const& person, std::vector<std::string> const& fields) {
  // Who follows the events of a protected person could tell where the person moves.
  if (IsProtected(person, tx.call().Today())) return absl::OkStatus();
  v1::ResidentUpdated event;
  event.set_resident(person.name());
  for (auto const& field : fields) event.add_fields(field);
  return tx.Append(event, person.name());
}

}  // namespace helhed::residents
