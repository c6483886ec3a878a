#include "services/platform/storage/migrate.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/migrate_text.h"

namespace helhed::storage {
namespace {

// Any number, the same in every process, that nobody else locks.
constexpr char kLockPostgres[] = "SELECT pg_advisory_xact_lock(80484764);";

constexpr char kCreateRecords[] = R"(
CREATE TABLE IF NOT EXISTS helhed_migrations (
  component    TEXT   NOT NULL,
  number       BIGINT NOT NULL,
  name         TEXT   NOT NULL,
  checksum     TEXT   NOT NULL,
  applied_time BIGINT,
  PRIMARY KEY (component, number)
);
)";

// Not registered: the tables of the engines themselves are searched as they like.
Statement const& TableExists(Engine engine) {
  static Statement const sqlite(
      Statement::Dynamic{.name = "storage.migrations_table_exists",
                         .text = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'helhed_migrations'"});
  static Statement const postgres(
      Statement::Dynamic{.name = "storage.migrations_table_exists",
                         .text = "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('helhed_migrations')"});
  return engine == Engine::kSqlite ? sqlite : postgres;
}

Statement const& ListRecords() {
  static Statement const statement(
      Statement::Dynamic{.name = "storage.list_migrations",
                         .text = "SELECT component, number, name, checksum FROM helhed_migrations ORDER BY component, number"});
  return statement;
}

Statement const& FinishRecord() {
  static Statement const statement(
      Statement::Dynamic{.name = "storage.finish_migration",
                         .text = "UPDATE helhed_migrations SET applied_time = $3 WHERE component = $1 AND number = $2"});
  return statement;
}

Statement const& NoOperation() {
  static Statement const statement(Statement::Dynamic{.name = "storage.no_operation",
                                                      .text = "UPDATE helhed_migrations SET name = name WHERE component = ''"});
  return statement;
}

std::string_view TextOf(Migration const& migration, Engine engine) {
  return engine == Engine::kSqlite ? migration.sqlite : migration.postgres;
}

std::string Checksum(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  ::crypto_hash_sha256(digest.data(), reinterpret_cast<unsigned char const*>(text.data()), text.size());
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<char const*>(digest.data()), digest.size()));
}

std::string Title(std::string_view component, std::int64_t number, std::string_view name) {
  return absl::StrCat(Av(component), "/", absl::Dec(number, absl::kZeroPad4), "_", Av(name));
}

std::string Title(Migration const& migration) { return Title(migration.component, migration.number, migration.name); }

// INTERNAL when the numbers of a component have a gap, or a name cannot stand in SQL.
absl::Status CheckNumbers(std::span<Migration const> migrations) {
  std::map<std::string_view, int> last;
  for (Migration const& migration : migrations) {
    auto const is_plain = [](std::string_view text) {
      return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
    };
    if (migration.number != ++last[migration.component] || !is_plain(migration.component) || !is_plain(migration.name)) {
      return absl::InternalError(absl::StrCat("migration ", Title(migration), " is out of order or misnamed"));
    }
  }
  return absl::OkStatus();
}

struct Record {
  std::string name;
  std::string checksum;
};
using Records = std::map<std::pair<std::string, std::int64_t>, Record>;

absl::StatusOr<Records> ReadRecords(Database& database) {
  Records records;
  absl::Status const status = database.Read({}, [&](ReadTransaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(Rows const exists, transaction.Query(TableExists(database.engine()), {}));
    if (exists.Int64(0, 0) == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(Rows const rows, transaction.Query(ListRecords(), {}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      records[{rows.Text(i, 0), rows.Int64(i, 1)}] = {.name = rows.Text(i, 2), .checksum = rows.Text(i, 3)};
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return records;
}

// What is missing, in order. FAILED_PRECONDITION when the database holds what is not among `migrations`, or another text.
absl::StatusOr<std::vector<Migration const*>> Pending(Records const& records, std::span<Migration const> migrations,
                                                      Engine engine) {
  Records unknown = records;
  std::vector<Migration const*> pending;
  std::vector<std::string> wrong;
  for (Migration const& migration : migrations) {
    auto const found = unknown.find({std::string(migration.component), migration.number});
    if (found == unknown.end()) {
      pending.push_back(&migration);
      continue;
    }
    if (found->second.checksum != Checksum(TextOf(migration, engine))) {
      wrong.push_back(absl::StrCat(Title(migration), " has another text than when it was applied"));
    } else if (std::any_of(pending.begin(), pending.end(),
                           [&](Migration const* other) { return other->component == migration.component; })) {
      wrong.push_back(absl::StrCat(Title(migration), " is applied though one before it is not"));
    }
    unknown.erase(found);
  }
  for (auto const& [key, record] : unknown) {
    wrong.push_back(absl::StrCat(Title(key.first, key.second, record.name), " is not known to this version"));
  }
  if (!wrong.empty()) return absl::FailedPreconditionError(absl::StrCat("the database's schema: ", absl::StrJoin(wrong, "; ")));
  return pending;
}

// The script that applies one migration. It begins with its record, whose key another process can only take before or after.
std::string ScriptOf(Migration const& migration, Engine engine) {
  std::string_view const text = TextOf(migration, engine);
  return absl::StrCat(engine == Engine::kPostgres ? kLockPostgres : "",
                      "INSERT INTO helhed_migrations (component, number, name, checksum) VALUES ('", Av(migration.component),
                      "', ", migration.number, ", '", Av(migration.name), "', '", Checksum(text), "');\n",
                      engine == Engine::kSqlite && migration.sqlite == migration.postgres ? ToSqlite(text) : std::string(text));
}

absl::Status CreateRecords(Database& database) {
  std::string const script =
      database.engine() == Engine::kSqlite ? ToSqlite(kCreateRecords) : absl::StrCat(kLockPostgres, kCreateRecords);
  return database.RunScript(script, NoOperation(), {});
}

}  // namespace

absl::StatusOr<MigrationState> Migrate(Database& database, std::span<Migration const> migrations) {
  RETURN_IF_ERROR(CheckNumbers(migrations));
  RETURN_IF_ERROR(CreateRecords(database));
  MigrationState state;
  while (true) {
    ASSIGN_OR_RETURN(Records const records, ReadRecords(database));
    ASSIGN_OR_RETURN(auto const pending, Pending(records, migrations, database.engine()));
    if (pending.empty()) return state;
    Migration const& next = *pending.front();
    std::array<Bind, 3> const binds = {next.component, std::int64_t{next.number}, absl::ToUnixMicros(absl::Now())};
    absl::Status const status = database.RunScript(ScriptOf(next, database.engine()), FinishRecord(), binds);
    // Another process has applied it meanwhile.
    if (status.code() == absl::StatusCode::kAlreadyExists) {
      ASSIGN_OR_RETURN(Records const now, ReadRecords(database));
      if (now.contains({std::string(next.component), next.number})) continue;
    }
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("migration ", Title(next), ": ", status.message()));
    }
    ++state.applied;
  }
}

absl::Status CheckSchema(Database& database, std::span<Migration const> migrations) {
  RETURN_IF_ERROR(CheckNumbers(migrations));
  ASSIGN_OR_RETURN(Records const records, ReadRecords(database));
  ASSIGN_OR_RETURN(auto const pending, Pending(records, migrations, database.engine()));
  if (pending.empty()) return absl::OkStatus();
  std::vector<std::string> titles;
  for (Migration const* const migration : pending) titles.push_back(Title(*migration));
  return absl::FailedPreconditionError(
      absl::StrCat("the database's schema lacks ", absl::StrJoin(titles, ", "), "; run the command `migrate`"));
}

}  // namespace helhed::storage
