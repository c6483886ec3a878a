#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "services/communications/testing/smtp_server.h"
#include "tests/gateway/rest.h"

// A campaign through the one door: three households of the register, one of which gave an address of mail; a mail at a real
// server, two letters in a PDF, and the distributor's word.
namespace helhed {
namespace {

using communications::testing::HeaderOf;
using communications::testing::SmtpServer;
using ::testing::HasSubstr;
using testing::House;
using ::testing::SizeIs;

class ToldTest : public ::testing::Test {
 protected:
  ToldTest() {
    // The carrier is named by the environment, which only the service may see that has such an option.
    house_.KillService("communications");
    ::setenv("HELHED_MAIL_URL", server_.url().c_str(), 1);
    ::setenv("HELHED_MAIL_FROM", "plan@example.dk", 1);
    ::setenv("HELHED_MAIL_CLEARTEXT", "true", 1);
    house_.StartService("communications");
    for (auto const* name : {"HELHED_MAIL_URL", "HELHED_MAIL_FROM", "HELHED_MAIL_CLEARTEXT"}) ::unsetenv(name);
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << house_.Logs();
  }

  std::string GetUntil(std::string const& path, std::string const& part) {
    std::string answer;
    for (int i = 0; i < 200; ++i) {
      answer = rest_.Read(token_, path).text;
      if (answer.find(part) != std::string::npos) break;
      absl::SleepFor(absl::Milliseconds(100));
    }
    EXPECT_THAT(answer, HasSubstr(part));
    return answer;
  }

  void FillRegister() {
    constexpr char since[] = R"({"startDate": {"year": 2020, "month": 1, "day": 1}})";
    rest_.Enter(token_, "organisations?organisation_id=9001", R"({"displayName": "Boligforeningen 3B"})");
    rest_.Enter(token_, "organisations/9001/departments?department_id=022", R"({"displayName": "Æblehaven"})");
    for (auto const* id : {"h1", "h2", "h3"}) {
      rest_.Enter(token_, absl::StrCat("organisations/9001/dwellings?dwelling_id=", id),
                  absl::StrCat(R"({"department": "organisations/9001/departments/022", "address": "Remisevej )", id + 1,
                               R"(, 2300 København S", "period": )", since, "}"));
      rest_.Enter(token_, absl::StrCat("organisations/9001/households?household_id=", id),
                  absl::StrCat(R"({"dwelling": "organisations/9001/dwellings/)", id, R"(", "occupation": )", since, "}"));
    }
    rest_.Enter(token_, "organisations/9001/householdContacts?household_contact_id=h2", R"({"email": "beboer@example.dk"})");
  }
  void EnterCampaign() {
    rest_.Enter(token_, "plans/amager/templates?template_id=brev", R"({"displayName": "Et brev"})");
    rest_.Enter(token_, "plans/amager/templates/brev/versions",
                R"({"texts": [{"language": "da", "subject": "Vandet lukkes", "body": "Det sker på fredag."}]})");
    rest_.Enter(token_, "plans/amager/campaigns?campaign_id=vand",
                R"({"displayName": "Vandet", "kind": "MESSAGE_KIND_CONSTRUCTION", "languages": ["da"], "posting": true,
             "templateVersion": "plans/amager/templates/brev/versions/1",
             "audience": [{"department": "organisations/9001/departments/022"}]})");
  }
  // The bytes that a stream of `content` comes to.
  static std::string Bytes(std::string const& lines) {
    constexpr std::string_view mark = "\"content\":\"";
    std::string bytes;
    for (auto at = lines.find(mark); at != std::string::npos; at = lines.find(mark, at + 1)) {
      auto const begin = at + mark.size();
      std::string part;
      EXPECT_TRUE(absl::Base64Unescape(lines.substr(begin, lines.find('"', begin) - begin), &part));
      bytes += part;
    }
    return bytes;
  }

  SmtpServer server_;
  House house_{{"residents", "communications"}};
  testing::Rest rest_{house_};
  std::string token_ = house_.SignIn();
};

TEST_F(ToldTest, EveryHouseholdIsToldThroughTheGateway) {
  FillRegister();
  EnterCampaign();
  std::string const campaign = "plans/amager/campaigns/vand";
  EXPECT_THAT(rest_.Enter(token_, campaign + ":start", "{}").text, HasSubstr(R"("householdCount":"3")"));
  GetUntil(campaign, R"("acceptedCount":"1")");
  auto const mails = server_.Mails();
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_EQ(HeaderOf(mails[0], "To"), "beboer@example.dk");
  EXPECT_EQ(HeaderOf(mails[0], "Subject"), "Vandet lukkes");

  EXPECT_THAT(rest_.Enter(token_, campaign + "/printRuns?print_run_id=r1", "{}").text, HasSubstr(R"("letterCount":"2")"));
  auto const pdf = house_.folder() + "/letters.pdf";
  std::ofstream(pdf, std::ios::binary) << Bytes(
      rest_.Read(token_, campaign + "/printRuns/r1:download?file=PRINT_RUN_FILE_LETTERS").text);
  auto const text = testing::RunProgram({"pdftotext", "-layout", pdf, "-"}).output;
  EXPECT_THAT(text, HasSubstr("Remisevej 1\n"));
  EXPECT_THAT(text, HasSubstr("Remisevej 3\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("Remisevej 2\n")));

  auto const now = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  rest_.Enter(token_, campaign + "/printRuns/r1:confirm",
              absl::StrCat(R"({"deliverTime": ")", now, R"(", "distributor": "Omdelerne"})"));
  rest_.Enter(token_, campaign + "/recipients/000002/deliveries/email:report", R"({"report": "DELIVERY_REPORT_DELIVERED"})");
  EXPECT_THAT(rest_.Read(token_, campaign).text, HasSubstr("CAMPAIGN_STATE_COMPLETED"));
  EXPECT_THAT(rest_.Read(token_, campaign + ":verify").text, HasSubstr(R"("complete":true)"));

  // What was posted everybody can read.
  auto const published = house_.Curl("", {house_.url() + "/v1/plans/amager/notices:published"}).output;
  EXPECT_THAT(published, HasSubstr("Vandet lukkes"));
  EXPECT_THAT(house_.Curl("", {house_.url() + "/v1/plans/amager/notices:feed"}).output, HasSubstr("http://www.w3.org/2005/Atom"));
}

}  // namespace
}  // namespace helhed
