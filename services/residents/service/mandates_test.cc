#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "helhed/residents/v1/democracy_events.pb.h"
#include "helhed/residents/v1/erasure_service.pb.h"
#include "services/residents/testing/democracy.h"

// It is 1 March 2126.
namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MandatesTest : public DemocracyTest {
 protected:
  MandatesTest() {
    Home("a", "001");
    Home("b", "002");
    for (int const number : {1, 2, 3, 4}) Person(number, number == 4 ? "2115-01-01" : "2090-05-05");
    for (int const number : {1, 2, 4}) Member(number, "a", "2120-01-01");
    Member(3, "b", "2120-01-01");
  }

  static v1::CreateMandateRequest Request(std::string const& id, v1::MandateBody body, v1::MandateRole role, int holder,
                                          std::string const& start, std::string const& end = "") {
    v1::CreateMandateRequest request;
    request.set_parent("organisations/9001");
    request.set_mandate_id(id);
    auto& mandate = *request.mutable_mandate();
    mandate.set_body(body);
    mandate.set_role(role);
    mandate.set_holder(Name(holder));
    *mandate.mutable_period() = Range(start, end);
    if (body == v1::MANDATE_BODY_DEPARTMENT_BOARD) mandate.set_department("organisations/9001/departments/001");
    if (body == v1::MANDATE_BODY_HOUSEHOLD) mandate.set_household("organisations/9001/households/a");
    request.set_purpose("purposes/voters-list");
    return request;
  }
  static v1::CreateMandateRequest Chair(std::string const& id, int holder, std::string const& start,
                                        std::string const& end = "") {
    return Request(id, v1::MANDATE_BODY_DEPARTMENT_BOARD, v1::MANDATE_ROLE_CHAIR, holder, start, end);
  }
  static v1::CreateMandateRequest Supreme(std::string const& id, int holder, std::string const& start) {
    return Request(id, v1::MANDATE_BODY_SUPREME_BODY, v1::MANDATE_ROLE_REPRESENTATIVE, holder, start);
  }
  absl::StatusOr<v1::Mandate> Create(v1::CreateMandateRequest const& request, std::string const& identity = "") {
    return Ask<v1::Mandate>("ResidentDemocracyService/CreateMandate", request, identity);
  }
  absl::StatusOr<v1::Mandate> Get(std::string const& id, std::string const& identity = "") {
    v1::GetMandateRequest request;
    request.set_name("organisations/9001/mandates/" + id);
    request.set_purpose("purposes/voters-list");
    return Ask<v1::Mandate>("ResidentDemocracyService/GetMandate", request, identity);
  }
  absl::StatusOr<v1::ListMandatesResponse> TryList(v1::ListMandatesRequest request, std::string const& date,
                                                   std::string const& identity = "") {
    request.set_parent("organisations/9001");
    request.set_purpose("purposes/voters-list");
    *request.mutable_as_of_date() = Date(date);
    return Ask<v1::ListMandatesResponse>("ResidentDemocracyService/ListMandates", request, identity);
  }
  std::vector<std::string> List(v1::ListMandatesRequest const& request, std::string const& date,
                                std::string const& identity = "") {
    auto const response = TryList(request, date, identity);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? Ids(response->mandates()) : std::vector<std::string>();
  }
  std::int64_t Mandates() { return Number("SELECT COUNT(*) AS mandates FROM mandates", {}); }
};
HELHED_BOTH_ENGINES(MandatesTest);

TEST_P(MandatesTest, AreEnteredAndReadWithAPurpose) {
  auto const created = Create(Chair("chair", 1, "2126-01-01", "2128-01-01"));
  ASSERT_THAT(created, IsOk());
  auto const event = LastEvent<v1::MandateChanged>(created->name());
  EXPECT_EQ(event.mandate(), created->name());
  EXPECT_EQ(event.body(), v1::MANDATE_BODY_DEPARTMENT_BOARD);
  EXPECT_EQ(event.department(), "organisations/9001/departments/001");
  EXPECT_THAT(*Get("chair"), EqualsProto(*created));
  EXPECT_EQ(TimesLogged(1), 2);
  EXPECT_THAT(Get("none"), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  v1::GetMandateRequest without;
  without.set_name(created->name());
  EXPECT_THAT(Ask<v1::Mandate>("ResidentDemocracyService/GetMandate", without), StatusIs(kInvalid, "BAD_REQUEST"));
  without.set_purpose("purposes/none");
  EXPECT_THAT(Ask<v1::Mandate>("ResidentDemocracyService/GetMandate", without),
              StatusIs(kPrecondition, "PURPOSE_NOT_CONFIGURED"));
  EXPECT_THAT(Create(Request("speaks", v1::MANDATE_BODY_HOUSEHOLD, v1::MANDATE_ROLE_REPRESENTATIVE, 2, "2126-01-01")), IsOk());
  EXPECT_THAT(Create(Supreme("supreme", 3, "2126-01-01")), IsOk());
  EXPECT_THAT(Create(Chair("chair", 2, "2128-01-01")), StatusIs(kExists, "RESOURCE_EXISTS"));
}

TEST_P(MandatesTest, AreHeldByThoseWhoMayVoteThere) {
  auto const refused = [&](v1::CreateMandateRequest const& request, std::string const& eligibility) {
    auto const status = Create(request).status();
    EXPECT_THAT(status, StatusIs(kPrecondition, "HOLDER_NOT_ELIGIBLE"));
    EXPECT_EQ(MetadataOf(status)["eligibility"], eligibility);
  };
  refused(Chair("x", 3, "2126-01-01"), "NO_MEMBER");
  refused(Chair("x", 4, "2126-01-01"), "UNDER_AGE");
  refused(Chair("x", 1, "2119-01-01"), "NO_MEMBER");
  refused(Request("x", v1::MANDATE_BODY_HOUSEHOLD, v1::MANDATE_ROLE_REPRESENTATIVE, 3, "2126-01-01"), "NO_MEMBER");
  refused(Supreme("x", 4, "2126-01-01"), "UNDER_AGE");
  auto elected = Supreme("x", 3, "2126-01-01");
  elected.mutable_mandate()->set_department("organisations/9001/departments/001");
  refused(elected, "NO_MEMBER");
  EXPECT_THAT(Create(Chair("x", 9, "2126-01-01")), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_EQ(Mandates(), 0);
  EXPECT_EQ(Number("SELECT COUNT(*) AS entries FROM access_log", {}), 0);
  elected.mutable_mandate()->set_department("organisations/9001/departments/002");
  EXPECT_THAT(Create(elected), IsOk());
}

TEST_P(MandatesTest, GoTogether) {
  ASSERT_THAT(Create(Chair("first", 1, "2126-01-01", "2127-01-01")), IsOk());
  auto const overlap = Create(Chair("second", 2, "2126-12-31"));
  EXPECT_THAT(overlap, StatusIs(kPrecondition, "PERIODS_OVERLAP"));
  EXPECT_EQ(MetadataOf(overlap.status()).at("other"), "organisations/9001/mandates/first");
  auto second = Create(Chair("second", 2, "2127-01-01"));
  ASSERT_THAT(second, IsOk());

  v1::UpdateMandateRequest update;
  *update.mutable_mandate() = *second;
  *update.mutable_mandate()->mutable_period() = Range("2126-06-01");
  update.set_purpose("purposes/voters-list");
  auto const send = [&] { return Ask<v1::Mandate>("ResidentDemocracyService/UpdateMandate", update); };
  update.mutable_update_mask()->add_paths("period");
  EXPECT_THAT(send(), StatusIs(kPrecondition, "PERIODS_OVERLAP"));
  *update.mutable_mandate()->mutable_period() = Range("2119-01-01", "2119-06-01");
  EXPECT_THAT(send(), StatusIs(kPrecondition, "HOLDER_NOT_ELIGIBLE"));
  *update.mutable_mandate()->mutable_period() = Range("2127-01-01", "2129-01-01");
  auto const updated = send();
  ASSERT_THAT(updated, IsOk());
  EXPECT_NE(updated->etag(), second->etag());
  EXPECT_THAT(send(), StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"));

  auto wrong = Chair("x", 1, "2126-01-01");
  wrong.mutable_mandate()->set_department("organisations/9002/departments/001");
  wrong.mutable_mandate()->set_role(v1::MANDATE_ROLE_REPRESENTATIVE);
  wrong.mutable_mandate()->set_household("organisations/9001/households/a");
  auto const refused = Create(wrong);
  EXPECT_THAT(refused, StatusIs(kInvalid, "BAD_REQUEST"));
  std::vector<std::string> fields;
  for (auto const& violation : ViolationsOf(refused.status())) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("mandate.role", "mandate.household", "mandate.department"));
}

TEST_P(MandatesTest, AreListedByDateDepartmentAndScope) {
  ASSERT_THAT(Create(Chair("a-chair", 1, "2126-01-01", "2127-01-01")), IsOk());
  ASSERT_THAT(Create(Request("b-member", v1::MANDATE_BODY_DEPARTMENT_BOARD, v1::MANDATE_ROLE_MEMBER, 2, "2126-06-01")), IsOk());
  auto elected = Supreme("c-elected", 3, "2126-01-01");
  elected.mutable_mandate()->set_department("organisations/9001/departments/002");
  ASSERT_THAT(Create(elected), IsOk());
  ASSERT_THAT(Create(Supreme("d-supreme", 1, "2126-01-01")), IsOk());

  EXPECT_THAT(List({}, "2126-03-01"), ElementsAre("a-chair", "c-elected", "d-supreme"));
  EXPECT_THAT(List({}, "2127-01-01"), ElementsAre("b-member", "c-elected", "d-supreme"));
  v1::ListMandatesRequest department;
  department.set_department("organisations/9001/departments/001");
  EXPECT_THAT(List(department, "2126-07-01"), ElementsAre("a-chair", "b-member"));
  v1::ListMandatesRequest filtered;
  filtered.set_filter("body = MANDATE_BODY_SUPREME_BODY");
  EXPECT_THAT(List(filtered, "2126-07-01"), ElementsAre("c-elected", "d-supreme"));
  auto const board = As("housing-organisation", "organisations/9001/departments/002");
  EXPECT_THAT(List({}, "2126-07-01", board), ElementsAre("c-elected"));
  EXPECT_THAT(Get("a-chair", board), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Get("d-supreme", board), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Get("c-elected", board), IsOk());
  EXPECT_THAT(Create(Chair("x", 2, "2127-01-01"), board), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(TryList({}, "2126-07-01", As("housing-organisation", "organisations/9002")),
              StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

// A board ends with its department; whom that elected stays.
TEST_P(MandatesTest, OfABoardEndWithTheDepartment) {
  ASSERT_THAT(Create(Chair("chair", 1, "2126-01-01")), IsOk());
  auto elected = Supreme("elected", 2, "2126-01-01");
  elected.mutable_mandate()->set_department("organisations/9001/departments/001");
  ASSERT_THAT(Create(elected), IsOk());
  Merge("9001", "002", {"001"}, "2126-09-01");
  EXPECT_THAT(List({}, "2126-08-31"), ElementsAre("chair", "elected"));
  EXPECT_THAT(List({}, "2126-09-01"), ElementsAre("elected"));
  EXPECT_THAT(Create(Chair("x", 2, "2126-09-01")), StatusIs(kPrecondition, "DEPARTMENT_MERGED"));
}

// P5.
TEST_P(MandatesTest, OfProtectedPeopleAreInNoList) {
  ASSERT_THAT(Create(Chair("chair", 1, "2126-01-01")), IsOk());
  Protect(1, "2126-02-01", "2127-02-01");
  EXPECT_THAT(List({}, "2126-01-15"), IsEmpty());
  EXPECT_THAT(Get("chair"), StatusIs(absl::StatusCode::kPermissionDenied, "RESIDENT_PROTECTED"));
  EXPECT_EQ(TimesLogged(1), 1);
  Protect(2, "2126-02-01", "2127-02-01");
  EXPECT_THAT(Create(Supreme("x", 2, "2126-01-01")), StatusIs(absl::StatusCode::kPermissionDenied, "RESIDENT_PROTECTED"));
}

// P1: who was seen in a list.
TEST_P(MandatesTest, ThatAreListedAreLogged) {
  ASSERT_THAT(Create(Chair("chair", 1, "2126-01-01")), IsOk());
  ASSERT_THAT(Create(Supreme("supreme", 3, "2126-01-01")), IsOk());
  List({}, "2126-03-01");
  EXPECT_EQ(TimesLogged(1), 2);
  EXPECT_EQ(TimesLogged(3), 2);
  EXPECT_EQ(TimesLogged(2), 0);
}

// P7: whoever is erased holds no mandate.
TEST_P(MandatesTest, AreErasedWithTheirHolder) {
  ASSERT_THAT(Create(Chair("chair", 1, "2126-01-01")), IsOk());
  ASSERT_THAT(Create(Supreme("supreme", 3, "2126-01-01")), IsOk());
  v1::EraseResidentRequest request;
  request.set_name(Name(1));
  request.set_ground(v1::ERASURE_GROUND_REQUEST);
  request.set_purpose("purposes/voters-list");
  ASSERT_THAT(Ask<v1::Erasure>("ErasureService/EraseResident", request), IsOk());
  EXPECT_EQ(Mandates(), 1);
  EXPECT_THAT(Get("chair"), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

}  // namespace
}  // namespace helhed::residents::testing
