#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <set>

#include "services/communications/mail/smtp.h"
#include "services/communications/testing/smtp_server.h"
#include "services/communications/testing/told.h"

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
