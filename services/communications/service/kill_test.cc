#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <map>

#include "services/communications/communications.h"
#include "services/communications/testing/smtp_server.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"
#include "tests/e2e/process.h"

// The service is killed again and again while it enters, starts and sends a campaign: in the end there is exactly one delivery
// for each household and channel, every household has its mail, and what was sent twice is what was with the carrier when it was
// killed.
namespace helhed::communications::testing {
namespace {

using helhed::testing::IsOk;
using helhed::testing::Process;

constexpr int kHouseholds = 120;
constexpr int kKills = 12;

class KillTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  std::unique_ptr<Process> Start(int round) {
    std::vector<std::string> const arguments = {HELHED_VICTIM,
                                                GetParam() == storage::Engine::kSqlite ? "sqlite" : "postgres",
                                                fresh_.location(),
                                                server_.url(),
                                                absl::StrCat(kHouseholds),
                                                absl::StrCat(60 * round)};
    return std::make_unique<Process>(arguments, log_);
  }
  // Kills it once so many mails have come, or it has ended by itself.
  void KillAfter(int round, std::size_t mails) {
    auto const victim = Start(round);
    auto const given_up = absl::Now() + absl::Seconds(60);
    while (server_.Mails().size() < mails && victim->Running() && absl::Now() < given_up) absl::SleepFor(absl::Milliseconds(2));
    victim->Signal(SIGKILL);
    victim->Wait();
  }
  storage::Rows Query(std::string const& sql) {
    auto const database = fresh_.Open();
    storage::Rows rows;
    EXPECT_THAT(database->Read({},
                               [&](storage::ReadTransaction& tx) -> absl::Status {
                                 ASSIGN_OR_RETURN(rows, tx.Query(helhed::testing::Sql(sql), {}));
                                 return absl::OkStatus();
                               }),
                IsOk());
    return rows;
  }

  helhed::testing::FreshDatabase fresh_{GetParam(), server::AllMigrations(CommunicationsDefinition())};
  SmtpServer server_;
  std::string log_ = (std::filesystem::temp_directory_path() / absl::StrCat("helhed-victim-", ::getpid())).string();
};

TEST_P(KillTest, EveryHouseholdIsToldOnceWheneverTheServiceDies) {
  SeededRandom random(static_cast<std::uint64_t>(GetParam()) + 1);
  int round = 1;
  for (; round <= 4; ++round) {
    // While it enters and starts the campaign.
    auto const victim = Start(round);
    absl::SleepFor(absl::Milliseconds(random.Between(20, 400)));
    victim->Signal(SIGKILL);
    victim->Wait();
  }
  for (; round <= kKills; ++round) KillAfter(round, 10 * (static_cast<std::size_t>(round) - 4));
  auto const last = Start(round);
  ASSERT_EQ(last->Wait(), 0) << helhed::testing::ReadWhole(log_);
  std::filesystem::remove(log_);

  auto const deliveries = Query("SELECT recipient, delivery, state FROM deliveries ORDER BY recipient");
  ASSERT_EQ(deliveries.size(), static_cast<std::size_t>(kHouseholds));
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    EXPECT_EQ(deliveries.Text(i, 1), "email");
    EXPECT_EQ(deliveries.Int64(i, 2), 2) << "accepted";
    if (i > 0) {
      EXPECT_NE(deliveries.Text(i, 0), deliveries.Text(i - 1, 0));
    }
  }
  EXPECT_EQ(Query("SELECT DISTINCT household FROM campaign_recipients").size(), static_cast<std::size_t>(kHouseholds));
  std::map<std::string, int> mails;
  std::map<std::string, int> addressees;
  for (auto const& mail : server_.Mails()) {
    ++mails[HeaderOf(mail, "Message-ID")];
    ++addressees[HeaderOf(mail, "To")];
  }
  EXPECT_EQ(mails.size(), static_cast<std::size_t>(kHouseholds)) << "a mail that is sent again is the same mail";
  EXPECT_EQ(addressees.size(), static_cast<std::size_t>(kHouseholds));
  int again = 0;
  for (auto const& [_, count] : mails) again += count - 1;
  EXPECT_LE(again, kKills) << "only what was with the carrier";
}

INSTANTIATE_TEST_SUITE_P(Engines, KillTest, ::testing::Values(storage::Engine::kSqlite, storage::Engine::kPostgres),
                         helhed::testing::EngineName);

}  // namespace
}  // namespace helhed::communications::testing
