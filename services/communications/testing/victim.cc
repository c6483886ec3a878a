#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <iostream>
#include <memory>
#include <stop_token>
#include <string>

#include "helhed/communications/v1/campaign_service.pb.h"
#include "helhed/communications/v1/household_contact_service.pb.h"
#include "helhed/communications/v1/template_service.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/communications/communications.h"
#include "services/communications/mail/smtp.h"
#include "services/platform/client/channel.h"
#include "services/platform/client/fake.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/store.h"

// The communications service as a process that is killed: enters and starts a campaign, unless that was done, and works for it
// until nothing is left. Exits with 0 then.
//
//   victim sqlite|postgres LOCATION SMTP_URL HOUSEHOLDS SECONDS   the clock is SECONDS ahead, so that no lease of a dead process
//   holds
namespace helhed::communications::testing {
namespace {

constexpr std::string_view kPlan = "plans/amager";

class Victim {
 public:
  Victim(std::string const& engine, std::string const& location, std::string const& smtp, int households, int seconds)
      : households_(households), clock_(absl::Now() + absl::Seconds(seconds)) {
    server::InstanceOptions options;
    (engine == "sqlite" ? options.storage.sqlite_path : options.storage.postgres) = location;
    options.roles_file = HELHED_ROLES_FILE;
    options.threads = 1;
    auto mailer = mail::ConnectSmtp({.url = smtp, .from = "plan@example.dk", .from_name = "", .tls = false});
    helhed::testing::AbortUnlessOk(mailer.status(), "ConnectSmtp");
    FakeRegister();
    auto const definition = CommunicationsDefinition(
        {.residents = {residents_, [](absl::Time) { return std::string("signed"); }}}, *std::move(mailer));
    auto opened = server::Instance::Open(definition, options, clock_, random_, log_, metrics_);
    helhed::testing::AbortUnlessOk(opened.status(), "Instance::Open");
    instance_ = *std::move(opened);
    helhed::testing::AbortUnlessOk(instance_->verifier().AddKey(signer_.PublicKeyText()), "AddKey");
    channel_ = client::ConnectInProcess(instance_->pipeline());
  }

  void Run() {
    Enter();
    v1::StartCampaignRequest start;
    start.set_name(absl::StrCat(Av(kPlan), "/campaigns/vand"));
    auto const started = Call<v1::Campaign>("CampaignService/StartCampaign", start);
    if (!started.ok() && ReasonOf(started.status()) != "CAMPAIGN_STATE") Fail(started.status());
    for (auto const& job : instance_->jobs()) {
      if (job.name == "send") helhed::testing::AbortUnlessOk(server::Jobs::RunToEnd(job, std::stop_token()), "send");
    }
  }

 private:
  [[noreturn]] static void Fail(absl::Status const& status) {
    std::cerr << status << std::endl;
    std::_Exit(1);
  }

  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, google::protobuf::Message const& request) {
    common::v1::Identity identity;
    identity.set_issuer("gateway");
    identity.set_subject("anna");
    identity.set_audience("helhed");
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Minutes(30)));
    identity.add_grants()->set_role("operator");
    client::CallOptions options;
    options.identity = signer_.Sign(identity);
    return client::Invoke<Response>(*channel_, "/helhed.communications.v1." + std::string(method), request, options);
  }
  // Entered now, or by one who was killed.
  template <typename Response>
  void There(std::string_view method, google::protobuf::Message const& request) {
    auto const result = Call<Response>(method, request);
    if (!result.ok() && !absl::IsAlreadyExists(result.status())) Fail(result.status());
  }

  void FakeRegister() {
    residents_->On<residents::v1::FetchHouseholdAddressesRequest, residents::v1::FetchHouseholdAddressesResponse>(
        "/helhed.residents.v1.HousingRegisterService/FetchHouseholdAddresses",
        [count = households_](residents::v1::FetchHouseholdAddressesRequest const& request,
                              client::CallOptions const&) -> absl::StatusOr<residents::v1::FetchHouseholdAddressesResponse> {
          residents::v1::FetchHouseholdAddressesResponse response;
          for (int i = 1; i <= count; ++i) {
            auto& household = *response.add_households();
            household.set_household(absl::StrCat("organisations/9001/households/h", i));
            household.set_dwelling(absl::StrCat("organisations/9001/dwellings/h", i));
            household.set_department(request.departments(0));
            household.set_address(absl::StrCat("Remisevej ", i, ", 2300 København S"));
          }
          return response;
        });
  }

  void Enter() {
    // The last contact is entered last: then all is there.
    v1::GetHouseholdContactRequest last;
    last.set_name(absl::StrCat("organisations/9001/householdContacts/h", households_));
    if (Call<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", last).ok()) return;
    v1::CreateTemplateRequest letter;
    letter.set_parent(std::string(kPlan));
    letter.set_template_id("brev");
    letter.mutable_template_()->set_display_name("Et brev");
    There<v1::Template>("TemplateService/CreateTemplate", letter);
    v1::CreateTemplateVersionRequest version;
    version.set_parent(absl::StrCat(Av(kPlan), "/templates/brev"));
    auto& text = *version.mutable_template_version()->add_texts();
    text.set_language("da");
    text.set_subject("Vandet lukkes");
    text.set_body("Det sker på fredag.");
    There<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", version);
    v1::CreateCampaignRequest campaign;
    campaign.set_parent(std::string(kPlan));
    campaign.set_campaign_id("vand");
    campaign.mutable_campaign()->set_display_name("Vandet lukkes");
    campaign.mutable_campaign()->set_kind(v1::MESSAGE_KIND_CONSTRUCTION);
    campaign.mutable_campaign()->set_template_version(absl::StrCat(Av(kPlan), "/templates/brev/versions/1"));
    campaign.mutable_campaign()->add_languages("da");
    campaign.mutable_campaign()->add_audience()->set_department("organisations/9001/departments/001");
    There<v1::Campaign>("CampaignService/CreateCampaign", campaign);
    for (int i = 1; i <= households_; ++i) {
      v1::CreateHouseholdContactRequest contact;
      contact.set_parent("organisations/9001");
      contact.set_household_contact_id(absl::StrCat("h", i));
      contact.mutable_household_contact()->set_email(absl::StrCat("h", i, "@example.dk"));
      There<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", contact);
    }
  }

  int households_;
  FakeClock clock_;
  SystemRandom random_;
  telemetry::Log log_{{.service = "communications", .destination = "/dev/null"}};
  telemetry::Metrics metrics_;
  identity::Signer signer_ = identity::Signer::FromSeed("test", "0123456789abcdef0123456789abcdef");
  std::shared_ptr<client::FakeChannel> residents_ = std::make_shared<client::FakeChannel>();
  std::unique_ptr<server::Instance> instance_;
  std::unique_ptr<client::Channel> channel_;
};

}  // namespace
}  // namespace helhed::communications::testing

int main(int argc, char** argv) {
  int households = 0;
  int seconds = 0;
  if (argc != 6 || !absl::SimpleAtoi(argv[4], &households) || !absl::SimpleAtoi(argv[5], &seconds)) return 2;
  helhed::communications::testing::Victim(argv[1], argv[2], argv[3], households, seconds).Run();
  return 0;
}
