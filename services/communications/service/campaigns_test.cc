#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "services/communications/testing/answers.h"
#include "services/communications/testing/told.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class CampaignsTest : public ToldTest {
 protected:
  template <typename Request>
  v1::Campaign Do(std::string const& method, std::string const& name) {
    Request request;
    request.set_name(name);
    return Must<v1::Campaign>("CampaignService/" + method, request);
  }
  v1::Campaign Cancelled(std::string const& name) {
    v1::CancelCampaignRequest request;
    request.set_name(name);
    request.set_reason("Vandet lukkes ikke");
    return Must<v1::Campaign>("CampaignService/CancelCampaign", request);
  }
  absl::StatusOr<v1::Delivery> Report(std::string const& delivery, v1::DeliveryReport report) {
    v1::ReportDeliveryRequest request;
    request.set_name(delivery);
    request.set_report(report);
    return Call<v1::Delivery>("CampaignService/ReportDelivery", request);
  }
  absl::Status Execute(std::string const& sql) {
    return database().Write({},
                            [&](storage::WriteTransaction& tx) { return tx.Execute(helhed::testing::Sql(sql), {}).status(); });
  }
};

TEST_P(CampaignsTest, KeepWhatTheyWereTold) {
  auto request = CampaignRequest();
  auto& part = *request.mutable_campaign()->add_audience();
  part.set_department("organisations/9001/departments/002");
  part.set_stairwell("Remisevej 4");
  part.set_dwelling("organisations/9001/dwellings/a");
  auto const created = Must<v1::Campaign>("CampaignService/CreateCampaign", request);
  EXPECT_EQ(created.lane(), v1::LANE_ORDINARY);
  EXPECT_EQ(created.channel_choice(), v1::CHANNEL_CHOICE_DIGITAL_FIRST);
  EXPECT_THAT(Get(created.name()), EqualsProto(created));
  v1::UpdateCampaignRequest update;
  *update.mutable_campaign() = created;
  update.mutable_campaign()->mutable_audience()->RemoveLast();
  update.mutable_campaign()->set_statutory(true);
  auto const updated = Must<v1::Campaign>("CampaignService/UpdateCampaign", update);
  EXPECT_THAT(Get(created.name()), EqualsProto(updated));
  EXPECT_EQ(updated.audience_size(), 1);
}

TEST_P(CampaignsTest, FreezeTheirAudienceInTheOrderOfTheRoute) {
  House("c", "001", 14, "1", "th");
  House("b", "001", 2, "st", "tv");
  House("a", "001", 2, "1", "tv");
  House("elsewhere", "002", 1, "1", "tv");
  auto const campaign = Started(CampaignRequest());
  EXPECT_EQ(campaign.state(), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_EQ(campaign.counts().household_count(), 3);
  EXPECT_EQ(campaign.counts().queued_count(), 3);
  auto const event = LastEvent<v1::CampaignChanged>(campaign.name());
  EXPECT_EQ(event.state(), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_EQ(event.counts().household_count(), 3);
  v1::ListRecipientsRequest list;
  list.set_parent(campaign.name());
  auto const recipients = Must<v1::ListRecipientsResponse>("CampaignService/ListRecipients", list);
  ASSERT_THAT(recipients.recipients(), SizeIs(3));
  EXPECT_EQ(recipients.recipients(0).household(), "organisations/9001/households/b");
  EXPECT_EQ(recipients.recipients(1).household(), "organisations/9001/households/a");
  EXPECT_EQ(recipients.recipients(2).stairwell(), "Remisevej 14");
  // What moves in later is not told.
  House("late", "001", 2, "2", "tv");
  EXPECT_EQ(Proof(campaign.name()).recipient_count(), 3);
}

TEST_P(CampaignsTest, ReachStairwellsAndDwellings) {
  House("a", "001", 2, "1", "tv");
  House("b", "001", 2, "1", "th");
  House("c", "001", 4, "1", "tv");
  House("d", "001", 4, "1", "th");
  auto request = CampaignRequest();
  request.mutable_campaign()->mutable_audience(0)->set_stairwell("Remisevej 2");
  auto& part = *request.mutable_campaign()->add_audience();
  part.set_department("organisations/9001/departments/001");
  part.set_dwelling("organisations/9001/dwellings/d");
  EXPECT_EQ(Started(request).counts().household_count(), 3);
}

// Domain rule C2.
TEST_P(CampaignsTest, TellEachHouseholdByAtLeastOneChannel) {
  Houses(4);
  Contact("h1", "a@example.dk");
  Contact("h2", "");
  Contact("h3", "c@example.dk", {v1::MESSAGE_KIND_CONSTRUCTION});
  auto request = CampaignRequest("statutory");
  request.mutable_campaign()->set_statutory(true);
  auto const statutory = Started(request);
  EXPECT_EQ(statutory.counts().waiting_count(), 4);
  EXPECT_THAT(Ledger(statutory.name()),
              ElementsAre("000001/email QUEUED", "000002/paper QUEUED", "000003/email QUEUED", "000004/paper QUEUED"));
  // Whom no law protects from silence may decline.
  auto const offer = Started(CampaignRequest("offer"));
  EXPECT_EQ(offer.counts().opted_out_count(), 1);
  EXPECT_THAT(Ledger(offer.name()), SizeIs(3));
  EXPECT_EQ(Proof(offer.name()).without_delivery_count(), 0);
}

// Domain rule C5: whoever tries it, the database refuses it.
TEST_P(CampaignsTest, TellNobodyTwice) {
  Houses(2);
  auto const campaign = Started(CampaignRequest());
  v1::StartCampaignRequest again;
  again.set_name(campaign.name());
  Refused<v1::Campaign>("CampaignService/StartCampaign", again, kPrecondition, "CAMPAIGN_STATE");
  EXPECT_TRUE(absl::IsAlreadyExists(Execute(
      "INSERT INTO campaign_recipients SELECT plan, campaign, '000009', household_organisation, household, "
      "dwelling_organisation, dwelling, department_organisation, department, stairwell, address, floor, door, outcome, "
      "revision, create_time, update_time, department_display_name FROM campaign_recipients WHERE recipient = '000001'")));
  EXPECT_TRUE(absl::IsAlreadyExists(Execute("INSERT INTO deliveries SELECT * FROM deliveries WHERE recipient = '000001'")));

  // The register names a household twice: it is told once.
  *households().add_households() = households().households(0);
  EXPECT_EQ(Started(CampaignRequest("b")).counts().household_count(), 2);
}

TEST_P(CampaignsTest, AreStartedOnceHoweverOftenItIsTried) {
  Houses(2);
  v1::StartCampaignRequest start;
  start.set_name(Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest()).name());
  start.set_request_id("018f0000-0000-7000-8000-000000000001");
  auto const first = Must<v1::Campaign>("CampaignService/StartCampaign", start);
  EXPECT_THAT(Must<v1::Campaign>("CampaignService/StartCampaign", start), EqualsProto(first));
}

TEST_P(CampaignsTest, RefuseWhatCannotBeToldBeforeAnythingIsSent) {
  auto request = CampaignRequest();
  request.mutable_campaign()->add_languages("so");
  Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "LANGUAGE_MISSING");
  request = CampaignRequest();
  request.mutable_campaign()->mutable_arguments(0)->set_parameter("slut");
  auto const refusal = Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "PARAMETERS_INVALID");
  EXPECT_EQ(refusal.metadata.at("unknown"), "0");
  EXPECT_EQ(refusal.metadata.at("missing"), "start");
  request = CampaignRequest();
  request.mutable_campaign()->clear_languages();
  request.mutable_campaign()->add_languages("ar");
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.languages"));

  // A notice takes a hundred places.
  request = CampaignRequest("wide");
  request.mutable_campaign()->set_posting(true);
  for (int i = 0; i < 100; ++i) {
    auto& part = *request.mutable_campaign()->add_audience();
    part.set_department("organisations/9001/departments/001");
    part.set_stairwell(absl::StrCat("Remisevej ", i));
  }
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.audience"));
  request.mutable_campaign()->mutable_audience()->RemoveLast();
  Must<v1::Campaign>("CampaignService/CreateCampaign", request);

  v1::StartCampaignRequest start;
  start.set_name(Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest()).name());
  Refused<v1::Campaign>("CampaignService/StartCampaign", start, kPrecondition, "AUDIENCE_EMPTY");
  SetResidentsAway(true);
  Refused<v1::Campaign>("CampaignService/StartCampaign", start, absl::StatusCode::kUnavailable, "REGISTER_UNAVAILABLE");
  SetResidentsAway(false);
  Houses(10'001);
  Refused<v1::Campaign>("CampaignService/StartCampaign", start, kPrecondition, "AUDIENCE_TOO_LARGE");
}

// Domain rules C3 and C6.
TEST_P(CampaignsTest, ArePostedInEveryLanguageAndSayWhatTheyCorrect) {
  Houses(1);
  auto request = CampaignRequest("a");
  request.mutable_campaign()->set_posting(true);
  auto const first = Started(request);
  request = CampaignRequest("b");
  request.mutable_campaign()->set_posting(true);
  request.mutable_campaign()->set_corrects(first.name());
  v1::GetNoticeRequest get;
  get.set_name(Started(request).notice());
  auto const notice = Must<v1::Notice>("NoticeService/GetNotice", get);
  ASSERT_THAT(notice.texts(), SizeIs(2));
  EXPECT_EQ(notice.state(), v1::NOTICE_STATE_PUBLISHED);
  EXPECT_EQ(notice.texts(0).title(), "Rettelse: Vandet lukkes");
  EXPECT_THAT(notice.texts(1).title(), HasSubstr("Correction: "));
  EXPECT_EQ(notice.audiences(0).department(), "organisations/9001/departments/001");
  request.set_campaign_id("c");
  request.mutable_campaign()->set_corrects("plans/amager/campaigns/none");
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.corrects"));
}

TEST_P(CampaignsTest, StandStillAndAreCancelled) {
  auto const mailer = std::make_shared<FakeMailer>();
  SetMailer(mailer);
  Restart();
  Houses(3);
  Contact("h1", "a@example.dk");
  Contact("h2", "b@example.dk");
  auto const name = Started(CampaignRequest()).name();
  Do<v1::PauseCampaignRequest>("PauseCampaign", name);
  RunJob("send");
  EXPECT_THAT(mailer->sent, IsEmpty());
  Do<v1::ResumeCampaignRequest>("ResumeCampaign", name);
  // Cancelled while the first mail is with the carrier: that is what was sent.
  mailer->after = [&] {
    mailer->after = nullptr;
    EXPECT_EQ(Cancelled(name).state(), v1::CAMPAIGN_STATE_CANCELLING);
  };
  RunJob("send");
  EXPECT_THAT(mailer->sent, SizeIs(1));
  auto const campaign = Get(name);
  EXPECT_EQ(campaign.state(), v1::CAMPAIGN_STATE_CANCELLED);
  EXPECT_EQ(campaign.counts().cancelled_count(), 2);
  EXPECT_EQ(campaign.counts().accepted_count(), 1);
  EXPECT_TRUE(Proof(name).counts_agree());
  v1::ResumeCampaignRequest resume;
  resume.set_name(name);
  Refused<v1::Campaign>("CampaignService/ResumeCampaign", resume, kPrecondition, "CAMPAIGN_STATE");
}

TEST_P(CampaignsTest, AreListedWithAllThatBelongsToEach) {
  Houses(1);
  auto request = CampaignRequest("a");
  request.mutable_campaign()->add_audience()->set_department("organisations/9001/departments/002");
  Must<v1::Campaign>("CampaignService/CreateCampaign", request);
  Started(CampaignRequest("b"));
  Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest("c"));
  v1::ListCampaignsRequest list;
  list.set_parent("plans/amager");
  auto const page = Must<v1::ListCampaignsResponse>("CampaignService/ListCampaigns", list);
  ASSERT_THAT(page.campaigns(), SizeIs(3));
  for (auto const& campaign : page.campaigns()) EXPECT_THAT(campaign, EqualsProto(Get(campaign.name())));
}

TEST_P(CampaignsTest, AreProvenFromTheirRows) {
  Houses(1500);
  auto const name = Started(CampaignRequest()).name();
  auto proof = Proof(name);
  EXPECT_EQ(proof.recipient_count(), 1500);
  EXPECT_TRUE(proof.audience_unchanged());
  EXPECT_TRUE(proof.counts_agree());
  EXPECT_EQ(proof.without_delivery_count(), 0);
  EXPECT_FALSE(proof.complete()) << "nothing was printed yet";

  ASSERT_THAT(Execute("DELETE FROM deliveries WHERE recipient = '000700'"), IsOk());
  proof = Proof(name);
  EXPECT_EQ(proof.without_delivery_count(), 1);
  EXPECT_FALSE(proof.counts_agree());
  ASSERT_THAT(Execute("DELETE FROM campaign_recipients WHERE recipient = '000700'"), IsOk());
  EXPECT_FALSE(Proof(name).audience_unchanged());
}

TEST_P(CampaignsTest, AreNotProvenByWhatTheyCountAlone) {
  Houses(1);
  auto const name = Started(CampaignRequest()).name();
  Printed(name);
  EXPECT_FALSE(Proof(name).complete()) << "what was printed has not arrived";
  // Somebody counts a household as reached, and no delivery says so.
  ASSERT_THAT(Execute("UPDATE deliveries SET state = 6"), IsOk());
  ASSERT_THAT(Execute("UPDATE campaign_recipients SET outcome = 2"), IsOk());
  ASSERT_THAT(Execute("UPDATE campaign_counts SET waiting = 0, reached = 1, accepted = 0"), IsOk());
  auto const proof = Proof(name);
  EXPECT_TRUE(proof.counts_agree());
  EXPECT_EQ(proof.without_delivery_count(), 1);
  EXPECT_FALSE(proof.complete());
  // Nor is a number proof of anything that the rows do not bear out, nor an audience that was another one.
  ASSERT_THAT(Execute("UPDATE deliveries SET state = 3, deliver_time = 1"), IsOk());
  EXPECT_TRUE(Proof(name).complete());
  ASSERT_THAT(Execute("UPDATE campaign_counts SET accepted = 1"), IsOk());
  EXPECT_FALSE(Proof(name).complete());
  ASSERT_THAT(Execute("UPDATE campaign_counts SET accepted = 0"), IsOk());
  ASSERT_THAT(Execute("UPDATE campaigns SET audience_digest = 'another'"), IsOk());
  EXPECT_FALSE(Proof(name).complete());
}

TEST_P(CampaignsTest, AreOnlyReportedOnWhereACarrierTookIt) {
  auto const mailer = std::make_shared<FakeMailer>();
  SetMailer(mailer);
  Restart();
  Houses(2);
  Contact("h1", "a@example.dk");
  auto const name = Started(CampaignRequest()).name();
  auto const mail = name + "/recipients/000001/deliveries/email";
  EXPECT_THAT(Report(mail, v1::DELIVERY_REPORT_DELIVERED), StatusIs(kPrecondition, "DELIVERY_STATE"));
  RunJob("send");
  v1::ReportDeliveryRequest early;
  early.set_name(mail);
  early.set_report(v1::DELIVERY_REPORT_DELIVERED);
  early.mutable_deliver_time()->set_seconds(absl::ToUnixSeconds(clock().Now()) - 1);
  EXPECT_THAT(Refused<v1::Delivery>("CampaignService/ReportDelivery", early, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("deliver_time"))
      << "before a carrier took it";
  early.mutable_deliver_time()->set_seconds(absl::ToUnixSeconds(clock().Now()) + 1);
  EXPECT_THAT(Refused<v1::Delivery>("CampaignService/ReportDelivery", early, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("deliver_time"))
      << "before it has arrived";
  EXPECT_EQ(Get(name).counts().reached_count(), 0) << "accepted is not delivered";
  EXPECT_EQ(Get(name).counts().accepted_count(), 1);
  ASSERT_THAT(Report(mail, v1::DELIVERY_REPORT_DELIVERED), IsOk());
  EXPECT_EQ(Get(name).counts().reached_count(), 1);
  EXPECT_THAT(Report(mail, v1::DELIVERY_REPORT_BOUNCED), StatusIs(kPrecondition, "DELIVERY_STATE"));
  EXPECT_THAT(Report(name + "/recipients/000002/deliveries/paper", v1::DELIVERY_REPORT_DELIVERED),
              StatusIs(kPrecondition, "DELIVERY_STATE"))
      << "of letters the distributor speaks";
  Printed(name);
  EXPECT_THAT(Report(name + "/recipients/000002/deliveries/paper", v1::DELIVERY_REPORT_DELIVERED),
              StatusIs(kPrecondition, "DELIVERY_STATE"))
      << "also of one that was printed";
}

// A campaign is over when nothing waits in it, and goes on when something comes back.
TEST_P(CampaignsTest, AreOverWhenNothingWaitsAndGoOnWhenSomethingComesBack) {
  auto const mailer = std::make_shared<FakeMailer>();
  SetMailer(mailer);
  Restart();
  Houses(1);
  Contact("h1", "a@example.dk");
  auto every = CampaignRequest("alle");
  every.mutable_campaign()->set_channel_choice(v1::CHANNEL_CHOICE_EVERY);
  auto const both = Started(every).name();
  RunJob("send");
  ASSERT_THAT(Report(both + "/recipients/000001/deliveries/email", v1::DELIVERY_REPORT_DELIVERED), IsOk());
  EXPECT_EQ(Get(both).counts().reached_count(), 1);
  EXPECT_EQ(Get(both).state(), v1::CAMPAIGN_STATE_RUNNING) << "its letter is not printed";

  auto const offer = Started(CampaignRequest()).name();
  RunJob("send");
  clock().Advance(absl::Hours(72));
  RunJob("send");
  EXPECT_EQ(Get(offer).state(), v1::CAMPAIGN_STATE_COMPLETED) << "nobody says that it did not arrive";
  ASSERT_THAT(Report(offer + "/recipients/000001/deliveries/email", v1::DELIVERY_REPORT_BOUNCED), IsOk());
  auto const again = Get(offer);
  EXPECT_EQ(again.state(), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_FALSE(again.has_complete_time());
  EXPECT_THAT(Ledger(offer), ElementsAre("000001/email FELL_BACK", "000001/paper QUEUED"));
}

// Addresses of mail stand in answers to who may ask for them, and nowhere else.
TEST_P(CampaignsTest, SayNothingOfPeople) {
  constexpr std::string_view canary = "kanariefugl";
  auto const mailer = std::make_shared<FakeMailer>();
  mailer->otherwise = mail::Answer::kRefused;
  SetMailer(mailer);
  Restart();
  Houses(2);
  Contact("h1", "kanariefugl@example.dk");
  auto const name = Started(CampaignRequest()).name();
  RunJob("send");
  EXPECT_THAT(mailer->sent, SizeIs(1));
  v1::CreateHouseholdContactRequest wrong;
  wrong.set_parent("organisations/9001");
  wrong.set_household_contact_id("h9");
  wrong.mutable_household_contact()->set_email("kanariefugl at home");
  EXPECT_THAT(Call<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", wrong).status().ToString(),
              Not(HasSubstr(std::string(canary))));
  wrong.set_household_contact_id("h1");
  wrong.mutable_household_contact()->set_email("kanariefugl@example.dk");
  EXPECT_THAT(Call<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", wrong).status().ToString(),
              Not(HasSubstr(std::string(canary))));
  for (auto const& event : Events()) EXPECT_THAT(event.SerializeAsString(), Not(HasSubstr(std::string(canary)))) << event.type();
  EXPECT_THAT(Logged(), Not(HasSubstr(std::string(canary))));
  EXPECT_THAT(Logged(), HasSubstr("CreateHouseholdContact"));
  auto const households = As("housing-organisation", "organisations/9001");
  v1::GetHouseholdContactRequest get;
  get.set_name("organisations/9001/householdContacts/h1");
  EXPECT_EQ(Must<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", get, households).email(),
            "kanariefugl@example.dk");
  EXPECT_FALSE(
      Call<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", get, As("plan-staff", "plans/amager")).ok());
}

TEST_P(CampaignsTest, RememberAndForgetWhatHouseholdsSaid) {
  Contact("h1", "a@example.dk", {v1::MESSAGE_KIND_OFFERS, v1::MESSAGE_KIND_SAFETY}, "ar");
  v1::GetHouseholdContactRequest get;
  get.set_name("organisations/9001/householdContacts/h1");
  auto contact = Must<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", get);
  EXPECT_THAT(contact.declined_kinds(), ElementsAre(v1::MESSAGE_KIND_OFFERS, v1::MESSAGE_KIND_SAFETY));
  v1::UpdateHouseholdContactRequest update;
  *update.mutable_household_contact() = contact;
  update.mutable_household_contact()->clear_declined_kinds();
  update.mutable_update_mask()->add_paths("declined_kinds");
  Must<v1::HouseholdContact>("HouseholdContactService/UpdateHouseholdContact", update);
  EXPECT_THAT(Must<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", get).declined_kinds(), IsEmpty());
  v1::DeleteHouseholdContactRequest forget;
  forget.set_name(get.name());
  Must<google::protobuf::Empty>("HouseholdContactService/DeleteHouseholdContact", forget);
  EXPECT_THAT(Call<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", get), StatusCodeIs(kAbsent));
}

TEST_P(CampaignsTest, AreOfOnePlanAndCorrectAnotherOfIt) {
  auto request = CampaignRequest();
  request.mutable_campaign()->set_corrects("plans/amager/campaigns/vand");
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.corrects"));
  Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest());
  // What is right for one plan is another's business.
  request = CampaignRequest();
  request.set_parent("plans/valby");
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.template_version"));
  request.mutable_campaign()->set_corrects("plans/amager/campaigns/vand");
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/CreateCampaign", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.corrects"));
  // A campaign corrects no campaign that it is itself.
  v1::UpdateCampaignRequest update;
  *update.mutable_campaign() = Get("plans/amager/campaigns/vand");
  update.mutable_campaign()->set_corrects("plans/amager/campaigns/vand");
  EXPECT_THAT(Refused<v1::Campaign>("CampaignService/UpdateCampaign", update, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign.corrects"));
}

TEST_P(CampaignsTest, AreCheckedAgainWhenTheyAreChangedAndFixedOnceTheyAreStarted) {
  Houses(1);
  v1::UpdateCampaignRequest update;
  *update.mutable_campaign() = Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest());
  update.mutable_campaign()->add_languages("so");
  Refused<v1::Campaign>("CampaignService/UpdateCampaign", update, kInvalid, "LANGUAGE_MISSING");
  v1::StartCampaignRequest start;
  start.set_name(update.campaign().name());
  *update.mutable_campaign() = Must<v1::Campaign>("CampaignService/StartCampaign", start);
  update.mutable_campaign()->set_display_name("Vandet lukkes alligevel ikke");
  Refused<v1::Campaign>("CampaignService/UpdateCampaign", update, kPrecondition, "CAMPAIGN_STATE");
  EXPECT_EQ(Get(start.name()).notice(), "") << "it was not asked to be posted";
}

// While the register is asked somebody changes whom the campaign is to: nobody is told who was not asked for.
TEST_P(CampaignsTest, AreNotStartedForAnAudienceThatWasChangedMeanwhile) {
  Houses(2);
  auto const name = Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest()).name();
  residents().On<residents::v1::FetchHouseholdAddressesRequest, residents::v1::FetchHouseholdAddressesResponse>(
      "/helhed.residents.v1.HousingRegisterService/FetchHouseholdAddresses",
      [&](residents::v1::FetchHouseholdAddressesRequest const&,
          client::CallOptions const&) -> absl::StatusOr<residents::v1::FetchHouseholdAddressesResponse> {
        v1::UpdateCampaignRequest update;
        *update.mutable_campaign() = Get(name);
        update.mutable_campaign()->mutable_audience(0)->set_stairwell("Remisevej 99");
        Must<v1::Campaign>("CampaignService/UpdateCampaign", update);
        return households();
      });
  v1::StartCampaignRequest start;
  start.set_name(name);
  EXPECT_THAT(Call<v1::Campaign>("CampaignService/StartCampaign", start), StatusCodeIs(absl::StatusCode::kAborted));
  EXPECT_EQ(Get(name).state(), v1::CAMPAIGN_STATE_DRAFT);
}

TEST_P(CampaignsTest, ThatAreOverAreNotCancelledAndHouseholdsDeclineKinds) {
  Houses(1);
  Contact("h1", "", {v1::MESSAGE_KIND_CONSTRUCTION});
  auto const over = Started(CampaignRequest());
  EXPECT_EQ(over.state(), v1::CAMPAIGN_STATE_COMPLETED) << "nobody wants it";
  v1::CancelCampaignRequest cancel;
  cancel.set_name(over.name());
  cancel.set_reason("Vandet lukkes ikke");
  Refused<v1::Campaign>("CampaignService/CancelCampaign", cancel, kPrecondition, "CAMPAIGN_STATE");
  v1::CreateHouseholdContactRequest request;
  request.set_parent("organisations/9001");
  request.set_household_contact_id("h2");
  request.mutable_household_contact()->add_declined_kinds(v1::MESSAGE_KIND_UNSPECIFIED);
  EXPECT_THAT(
      Refused<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", request, kInvalid, "BAD_REQUEST").fields,
      ElementsAre("household_contact.declined_kinds"));
  // Who declines one kind is told of the others.
  auto safety = CampaignRequest("sikkerhed");
  safety.mutable_campaign()->set_kind(v1::MESSAGE_KIND_SAFETY);
  EXPECT_EQ(Started(safety).counts().waiting_count(), 1);
}

// An answer that is kept for whoever tries again goes with what it is about.
TEST_P(CampaignsTest, WhatAHouseholdSaidIsForgottenInAnswersAsWell) {
  v1::CreateHouseholdContactRequest request;
  request.set_parent("organisations/9001");
  request.set_household_contact_id("h1");
  request.mutable_household_contact()->set_email("kanariefugl@example.dk");
  request.set_request_id("018f0000-0000-7000-8000-000000000002");
  Must<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", request);
  EXPECT_EQ(AnswersThatHold(database(), "kanariefugl"), 1);
  v1::DeleteHouseholdContactRequest forget;
  forget.set_name("organisations/9001/householdContacts/h1");
  Must<google::protobuf::Empty>("HouseholdContactService/DeleteHouseholdContact", forget);
  EXPECT_EQ(AnswersThatHold(database(), "kanariefugl"), 0);
}

HELHED_BOTH_ENGINES(CampaignsTest);

}  // namespace
}  // namespace helhed::communications::testing
