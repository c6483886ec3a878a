#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

namespace helhed::testing {

// A throw-away PostgreSQL: made with initdb in a directory of its own, reached by a unix socket there, one per test process and
// made when it is first asked for. It ends with the process, however that ends: a watchdog beside it waits for the process's
// death, stops the server and removes the directory. The server refuses to run as root, so root starts it as `postgres`.
//
// The binaries are found in /usr/lib/postgresql/15/bin or where HELHED_POSTGRES_BIN says. Aborts when there is none: a test that
// silently leaves an engine out proves nothing.
class PostgresFixture {
 public:
  enum class Durability {
    // Without fsync: a test's data is worth nothing.
    kNone,
    // As it is deployed, for tests of what a crash leaves.
    kFull,
  };

  // The one of this process.
  static PostgresFixture& Get();

  explicit PostgresFixture(Durability durability = Durability::kNone);
  // Stops the server.
  ~PostgresFixture();
  PostgresFixture(PostgresFixture const&) = delete;
  PostgresFixture& operator=(PostgresFixture const&) = delete;

  // Makes an empty database, from template0, and returns a connection string for it. `options` follows CREATE DATABASE.
  std::string NewDatabase(std::string_view options = "");
  // Makes a copy of a database of this server, which nobody may be connected to, and returns a connection string for it.
  std::string CopyDatabase(std::string_view connection_string);
  // A connection string for a database of this server, and the database that one is for.
  std::string ConnectionString(std::string_view database) const;
  static std::string DatabaseOf(std::string_view connection_string);
  // Runs statements in a database, as a superuser.
  void Run(std::string_view database, std::string_view sql);

  // Ends the server as a crash would (SIGQUIT, no checkpoint), and starts it again.
  void Crash();
  void Start();

  std::string const& directory() const { return directory_; }

 private:
  void StartWatchdog();
  void StopWatchdog();
  using Connection = std::unique_ptr<PGconn, decltype(&::PQfinish)>;
  Connection Connect(std::string_view database) const;
  static void Execute(PGconn* connection, std::string const& sql);

  std::string directory_;
  Durability durability_;
  int databases_ = 0;
  // Kept open to `postgres`, from which databases are made: a psql for each takes longer than the work.
  Connection maintenance_{nullptr, &::PQfinish};
  // The one end of each pipe to the watchdog: closing the first tells it to clean up, the second closes when it has.
  int watchdog_pipe_ = -1;
  int watchdog_done_ = -1;
};

}  // namespace helhed::testing
