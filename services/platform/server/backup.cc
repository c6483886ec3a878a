#include <absl/strings/str_cat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "services/platform/base/status.h"
#include "services/platform/server/commands.h"
#include "services/platform/storage/sqlite_file.h"

namespace helhed::server {
namespace {

absl::Status BackUpPostgres(StorageOptions const& storage, std::string const& to) {
  auto const child = ::fork();
  if (child < 0) return absl::UnavailableError(std::strerror(errno));
  if (child == 0) {
    // By the environment of this one process, which only its own user can read; arguments everybody can.
    if (!storage.postgres_password.empty()) ::setenv("PGPASSWORD", storage.postgres_password.c_str(), 1);
    ::execlp("pg_dump", "pg_dump", "--format=custom", "--no-password", "--file", to.c_str(), "--dbname", storage.postgres.c_str(),
             nullptr);
    ::_exit(127);
  }
  int result = 0;
  while (::waitpid(child, &result, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(result) && WEXITSTATUS(result) == 0) return absl::OkStatus();
  if (WIFEXITED(result) && WEXITSTATUS(result) == 127) {
    return absl::FailedPreconditionError(
        "pg_dump was not found: install postgresql-client of the server's version, or run pg_dump where it is");
  }
  std::error_code ignored;
  std::filesystem::remove(to, ignored);
  return absl::UnavailableError("pg_dump failed");
}

}  // namespace

absl::Status BackUp(Options const& options, std::string const& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return absl::AlreadyExistsError(absl::StrCat(path, " exists already"));
  auto const& store = options.instance.storage;
  if (!store.postgres.empty()) return BackUpPostgres(store, path);
  if (!std::filesystem::exists(store.sqlite_path, ignored)) {
    return absl::NotFoundError(absl::StrCat(store.sqlite_path, " does not exist: nothing to back up"));
  }
  return storage::BackUpSqlite(store.sqlite_path, path);
}

}  // namespace helhed::server
