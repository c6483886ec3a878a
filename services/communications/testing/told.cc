#include "services/communications/testing/told.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "services/platform/contract/fields.h"

namespace helhed::communications::testing {

ToldTest::ToldTest() {
  residents().On<residents::v1::FetchHouseholdAddressesRequest, residents::v1::FetchHouseholdAddressesResponse>(
      "/helhed.residents.v1.HousingRegisterService/FetchHouseholdAddresses",
      [households = households_, away = away_](
          residents::v1::FetchHouseholdAddressesRequest const& request,
          client::CallOptions const&) -> absl::StatusOr<residents::v1::FetchHouseholdAddressesResponse> {
        if (*away) return absl::UnavailableError("away");
        residents::v1::FetchHouseholdAddressesResponse response;
        auto const& wanted = request.departments();
        for (auto const& household : households->households()) {
          if (std::find(wanted.begin(), wanted.end(), household.department()) != wanted.end()) {
            *response.add_households() = household;
          }
        }
        return response;
      });
  version_ = Letter();
}

void ToldTest::House(std::string const& id, std::string const& department, int number, std::string const& floor,
                     std::string const& door) {
  auto& household = *households_->add_households();
  household.set_household("organisations/9001/households/" + id);
  household.set_dwelling("organisations/9001/dwellings/" + id);
  household.set_department("organisations/9001/departments/" + department);
  household.set_department_display_name("Remiseparken " + department);
  household.set_address(absl::StrCat("Remisevej ", number, ", ", floor, ". ", door, ", 2300 København S"));
  household.set_floor(floor);
  household.set_door(door);
}

void ToldTest::Houses(int count, std::string const& department) {
  for (int i = 1; i <= count; ++i) {
    House(absl::StrCat("h", i), department, 1 + i / 10, absl::StrCat(1 + i % 10 / 2), i % 2 == 0 ? "tv" : "th");
  }
}

void ToldTest::Contact(std::string const& household, std::string const& email, std::vector<v1::MessageKind> const& declined,
                       std::string const& language) {
  v1::CreateHouseholdContactRequest request;
  request.set_parent("organisations/9001");
  request.set_household_contact_id(household);
  request.mutable_household_contact()->set_email(email);
  request.mutable_household_contact()->set_language(language);
  for (auto const kind : declined) request.mutable_household_contact()->add_declined_kinds(kind);
  Must<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", request);
}

v1::CreateCampaignRequest ToldTest::CampaignRequest(std::string const& id) {
  v1::CreateCampaignRequest request;
  request.set_parent("plans/amager");
  request.set_campaign_id(id);
  auto& campaign = *request.mutable_campaign();
  campaign.set_display_name("Vandet lukkes");
  campaign.set_kind(v1::MESSAGE_KIND_CONSTRUCTION);
  campaign.set_template_version(version_);
  auto& argument = *campaign.add_arguments();
  argument.set_parameter("start");
  argument.set_value("2126-05-04");
  campaign.add_languages("da");
  campaign.add_languages("ar");
  campaign.add_audience()->set_department("organisations/9001/departments/001");
  return request;
}

v1::Campaign ToldTest::Started(v1::CreateCampaignRequest const& request) {
  v1::StartCampaignRequest start;
  start.set_name(Must<v1::Campaign>("CampaignService/CreateCampaign", request).name());
  return Must<v1::Campaign>("CampaignService/StartCampaign", start);
}

v1::Campaign ToldTest::Get(std::string const& name) {
  v1::GetCampaignRequest request;
  request.set_name(name);
  return Must<v1::Campaign>("CampaignService/GetCampaign", request);
}

v1::CampaignProof ToldTest::Proof(std::string const& name) {
  v1::VerifyCampaignRequest request;
  request.set_name(name);
  return Must<v1::CampaignProof>("CampaignService/VerifyCampaign", request);
}

std::vector<std::string> ToldTest::Ledger(std::string const& campaign) {
  v1::ListDeliveriesRequest request;
  request.set_parent(campaign);
  request.set_page_size(1000);
  std::vector<std::string> ledger;
  auto const page = Must<v1::ListDeliveriesResponse>("CampaignService/ListDeliveries", request);
  for (auto const& delivery : page.deliveries()) {
    auto const recipient = delivery.name().find("/recipients/") + sizeof("/recipients/") - 1;
    ledger.push_back(absl::StrCat(delivery.name().substr(recipient, 6), delivery.name().substr(delivery.name().rfind('/')), " ",
                                  contract::EnumText(delivery.state())));
  }
  return ledger;
}

v1::PrintRun ToldTest::Printed(std::string const& campaign, std::string const& id) {
  v1::CreatePrintRunRequest request;
  request.set_parent(campaign);
  request.set_print_run_id(id);
  request.mutable_print_run()->add_sender_lines("Amagerplanen");
  return Must<v1::PrintRun>("PrintRunService/CreatePrintRun", request);
}

}  // namespace helhed::communications::testing
