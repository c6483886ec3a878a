#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "services/communications/testing/told.h"
#include "tests/e2e/process.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// How often `part` stands in `text`.
int Count(std::string const& text, std::string const& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

class PrintRunsTest : public ToldTest {
 protected:
  std::string Download(std::string const& run, v1::PrintRunFile file) {
    v1::DownloadPrintRunRequest request;
    request.set_name(run);
    request.set_file(file);
    std::string bytes;
    EXPECT_THAT(Stream("PrintRunService/DownloadPrintRun", request,
                       [&](std::string_view message) {
                         v1::DownloadPrintRunResponse part;
                         EXPECT_TRUE(part.ParseFromArray(message.data(), static_cast<int>(message.size())));
                         EXPECT_LE(part.content().size(), 65536U);
                         bytes += part.content();
                         return true;
                       }),
                IsOk());
    return bytes;
  }
  // As a file.
  std::string DownloadFile(std::string const& run, v1::PrintRunFile file) {
    v1::DownloadPrintRunFileRequest request;
    request.set_name(run);
    request.set_file(file);
    std::string bytes;
    EXPECT_THAT(Stream("PrintRunService/DownloadPrintRunFile", request,
                       [&](std::string_view message) {
                         google::api::HttpBody part;
                         EXPECT_TRUE(part.ParseFromArray(message.data(), static_cast<int>(message.size())));
                         EXPECT_EQ(part.content_type(), "application/pdf");
                         bytes += part.data();
                         return true;
                       }),
                IsOk());
    return bytes;
  }
  // What a reader of the PDF reads.
  static std::string TextOf(std::string const& pdf) {
    std::string path = "/tmp/helhed-print-XXXXXX";
    int const file = ::mkstemp(path.data());
    EXPECT_GE(file, 0);
    ::close(file);
    std::ofstream(path, std::ios::binary) << pdf;
    auto const outcome = helhed::testing::RunProgram({"pdftotext", "-layout", path, "-"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    std::remove(path.c_str());
    return outcome.output;
  }
  v1::ConfirmPrintRunRequest Confirmation(v1::PrintRun const& run) {
    v1::ConfirmPrintRunRequest request;
    request.set_name(run.name());
    request.mutable_deliver_time()->set_seconds(absl::ToUnixSeconds(clock().Now()));
    request.set_distributor("Omdelerne A/S");
    return request;
  }
};

TEST_P(PrintRunsTest, HoldEachHouseholdOnceInTheOrderOfTheRoute) {
  Houses(120);
  auto const campaign = Started(CampaignRequest()).name();
  auto const run = Printed(campaign);
  EXPECT_EQ(run.letter_count(), 120);
  EXPECT_EQ(LastEvent<v1::PrintRunChanged>(run.name()).state(), v1::PRINT_RUN_STATE_MADE);
  auto const pdf = Download(run.name(), v1::PRINT_RUN_FILE_LETTERS);
  EXPECT_EQ(pdf, Download(run.name(), v1::PRINT_RUN_FILE_LETTERS)) << "the same each time";
  EXPECT_EQ(pdf, DownloadFile(run.name(), v1::PRINT_RUN_FILE_LETTERS));
  auto const text = TextOf(pdf);
  EXPECT_EQ(Count(text, "Til beboerne"), 120);
  EXPECT_EQ(Count(text, "Det sker den 4. maj 2126."), 120);
  std::size_t last = 0;
  v1::ListRecipientsRequest list;
  list.set_parent(campaign);
  list.set_page_size(1000);
  auto const page = Must<v1::ListRecipientsResponse>("CampaignService/ListRecipients", list);
  for (auto const& recipient : page.recipients()) {
    auto const address = recipient.address().substr(0, recipient.address().rfind(", "));
    auto const at = text.find(address + "\n", last);
    ASSERT_NE(at, std::string::npos) << address;
    last = at;
  }
  auto const route = TextOf(Download(run.name(), v1::PRINT_RUN_FILE_ROUTE_LIST));
  EXPECT_THAT(route, HasSubstr("Remisevej 12"));
  EXPECT_THAT(route, HasSubstr("9001-001 Remiseparken 001"));
}

TEST_P(PrintRunsTest, AreWhatAStatutoryPeriodCountsFrom) {
  Houses(3);
  auto request = CampaignRequest();
  request.mutable_campaign()->set_statutory(true);
  auto const campaign = Started(request).name();
  auto const run = Printed(campaign);
  EXPECT_EQ(Get(campaign).counts().accepted_count(), 3);
  clock().Advance(absl::Hours(30));
  auto confirm = Confirmation(run);
  auto& exception = *confirm.add_exceptions();
  exception.set_recipient(campaign + "/recipients/000002");
  exception.set_failure(v1::DELIVERY_FAILURE_NO_ACCESS);
  exception.set_retry(true);
  auto const confirmed = Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
  EXPECT_EQ(confirmed.delivered_count(), 2);
  EXPECT_EQ(confirmed.exception_count(), 1);
  EXPECT_THAT(Ledger(campaign),
              ElementsAre("000001/paper DELIVERED", "000002/paper FAILED_TEMPORARILY", "000003/paper DELIVERED"));
  EXPECT_FALSE(Get(campaign).has_complete_time()) << "one household has not been told";
  Refused<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm, kPrecondition, "PRINT_RUN_CONFIRMED");

  auto const first_pdf = Download(run.name(), v1::PRINT_RUN_FILE_LETTERS);
  auto const second = Printed(campaign, "r2");
  EXPECT_EQ(second.letter_count(), 1);
  EXPECT_EQ(Count(TextOf(Download(second.name(), v1::PRINT_RUN_FILE_LETTERS)), "Til beboerne"), 1);
  EXPECT_EQ(Download(run.name(), v1::PRINT_RUN_FILE_LETTERS), first_pdf) << "what is tried again was in the first all the same";
  clock().Advance(absl::Hours(30));
  auto const last = Confirmation(second);
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", last);
  auto const done = Get(campaign);
  EXPECT_EQ(done.state(), v1::CAMPAIGN_STATE_COMPLETED);
  EXPECT_EQ(done.counts().reached_count(), 3);
  EXPECT_THAT(done.last_delivery_time(), EqualsProto(last.deliver_time()));
  EXPECT_TRUE(Proof(campaign).complete());
}

// The statutory period is counted from the delivery to the last household, in whatever order the distributor confirms.
TEST_P(PrintRunsTest, TheLatestDeliveryStaysTheLast) {
  Houses(2);
  auto const campaign = Started(CampaignRequest()).name();
  auto const first = Confirmation(Printed(campaign));
  auto with_exception = first;
  auto& exception = *with_exception.add_exceptions();
  exception.set_recipient(campaign + "/recipients/000002");
  exception.set_failure(v1::DELIVERY_FAILURE_NO_ACCESS);
  exception.set_retry(true);
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", with_exception);
  auto earlier = Confirmation(Printed(campaign, "r2"));
  earlier.mutable_deliver_time()->set_seconds(first.deliver_time().seconds() - 1);
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", earlier);
  EXPECT_EQ(Get(campaign).state(), v1::CAMPAIGN_STATE_COMPLETED);
  EXPECT_THAT(Get(campaign).last_delivery_time(), EqualsProto(first.deliver_time()));
}

TEST_P(PrintRunsTest, AccountForWhomNothingReached) {
  Houses(2);
  auto const campaign = Started(CampaignRequest()).name();
  auto const run = Printed(campaign);
  auto confirm = Confirmation(run);
  auto& exception = *confirm.add_exceptions();
  exception.set_recipient(campaign + "/recipients/000001");
  exception.set_failure(v1::DELIVERY_FAILURE_VACANT);
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
  EXPECT_THAT(Ledger(campaign), ElementsAre("000001/paper UNDELIVERABLE", "000002/paper DELIVERED"));
  auto const done = Get(campaign);
  EXPECT_EQ(done.state(), v1::CAMPAIGN_STATE_COMPLETED);
  EXPECT_EQ(done.counts().unreached_count(), 1);
  EXPECT_TRUE(Proof(campaign).complete());
}

// What comes back when the campaign is over is not tried again: nothing waits in a campaign that was cancelled.
TEST_P(PrintRunsTest, OfACancelledCampaignHaveNoSecondTry) {
  Houses(2);
  auto const campaign = Started(CampaignRequest()).name();
  auto const run = Printed(campaign);
  v1::CancelCampaignRequest cancel;
  cancel.set_name(campaign);
  cancel.set_reason("Vandet lukkes ikke");
  EXPECT_EQ(Must<v1::Campaign>("CampaignService/CancelCampaign", cancel).state(), v1::CAMPAIGN_STATE_CANCELLED);
  auto confirm = Confirmation(run);
  auto& exception = *confirm.add_exceptions();
  exception.set_recipient(campaign + "/recipients/000001");
  exception.set_failure(v1::DELIVERY_FAILURE_NO_ACCESS);
  exception.set_retry(true);
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
  EXPECT_THAT(Ledger(campaign), ElementsAre("000001/paper UNDELIVERABLE", "000002/paper DELIVERED"));
  EXPECT_EQ(Get(campaign).counts().queued_count(), 0);
  EXPECT_EQ(Get(campaign).counts().waiting_count(), 0);
}

TEST_P(PrintRunsTest, AreListedWithTheirSenders) {
  Houses(1);
  auto const campaign = Started(CampaignRequest()).name();
  auto const run = Printed(campaign);
  v1::ListPrintRunsRequest list;
  list.set_parent(campaign);
  auto const page = Must<v1::ListPrintRunsResponse>("PrintRunService/ListPrintRuns", list);
  ASSERT_THAT(page.print_runs(), ::testing::SizeIs(1));
  EXPECT_THAT(page.print_runs(0), EqualsProto(run));
}

TEST_P(PrintRunsTest, RefuseWhatIsNotTheirs) {
  Houses(2);
  auto const campaign = Started(CampaignRequest()).name();
  auto const run = Printed(campaign);
  v1::CreatePrintRunRequest again;
  again.set_parent(campaign);
  again.mutable_print_run();
  Refused<v1::PrintRun>("PrintRunService/CreatePrintRun", again, kPrecondition, "NOTHING_TO_PRINT");
  auto confirm = Confirmation(run);
  confirm.mutable_deliver_time()->set_seconds(absl::ToUnixSeconds(clock().Now()) + 60);
  for (auto const* recipient : {"/recipients/000009", "/recipients/000001", "/recipients/000001"}) {
    auto& exception = *confirm.add_exceptions();
    exception.set_recipient(campaign + recipient);
    exception.set_failure(v1::DELIVERY_FAILURE_BOUNCED);
  }
  EXPECT_THAT(Refused<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("deliver_time", "exceptions[0].failure", "exceptions[1].failure", "exceptions[2].recipient",
                          "exceptions[2].failure"));
  confirm = Confirmation(run);
  auto& stranger = *confirm.add_exceptions();
  stranger.set_recipient(campaign + "/recipients/000009");
  stranger.set_failure(v1::DELIVERY_FAILURE_VACANT);
  EXPECT_THAT(Refused<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("exceptions[0].recipient"));
}

TEST_P(PrintRunsTest, AreSpokenOfByTheirDayAndByTheirOwnLetters) {
  Houses(2);
  auto const campaign = Started(CampaignRequest()).name();
  auto const other = Started(CampaignRequest("anden")).name();
  v1::CreatePrintRunRequest request;
  request.set_parent(campaign);
  request.mutable_print_run()->add_sender_lines("Amagerplanen\nen anden linje");
  EXPECT_THAT(Refused<v1::PrintRun>("PrintRunService/CreatePrintRun", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("print_run.sender_lines"));
  auto const first = Printed(campaign);
  auto confirm = Confirmation(first);
  confirm.mutable_deliver_time()->set_seconds(absl::ToUnixSeconds(clock().Now() - absl::Hours(24)));
  auto& foreign = *confirm.add_exceptions();
  foreign.set_recipient(other + "/recipients/000001");
  foreign.set_failure(v1::DELIVERY_FAILURE_VACANT);
  EXPECT_THAT(Refused<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("deliver_time", "exceptions[0].recipient"));
  // One letter comes back and is printed again: the first run has nothing more to say of it, nor the second of the other letter.
  confirm = Confirmation(first);
  auto& exception = *confirm.add_exceptions();
  exception.set_recipient(campaign + "/recipients/000001");
  exception.set_failure(v1::DELIVERY_FAILURE_NO_ACCESS);
  exception.set_retry(true);
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
  auto again = Confirmation(Printed(campaign, "r2"));
  auto& delivered = *again.add_exceptions();
  delivered.set_recipient(campaign + "/recipients/000002");
  delivered.set_failure(v1::DELIVERY_FAILURE_VACANT);
  EXPECT_THAT(Refused<v1::PrintRun>("PrintRunService/ConfirmPrintRun", again, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("exceptions[0].recipient"));
}

// Two runs of one campaign are on their way at once: each speaks of its own letters alone.
TEST_P(PrintRunsTest, SayNothingOfTheLettersOfAnother) {
  Houses(2);
  Contact("h1", "a@example.dk");
  auto const campaign = Started(CampaignRequest()).name();
  auto const first = Printed(campaign);
  // Nobody carries mails here: a letter takes the place of the one.
  RunJob("send");
  auto const second = Printed(campaign, "r2");
  ASSERT_EQ(second.letter_count(), 1);
  v1::ListDeliveriesRequest list;
  list.set_parent(campaign);
  auto confirm = Confirmation(first);
  auto const deliveries = Must<v1::ListDeliveriesResponse>("CampaignService/ListDeliveries", list);
  for (auto const& delivery : deliveries.deliveries()) {
    if (delivery.print_run().find("r2") == std::string::npos) continue;
    auto& exception = *confirm.add_exceptions();
    exception.set_recipient(delivery.name().substr(0, delivery.name().find("/deliveries/")));
    exception.set_failure(v1::DELIVERY_FAILURE_VACANT);
  }
  ASSERT_EQ(confirm.exceptions_size(), 1);
  EXPECT_THAT(Refused<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("exceptions[0].recipient"));
}

TEST_P(PrintRunsTest, AreMadeWhileTheCampaignRuns) {
  Houses(1);
  auto const campaign = Started(CampaignRequest()).name();
  v1::PauseCampaignRequest pause;
  pause.set_name(campaign);
  Must<v1::Campaign>("CampaignService/PauseCampaign", pause);
  v1::CreatePrintRunRequest request;
  request.set_parent(campaign);
  request.mutable_print_run();
  Refused<v1::PrintRun>("PrintRunService/CreatePrintRun", request, kPrecondition, "CAMPAIGN_STATE");
}

HELHED_BOTH_ENGINES(PrintRunsTest);

}  // namespace
}  // namespace helhed::communications::testing
