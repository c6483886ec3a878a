#include "services/platform/storage/sqlite_file.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "services/platform/base/status.h"

namespace helhed::storage {
namespace {

using SqliteHandle = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

absl::StatusOr<SqliteHandle> OpenFile(std::string const& path, int flags) {
  sqlite3* opened = nullptr;
  int const code = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteHandle handle(opened, sqlite3_close);
  if (code != SQLITE_OK) return absl::UnavailableError(absl::StrCat(path, ": ", sqlite3_errstr(code)));
  sqlite3_busy_timeout(handle.get(), 10'000);
  return handle;
}

absl::Status Ask(sqlite3* handle, char const* sql, std::string_view expected) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(handle, sql, -1, &statement, nullptr);
  std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> const owned(statement, sqlite3_finalize);
  if (sqlite3_step(statement) != SQLITE_ROW) return absl::DataLossError(sqlite3_errmsg(handle));
  std::string_view const answer = reinterpret_cast<char const*>(sqlite3_column_text(statement, 0));
  return answer == expected ? absl::OkStatus() : absl::DataLossError(std::string(answer));
}

// Copies from the side of the running service, which keeps its own lock: a connection that only reads neither writes nor
// checkpoints, so the service stays the one that does. All pages in one step, so that the copy is of one instant.
absl::Status CopyFile(std::string const& from, std::string const& to) {
  ASSIGN_OR_RETURN(auto const source, OpenFile(from, SQLITE_OPEN_READONLY));
  ASSIGN_OR_RETURN(auto const target, OpenFile(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  auto* const copy = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  if (copy == nullptr) return absl::UnavailableError(sqlite3_errmsg(target.get()));
  int const step = sqlite3_backup_step(copy, -1);
  int const finish = sqlite3_backup_finish(copy);
  if (step != SQLITE_DONE) return absl::UnavailableError(sqlite3_errstr(step));
  if (finish != SQLITE_OK) return absl::UnavailableError(sqlite3_errstr(finish));
  // One file, without the log beside it that its source has; and sound, since a copy that cannot be restored is none.
  RETURN_IF_ERROR(Ask(target.get(), "PRAGMA journal_mode=DELETE", "delete"));
  return Ask(target.get(), "PRAGMA quick_check(1)", "ok");
}

absl::Status Sync(std::filesystem::path const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  bool const synced = fd >= 0 && ::fsync(fd) == 0;
  int const code = errno;
  if (fd >= 0) ::close(fd);
  return synced ? absl::OkStatus() : absl::UnavailableError(absl::StrCat(path.string(), ": ", std::strerror(code)));
}

// Under its name the copy is whole or not there, also after a power cut.
absl::Status Publish(std::string const& partial, std::string const& to) {
  RETURN_IF_ERROR(Sync(partial));
  if (::link(partial.c_str(), to.c_str()) != 0) {
    if (errno == EEXIST) return absl::AlreadyExistsError(absl::StrCat(to, " exists already"));
    return absl::UnavailableError(absl::StrCat(to, ": ", std::strerror(errno)));
  }
  auto const folder = std::filesystem::path(to).parent_path();
  return Sync(folder.empty() ? "." : folder);
}

}  // namespace

absl::Status BackUpSqlite(std::string const& from, std::string const& to) {
  auto const partial = absl::StrCat(to, ".partial");
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  auto status = CopyFile(from, partial);
  if (status.ok()) status = Publish(partial, to);
  std::filesystem::remove(partial, ignored);
  return status;
}

}  // namespace helhed::storage
