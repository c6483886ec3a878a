#include "services/residents/testing/fixture.h"

namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using OrganisationsTest = RegisterTest;
HELHED_BOTH_ENGINES(OrganisationsTest);

v1::CreateAdministrationRequest AdministrationRequest(std::string const& organisation, std::string const& id,
                                                      std::string const& administrator, std::string const& start,
                                                      std::string const& end = "") {
  v1::CreateAdministrationRequest request;
  request.set_parent("organisations/" + organisation);
  request.set_administration_id(id);
  request.mutable_administration()->set_administrator("organisations/" + administrator);
  *request.mutable_administration()->mutable_period() = Range(start, end);
  return request;
}

TEST_P(OrganisationsTest, AreEnteredUnderTheirNumber) {
  v1::CreateOrganisationRequest request;
  request.set_organisation_id("0042");
  request.mutable_organisation()->set_display_name("Hovedstadens almennyttige Boligselskab");
  request.mutable_organisation()->set_cvr_number("64942212");
  auto const created = Call<v1::Organisation>("CreateOrganisation", request);
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->name(), "organisations/0042");
  EXPECT_FALSE(created->etag().empty());

  v1::GetOrganisationRequest get;
  get.set_name("organisations/0042");
  auto const read = Call<v1::Organisation>("GetOrganisation", get);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, EqualsProto(*created));
  EXPECT_THAT(LastEvent<v1::OrganisationCreated>("organisations/0042").organisation(), EqualsProto(*created));

  Refused<v1::Organisation>("CreateOrganisation", request, kExists, "RESOURCE_EXISTS");
  request.mutable_organisation()->set_cvr_number("64942213");
  auto const refused = Refused<v1::Organisation>("CreateOrganisation", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refused.fields, ElementsAre("organisation.cvr_number"));
  get.set_name("organisations/0043");
  Refused<v1::Organisation>("GetOrganisation", get, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(OrganisationsTest, ARepeatedRequestGivesTheFirstAnswer) {
  v1::CreateOrganisationRequest request;
  request.set_organisation_id("0042");
  request.mutable_organisation()->set_display_name("Vibo");
  request.set_request_id("0190b2d4-9f3e-7a10-8000-000000000001");
  auto const first = Call<v1::Organisation>("CreateOrganisation", request);
  auto const second = Call<v1::Organisation>("CreateOrganisation", request);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(*second, EqualsProto(*first));
  EXPECT_EQ(Events().size(), 1U);
  request.mutable_organisation()->set_display_name("fsb");
  Refused<v1::Organisation>("CreateOrganisation", request, kInvalid, "REQUEST_ID_REUSED");
}

TEST_P(OrganisationsTest, AreChangedByMaskAndEtag) {
  auto const created = Organisation("9001");
  v1::UpdateOrganisationRequest request;
  request.mutable_organisation()->set_name("organisations/9001");
  request.mutable_organisation()->set_display_name("Boligforeningen Vibo");
  request.mutable_organisation()->set_cvr_number("24256790");
  request.mutable_organisation()->set_etag(created.etag());
  request.mutable_update_mask()->add_paths("display_name");
  request.set_validate_only(true);
  std::string const before = Content();
  ASSERT_THAT(Call<v1::Organisation>("UpdateOrganisation", request), IsOk());
  EXPECT_EQ(Content(), before);

  request.set_validate_only(false);
  auto const updated = Call<v1::Organisation>("UpdateOrganisation", request);
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->display_name(), "Boligforeningen Vibo");
  EXPECT_EQ(updated->cvr_number(), "");
  EXPECT_NE(updated->etag(), created.etag());
  EXPECT_THAT(LastEvent<v1::OrganisationUpdated>("organisations/9001").organisation(), EqualsProto(*updated));

  Refused<v1::Organisation>("UpdateOrganisation", request, absl::StatusCode::kAborted, "ETAG_MISMATCH");
  request.mutable_organisation()->clear_etag();
  request.mutable_organisation()->set_cvr_number("24256791");
  request.mutable_update_mask()->add_paths("cvr_number");
  Refused<v1::Organisation>("UpdateOrganisation", request, kInvalid, "BAD_REQUEST");
  request.mutable_organisation()->set_name("organisations/9002");
  Refused<v1::Organisation>("UpdateOrganisation", request, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(OrganisationsTest, AreListedAsDanesSort) {
  std::vector<std::string> const names = {"Aarhus", "Ærø",   "Åby", "Abildgård", "Ølstykke", "Øster",
                                          "Zenit",  "Brønd", "aBC", "Aalborg",   "Bo-Vest",  "AAB"};
  int number = 1;
  for (auto const& name : names) Organisation("00" + std::to_string(number / 10) + std::to_string(number % 10), name), ++number;
  v1::ListOrganisationsRequest request;
  request.set_order_by("display_name");
  request.set_page_size(5);
  std::vector<std::string> listed;
  do {
    auto const page = Call<v1::ListOrganisationsResponse>("ListOrganisations", request);
    ASSERT_THAT(page, IsOk());
    for (auto const& organisation : page->organisations()) listed.push_back(organisation.display_name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(listed, ElementsAre("aBC", "Abildgård", "Bo-Vest", "Brønd", "Zenit", "Ærø", "Ølstykke", "Øster", "AAB", "Åby",
                                  "Aalborg", "Aarhus"));
  request.set_filter("display_name = \"Ærø\"");
  auto const found = Call<v1::ListOrganisationsResponse>("ListOrganisations", request);
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(Ids(found->organisations()), ElementsAre("0002"));
}

TEST_P(OrganisationsTest, AreAdministeredOnADate) {
  for (auto const* id : {"9001", "9002", "9003"}) Organisation(id);
  auto const first =
      Call<v1::Administration>("CreateAdministration", AdministrationRequest("9001", "a", "9002", "2020-01-01", "2024-01-01"));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->name(), "organisations/9001/administrations/a");
  EXPECT_THAT(LastEvent<v1::AdministrationChanged>(first->name()).administration(), EqualsProto(*first));
  ASSERT_THAT(Call<v1::Administration>("CreateAdministration", AdministrationRequest("9001", "", "9003", "2024-01-01")), IsOk());

  v1::GetOrganisationRequest get;
  get.set_name("organisations/9001");
  auto const administrator = [&](std::string_view date) {
    *get.mutable_as_of_date() = Date(date);
    return Call<v1::Organisation>("GetOrganisation", get).value_or(v1::Organisation()).administrator();
  };
  EXPECT_EQ(administrator("2019-12-31"), "");
  EXPECT_EQ(administrator("2020-01-01"), "organisations/9002");
  EXPECT_EQ(administrator("2023-12-31"), "organisations/9002");
  EXPECT_EQ(administrator("2024-01-01"), "organisations/9003");
  get.clear_as_of_date();
  EXPECT_EQ(Call<v1::Organisation>("GetOrganisation", get)->administrator(), "organisations/9003");

  v1::ListOrganisationsRequest list;
  *list.mutable_as_of_date() = Date("2021-06-01");
  auto const page = Call<v1::ListOrganisationsResponse>("ListOrganisations", list);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->organisations(0).administrator(), "organisations/9002");
  EXPECT_EQ(page->organisations(1).administrator(), "");

  v1::ListAdministrationsRequest relations;
  relations.set_parent("organisations/9001");
  auto const all = Call<v1::ListAdministrationsResponse>("ListAdministrations", relations);
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(all->administrations_size(), 2);
  relations.set_parent("organisations/9009");
  Refused<v1::ListAdministrationsResponse>("ListAdministrations", relations, kAbsent, "RESOURCE_NOT_FOUND");
  v1::GetAdministrationRequest one;
  one.set_name(first->name());
  EXPECT_THAT(*Call<v1::Administration>("GetAdministration", one), EqualsProto(*first));
  one.set_name("organisations/9001/administrations/b");
  Refused<v1::Administration>("GetAdministration", one, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(OrganisationsTest, RefuseAdministrationsThatCannotBe) {
  for (auto const* id : {"9001", "9002", "9003"}) Organisation(id);
  ASSERT_THAT(Call<v1::Administration>("CreateAdministration", AdministrationRequest("9001", "a", "9002", "2020-01-01")), IsOk());
  ASSERT_THAT(
      Call<v1::Administration>("CreateAdministration", AdministrationRequest("9002", "b", "9003", "2020-01-01", "2024-01-01")),
      IsOk());
  auto const refused = [&](auto const& request, absl::StatusCode code, std::string_view reason) {
    return Refused<v1::Administration>("CreateAdministration", request, code, reason);
  };
  refused(AdministrationRequest("9001", "c", "9003", "2023-01-01", "2024-01-01"), kPrecondition, "PERIODS_OVERLAP");
  refused(AdministrationRequest("9001", "a", "9003", "2019-01-01", "2020-01-01"), kExists, "RESOURCE_EXISTS");
  refused(AdministrationRequest("9003", "c", "9003", "2020-01-01"), kPrecondition, "ADMINISTRATION_CIRCULAR");
  refused(AdministrationRequest("9003", "c", "9001", "2023-12-31"), kPrecondition, "ADMINISTRATION_CIRCULAR");
  refused(AdministrationRequest("9003", "c", "9009", "2020-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  refused(AdministrationRequest("9009", "c", "9001", "2020-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  refused(AdministrationRequest("9003", "c", "9001", "2024-01-01", "2023-01-01"), kInvalid, "BAD_REQUEST");
  // 9003 may be administered from the day on which it no longer stands above.
  ASSERT_THAT(Call<v1::Administration>("CreateAdministration", AdministrationRequest("9003", "c", "9001", "2024-01-01")), IsOk());

  v1::UpdateAdministrationRequest update;
  update.mutable_administration()->set_name("organisations/9002/administrations/b");
  *update.mutable_administration()->mutable_period() = Range("2020-01-01", "2024-01-02");
  Refused<v1::Administration>("UpdateAdministration", update, kPrecondition, "ADMINISTRATION_CIRCULAR");
  *update.mutable_administration()->mutable_period() = Range("2020-01-01", "2023-01-01");
  auto const updated = Call<v1::Administration>("UpdateAdministration", update);
  ASSERT_THAT(updated, IsOk());
  EXPECT_THAT(updated->period(), EqualsProto(Range("2020-01-01", "2023-01-01")));
  update.mutable_administration()->set_administrator("organisations/9001");
  update.mutable_update_mask()->add_paths("administrator");
  Refused<v1::Administration>("UpdateAdministration", update, kInvalid, "BAD_REQUEST");
}

}  // namespace
}  // namespace helhed::residents::testing
