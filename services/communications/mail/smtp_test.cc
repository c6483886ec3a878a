#include "services/communications/mail/smtp.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>

#include "services/communications/testing/smtp_server.h"
#include "services/platform/testing/matchers.h"

namespace helhed::communications::mail {
namespace {

using helhed::testing::IsOk;
using ::testing::HasSubstr;
using testing::HeaderOf;
using ::testing::Not;
using ::testing::SizeIs;

std::string Base64(std::string const& text) { return absl::Base64Escape(text); }

Mail MailTo(std::string const& address) {
  return {.to = address,
          .message_id = "1@helhed.dk",
          .subject = "Vandet lukkes på Remisevej – سيتم قطع المياه غدا صباحا من الساعة الثامنة",
          .plain_text = "Vandet lukkes på fredag.\n",
          .html = "<p>Vandet lukkes på fredag.</p>\n",
          .date = absl::FromUnixSeconds(1772352000)};
}

class SmtpTest : public ::testing::Test {
 protected:
  std::unique_ptr<Mailer> Connect() {
    auto mailer = ConnectSmtp({.url = server_.url(), .from = "plan@example.dk", .from_name = "Ågårdsplanen", .tls = false});
    EXPECT_THAT(mailer, IsOk());
    return *std::move(mailer);
  }

  testing::SmtpServer server_;
};

TEST_F(SmtpTest, MailArrivesAsItWasWritten) {
  auto const mailer = Connect();
  EXPECT_EQ(mailer->Send(MailTo("a@example.dk")), Answer::kAccepted);
  auto const mails = server_.Mails();
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_EQ(HeaderOf(mails[0], "To"), "a@example.dk");
  EXPECT_EQ(HeaderOf(mails[0], "From"), "=?UTF-8?B?" + Base64("Ågårdsplanen") + "?= <plan@example.dk>");
  EXPECT_EQ(HeaderOf(mails[0], "Message-ID"), "<1@helhed.dk>");
  EXPECT_EQ(HeaderOf(mails[0], "Date"), "Sun, 01 Mar 2026 08:00:00 +0000");
  EXPECT_THAT(HeaderOf(mails[0], "Subject"), HasSubstr("=?UTF-8?B?"));
  EXPECT_EQ(HeaderOf(mails[0], "Auto-Submitted"), "auto-generated") << "RFC 3834: a machine does not answer it";
  EXPECT_THAT(mails[0], HasSubstr(Base64("Vandet lukkes på fredag.\n")));
  EXPECT_THAT(mails[0], HasSubstr("multipart/alternative"));
  EXPECT_THAT(mails[0], HasSubstr("text/html; charset=utf-8"));
}

TEST_F(SmtpTest, SaysWhatTheCarrierMeans) {
  auto const mailer = Connect();
  EXPECT_EQ(mailer->Send(MailTo("busy@example.dk")), Answer::kBusy);
  EXPECT_EQ(mailer->Send(MailTo("gone@example.dk")), Answer::kRefused);
  EXPECT_EQ(mailer->Send(MailTo("b@example.dk")), Answer::kAccepted) << "the others do not suffer";
  EXPECT_EQ(mailer->Send(MailTo("b@example.dk>\r\nRCPT TO:<c@example.dk")), Answer::kRefused) << "the server would take it";
  EXPECT_THAT(server_.Mails(), SizeIs(1));
  server_.Stop();
  EXPECT_EQ(mailer->Send(MailTo("b@example.dk")), Answer::kAway);
}

// Who refuses us says nothing of the household, whose mail may go later.
TEST_F(SmtpTest, WhoRefusesUsIsAway) {
  auto const stranger = ConnectSmtp({.url = server_.url(), .from = "stranger@example.dk", .from_name = "", .tls = false});
  ASSERT_THAT(stranger, IsOk());
  EXPECT_EQ((*stranger)->Send(MailTo("a@example.dk")), Answer::kAway) << "550 to MAIL FROM";
  testing::SmtpServer const shut({"--shut"});
  auto const turned_away = ConnectSmtp({.url = shut.url(), .from = "plan@example.dk", .from_name = "", .tls = false});
  ASSERT_THAT(turned_away, IsOk());
  EXPECT_EQ((*turned_away)->Send(MailTo("a@example.dk")), Answer::kAway) << "554 as a greeting";
  // The server has no STARTTLS.
  auto const careful = ConnectSmtp({.url = server_.url(), .from = "plan@example.dk", .from_name = "", .tls = true});
  ASSERT_THAT(careful, IsOk());
  EXPECT_EQ((*careful)->Send(MailTo("a@example.dk")), Answer::kAway);
  EXPECT_THAT(server_.Mails(), SizeIs(0));
}

// RFC 5322, 3.4: what parts addresses from each other parts no name.
TEST_F(SmtpTest, ANameIsWrittenSoThatItStaysOne) {
  std::vector<std::pair<std::string, std::string>> const names = {
      {"A, B", "\"A, B\""}, {"Plan (Amager)", "\"Plan (Amager)\""}, {"a \"b\" \\", "\"a \\\"b\\\" \\\\\""}, {"A B", "A B"}};
  for (auto const& [name, written] : names) {
    auto const mailer = ConnectSmtp({.url = server_.url(), .from = "plan@example.dk", .from_name = name, .tls = false});
    ASSERT_THAT(mailer, IsOk());
    EXPECT_EQ((*mailer)->Send(MailTo("a@example.dk")), Answer::kAccepted);
    EXPECT_EQ(HeaderOf(server_.Mails().back(), "From"), written + " <plan@example.dk>");
  }
}

TEST(Smtp, HeadersAreEncodedWhole) {
  EXPECT_EQ(EncodeHeader("Water"), "Water");
  auto const forged = EncodeHeader("a\r\nBcc: b@example.dk");
  EXPECT_THAT(forged, Not(HasSubstr("Bcc")));
  // Each word stands for whole code points.
  std::string text;
  for (int i = 0; i < 60; ++i) text += "å";
  EXPECT_EQ(EncodeHeader(text), "=?UTF-8?B?" + Base64(text.substr(0, 44)) + "?=\r\n =?UTF-8?B?" + Base64(text.substr(44, 44)) +
                                    "?=\r\n =?UTF-8?B?" + Base64(text.substr(88)) + "?=");
}

TEST(Smtp, RefusesACarrierThatIsNone) {
  EXPECT_FALSE(ConnectSmtp({.url = "http://example.dk", .from = "a@b.dk"}).ok());
  EXPECT_FALSE(ConnectSmtp({.url = "smtp://example.dk", .from = "nobody"}).ok());
}

}  // namespace
}  // namespace helhed::communications::mail
