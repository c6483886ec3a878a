#include "services/residents/testing/people.h"

#include <gmock/gmock.h>

#include "helhed/residents/v1/democracy_service.pb.h"

// Who people are and who may see them: P1, P2, P3, P5 and P11 of domain.md.
namespace helhed::residents::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

// A made-up number of somebody born on 17 May 2050 that fails modulus 11.
constexpr char const* kNumber = "170550-5001";

class ResidentTest : public PeopleTest {};
HELHED_BOTH_ENGINES(ResidentTest);

TEST_P(ResidentTest, IsWhatWasEntered) {
  auto request = Entry("Anna", kHouseholdA, kNumber, "");
  auto& given = *request.mutable_resident();
  given.set_preferred_name("Ann");
  given.add_languages("so");
  given.add_languages("da");
  for (auto const* value : {"+4520304050", "+4520304051"}) {
    auto& point = *given.add_contact_points();
    point.set_kind(v1::CONTACT_POINT_KIND_MOBILE);
    point.set_value(value);
  }
  auto const created = Call<v1::Resident>("PeopleService/CreateResident", request);
  ASSERT_THAT(created, IsOk());
  auto const read = Get(created->name());
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, EqualsProto(*created));
  EXPECT_EQ(read->cpr_number(), "");
  EXPECT_EQ(read->cpr_number_masked(), "170550-****");
  EXPECT_EQ(ToCivil(read->birth_date()), absl::CivilDay(2050, 5, 17));
  EXPECT_THAT(read->languages(), ElementsAre("so", "da"));
  EXPECT_EQ(read->contact_points(1).value(), "+4520304051");
  EXPECT_EQ(LastEvent<v1::ResidentCreated>(created->name()).resident(), created->name());
  EXPECT_THAT(MembersOf("organisations/9001/departments/001"), ElementsAre(created->name()));
}

// P11
TEST_P(ResidentTest, ControllerAndProcessorAreRecorded) {
  auto const of = [&](std::string const& controller, std::string const& processor = "") {
    auto request = Entry("Anna", "");
    request.mutable_resident()->mutable_responsibility()->set_controller(controller);
    request.mutable_resident()->mutable_responsibility()->set_processor(processor);
    auto const created = Call<v1::Resident>("PeopleService/CreateResident", request);
    EXPECT_THAT(created, IsOk());
    return Get(created->name())->responsibility();
  };
  EXPECT_EQ(of("organisations/9001").controller(), "organisations/9001");
  EXPECT_EQ(of("organisations/9001").processor(), "") << "it administers itself";
  v1::CreateAdministrationRequest administration;
  administration.set_parent("organisations/9001");
  administration.mutable_administration()->set_administrator("organisations/9002");
  *administration.mutable_administration()->mutable_period() = Range("2120-01-01");
  ASSERT_THAT(Call<v1::Administration>("CreateAdministration", administration), IsOk());
  EXPECT_EQ(of("organisations/9001").processor(), "organisations/9002");
  EXPECT_EQ(of("municipalities/0101", "organisations/9001").processor(), "organisations/9001");
  auto none = Entry("Anna", "");
  none.mutable_resident()->clear_responsibility();
  EXPECT_THAT(Refused<v1::Resident>("PeopleService/CreateResident", none, kInvalid, "BAD_REQUEST").fields,
              Contains("resident.responsibility"));
  none = Entry("Anna", "");
  none.mutable_resident()->mutable_responsibility()->set_controller("organisations/9009");
  Refused<v1::Resident>("PeopleService/CreateResident", none, kAbsent, "RESOURCE_NOT_FOUND");
  none.mutable_resident()->mutable_responsibility()->set_controller("plans/amager");
  Refused<v1::Resident>("PeopleService/CreateResident", none, kInvalid, "BAD_REQUEST");
}

TEST_P(ResidentTest, WhatCannotBeIsRefusedWithEveryFault) {
  auto request = Entry("Anna", kHouseholdA, "310290-1234", "");
  request.mutable_resident()->add_languages("Dansk");
  auto refusal = Refused<v1::Resident>("PeopleService/CreateResident", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refusal.fields, Contains("resident.languages[0]"));
  request.mutable_resident()->clear_languages();
  *request.mutable_membership()->mutable_period() = Range("2125-01-01");
  request.mutable_membership()->mutable_period()->mutable_start_date()->set_day(0);
  refusal = Refused<v1::Resident>("PeopleService/CreateResident", request, kInvalid, "BAD_REQUEST");
  request = Entry("Anna", kHouseholdA, "310290-1234", "");
  auto& point = *request.mutable_resident()->add_contact_points();
  point.set_kind(v1::CONTACT_POINT_KIND_EMAIL);
  point.set_value("nobody");
  refusal = Refused<v1::Resident>("PeopleService/CreateResident", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refusal.fields, UnorderedElementsAre("resident.cpr_number", "resident.contact_points[0].value"));
  request = Entry("Anna", kHouseholdA, "", "");
  EXPECT_THAT(Refused<v1::Resident>("PeopleService/CreateResident", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("resident.birth_date"));
  request = Entry("Anna");
  *request.mutable_resident()->mutable_birth_date() = Date("2126-03-02");
  Refused<v1::Resident>("PeopleService/CreateResident", request, kInvalid, "BAD_REQUEST");
  request = Entry("Anna", "organisations/9001/households/none");
  Refused<v1::Resident>("PeopleService/CreateResident", request, kAbsent, "RESOURCE_NOT_FOUND");
  request = Entry("Anna");
  *request.mutable_membership()->mutable_period() = Range("2119-12-31");
  Refused<v1::Resident>("PeopleService/CreateResident", request, kPrecondition, "HOUSEHOLD_NOT_THERE");
}

// P1: no purpose, no data; and every reading is in the log with who, when, why and which fields.
TEST_P(ResidentTest, EveryReadingNamesAConfiguredPurposeAndIsLogged) {
  auto const anna = Person("Anna");
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna, ""), kInvalid, "BAD_REQUEST");
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna, "purposes/curiosity"), kPrecondition,
                        "PURPOSE_NOT_CONFIGURED");
  auto const before = LogOf(anna).size();
  auto request = Getting(anna);
  request.set_case_reference("S-2126/17");
  ASSERT_THAT(Call<v1::Resident>("PeopleService/GetResident", request, As({{"operator", ""}}, "bo")), IsOk());
  auto const log = LogOf(anna);
  ASSERT_EQ(log.size(), before + 1);
  EXPECT_EQ(log.back().subject(), "bo");
  EXPECT_EQ(log.back().kind(), v1::ACCESS_KIND_READ);
  EXPECT_EQ(log.back().method(), "/helhed.residents.v1.PeopleService/GetResident");
  EXPECT_EQ(log.back().purpose(), "purposes/register");
  EXPECT_EQ(log.back().case_reference(), "S-2126/17");
  EXPECT_EQ(log.back().fields(), "given_name,family_name,birth_date");
  EXPECT_EQ(log.back().create_time().seconds(), absl::ToUnixSeconds(clock().Now()));
  request.set_case_reference("170550-5001");
  Refused<v1::Resident>("PeopleService/GetResident", request, kInvalid, "BAD_REQUEST");
}

TEST_P(ResidentTest, EveryMethodThatShowsPeopleIsLogged) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  auto const logged = [&](std::string_view method) {
    auto const log = LogOf(anna);
    return !log.empty() && log.back().method().ends_with(method) && log.back().kind() == v1::ACCESS_KIND_READ;
  };
  EXPECT_THAT(MembersOf(std::string(kHouseholdA)), ElementsAre(anna));
  EXPECT_TRUE(logged("/ListResidents"));
  v1::BatchGetResidentsRequest batch;
  batch.add_names(anna);
  batch.set_purpose("purposes/register");
  ASSERT_THAT(Call<v1::BatchGetResidentsResponse>("PeopleService/BatchGetResidents", batch), IsOk());
  EXPECT_TRUE(logged("/BatchGetResidents"));
  v1::SearchResidentsRequest search;
  search.set_organisation("organisations/9001");
  search.set_family_name("lun");
  search.set_purpose("purposes/register");
  auto const found = Call<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->residents_size(), 1);
  EXPECT_TRUE(logged("/SearchResidents"));
  v1::LookupResidentRequest lookup;
  lookup.set_cpr_number(kNumber);
  lookup.set_purpose("purposes/register");
  ASSERT_THAT(Call<v1::Resident>("PeopleService/LookupResident", lookup), IsOk());
  EXPECT_TRUE(logged("/LookupResident"));
  v1::RevealCprNumberRequest reveal;
  reveal.set_name(anna);
  reveal.set_purpose("purposes/register");
  ASSERT_THAT(Call<v1::RevealCprNumberResponse>("PeopleService/RevealCprNumber", reveal), IsOk());
  EXPECT_TRUE(logged("/RevealCprNumber"));
  EXPECT_EQ(LogOf(anna).back().fields(), "cpr_number");
  v1::ListMembershipsRequest memberships;
  memberships.set_parent(anna);
  memberships.set_purpose("purposes/register");
  ASSERT_THAT(Call<v1::ListMembershipsResponse>("PeopleService/ListMemberships", memberships), IsOk());
  EXPECT_TRUE(logged("/ListMemberships"));
}

TEST_P(ResidentTest, APurposeGivesItsFieldsOnly) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  auto const seen = Get(anna, "purposes/advice");
  ASSERT_THAT(seen, IsOk());
  EXPECT_EQ(seen->given_name(), "Anna");
  EXPECT_FALSE(seen->has_birth_date());
  EXPECT_EQ(seen->cpr_number_masked(), "");
  EXPECT_EQ(LogOf(anna).back().fields(), "given_name,family_name");
  v1::RevealCprNumberRequest reveal;
  reveal.set_name(anna);
  reveal.set_purpose("purposes/advice");
  Refused<v1::RevealCprNumberResponse>("PeopleService/RevealCprNumber", reveal, kDenied, "PURPOSE_DOES_NOT_COVER");
  auto entry = Entry("Bo");
  entry.set_purpose("purposes/advice");
  EXPECT_EQ(Refused<v1::Resident>("PeopleService/CreateResident", entry, kDenied, "PURPOSE_DOES_NOT_COVER").metadata["fields"],
            "birth_date");
  // Nor does the answer show more than the purpose does, whatever was entered.
  Purpose("numbers", v1::LEGAL_BASIS_PUBLIC_TASK, "given_name,family_name,cpr_number,birth_date");
  entry = Entry("Carl", kHouseholdA, "170550-5003", "");
  entry.set_purpose("purposes/numbers");
  auto const entered = Call<v1::Resident>("PeopleService/CreateResident", entry);
  ASSERT_THAT(entered, IsOk());
  EXPECT_EQ(entered->cpr_number_masked(), "");
  // Nor is anybody found by what the purpose does not show.
  v1::SearchResidentsRequest search;
  search.set_organisation("organisations/9001");
  search.set_given_name("Anna");
  search.set_purpose("purposes/advice");
  EXPECT_EQ(Call<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search)->residents_size(), 1);
  *search.mutable_birth_date() = Date("2050-05-17");
  EXPECT_EQ(Refused<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search, kDenied, "PURPOSE_DOES_NOT_COVER")
                .metadata["fields"],
            "birth_date");
  v1::LookupResidentRequest lookup;
  lookup.set_cpr_number(kNumber);
  lookup.set_purpose("purposes/advice");
  Refused<v1::Resident>("PeopleService/LookupResident", lookup, kDenied, "PURPOSE_DOES_NOT_COVER");
  v1::UpdateResidentRequest update;
  update.mutable_resident()->set_name(anna);
  *update.mutable_resident()->mutable_birth_date() = Date("2050-05-17");
  update.mutable_resident()->set_cpr_number("170550-5002");
  update.set_purpose("purposes/advice");
  Refused<v1::Resident>("PeopleService/UpdateResident", update, kDenied, "PURPOSE_DOES_NOT_COVER");
}

// P2
TEST_P(ResidentTest, ACprNumberIsSealedMaskedAndFoundByItsKeyedHash) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  EXPECT_THAT(TablesThatHold("1705505001"), IsEmpty());
  EXPECT_THAT(TablesThatHold("170550-5001"), IsEmpty());
  EXPECT_THAT(LogText(), Not(HasSubstr("5001")));
  v1::RevealCprNumberRequest reveal;
  reveal.set_name(anna);
  reveal.set_purpose("purposes/register");
  auto const shown = Call<v1::RevealCprNumberResponse>("PeopleService/RevealCprNumber", reveal);
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(shown->cpr_number(), kNumber);
  v1::LookupResidentRequest lookup;
  lookup.set_purpose("purposes/register");
  lookup.set_cpr_number("1705505001");
  auto const found = Call<v1::Resident>("PeopleService/LookupResident", lookup);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->name(), anna);
  EXPECT_EQ(found->cpr_number_masked(), "170550-****");
  EXPECT_EQ(found->cpr_number(), "");
  lookup.set_cpr_number("1705505002");
  Refused<v1::Resident>("PeopleService/LookupResident", lookup, kAbsent, "RESOURCE_NOT_FOUND");
  lookup.set_cpr_number("3104505002");
  EXPECT_THAT(Refused<v1::Resident>("PeopleService/LookupResident", lookup, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("cpr_number"));
}

TEST_P(ResidentTest, ACprNumberBelongsToOnePerson) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  auto const taken =
      Refused<v1::Resident>("PeopleService/CreateResident", Entry("Bo", kHouseholdB, kNumber, ""), kExists, "CPR_NUMBER_TAKEN");
  EXPECT_THAT(taken.metadata, IsEmpty()) << "it is not said who has it";
  v1::UpdateResidentRequest update;
  update.mutable_resident()->set_name(anna);
  update.mutable_update_mask()->add_paths("cpr_number");
  update.set_purpose("purposes/register");
  auto const removed = Call<v1::Resident>("PeopleService/UpdateResident", update);
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->cpr_number_masked(), "");
  EXPECT_EQ(ToCivil(removed->birth_date()), absl::CivilDay(2050, 5, 17));
  Person("Bo", kHouseholdB, kNumber);
}

TEST_P(ResidentTest, KeysRotate) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  auto const reveal = [&] {
    v1::RevealCprNumberRequest request;
    request.set_name(anna);
    request.set_purpose("purposes/register");
    auto const shown = Call<v1::RevealCprNumberResponse>("PeopleService/RevealCprNumber", request);
    EXPECT_THAT(shown, IsOk());
    return shown.ok() ? shown->cpr_number() : "";
  };
  Restart(std::string(kNewDataKey) + std::string(kDataKey));
  EXPECT_EQ(reveal(), kNumber);
  Refused<v1::Resident>("PeopleService/CreateResident", Entry("Bo", kHouseholdB, kNumber, ""), kExists, "CPR_NUMBER_TAKEN");
  EXPECT_EQ(Count("SELECT count(*) AS n FROM cpr_lookups WHERE key_id = 'old'"), 1);
  RunJob("rotate-cpr-numbers");
  EXPECT_EQ(Count("SELECT count(*) AS n FROM cpr_lookups WHERE key_id = 'old'"), 0);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM resident_cpr_numbers WHERE key_id = 'new'"), 1);
  Restart(std::string(kNewDataKey));
  EXPECT_EQ(reveal(), kNumber);
  Refused<v1::Resident>("PeopleService/CreateResident", Entry("Bo", kHouseholdB, kNumber, ""), kExists, "CPR_NUMBER_TAKEN");
}

// P3
TEST_P(ResidentTest, ANumberThatFailsModulus11IsTaken) {
  for (auto const* number : {"010150-5000", "010150-5001", "010150-5002", "010150-5003"}) {
    auto const created = Call<v1::Resident>("PeopleService/CreateResident", Entry("Anna", kHouseholdA, number, ""));
    ASSERT_THAT(created, IsOk()) << number;
    EXPECT_EQ(ToCivil(created->birth_date()), absl::CivilDay(2050, 1, 1));
  }
}

TEST_P(ResidentTest, IsRectified) {
  auto const anna = Person("Anna");
  v1::UpdateResidentRequest update;
  update.set_purpose("purposes/register");
  update.mutable_resident()->set_name(anna);
  update.mutable_resident()->set_given_name("Åse");
  update.mutable_resident()->add_languages("da");
  auto const updated = Call<v1::Resident>("PeopleService/UpdateResident", update);
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->given_name(), "Åse");
  EXPECT_EQ(updated->family_name(), "Lund");
  EXPECT_THAT(*Get(anna), EqualsProto(*updated));
  EXPECT_THAT(LastEvent<v1::ResidentUpdated>(anna).fields(), ElementsAre("given_name", "languages"));
  auto const log = LogOf(anna);
  auto const changed = std::find_if(log.rbegin(), log.rend(), [](auto const& e) { return e.kind() == v1::ACCESS_KIND_CHANGED; });
  ASSERT_NE(changed, log.rend());
  EXPECT_EQ(changed->fields(), "given_name,languages");
  v1::SearchResidentsRequest search;
  search.set_organisation("organisations/9001");
  search.set_given_name("ÅS");
  search.set_purpose("purposes/register");
  EXPECT_EQ(Call<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search)->residents_size(), 1);
  update.mutable_resident()->set_etag("W/\"x\"");
  Refused<v1::Resident>("PeopleService/UpdateResident", update, absl::StatusCode::kAborted, "ETAG_MISMATCH");
}

TEST_P(ResidentTest, TheBirthDateStaysThatOfTheNumber) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  v1::UpdateResidentRequest update;
  update.set_purpose("purposes/register");
  update.mutable_resident()->set_name(anna);
  *update.mutable_resident()->mutable_birth_date() = Date("2050-05-18");
  EXPECT_THAT(Refused<v1::Resident>("PeopleService/UpdateResident", update, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("resident.birth_date"));
  update.mutable_resident()->set_cpr_number("180550-5001");
  ASSERT_THAT(Call<v1::Resident>("PeopleService/UpdateResident", update), IsOk());
  EXPECT_EQ(Get(anna)->cpr_number_masked(), "180550-****");
}

TEST_P(ResidentTest, AGrantCoversThoseWhoLiveWithinIt) {
  auto const anna = Person("Anna", kHouseholdA);
  auto const bo = Person("Bo", kHouseholdB);
  auto const former = Person("Carl", "");
  auto const department = As("housing-organisation", "organisations/9001/departments/001");
  auto const organisation = As("housing-organisation", "organisations/9001");
  auto const other = As("housing-organisation", "organisations/9002");
  EXPECT_THAT(Get(anna, "purposes/register", department), IsOk());
  EXPECT_THAT(Get(bo, "purposes/register", organisation), IsOk());
  EXPECT_THAT(Get(former, "purposes/register", organisation), IsOk()) << "the controller's own";
  for (auto const& [resident, identity] :
       {std::pair(bo, department), std::pair(former, department), std::pair(anna, other), std::pair(former, other)}) {
    Refused<v1::Resident>("PeopleService/GetResident", Getting(resident), kAbsent, "RESOURCE_NOT_FOUND", identity);
  }
  EXPECT_THAT(MembersOf("organisations/9001/departments/001", department), ElementsAre(anna));
  v1::ListResidentsRequest list;
  list.set_purpose("purposes/register");
  list.set_department("organisations/9001/departments/002");
  Refused<v1::ListResidentsResponse>("PeopleService/ListResidents", list, kAbsent, "RESOURCE_NOT_FOUND", department);
  v1::BatchGetResidentsRequest batch;
  batch.set_purpose("purposes/register");
  for (auto const& name : {bo, anna, former}) batch.add_names(name);
  auto const seen = Call<v1::BatchGetResidentsResponse>("PeopleService/BatchGetResidents", batch, department);
  ASSERT_THAT(seen, IsOk());
  EXPECT_EQ(seen->residents_size(), 1);
  v1::SearchResidentsRequest search;
  search.set_organisation("organisations/9001");
  search.set_family_name("Lund");
  search.set_purpose("purposes/register");
  auto const found = Call<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search, department);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->residents_size(), 1);
  Refused<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search, kAbsent, "RESOURCE_NOT_FOUND", other);
  Refused<v1::Resident>("PeopleService/CreateResident", Entry("Dorte", kHouseholdB), kAbsent, "RESOURCE_NOT_FOUND", department);
  Refused<v1::Resident>("PeopleService/CreateResident", Entry("Dorte", ""), kAbsent, "RESOURCE_NOT_FOUND", department);
}

TEST_P(ResidentTest, NobodyTakesAPersonIntoAHouseholdFromOutOfReach) {
  auto const anna = Person("Anna", kHouseholdA);
  v1::CreateMembershipRequest request;
  request.set_parent(anna);
  request.set_purpose("purposes/register");
  request.mutable_membership()->set_household(std::string(kHouseholdC));
  request.mutable_membership()->set_kind(v1::MEMBERSHIP_KIND_UNREGISTERED);
  *request.mutable_membership()->mutable_period() = Range("2126-01-01");
  for (auto const* scope : {"organisations/9001", "organisations/9002"}) {
    Refused<v1::HouseholdMembership>("PeopleService/CreateMembership", request, kAbsent, "RESOURCE_NOT_FOUND",
                                     As("housing-organisation", scope));
  }
  auto const both = As({{"housing-organisation", "organisations/9001"}, {"housing-organisation", "organisations/9002"}});
  EXPECT_THAT(Call<v1::HouseholdMembership>("PeopleService/CreateMembership", request, both), IsOk());
}

TEST_P(ResidentTest, MembershipsFollowTheirRulesAndTheHousehold) {
  auto const anna = Person("Anna", kHouseholdA);
  v1::CreateMembershipRequest request;
  request.set_parent(anna);
  request.set_purpose("purposes/register");
  request.mutable_membership()->set_household(std::string(kHouseholdB));
  request.mutable_membership()->set_kind(v1::MEMBERSHIP_KIND_REGISTERED);
  *request.mutable_membership()->mutable_period() = Range("2126-02-01");
  Refused<v1::HouseholdMembership>("PeopleService/CreateMembership", request, kPrecondition, "PERIODS_OVERLAP");
  v1::ListMembershipsRequest list;
  list.set_parent(anna);
  list.set_purpose("purposes/register");
  auto const first = Call<v1::ListMembershipsResponse>("PeopleService/ListMemberships", list)->memberships(0);
  v1::UpdateMembershipRequest update;
  update.set_purpose("purposes/register");
  *update.mutable_membership() = first;
  *update.mutable_membership()->mutable_period()->mutable_end_date() = Date("2126-02-01");
  update.mutable_update_mask()->add_paths("period");
  ASSERT_THAT(Call<v1::HouseholdMembership>("PeopleService/UpdateMembership", update), IsOk());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM residents WHERE moved_out_date = '2126-02-01'"), 1);
  ASSERT_THAT(Call<v1::HouseholdMembership>("PeopleService/CreateMembership", request), IsOk());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM residents WHERE moved_out_date IS NULL"), 1);
  EXPECT_THAT(MembersOf("organisations/9001/departments/001"), IsEmpty());
  EXPECT_THAT(MembersOf("organisations/9001/departments/002"), ElementsAre(anna));

  v1::UpdateHouseholdRequest household;
  household.mutable_household()->set_name(std::string(kHouseholdB));
  *household.mutable_household()->mutable_occupation() = Range("2120-01-01", "2126-02-01");
  Refused<v1::Household>("UpdateHousehold", household, kPrecondition, "HOUSEHOLD_NOT_THERE");
  *household.mutable_household()->mutable_occupation() = Range("2120-01-01", "2126-03-01");
  ASSERT_THAT(Call<v1::Household>("UpdateHousehold", household), IsOk());
  EXPECT_EQ(Count("SELECT count(*) AS n FROM residents WHERE moved_out_date = '2126-03-01'"), 1);
  EXPECT_THAT(MembersOf("organisations/9001/departments/002"), IsEmpty());
}

// Who is counted is read from where people are searched for, which must follow what is entered and put right.
TEST_P(ResidentTest, IsCountedAsAVoterByTheBirthDateThatWasPutRight) {
  auto const anna = Person("Anna");
  auto const voters = [&] {
    v1::CountEligibleVotesRequest request;
    request.set_parent("organisations/9001/departments/001");
    auto const counted = Call<v1::CountEligibleVotesResponse>("ResidentDemocracyService/CountEligibleVotes", request);
    EXPECT_THAT(counted, IsOk());
    return counted.ok() ? counted->voter_count() : -1;
  };
  EXPECT_EQ(voters(), 1);
  v1::UpdateResidentRequest update;
  update.mutable_resident()->set_name(anna);
  *update.mutable_resident()->mutable_birth_date() = Date("2108-03-02");
  update.set_purpose("purposes/register");
  ASSERT_THAT(Call<v1::Resident>("PeopleService/UpdateResident", update), IsOk());
  EXPECT_EQ(voters(), 0) << "of age tomorrow";
  *update.mutable_resident()->mutable_birth_date() = Date("2108-03-01");
  ASSERT_THAT(Call<v1::Resident>("PeopleService/UpdateResident", update), IsOk());
  EXPECT_EQ(voters(), 1);
  ASSERT_THAT(Erase(anna), IsOk());
  EXPECT_EQ(voters(), 0);
}

// P1: what a call about a household does to its members is in their logs, and the others learn of it.
TEST_P(ResidentTest, WhoMovesOutWithAHouseholdFindsThatInTheLog) {
  auto const anna = Person("Anna", kHouseholdA);
  auto const hidden = Person("Bo", kHouseholdA);
  auto const elsewhere = Person("Carl", kHouseholdB);
  Protect(hidden);
  auto const log_before = LogOf(elsewhere).size();
  v1::UpdateHouseholdRequest request;
  request.mutable_household()->set_name(std::string(kHouseholdA));
  *request.mutable_household()->mutable_occupation() = Range("2120-01-01", "2126-03-01");
  ASSERT_THAT(Call<v1::Household>("UpdateHousehold", request, As({{"operator", ""}}, "bo")), IsOk());
  for (auto const& resident : {anna, hidden}) {
    auto const last = LogOf(resident).back();
    EXPECT_EQ(last.kind(), v1::ACCESS_KIND_CHANGED);
    EXPECT_EQ(last.subject(), "bo");
    EXPECT_EQ(last.purpose(), "purposes/household");
    EXPECT_EQ(last.fields(), "memberships");
    EXPECT_TRUE(last.method().ends_with("/UpdateHousehold")) << last.method();
  }
  EXPECT_EQ(LogOf(elsewhere).size(), log_before);
  std::vector<std::string> updated;
  for (auto const& event : Events()) {
    if (event.type() == v1::ResidentUpdated::descriptor()->full_name()) updated.push_back(event.subject());
  }
  EXPECT_THAT(updated, ElementsAre(anna)) << "of who is protected nobody learns it";
}

// P5: a protected person is in no list, search, batch or feed, whoever asks.
TEST_P(ResidentTest, AProtectedPersonIsAbsentEverywhere) {
  auto const anna = Person("Anna", kHouseholdA, kNumber);
  auto const bo = Person("Bo", kHouseholdA);
  Guardian(bo, anna);
  auto const events_before = Events().size();
  Protect(anna);
  EXPECT_EQ(LastEvent<v1::ResidentProtectionChanged>(anna).resident(), anna);
  EXPECT_THAT(MembersOf("organisations/9001/departments/001"), ElementsAre(bo));
  EXPECT_THAT(MembersOf(std::string(kHouseholdA)), ElementsAre(bo));
  v1::SearchResidentsRequest search;
  search.set_organisation("organisations/9001");
  search.set_family_name("Lund");
  search.set_purpose("purposes/register");
  EXPECT_EQ(Call<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search)->residents_size(), 1);
  v1::BatchGetResidentsRequest batch;
  batch.add_names(anna);
  batch.add_names(bo);
  batch.set_purpose("purposes/register");
  EXPECT_EQ(Call<v1::BatchGetResidentsResponse>("PeopleService/BatchGetResidents", batch)->residents_size(), 1);
  v1::ListGuardianshipsRequest guardianships;
  guardianships.set_parent(bo);
  guardianships.set_purpose("purposes/register");
  EXPECT_EQ(Call<v1::ListGuardianshipsResponse>("PeopleService/ListGuardianships", guardianships)->guardianships_size(), 0);
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna), kDenied, "RESIDENT_PROTECTED");
  v1::LookupResidentRequest lookup;
  lookup.set_cpr_number(kNumber);
  lookup.set_purpose("purposes/register");
  Refused<v1::Resident>("PeopleService/LookupResident", lookup, kDenied, "RESIDENT_PROTECTED");
  Refused<v1::Resident>("PeopleService/LookupResident", lookup, kAbsent, "RESOURCE_NOT_FOUND",
                        As("housing-organisation", "organisations/9002"));
  // Nor can anybody tell from the feed where the person moves: this moves nothing but the person's own events.
  Rule("register", "2020-01-01", 15, 0, 24);
  v1::CreateProtectedAccessRequest open;
  open.set_parent(anna);
  open.set_purpose("purposes/register");
  open.mutable_protected_access()->set_justification("moves into another dwelling");
  ASSERT_THAT(Call<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", open), IsOk());
  v1::CreateMembershipRequest move;
  move.set_parent(anna);
  move.set_purpose("purposes/register");
  move.mutable_membership()->set_household(std::string(kHouseholdB));
  move.mutable_membership()->set_kind(v1::MEMBERSHIP_KIND_UNREGISTERED);
  *move.mutable_membership()->mutable_period() = Range("2126-01-01");
  ASSERT_THAT(Call<v1::HouseholdMembership>("PeopleService/CreateMembership", move), IsOk());
  EXPECT_EQ(Events().size(), events_before + 2) << "the protection and the opening, not the move";
  EXPECT_THAT(MembersOf("organisations/9001/departments/002"), IsEmpty()) << "not even for who has opened the person";
  EXPECT_EQ(Call<v1::BatchGetResidentsResponse>("PeopleService/BatchGetResidents", batch)->residents_size(), 1);
  EXPECT_EQ(Call<v1::SearchResidentsResponse>("PeopleService/SearchResidents", search)->residents_size(), 1);
  EXPECT_EQ(Call<v1::ListGuardianshipsResponse>("PeopleService/ListGuardianships", guardianships)->guardianships_size(), 0);
  EXPECT_THAT(Get(anna), IsOk()) << "alone and with a purpose, as it was opened";
}

TEST_P(ResidentTest, ProtectionHasAPeriod) {
  auto const anna = Person("Anna");
  v1::ProtectResidentRequest request;
  request.set_name(anna);
  request.set_purpose("purposes/register");
  *request.mutable_period() = Range("2126-01-01");
  EXPECT_THAT(Refused<v1::Resident>("PeopleService/ProtectResident", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("period.end_date"));
  *request.mutable_period() = Range("2125-01-01", "2126-03-01");
  Refused<v1::Resident>("PeopleService/ProtectResident", request, kInvalid, "BAD_REQUEST");
  Protect(anna, "2126-01-01", "2126-03-15");
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna), kDenied, "RESIDENT_PROTECTED");
  clock().Advance(absl::Hours(24 * 14));
  EXPECT_THAT(Get(anna, "purposes/register", As("operator", "")), IsOk()) << "it lapses by itself";
  Protect(anna, "2126-03-01", "2126-12-01");
  v1::UnprotectResidentRequest end;
  end.set_name(anna);
  end.set_purpose("purposes/register");
  auto const ended = Call<v1::Resident>("PeopleService/UnprotectResident", end, As("operator", ""));
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->given_name(), "") << "who ends it need not see the person";
  EXPECT_THAT(Get(anna, "purposes/register", As("operator", "")), IsOk());
  Refused<v1::Resident>("PeopleService/UnprotectResident", end, kPrecondition, "RESIDENT_NOT_PROTECTED", As("operator", ""));
}

TEST_P(ResidentTest, AProtectedPersonIsOpenedForAReasonAndAWhile) {
  auto const anna = Person("Anna");
  v1::CreateProtectedAccessRequest request;
  request.set_parent(anna);
  request.set_purpose("purposes/advice");
  request.mutable_protected_access()->set_justification("a fire in the stairwell");
  Refused<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", request, kPrecondition, "RESIDENT_NOT_PROTECTED");
  Protect(anna);
  request.mutable_protected_access()->set_justification("because");
  EXPECT_THAT(Refused<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("protected_access.justification"));
  request.mutable_protected_access()->set_justification("a fire in the stairwell");
  auto& expire = *request.mutable_protected_access()->mutable_expire_time();
  expire.set_seconds(absl::ToUnixSeconds(clock().Now() + absl::Hours(25)));
  EXPECT_EQ(
      Refused<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", request, kPrecondition, "PROTECTED_ACCESS_TOO_LONG")
          .metadata["hours_max"],
      "24");
  expire.set_seconds(absl::ToUnixSeconds(clock().Now()));
  Refused<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", request, kInvalid, "BAD_REQUEST");
  request.set_purpose("purposes/register");
  Refused<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", request, kPrecondition, "PURPOSE_WITHOUT_RULE");
  request.set_purpose("purposes/advice");
  expire.set_seconds(absl::ToUnixSeconds(clock().Now() + absl::Hours(2)));
  auto const opened = Call<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", request);
  ASSERT_THAT(opened, IsOk());
  auto const event = LastEvent<v1::ProtectedResidentOpened>(anna);
  EXPECT_EQ(event.subject(), "anna");
  EXPECT_EQ(event.protected_access(), opened->name());
  EXPECT_THAT(Get(anna, "purposes/advice"), IsOk());
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna), kDenied, "RESIDENT_PROTECTED");
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna, "purposes/advice"), kDenied, "RESIDENT_PROTECTED",
                        As({{"operator", ""}}, "bo"));
  clock().Advance(absl::Hours(2));
  Refused<v1::Resident>("PeopleService/GetResident", Getting(anna, "purposes/advice"), kDenied, "RESIDENT_PROTECTED",
                        As("operator", ""));
  v1::ListProtectedAccessesRequest list;
  list.set_parent(anna);
  list.set_purpose("purposes/register");
  auto const listed = Call<v1::ListProtectedAccessesResponse>("PeopleService/ListProtectedAccesses", list, As("operator", ""));
  ASSERT_THAT(listed, IsOk());
  EXPECT_EQ(listed->protected_accesses(0).justification(), "a fire in the stairwell");
}

TEST_P(ResidentTest, GuardiansAreAdultsAndOthers) {
  auto const child = Person("Ida", kHouseholdA, "", "2115-05-17");
  auto const teenager = Person("Jonas", kHouseholdA, "", "2110-05-17");
  auto const mother = Person("Maja");
  v1::CreateGuardianshipRequest request;
  request.set_parent(child);
  request.set_purpose("purposes/register");
  request.mutable_guardianship()->set_kind(v1::GUARDIANSHIP_KIND_PARENT);
  *request.mutable_guardianship()->mutable_period() = Range("2126-01-01");
  for (auto const& unfit : {child, teenager}) {
    request.mutable_guardianship()->set_guardian(unfit);
    Refused<v1::Guardianship>("PeopleService/CreateGuardianship", request, kPrecondition, "GUARDIAN_UNFIT");
  }
  request.mutable_guardianship()->set_guardian("residents/00000000-0000-7000-8000-000000000000");
  Refused<v1::Guardianship>("PeopleService/CreateGuardianship", request, kAbsent, "RESOURCE_NOT_FOUND");
  auto const guardianship = Guardian(child, mother);
  request.set_parent(mother);
  request.mutable_guardianship()->set_guardian(mother);
  Refused<v1::Guardianship>("PeopleService/CreateGuardianship", request, kPrecondition, "GUARDIAN_UNFIT");
  v1::ListGuardianshipsRequest list;
  list.set_parent(mother);
  list.set_as_guardian(true);
  list.set_purpose("purposes/register");
  auto const listed = Call<v1::ListGuardianshipsResponse>("PeopleService/ListGuardianships", list);
  ASSERT_THAT(listed, IsOk());
  EXPECT_EQ(listed->guardianships(0).name(), guardianship);
  v1::UpdateGuardianshipRequest update;
  update.set_purpose("purposes/register");
  update.mutable_guardianship()->set_name(guardianship);
  *update.mutable_guardianship()->mutable_period() = Range("2120-01-01", "2133-05-17");
  EXPECT_THAT(Call<v1::Guardianship>("PeopleService/UpdateGuardianship", update), IsOk());
}

TEST_P(ResidentTest, AnInstallationWithoutKeysKeepsNoNumbers) {
  Restart("");
  Refused<v1::Resident>("PeopleService/CreateResident", Entry("Anna", kHouseholdA, kNumber, ""), kPrecondition,
                        "CPR_NUMBERS_NOT_KEPT");
  Person("Anna");
}

}  // namespace
}  // namespace helhed::residents::testing
