#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "services/communications/testing/smtp_server.h"
#include "tests/gateway/house.h"

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

  std::string Ask(std::vector<std::string> arguments, std::string const& path) {
    arguments.push_back(house_.url() + path);
    auto const answer = house_.Curl(house_.SignIn(), arguments);
    EXPECT_THAT(answer.output, HasSubstr("\n200")) << path;
    return answer.output;
  }
  std::string Post(std::string const& path, std::string const& json) {
    return Ask({"--header", "content-type: application/json", "--data", json}, path);
  }
  std::string Get(std::string const& path) { return Ask({}, path); }
  std::string GetUntil(std::string const& path, std::string const& part) {
    std::string answer;
    for (int i = 0; i < 200; ++i) {
      answer = Get(path);
      if (answer.find(part) != std::string::npos) break;
      absl::SleepFor(absl::Milliseconds(100));
    }
    EXPECT_THAT(answer, HasSubstr(part));
    return answer;
  }

  void FillRegister() {
    constexpr char since[] = R"({"startDate": {"year": 2020, "month": 1, "day": 1}})";
    Post("/v1/organisations?organisation_id=9001", R"({"displayName": "Boligforeningen 3B"})");
    Post("/v1/organisations/9001/departments?department_id=022", R"({"displayName": "Æblehaven"})");
    for (auto const* id : {"h1", "h2", "h3"}) {
      Post(absl::StrCat("/v1/organisations/9001/dwellings?dwelling_id=", id),
           absl::StrCat(R"({"department": "organisations/9001/departments/022", "address": "Remisevej )", id + 1,
                        R"(, 2300 København S", "period": )", since, "}"));
      Post(absl::StrCat("/v1/organisations/9001/households?household_id=", id),
           absl::StrCat(R"({"dwelling": "organisations/9001/dwellings/)", id, R"(", "occupation": )", since, "}"));
    }
    Post("/v1/organisations/9001/householdContacts?household_contact_id=h2", R"({"email": "beboer@example.dk"})");
  }
  void EnterCampaign() {
    Post("/v1/plans/amager/templates?template_id=brev", R"({"displayName": "Et brev"})");
    Post("/v1/plans/amager/templates/brev/versions",
         R"({"texts": [{"language": "da", "subject": "Vandet lukkes", "body": "Det sker på fredag."}]})");
    Post("/v1/plans/amager/campaigns?campaign_id=vand",
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
};

TEST_F(ToldTest, EveryHouseholdIsToldThroughTheGateway) {
  FillRegister();
  EnterCampaign();
  std::string const campaign = "/v1/plans/amager/campaigns/vand";
  EXPECT_THAT(Post(campaign + ":start", "{}"), HasSubstr(R"("householdCount":"3")"));
  GetUntil(campaign, R"("acceptedCount":"1")");
  auto const mails = server_.Mails();
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_EQ(HeaderOf(mails[0], "To"), "beboer@example.dk");
  EXPECT_EQ(HeaderOf(mails[0], "Subject"), "Vandet lukkes");

  EXPECT_THAT(Post(campaign + "/printRuns?print_run_id=r1", "{}"), HasSubstr(R"("letterCount":"2")"));
  auto const pdf = house_.folder() + "/letters.pdf";
  std::ofstream(pdf, std::ios::binary) << Bytes(Get(campaign + "/printRuns/r1:download?file=PRINT_RUN_FILE_LETTERS"));
  auto const text = testing::RunProgram({"pdftotext", "-layout", pdf, "-"}).output;
  EXPECT_THAT(text, HasSubstr("Remisevej 1\n"));
  EXPECT_THAT(text, HasSubstr("Remisevej 3\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("Remisevej 2\n")));

  auto const now = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  Post(campaign + "/printRuns/r1:confirm", absl::StrCat(R"({"deliverTime": ")", now, R"(", "distributor": "Omdelerne"})"));
  Post(campaign + "/recipients/000002/deliveries/email:report", R"({"report": "DELIVERY_REPORT_DELIVERED"})");
  EXPECT_THAT(Get(campaign), HasSubstr("CAMPAIGN_STATE_COMPLETED"));
  EXPECT_THAT(Get(campaign + ":verify"), HasSubstr(R"("complete":true)"));

  // What was posted everybody can read.
  auto const published = house_.Curl("", {house_.url() + "/v1/plans/amager/notices:published"}).output;
  EXPECT_THAT(published, HasSubstr("Vandet lukkes"));
  EXPECT_THAT(house_.Curl("", {house_.url() + "/v1/plans/amager/notices:feed"}).output, HasSubstr("http://www.w3.org/2005/Atom"));
}

}  // namespace
}  // namespace helhed
