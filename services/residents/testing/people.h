#pragma once

#include <string>
#include <vector>

#include "helhed/residents/v1/access_log_service.pb.h"
#include "helhed/residents/v1/consent_service.pb.h"
#include "helhed/residents/v1/erasure_service.pb.h"
#include "helhed/residents/v1/people_service.pb.h"
#include "services/residents/testing/fixture.h"

// The register with two organisations, their departments and households, and what people's data may be used for. Nobody lives
// there yet.
//
//   9001: department 001 with household `ha`, department 002 with household `hb`; 9002: department 001 with household `hc`; all
//   from 2120 on.
//   purposes/register: a public task; every field, the CPR number too. purposes/advice: by consent, from the age of 15, for 12
//   months; names and languages only; protected people for 24 hours at most; text 1 and 2.
namespace helhed::residents::testing {

inline constexpr std::string_view kHouseholdA = "organisations/9001/households/ha";
inline constexpr std::string_view kHouseholdB = "organisations/9001/households/hb";
inline constexpr std::string_view kHouseholdC = "organisations/9002/households/hc";

class PeopleTest : public RegisterTest {
 protected:
  PeopleTest();

  // As RegisterTest's, a moment later each time, so that what is named by its time lies in the order of the calls.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    clock().Advance(absl::Milliseconds(1));
    return RegisterTest::Call<Response>(method, request, std::move(identity));
  }

  // What must succeed.
  v1::Purpose Purpose(std::string const& id, v1::LegalBasis basis, std::string const& fields);
  void Rule(std::string const& purpose, std::string const& start, int age, int months, int hours, bool written = false);
  void Text(std::string const& purpose, std::string const& id, int version);
  // An adult who lives in the household since 2125, or nowhere when that is empty; the name.
  std::string Person(std::string const& given_name, std::string_view household = kHouseholdA, std::string const& cpr_number = "",
                     std::string const& birth_date = "2090-05-17");
  std::string Guardian(std::string const& ward, std::string const& guardian, std::string const& start = "2120-01-01",
                       std::string const& end = "");
  void Protect(std::string const& resident, std::string const& start = "2126-01-01", std::string const& end = "2127-01-01");
  std::string Ask(std::string const& resident, std::string const& text = "1");
  v1::Consent Give(std::string const& consent, std::string const& giver = "", v1::ConsentForm form = v1::CONSENT_FORM_ORAL);
  void Retention(std::string const& id, v1::RetentionSubject subject, int months, std::string const& controller = "");

  static v1::CreateResidentRequest Entry(std::string const& given_name, std::string_view household = kHouseholdA,
                                         std::string const& cpr_number = "", std::string const& birth_date = "2090-05-17");
  static v1::GetResidentRequest Getting(std::string const& resident, std::string const& purpose = "purposes/register");
  absl::StatusOr<v1::Resident> Get(std::string const& resident, std::string const& purpose = "purposes/register",
                                   std::string identity = "") {
    return Call<v1::Resident>("PeopleService/GetResident", Getting(resident, purpose), std::move(identity));
  }
  absl::StatusOr<v1::CheckConsentResponse> Check(std::string const& resident, std::string const& date = "");
  absl::StatusOr<v1::Erasure> Erase(std::string const& resident, std::string const& archive_receipt = "");

  // Who is listed as a member of a department, or of a household.
  std::vector<std::string> MembersOf(std::string const& place, std::string identity = "");
  // The access log of a person, oldest first.
  std::vector<v1::AccessLogEntry> LogOf(std::string const& resident);
  // Whether any cell of any table holds the text.
  std::vector<std::string> TablesThatHold(std::string_view text);
  std::int64_t Count(std::string const& sql);
  void Tamper(std::string const& sql);
};

}  // namespace helhed::residents::testing
