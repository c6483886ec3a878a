#include "services/platform/testing/postgres.h"

#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace helhed::testing {
namespace {

[[noreturn]] void Die(std::string const& what) {
  std::fprintf(stderr, "PostgresFixture: %s\n", what.c_str());
  std::abort();
}

std::string Binary(std::string const& name) {
  char const* const given = std::getenv("HELHED_POSTGRES_BIN");
  std::string path = std::string(given != nullptr ? given : "/usr/lib/postgresql/15/bin") + "/" + name;
  if (::access(path.c_str(), X_OK) != 0) Die(path + " cannot be run; install postgresql-15");
  return path;
}

// Starts a program with the given standard streams, -1 for /dev/null.
pid_t Spawn(std::vector<std::string> const& command, int in, int out, int error) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  int target = 0;
  for (int const fd : {in, out, error}) {
    if (fd >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions, fd, target);
    } else {
      ::posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0);
    }
    ++target;
  }
  std::vector<char*> arguments;
  for (std::string const& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  int const failed = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) Die("cannot start " + command[0]);
  return pid;
}

int Wait(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Runs a program to its end, as `postgres` when root runs the test, and dies with its output if it fails.
void Run(std::vector<std::string> command, std::string const& directory) {
  if (::geteuid() == 0) {
    std::vector<std::string> const prefix = {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"};
    command.insert(command.begin(), prefix.begin(), prefix.end());
  }
  std::string const output = directory + "/output";
  int const log = ::open(output.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  int const status = Wait(Spawn(command, -1, log, log));
  ::close(log);
  if (status == 0) return;
  std::string said;
  for (std::string const& file : {output, directory + "/log"}) {
    std::ifstream stream(file);
    said.append(std::istreambuf_iterator<char>(stream), {});
  }
  Die(command[0] + " ... " + command.back() + " failed: " + said);
}

std::string MakeDirectory() {
  std::string directory = (std::filesystem::temp_directory_path() / "helhed-pg-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) Die("mkdtemp failed");
  if (::geteuid() == 0) {
    passwd const* const user = ::getpwnam("postgres");
    if (user == nullptr || ::chown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) Die("there is no user postgres");
  }
  return directory;
}

// Waits for the end of its input, which comes when the test closes the pipe or dies, then stops the server and cleans up. It is
// in a session of its own and nobody's child, so that what kills the test does not kill it. The server is gone when its pid file
// is: the process may stay as a zombie where nothing reaps it. sh gives a background command /dev/null as its input, so the pipe
// comes as another descriptor.
constexpr char kWatchdog[] = R"(
exec 3<&0
directory=$1
{
  trap '' HUP INT TERM
  read -r ignored
  pid=$(head -n 1 "$directory/data/postmaster.pid" 2>/dev/null)
  if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null
    tries=0
    while [ -e "$directory/data/postmaster.pid" ] && [ $tries -lt 200 ]; do sleep 0.02; tries=$((tries + 1)); done
    [ $tries -lt 200 ] || kill -KILL "$pid" 2>/dev/null
  fi
  rm -rf "$directory"
} <&3 3<&- &
)";

}  // namespace

PostgresFixture& PostgresFixture::Get() {
  static PostgresFixture fixture;
  return fixture;
}

PostgresFixture::PostgresFixture(Durability durability) : directory_(MakeDirectory()), durability_(durability) {
  StartWatchdog();
  testing::Run({Binary("initdb"), "--pgdata=" + directory_ + "/data", "--locale=C", "--encoding=UTF8", "--auth=trust",
                "--username=postgres", "--no-sync", "--no-instructions"},
               directory_);
  std::ofstream config(directory_ + "/data/postgresql.conf", std::ios::app);
  config << "listen_addresses = ''\nunix_socket_directories = '" << directory_ << "'\nmax_connections = 100\n"
         << "shared_buffers = 32MB\nlog_min_messages = fatal\n";
  if (durability_ == Durability::kNone) config << "fsync = off\nfull_page_writes = off\nautovacuum = off\n";
  config.close();
  Start();
}

PostgresFixture::~PostgresFixture() {
  maintenance_.reset();
  StopWatchdog();
}

void PostgresFixture::StartWatchdog() {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) Die("pipe2 failed");
  std::vector<std::string> const command = {"setsid", "sh", "-c", kWatchdog, "helhed-pg-watchdog", directory_};
  pid_t const shell = Spawn(command, to[0], from[1], -1);
  Wait(shell);
  ::close(to[0]);
  ::close(from[1]);
  watchdog_pipe_ = to[1];
  watchdog_done_ = from[0];
}

void PostgresFixture::StopWatchdog() {
  ::close(watchdog_pipe_);
  // It holds the other end of this one until it is done.
  char ignored = 0;
  while (::read(watchdog_done_, &ignored, 1) > 0) {
  }
  ::close(watchdog_done_);
}

void PostgresFixture::Start() {
  testing::Run(
      {Binary("pg_ctl"), "--pgdata=" + directory_ + "/data", "--log=" + directory_ + "/log", "--silent", "--wait", "start"},
      directory_);
}

void PostgresFixture::Crash() {
  maintenance_.reset();
  testing::Run({Binary("pg_ctl"), "--pgdata=" + directory_ + "/data", "--mode=immediate", "--silent", "--wait", "stop"},
               directory_);
}

std::string PostgresFixture::ConnectionString(std::string_view database) const {
  return "host=" + directory_ + " user=postgres dbname=" + std::string(database);
}

std::string PostgresFixture::DatabaseOf(std::string_view connection_string) {
  std::string_view const key = "dbname=";
  auto const at = connection_string.find(key);
  if (at == std::string_view::npos) Die("a connection string names no database");
  return std::string(connection_string.substr(at + key.size()));
}

std::string PostgresFixture::NewDatabase(std::string_view options) {
  std::string const name = "test_" + std::to_string(++databases_);
  // Copying the template's files takes less time than writing every page of it to the log, and keeps what the server remembers of
  // the catalogue for those who connect.
  Run("postgres", "CREATE DATABASE " + name + " TEMPLATE template0 STRATEGY file_copy " + std::string(options));
  return ConnectionString(name);
}

std::string PostgresFixture::CopyDatabase(std::string_view connection_string) {
  std::string const name = "test_" + std::to_string(++databases_);
  Run("postgres", "CREATE DATABASE " + name + " TEMPLATE " + DatabaseOf(connection_string) + " STRATEGY file_copy");
  return ConnectionString(name);
}

PostgresFixture::Connection PostgresFixture::Connect(std::string_view database) const {
  Connection connection(::PQconnectdb(ConnectionString(database).c_str()), &::PQfinish);
  if (::PQstatus(connection.get()) != CONNECTION_OK) Die(::PQerrorMessage(connection.get()));
  return connection;
}

void PostgresFixture::Execute(PGconn* connection, std::string const& sql) {
  std::unique_ptr<PGresult, decltype(&::PQclear)> const result(::PQexec(connection, sql.c_str()), &::PQclear);
  auto const status = ::PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Die(sql + ": " + ::PQerrorMessage(connection));
}

void PostgresFixture::Run(std::string_view database, std::string_view sql) {
  if (database != "postgres") return Execute(Connect(database).get(), std::string(sql));
  if (maintenance_ == nullptr) maintenance_ = Connect(database);
  Execute(maintenance_.get(), std::string(sql));
}

}  // namespace helhed::testing
