#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "services/platform/base/status.h"
#include "services/platform/storage/database.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/postgres.h"

// What was acknowledged is there, however the process, or the server, ends.
namespace helhed::storage {
namespace {

using helhed::testing::IsOk;
using helhed::testing::PostgresFixture;
using helhed::testing::Sql;

constexpr int kRounds = 3;
constexpr int kWriters = 4;
constexpr std::size_t kAcknowledged = 200;

using Open = std::function<absl::StatusOr<std::unique_ptr<Database>>()>;

// The child: writes numbers from `first` on, and says on the pipe which are acknowledged, until it is killed.
[[noreturn]] void WriteForever(Open const& open, std::int64_t first, int pipe) {
  auto database = open();
  if (!database.ok()) ::_exit(1);
  std::atomic<std::int64_t> next = first;
  auto const loop = [&] {
    while (true) {
      std::int64_t const number = next++;
      absl::Status const status = (*database)->Write({}, [&](WriteTransaction& tx) -> absl::Status {
        RETURN_IF_ERROR(tx.Enqueue(Sql("INSERT INTO halves (n, half) VALUES ($1, 1)"), std::array<Bind, 1>{number}));
        return tx.Execute(Sql("INSERT INTO halves (n, half) VALUES ($1, 2)"), {number}).status();
      });
      if (status.ok() && ::write(pipe, &number, sizeof number) != sizeof number) ::_exit(2);
    }
  };
  std::vector<std::jthread> writers;
  for (int i = 0; i < kWriters; ++i) writers.emplace_back(loop);
  writers.front().join();
  ::_exit(3);
}

// Lets a child write until enough is acknowledged, then calls `crash` and kills it. Returns what was acknowledged.
std::set<std::int64_t> WriteAndCrash(Open const& open, std::int64_t first, std::function<void()> const& crash) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  pid_t const child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    WriteForever(open, first, pipe[1]);
  }
  ::close(pipe[1]);
  std::set<std::int64_t> acknowledged;
  std::int64_t number = 0;
  bool crashed = false;
  while (::read(pipe[0], &number, sizeof number) == sizeof number) {
    acknowledged.insert(number);
    if (acknowledged.size() < kAcknowledged || crashed) continue;
    crashed = true;
    crash();
    ::kill(child, SIGKILL);
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, with " << WEXITSTATUS(status);
  return acknowledged;
}

// Every acknowledged number is there, and every number that is there is so in both halves.
void ExpectWhole(Database& database, std::set<std::int64_t> const& acknowledged) {
  std::set<std::int64_t> halves[2];
  ASSERT_THAT(database.Read({},
                            [&](ReadTransaction& tx) -> absl::Status {
                              ASSIGN_OR_RETURN(Rows const rows, tx.Query(Sql("SELECT n, half FROM halves"), {}));
                              for (std::size_t i = 0; i < rows.size(); ++i) halves[rows.Int64(i, 1) - 1].insert(rows.Int64(i, 0));
                              if (database.engine() == Engine::kPostgres) return absl::OkStatus();
                              ASSIGN_OR_RETURN(Rows const check, tx.Query(Sql("PRAGMA integrity_check"), {}));
                              EXPECT_EQ(check.Text(0, 0), "ok");
                              return absl::OkStatus();
                            }),
              IsOk());
  EXPECT_EQ(halves[0], halves[1]);
  EXPECT_TRUE(std::ranges::includes(halves[0], acknowledged));
}

void CrashRounds(Open const& open, std::function<void()> const& crash, std::function<void()> const& restart) {
  {
    auto const database = open();
    ASSERT_THAT(database, IsOk());
    char const* const script = (*database)->engine() == Engine::kSqlite
                                   ? "CREATE TABLE halves (n INTEGER, half INTEGER, PRIMARY KEY (n, half)) STRICT;"
                                   : "CREATE TABLE halves (n BIGINT, half BIGINT, PRIMARY KEY (n, half));";
    ASSERT_THAT((*database)->RunScript(script, Sql("DELETE FROM halves"), {}), IsOk());
  }
  std::set<std::int64_t> all;
  for (int round = 0; round < kRounds; ++round) {
    std::set<std::int64_t> const acknowledged = WriteAndCrash(open, round * 1'000'000, crash);
    EXPECT_GE(acknowledged.size(), kAcknowledged);
    all.insert(acknowledged.begin(), acknowledged.end());
    restart();
    auto const database = open();
    ASSERT_THAT(database, IsOk());
    ExpectWhole(**database, all);
  }
}

TEST(DurabilityTest, SqliteKeepsWhatItAcknowledgedWhenTheProcessIsKilled) {
  helhed::testing::FreshDatabase const fresh(Engine::kSqlite);
  CrashRounds([&] { return OpenSqlite({.path = fresh.location()}); }, [] {}, [] {});
}

TEST(DurabilityTest, PostgresKeepsWhatItAcknowledgedWhenTheServerCrashes) {
  PostgresFixture server(PostgresFixture::Durability::kFull);
  std::string const location = server.NewDatabase();
  CrashRounds([&] { return OpenPostgres({.connection_string = location, .password = {}}); }, [&] { server.Crash(); },
              [&] { server.Start(); });
}

}  // namespace
}  // namespace helhed::storage
