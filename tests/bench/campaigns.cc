#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "helhed/communications/v1/campaign_service.pb.h"
#include "helhed/communications/v1/household_contact_service.pb.h"
#include "helhed/communications/v1/template_service.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/communications/communications.h"
#include "services/communications/mail/mailer.h"
#include "services/platform/client/fake.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/postgres.h"
#include "tests/bench/bench.h"

// How soon a campaign to every household of a plan is frozen and durable, and what 600,000 deliveries in the queue cost the next
// alert.
namespace helhed::bench {
namespace {

namespace cv1 = communications::v1;

// The reference plan has 4,135 flats.
constexpr int kHouseholds = 4135;
constexpr int kQueued = 600'000;
constexpr int kAlerts = 60;

storage::Statement const kContact(
    "bench.household_contact",
    "INSERT INTO household_contacts (organisation, household_contact, email, language, declined, revision, "
    "create_time, update_time) VALUES ('9001', $1, $2, '', 0, 1, 0, 0)");

class Taker final : public communications::mail::Mailer {
 public:
  communications::mail::Answer Send(communications::mail::Mail const& mail) override {
    last_ = mail.message_id;
    return communications::mail::Answer::kAccepted;
  }
  std::string const& last() const { return last_; }

 private:
  std::string last_;
};

// Communications in this process, and a register that has a plan's households in its mouth.
class House {
 public:
  House(server::StorageOptions storage, std::string const& roles_file)
      : signer_(identity::Signer::FromSeed("bench", "0123456789abcdef0123456789abcdef")) {
    server::InstanceOptions options;
    options.storage = std::move(storage);
    options.roles_file = roles_file;
    FillRegister();
    auto const definition = communications::CommunicationsDefinition(
        {.residents = {residents_, [](absl::Time) { return std::string("signed"); }}}, taker_);
    {
      auto const database = Must("open", server::OpenDatabase(options.storage));
      Must("migrate", storage::Migrate(*database, server::AllMigrations(definition)).status());
    }
    instance_ = Must("instance", server::Instance::Open(definition, options, clock_, random_, log_, metrics_));
    Must("key", instance_->verifier().AddKey(signer_.PublicKeyText()));
    channel_ = client::ConnectInProcess(instance_->pipeline());
    MakeLetter();
  }

  // Seconds that the start of a campaign took.
  double Start(std::string const& id, std::string const& dwelling, cv1::Lane lane) {
    cv1::CreateCampaignRequest create;
    create.set_parent("plans/amager");
    create.set_campaign_id(id);
    auto& campaign = *create.mutable_campaign();
    campaign.set_display_name("Vandet lukkes");
    campaign.set_kind(cv1::MESSAGE_KIND_SAFETY);
    campaign.set_template_version("plans/amager/templates/brev/versions/1");
    campaign.set_lane(lane);
    campaign.add_languages("da");
    campaign.add_audience()->set_department("organisations/9001/departments/001");
    if (!dwelling.empty()) campaign.mutable_audience(0)->set_dwelling("organisations/9001/dwellings/" + dwelling);
    Call<cv1::Campaign>("CampaignService/CreateCampaign", create);
    cv1::StartCampaignRequest start;
    start.set_name("plans/amager/campaigns/" + id);
    auto const begun = std::chrono::steady_clock::now();
    Call<cv1::Campaign>("CampaignService/StartCampaign", start);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }

  // Alerts a second, each from its start until its mail is with the carrier.
  double AlertsPerSecond(std::string const& prefix) {
    std::vector<double> seconds;
    for (int i = 0; i < kAlerts; ++i) {
      auto const id = absl::StrCat(prefix, i);
      auto const begun = std::chrono::steady_clock::now();
      Start(id, "h1", cv1::LANE_ALERT);
      while (taker_->last().find("." + id + ".") == std::string::npos) RunSender();
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + kAlerts / 2, seconds.end());
    return 1 / seconds[kAlerts / 2];
  }

  // Mails of campaigns that are under way, `kQueued` in all.
  void FillQueue() {
    for (int i = 0; i * kHouseholds < kQueued; ++i) Start(absl::StrCat("queued-", i), "", cv1::LANE_ORDINARY);
  }

  // Gives every household an address of mail.
  void GiveAddresses() {
    Must("contacts", instance_->database().Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
      for (int i = 1; i <= kHouseholds; ++i) {
        auto const id = absl::StrCat("h", i);
        auto const email = absl::StrCat(id, "@example.dk");
        RETURN_IF_ERROR(tx.Enqueue(kContact, {{std::string_view(id), std::string_view(email)}}));
      }
      return absl::OkStatus();
    }));
  }

 private:
  template <typename Response>
  Response Call(std::string const& method, google::protobuf::Message const& request) {
    common::v1::Identity identity;
    identity.set_issuer("gateway");
    identity.set_subject("bench");
    identity.set_audience("helhed");
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Minutes(30)));
    identity.add_grants()->set_role("operator");
    client::CallOptions options;
    options.identity = signer_.Sign(identity);
    return Must(method, client::Invoke<Response>(*channel_, "/helhed.communications.v1." + method, request, options));
  }

  void RunSender() {
    for (auto const& job : instance_->jobs()) {
      if (job.name == "send") Must("send", job.run({}).status());
    }
  }

  void FillRegister() {
    residents::v1::FetchHouseholdAddressesResponse all;
    for (int i = 1; i <= kHouseholds; ++i) {
      auto& household = *all.add_households();
      household.set_household(absl::StrCat("organisations/9001/households/h", i));
      household.set_dwelling(absl::StrCat("organisations/9001/dwellings/h", i));
      household.set_department("organisations/9001/departments/001");
      household.set_address(absl::StrFormat("Remisevej %d, %d. th, 2300 København S", i / 10, i % 10));
      household.set_floor(absl::StrCat(1 + i % 10));
      household.set_door("th");
    }
    residents_->On<residents::v1::FetchHouseholdAddressesRequest, residents::v1::FetchHouseholdAddressesResponse>(
        "/helhed.residents.v1.HousingRegisterService/FetchHouseholdAddresses",
        [all](residents::v1::FetchHouseholdAddressesRequest const&,
              client::CallOptions const&) -> absl::StatusOr<residents::v1::FetchHouseholdAddressesResponse> { return all; });
  }

  void MakeLetter() {
    cv1::CreateTemplateRequest letter;
    letter.set_parent("plans/amager");
    letter.set_template_id("brev");
    letter.mutable_template_()->set_display_name("Et brev");
    Call<cv1::Template>("TemplateService/CreateTemplate", letter);
    cv1::CreateTemplateVersionRequest version;
    version.set_parent("plans/amager/templates/brev");
    auto& text = *version.mutable_template_version()->add_texts();
    text.set_language("da");
    text.set_subject("Vandet lukkes");
    text.set_body("Det sker på fredag.");
    Call<cv1::TemplateVersion>("TemplateService/CreateTemplateVersion", version);
  }

  SystemClock clock_;
  SystemRandom random_;
  telemetry::Metrics metrics_;
  telemetry::Log log_{{.service = "bench", .minimum = telemetry::Severity::kError, .destination = "/dev/null"}};
  identity::Signer signer_;
  std::shared_ptr<client::FakeChannel> residents_ = std::make_shared<client::FakeChannel>();
  std::shared_ptr<Taker> taker_ = std::make_shared<Taker>();
  std::unique_ptr<server::Instance> instance_;
  std::unique_ptr<client::Channel> channel_;
};

void Measure(std::string const& engine, server::StorageOptions storage, std::string const& roles_file) {
  House house(std::move(storage), roles_file);
  house.GiveAddresses();
  double const alone = house.AlertsPerSecond("alone-");
  std::vector<double> seconds;
  for (int i = 0; i < 5; ++i) seconds.push_back(house.Start(absl::StrCat("campaign-", i), "", cv1::LANE_ORDINARY));
  std::nth_element(seconds.begin(), seconds.begin() + 2, seconds.end());
  ReportAtMost(absl::StrCat("campaign to 4,135 households accepted, frozen and durable, ", engine), seconds[2], "s", 1);
  house.FillQueue();
  double const beside = house.AlertsPerSecond("beside-");
  Report(absl::StrCat("alert from start to carrier beside 600,000 deliveries in the queue, ", engine), beside, alone, "alerts/s",
         0.7);
}

}  // namespace

void BenchCampaigns(std::string const& roles_file) {
  Folder const folder;
  server::StorageOptions sqlite;
  sqlite.sqlite_path = folder.path() + "/campaigns.db";
  Measure("SQLite", sqlite, roles_file);
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  server::StorageOptions postgres;
  postgres.postgres = server.NewDatabase();
  Measure("PostgreSQL", postgres, roles_file);
}

}  // namespace helhed::bench
