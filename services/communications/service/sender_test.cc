#include "services/communications/service/sender.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <set>

#include "helhed/communications/v1/delivery_rule_service.pb.h"
#include "services/communications/mail/smtp.h"
#include "services/communications/testing/smtp_server.h"
#include "services/communications/testing/told.h"
#include "services/platform/testing/recording_database.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SenderTest : public ToldTest {
 protected:
  SenderTest() {
    SetMailer(mailer_);
    Restart();
  }
  FakeMailer& mailer() { return *mailer_; }
  static v1::CreateDeliveryRuleRequest RuleRequest(std::string const& date) {
    v1::CreateDeliveryRuleRequest request;
    request.set_delivery_rule_id(date);
    auto& rule = *request.mutable_delivery_rule();
    rule.set_attempts_max(2);
    rule.set_backoff_first_seconds(3600);
    rule.set_backoff_max_seconds(7200);
    rule.set_confirm_hours(1);
    rule.set_source("Policy: two attempts");
    return request;
  }

 private:
  std::shared_ptr<FakeMailer> mailer_ = std::make_shared<FakeMailer>();
};

TEST_P(SenderTest, MailsInTheLanguageAndInDanish) {
  Houses(2);
  Contact("h1", "b@example.dk", {}, "so");
  Contact("h2", "a@example.dk", {}, "ar");
  Started(CampaignRequest());
  RunJob("send");
  ASSERT_THAT(mailer().sent, SizeIs(2));
  auto const& danish = mailer().sent[0];
  EXPECT_EQ(danish.to, "b@example.dk");
  EXPECT_EQ(danish.subject, "Vandet lukkes");
  EXPECT_EQ(danish.plain_text, "Vandet lukkes\n\nDet sker den 4. maj 2126.\n");
  EXPECT_EQ(danish.message_id, "amager.vand.000001@helhed.dk");
  EXPECT_THAT(mailer().sent[1].subject, HasSubstr(" / Vandet lukkes"));
  EXPECT_THAT(mailer().sent[1].html, HasSubstr("<html lang=\"ar\">"));
}

// No parameter becomes markup, in the title of a mail either.
TEST_P(SenderTest, MailsAreNoMarkupOfWhoeverFillsThemIn) {
  v1::CreateTemplateVersionRequest version;
  version.set_parent("plans/amager/templates/brev");
  auto& parameter = *version.mutable_template_version()->add_parameters();
  parameter.set_parameter("start");
  parameter.set_type(v1::PARAMETER_TYPE_TEXT);
  auto& text = *version.mutable_template_version()->add_texts();
  text.set_language("da");
  text.set_subject("{{start}}");
  text.set_body("{{start}}");
  Houses(1);
  Contact("h1", "a@example.dk");
  auto request = CampaignRequest();
  auto& campaign = *request.mutable_campaign();
  campaign.set_template_version(Must<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", version).name());
  campaign.clear_languages();
  campaign.add_languages("da");
  campaign.mutable_arguments(0)->set_value("</title><script>");
  Started(request);
  RunJob("send");
  ASSERT_THAT(mailer().sent, SizeIs(1));
  EXPECT_THAT(mailer().sent[0].html, ::testing::Not(HasSubstr("<script>")));
  EXPECT_THAT(mailer().sent[0].html, HasSubstr("<title>&lt;/title&gt;&lt;script&gt;</title>"));
}

TEST_P(SenderTest, TriesAgainLaterAndThenSendsALetter) {
  Houses(1);
  Contact("h1", "a@example.dk");
  mailer().otherwise = mail::Answer::kBusy;
  auto const name = Started(CampaignRequest()).name();
  RunJob("send");
  EXPECT_THAT(mailer().sent, SizeIs(1));
  RunJob("send");
  EXPECT_THAT(mailer().sent, SizeIs(1)) << "not before its time";
  clock().Advance(absl::Minutes(1));
  RunJob("send");
  EXPECT_THAT(mailer().sent, SizeIs(2));
  EXPECT_THAT(Ledger(name), ElementsAre("000001/email FAILED_TEMPORARILY"));
  for (int i = 0; i < 10; ++i) {
    clock().Advance(absl::Hours(6));
    RunJob("send");
  }
  EXPECT_THAT(mailer().sent, SizeIs(8)) << "as often as the rule says";
  EXPECT_THAT(Ledger(name), ElementsAre("000001/email FELL_BACK", "000001/paper QUEUED"));
  EXPECT_EQ(Get(name).counts().waiting_count(), 1);
  EXPECT_TRUE(Proof(name).counts_agree());
}

TEST_P(SenderTest, FollowsAMailThatNobodyConfirmsByALetterWhereALawAsks) {
  Houses(2);
  Contact("h1", "a@example.dk");
  auto request = CampaignRequest("law");
  request.mutable_campaign()->set_statutory(true);
  auto const law = Started(request).name();
  auto const offer = Started(CampaignRequest("offer")).name();
  RunJob("send");
  EXPECT_THAT(Ledger(law), ElementsAre("000001/email ACCEPTED", "000002/paper QUEUED"));
  clock().Advance(absl::Hours(72));
  RunJob("send");
  EXPECT_THAT(Ledger(law), ElementsAre("000001/email FELL_BACK", "000001/paper QUEUED", "000002/paper QUEUED"));
  EXPECT_EQ(Get(offer).counts().presumed_count(), 1);
  EXPECT_THAT(mailer().sent, SizeIs(2));
}

TEST_P(SenderTest, TriesAndWaitsAsTheRuleOfTheDaySays) {
  EXPECT_THAT(Call<v1::DeliveryRule>("DeliveryRuleService/CreateDeliveryRule", RuleRequest("2126-03-02"),
                                     As("plan-leader", "plans/amager")),
              StatusCodeIs(kDenied));
  auto const entered = Must<v1::DeliveryRule>("DeliveryRuleService/CreateDeliveryRule", RuleRequest("2126-03-02"));
  EXPECT_EQ(entered.name(), "deliveryRules/2126-03-02");
  auto const listed = Must<v1::ListDeliveryRulesResponse>("DeliveryRuleService/ListDeliveryRules", v1::ListDeliveryRulesRequest(),
                                                          As("plan-leader", "plans/amager"));
  EXPECT_THAT(ListedIn(listed), ElementsAre("2019-01-01", "2126-03-02"));
  EXPECT_THAT(listed.delivery_rules(1), EqualsProto(entered));

  Houses(2);
  Contact("h1", "a@example.dk");
  Contact("h2", "b@example.dk");
  mailer().answers["a@example.dk"] = mail::Answer::kBusy;
  auto request = CampaignRequest();
  request.mutable_campaign()->set_statutory(true);
  auto const name = Started(request).name();
  RunJob("send");
  clock().Advance(absl::Hours(24));
  RunJob("send");
  EXPECT_THAT(mailer().sent, SizeIs(3)) << "the second attempt is the last one now";
  EXPECT_THAT(Ledger(name), ElementsAre("000001/email FELL_BACK", "000001/paper QUEUED", "000002/email ACCEPTED"));
  auto const later = Started(CampaignRequest("later")).name();
  RunJob("send");
  EXPECT_EQ(Get(later).counts().accepted_count(), 1);
  clock().Advance(absl::Hours(1));
  RunJob("send");
  EXPECT_EQ(Get(later).counts().presumed_count(), 1) << "nobody is waited for longer than an hour";
}

TEST_P(SenderTest, ARuleHoldsFromADayAndTakesNothingBack) {
  auto const refused = [&](v1::CreateDeliveryRuleRequest const& request, absl::StatusCode code, std::string_view reason) {
    return Refused<v1::DeliveryRule>("DeliveryRuleService/CreateDeliveryRule", request, code, reason);
  };
  Must<v1::DeliveryRule>("DeliveryRuleService/CreateDeliveryRule", RuleRequest("2126-03-02"));
  EXPECT_EQ(refused(RuleRequest("2126-03-01"), kPrecondition, "RULE_NOT_LATER").metadata.at("latest"), "2126-03-02");
  refused(RuleRequest("2126-03-02"), kPrecondition, "RULE_NOT_LATER");
  EXPECT_THAT(refused(RuleRequest("2126-02-30"), kInvalid, "BAD_REQUEST").fields, ElementsAre("delivery_rule_id"));
  auto shrinking = RuleRequest("2126-03-03");
  shrinking.mutable_delivery_rule()->set_backoff_max_seconds(3599);
  EXPECT_THAT(refused(shrinking, kInvalid, "BAD_REQUEST").fields, ElementsAre("delivery_rule.backoff_max_seconds"));
  shrinking.mutable_delivery_rule()->set_backoff_max_seconds(3600);
  Must<v1::DeliveryRule>("DeliveryRuleService/CreateDeliveryRule", shrinking);
}

// The sender looks every second, and most of the time there is nothing: then it keeps nobody from writing.
TEST_P(SenderTest, WritesNothingWhileNothingIsDue) {
  Houses(2);
  Contact("h1", "a@example.dk");
  auto request = CampaignRequest();
  request.mutable_campaign()->set_statutory(true);
  Started(request);
  RunJob("send");
  helhed::testing::RecordingDatabase recording(database());
  storage::Schema schema(recording);
  for (auto const& resource : CommunicationsDefinition().resources) ASSERT_THAT(schema.Add(resource), IsOk());
  auto parts = instance().store().parts();
  parts.database = &recording;
  parts.schema = &schema;
  Store store(parts);
  Sender sender(store, nullptr);
  auto const idle = sender.Run({});
  ASSERT_THAT(idle, IsOk());
  EXPECT_FALSE(*idle);
  EXPECT_FALSE(recording.statements().empty()) << "it has looked";
  EXPECT_EQ(recording.write_count(), 0);
  // Nobody has confirmed the mail.
  clock().Advance(absl::Hours(72));
  auto const busy = sender.Run({});
  ASSERT_THAT(busy, IsOk());
  EXPECT_TRUE(*busy);
  EXPECT_GT(recording.write_count(), 0);
}

TEST_P(SenderTest, NoticesAnAddressThatIsGone) {
  Houses(1);
  Contact("h1", "a@example.dk");
  auto const name = Started(CampaignRequest()).name();
  v1::DeleteHouseholdContactRequest forget;
  forget.set_name("organisations/9001/householdContacts/h1");
  Must<google::protobuf::Empty>("HouseholdContactService/DeleteHouseholdContact", forget);
  RunJob("send");
  EXPECT_THAT(mailer().sent, IsEmpty());
  EXPECT_THAT(Ledger(name), ElementsAre("000001/email FELL_BACK", "000001/paper QUEUED"));
}

TEST_P(SenderTest, WithoutACarrierLettersTakeTheirPlace) {
  SetMailer(nullptr);
  Restart();
  Houses(1);
  Contact("h1", "a@example.dk");
  auto const name = Started(CampaignRequest()).name();
  RunJob("send");
  EXPECT_THAT(Ledger(name), ElementsAre("000001/email FELL_BACK", "000001/paper QUEUED"));
}

TEST_P(SenderTest, ACarrierThatIsAwayHoldsUpNobodyElse) {
  Houses(30);
  for (int i = 1; i <= 30; ++i) Contact(absl::StrCat("h", i), absl::StrCat("h", i, "@example.dk"));
  mailer().otherwise = mail::Answer::kAway;
  Started(CampaignRequest());
  for (auto const& job : instance().jobs()) {
    if (job.name != "send") continue;
    EXPECT_TRUE(*job.run({}));
  }
  EXPECT_THAT(mailer().sent, SizeIs(1)) << "who is away for one is away for the next";
}

TEST_P(SenderTest, AnAlertGoesBeforeAllThatWaits) {
  Houses(40);
  for (int i = 1; i <= 40; ++i) Contact(absl::StrCat("h", i), absl::StrCat("h", i, "@example.dk"));
  Started(CampaignRequest("big"));
  // While the big one is under way something happens.
  mailer().after = [&] {
    if (mailer().sent.size() != 5) return;
    auto request = CampaignRequest("alert");
    request.mutable_campaign()->set_lane(v1::LANE_ALERT);
    request.mutable_campaign()->mutable_audience(0)->set_dwelling("organisations/9001/dwellings/h7");
    Started(request);
  };
  RunJob("send");
  ASSERT_THAT(mailer().sent, SizeIs(41));
  std::size_t place = 0;
  while (mailer().sent[place].message_id.find("alert") == std::string::npos) ++place;
  EXPECT_EQ(place, 10U) << "after the few that were begun";
}

TEST_P(SenderTest, GoesOnWhereItWasAfterARestart) {
  Houses(25);
  for (int i = 1; i <= 25; ++i) Contact(absl::StrCat("h", i), absl::StrCat("h", i, "@example.dk"));
  auto const name = Started(CampaignRequest()).name();
  for (auto const& job : instance().jobs()) {
    if (job.name != "send") continue;
    EXPECT_TRUE(*job.run({}));
  }
  EXPECT_THAT(mailer().sent, SizeIs(10));
  Restart();
  RunJob("send");
  std::set<std::string> ids;
  for (auto const& mail : mailer().sent) ids.insert(mail.message_id);
  EXPECT_THAT(mailer().sent, SizeIs(25));
  EXPECT_THAT(ids, SizeIs(25));
  EXPECT_EQ(Get(name).counts().accepted_count(), 25);
}

// While one process sends, another one finds that the campaign is taken (C5).
TEST_P(SenderTest, NobodyElseWorksForACampaignMeanwhile) {
  Houses(1);
  Contact("h1", "a@example.dk");
  Started(CampaignRequest());
  mailer().after = [&] {
    mailer().after = nullptr;
    for (auto const& job : instance().jobs()) {
      if (job.name != "send") continue;
      auto const other = job.run({});
      ASSERT_THAT(other, IsOk());
      EXPECT_FALSE(*other);
    }
  };
  RunJob("send");
  EXPECT_THAT(mailer().sent, SizeIs(1));
}

// Who was slower than its lease finds that another process has the campaign, and leaves it that.
TEST_P(SenderTest, EndsNoLeaseButItsOwn) {
  static storage::Statement const take("test.take_lease", "UPDATE campaign_work SET leased_until = 77 WHERE campaign = 'vand'");
  static storage::Statement const look("test.look_at_lease", "SELECT leased_until FROM campaign_work WHERE campaign = 'vand'");
  Houses(1);
  Contact("h1", "a@example.dk");
  Started(CampaignRequest());
  mailer().after = [&] {
    EXPECT_THAT(database().Write({}, [](storage::WriteTransaction& tx) { return tx.Execute(take, {}).status(); }), IsOk());
  };
  RunJob("send");
  std::int64_t until = 0;
  EXPECT_THAT(database().Read({},
                              [&](storage::ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(auto const rows, tx.Query(look, {}));
                                until = rows.Int64(0, 0);
                                return absl::OkStatus();
                              }),
              IsOk());
  EXPECT_EQ(until, 77);
}

TEST_P(SenderTest, MailArrivesAtARealServer) {
  SmtpServer server;
  SetMailer(*mail::ConnectSmtp({.url = server.url(), .from = "plan@example.dk", .from_name = "Amagerplanen", .tls = false}));
  Restart();
  Houses(3);
  Contact("h1", "a@example.dk");
  Contact("h2", "gone@example.dk");
  Contact("h3", "busy@example.dk");
  auto const name = Started(CampaignRequest()).name();
  RunJob("send");
  ASSERT_THAT(server.Mails(), SizeIs(1));
  EXPECT_EQ(HeaderOf(server.Mails()[0], "To"), "a@example.dk");
  EXPECT_EQ(HeaderOf(server.Mails()[0], "Subject"), "Vandet lukkes");
  EXPECT_THAT(Ledger(name), ::testing::UnorderedElementsAre(HasSubstr("email ACCEPTED"), HasSubstr("email FELL_BACK"),
                                                            HasSubstr("paper QUEUED"), HasSubstr("email FAILED_TEMPORARILY")));
}

HELHED_BOTH_ENGINES(SenderTest);

}  // namespace
}  // namespace helhed::communications::testing
