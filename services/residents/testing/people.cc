#include "services/residents/testing/people.h"

#include <absl/strings/str_cat.h>

namespace helhed::residents::testing {

PeopleTest::PeopleTest() {
  for (auto const* id : {"9001", "9002"}) Organisation(id);
  Department("9001", "001");
  Department("9001", "002");
  Department("9002", "001");
  Dwelling("9001", "a", "001", "2100-01-01");
  Dwelling("9001", "b", "002", "2100-01-01");
  Dwelling("9002", "c", "001", "2100-01-01");
  Household("9001", "ha", "a", "2120-01-01");
  Household("9001", "hb", "b", "2120-01-01");
  Household("9002", "hc", "c", "2120-01-01");
  Purpose("register", v1::LEGAL_BASIS_PUBLIC_TASK,
          "given_name,family_name,preferred_name,birth_date,languages,contact_points,cpr_number,cpr_number_masked,"
          "address_protection");
  Purpose("advice", v1::LEGAL_BASIS_CONSENT, "given_name,family_name,languages");
  Rule("advice", "2018-05-25", 15, 12, 24);
  Text("advice", "1", 1);
  Text("advice", "2", 2);
}

v1::Purpose PeopleTest::Purpose(std::string const& id, v1::LegalBasis basis, std::string const& fields) {
  v1::CreatePurposeRequest request;
  request.set_purpose_id(id);
  request.mutable_purpose()->set_display_name(id);
  request.mutable_purpose()->set_legal_basis(basis);
  request.mutable_purpose()->set_fields(fields);
  *request.mutable_purpose()->mutable_period() = Range("2020-01-01");
  auto created = Call<v1::Purpose>("ConsentService/CreatePurpose", request);
  EXPECT_THAT(created, IsOk());
  return created.value_or(v1::Purpose());
}

void PeopleTest::Rule(std::string const& purpose, std::string const& start, int age, int months, int hours, bool written) {
  v1::CreatePurposeRuleRequest request;
  request.set_parent("purposes/" + purpose);
  *request.mutable_start_date() = Date(start);
  request.mutable_rule()->set_own_consent_age_years(age);
  request.mutable_rule()->set_consent_months(months);
  request.mutable_rule()->set_protected_access_hours_max(hours);
  request.mutable_rule()->set_written_consent_required(written);
  EXPECT_THAT(Call<v1::PurposeRule>("ConsentService/CreatePurposeRule", request), IsOk());
}

void PeopleTest::Text(std::string const& purpose, std::string const& id, int version) {
  v1::CreateConsentTextRequest request;
  request.set_parent("purposes/" + purpose);
  request.set_consent_text_id(id);
  request.mutable_consent_text()->set_version(version);
  request.mutable_consent_text()->set_language("da");
  request.mutable_consent_text()->set_body("Må vi bruge dine oplysninger til rådgivning?");
  EXPECT_THAT(Call<v1::ConsentText>("ConsentService/CreateConsentText", request), IsOk());
}

v1::CreateResidentRequest PeopleTest::Entry(std::string const& given_name, std::string_view household,
                                            std::string const& cpr_number, std::string const& birth_date) {
  v1::CreateResidentRequest request;
  request.set_purpose("purposes/register");
  auto& person = *request.mutable_resident();
  person.set_given_name(given_name);
  person.set_family_name("Lund");
  if (!birth_date.empty()) *person.mutable_birth_date() = Date(birth_date);
  person.set_cpr_number(cpr_number);
  person.mutable_responsibility()->set_controller("organisations/9001");
  if (household.empty()) return request;
  request.mutable_membership()->set_household(std::string(household));
  request.mutable_membership()->set_kind(v1::MEMBERSHIP_KIND_REGISTERED);
  *request.mutable_membership()->mutable_period() = Range("2125-01-01");
  return request;
}

std::string PeopleTest::Person(std::string const& given_name, std::string_view household, std::string const& cpr_number,
                               std::string const& birth_date) {
  auto const created = Call<v1::Resident>("PeopleService/CreateResident",
                                          Entry(given_name, household, cpr_number, cpr_number.empty() ? birth_date : ""));
  EXPECT_THAT(created, IsOk());
  return created.ok() ? created->name() : "residents/none";
}

std::string PeopleTest::Guardian(std::string const& ward, std::string const& guardian, std::string const& start,
                                 std::string const& end) {
  v1::CreateGuardianshipRequest request;
  request.set_parent(ward);
  request.set_purpose("purposes/register");
  request.mutable_guardianship()->set_guardian(guardian);
  request.mutable_guardianship()->set_kind(v1::GUARDIANSHIP_KIND_PARENT);
  *request.mutable_guardianship()->mutable_period() = Range(start, end);
  auto const created = Call<v1::Guardianship>("PeopleService/CreateGuardianship", request);
  EXPECT_THAT(created, IsOk());
  return created.ok() ? created->name() : "";
}

void PeopleTest::Protect(std::string const& resident, std::string const& start, std::string const& end) {
  v1::ProtectResidentRequest request;
  request.set_name(resident);
  request.set_purpose("purposes/register");
  *request.mutable_period() = Range(start, end);
  EXPECT_THAT(Call<v1::Resident>("PeopleService/ProtectResident", request), IsOk());
}

std::string PeopleTest::Ask(std::string const& resident, std::string const& text) {
  v1::CreateConsentRequest request;
  request.set_parent(resident);
  request.mutable_consent()->set_purpose("purposes/advice");
  request.mutable_consent()->set_consent_text("purposes/advice/consentTexts/" + text);
  auto const asked = Call<v1::Consent>("ConsentService/CreateConsent", request);
  EXPECT_THAT(asked, IsOk());
  return asked.ok() ? asked->name() : "";
}

v1::Consent PeopleTest::Give(std::string const& consent, std::string const& giver, v1::ConsentForm form) {
  v1::GiveConsentRequest request;
  request.set_name(consent);
  request.set_giver(giver);
  request.set_form(form);
  auto given = Call<v1::Consent>("ConsentService/GiveConsent", request);
  EXPECT_THAT(given, IsOk());
  return given.value_or(v1::Consent());
}

void PeopleTest::Retention(std::string const& id, v1::RetentionSubject subject, int months, std::string const& controller) {
  v1::CreateRetentionPolicyRequest request;
  request.set_retention_policy_id(id);
  auto& policy = *request.mutable_retention_policy();
  policy.set_subject(subject);
  policy.set_months(months);
  policy.set_source("the board's decision");
  policy.set_controller(controller);
  *policy.mutable_period() = Range("2120-01-01");
  EXPECT_THAT(Call<v1::RetentionPolicy>("ErasureService/CreateRetentionPolicy", request), IsOk());
}

v1::GetResidentRequest PeopleTest::Getting(std::string const& resident, std::string const& purpose) {
  v1::GetResidentRequest request;
  request.set_name(resident);
  request.set_purpose(purpose);
  return request;
}

absl::StatusOr<v1::CheckConsentResponse> PeopleTest::Check(std::string const& resident, std::string const& date) {
  v1::CheckConsentRequest request;
  request.set_parent(resident);
  request.set_purpose("purposes/advice");
  if (!date.empty()) *request.mutable_date() = Date(date);
  return Call<v1::CheckConsentResponse>("ConsentService/CheckConsent", request);
}

absl::StatusOr<v1::Erasure> PeopleTest::Erase(std::string const& resident, std::string const& archive_receipt) {
  v1::EraseResidentRequest request;
  request.set_name(resident);
  request.set_ground(v1::ERASURE_GROUND_REQUEST);
  request.set_archive_receipt(archive_receipt);
  request.set_purpose("purposes/register");
  return Call<v1::Erasure>("ErasureService/EraseResident", request);
}

std::vector<std::string> PeopleTest::MembersOf(std::string const& place, std::string identity) {
  v1::ListResidentsRequest request;
  request.set_purpose("purposes/register");
  if (place.find("/departments/") != std::string::npos) request.set_department(place);
  if (place.find("/households/") != std::string::npos) request.set_household(place);
  auto const listed = Call<v1::ListResidentsResponse>("PeopleService/ListResidents", request, std::move(identity));
  EXPECT_THAT(listed, IsOk());
  std::vector<std::string> names;
  if (listed.ok()) {
    for (auto const& person : listed->residents()) names.push_back(person.name());
  }
  return names;
}

std::vector<v1::AccessLogEntry> PeopleTest::LogOf(std::string const& resident) {
  v1::ListAccessLogEntriesRequest request;
  request.set_parent(resident);
  request.set_page_size(1000);
  auto const listed = Call<v1::ListAccessLogEntriesResponse>("AccessLogService/ListAccessLogEntries", request);
  EXPECT_THAT(listed, IsOk());
  if (!listed.ok()) return {};
  return {listed->access_log_entries().begin(), listed->access_log_entries().end()};
}

std::vector<std::string> PeopleTest::TablesThatHold(std::string_view text) {
  std::vector<std::string> found;
  storage::Statement const tables(storage::Statement::Dynamic{
      "test.tables", GetParam() == storage::Engine::kSqlite
                         ? "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
                         : "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"});
  EXPECT_THAT(database().Read({},
                              [&](storage::ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(auto const names, tx.Query(tables, {}));
                                for (std::size_t i = 0; i < names.size(); ++i) {
                                  storage::Statement const all(storage::Statement::Dynamic{
                                      "test.any_" + names.Text(i, 0), "SELECT * FROM \"" + names.Text(i, 0) + "\""});
                                  ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
                                  bool holds = false;
                                  for (std::size_t row = 0; row < rows.size(); ++row) {
                                    for (std::size_t column = 0; column < rows.columns().size(); ++column) {
                                      auto const& value = rows.At(row, column);
                                      std::string content;
                                      if (auto const* string = std::get_if<std::string>(&value)) content = *string;
                                      if (auto const* bytes = std::get_if<std::vector<std::byte>>(&value)) {
                                        content.assign(reinterpret_cast<char const*>(bytes->data()), bytes->size());
                                      }
                                      holds = holds || content.find(text) != std::string::npos;
                                    }
                                  }
                                  if (holds) found.push_back(names.Text(i, 0));
                                }
                                return absl::OkStatus();
                              }),
              IsOk());
  return found;
}

std::int64_t PeopleTest::Count(std::string const& sql) {
  std::int64_t count = -1;
  storage::Statement const statement(storage::Statement::Dynamic{"test." + sql, sql});
  EXPECT_THAT(database().Read({},
                              [&](storage::ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {}));
                                count = rows.Int64(0, 0);
                                return absl::OkStatus();
                              }),
              IsOk());
  return count;
}

void PeopleTest::Tamper(std::string const& sql) {
  storage::Statement const statement(storage::Statement::Dynamic{"test." + sql, sql});
  EXPECT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(statement, {}).status(); }), IsOk());
}

}  // namespace helhed::residents::testing
