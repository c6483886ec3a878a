#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <sqlite3.h>

#include <cstdio>
#include <fstream>
#include <iostream>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/testing/postgres.h"
#include "tests/bench/bench.h"

// Durable writes against the engines themselves writing the same rows.
namespace helhed::bench {
namespace {

namespace rv1 = residents::v1;

constexpr absl::Duration kRound = absl::Seconds(4);
constexpr int kCallers = 32;

// What one CreateDwelling writes, in an order that keeps the foreign keys, the column that must differ in each row, and which
// rows it wrote.
struct Target {
  std::string_view table;
  std::string_view unique;
  std::string_view which;
};
constexpr Target kTargets[] = {
    {"dwellings", "dwelling", "dwelling = 'sample'"},
    {"dwelling_departments", "dwelling", "dwelling = 'sample'"},
    {"events", "", "type LIKE '%DwellingsCreated'"},
    {"idempotency", "request_id", "method LIKE '%CreateDwelling'"},
    {"audit", "id", "method LIKE '%CreateDwelling'"},
    {"chain_pending", "entry", "entry IN (SELECT id FROM audit WHERE method LIKE '%CreateDwelling')"},
};

std::string Literal(storage::Rows::Value const& value, storage::Engine engine) {
  if (auto const* const number = std::get_if<std::int64_t>(&value)) return absl::StrCat(*number);
  if (auto const* const truth = std::get_if<bool>(&value)) return *truth ? "TRUE" : "FALSE";
  if (auto const* const text = std::get_if<std::string>(&value)) return absl::StrCat("'", *text, "'");
  if (auto const* const bytes = std::get_if<std::vector<std::byte>>(&value)) {
    std::string hex;
    for (auto const byte : *bytes) absl::StrAppendFormat(&hex, "%02x", static_cast<unsigned>(byte));
    return engine == storage::Engine::kSqlite ? absl::StrCat("x'", hex, "'") : absl::StrCat("'\\x", hex, "'");
  }
  return "NULL";
}

// INSERTs of the rows that one call has written, with `id` (an SQL expression) where each row must be another.
std::vector<std::string> SameRows(Register& store, std::string const& id) {
  auto& database = store.database();
  std::vector<std::string> inserts;
  Must("read", database.Read({}, [&](storage::ReadTransaction& tx) -> absl::Status {
    for (auto const& target : kTargets) {
      storage::Statement const select(storage::Statement::Dynamic{
          "bench.sample", absl::StrCat("SELECT * FROM ", Av(target.table), " WHERE ", Av(target.which), " LIMIT 1")});
      auto const rows = tx.Query(select, {});
      if (!rows.ok()) return rows.status();
      std::vector<std::string> columns, values;
      for (std::size_t i = 0; i < rows->columns().size(); ++i) {
        auto const& column = rows->columns()[i];
        // The engine numbers events itself.
        if (target.table == "events" && (column == "number" || column == "xid")) continue;
        columns.push_back(column);
        values.push_back(column == target.unique ? id : Literal(rows->At(0, i), tx.engine()));
      }
      inserts.push_back(absl::StrCat("INSERT INTO ", Av(target.table), " (", absl::StrJoin(columns, ", "), ") VALUES (",
                                     absl::StrJoin(values, ", "), ")"));
    }
    return absl::OkStatus();
  }));
  return inserts;
}

rv1::CreateDwellingRequest Sample(std::string const& id) {
  rv1::CreateDwellingRequest request;
  request.set_parent("organisations/1000");
  request.set_dwelling_id(id);
  request.set_request_id(UuidOf(id));
  request.mutable_dwelling()->set_department("organisations/1000/departments/001");
  request.mutable_dwelling()->set_address("Øresundsvej 14, 2. th, 2300 København S");
  request.mutable_dwelling()->mutable_period()->mutable_start_date()->set_year(1990);
  request.mutable_dwelling()->mutable_period()->mutable_start_date()->set_month(1);
  request.mutable_dwelling()->mutable_period()->mutable_start_date()->set_day(1);
  return request;
}

double Ours(Register& store, int callers) {
  static int round = 0;
  ++round;
  return RoundsPerSecond(callers, kRound, [&](int caller, std::int64_t i) {
    store.Call<rv1::Dwelling>("HousingRegisterService/CreateDwelling", Sample(absl::StrCat("w", round, "-", caller, "-", i)));
  });
}

double RawSqlite(std::string const& path, std::vector<std::string> const& inserts) {
  sqlite3* database = nullptr;
  sqlite3_open(path.c_str(), &database);
  sqlite3_exec(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", nullptr, nullptr, nullptr);
  std::vector<sqlite3_stmt*> statements;
  for (auto const& insert : inserts) {
    statements.emplace_back();
    if (sqlite3_prepare_v2(database, insert.c_str(), -1, &statements.back(), nullptr) != SQLITE_OK)
      Fail("raw sqlite", absl::InternalError(sqlite3_errmsg(database)));
  }
  double const rate = RoundsPerSecond(1, kRound, [&](int, std::int64_t i) {
    auto const id = absl::StrCat("raw-", i);
    sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
    for (auto* const statement : statements) {
      sqlite3_reset(statement);
      if (sqlite3_bind_parameter_count(statement) > 0) sqlite3_bind_text(statement, 1, id.c_str(), -1, SQLITE_STATIC);
      if (sqlite3_step(statement) != SQLITE_DONE) Fail("raw sqlite", absl::InternalError(sqlite3_errmsg(database)));
    }
    sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
  });
  for (auto* const statement : statements) sqlite3_finalize(statement);
  sqlite3_close(database);
  return rate;
}

double Pgbench(std::string const& connection, std::string const& folder, std::vector<std::string> const& inserts, int callers) {
  {
    std::ofstream script(folder + "/writes.sql");
    script << "\\set id random(1, 9000000000000000000)\nBEGIN;\n";
    for (auto const& insert : inserts) script << insert << ";\n";
    script << "COMMIT;\n";
  }
  auto const command =
      absl::StrFormat("/usr/lib/postgresql/15/bin/pgbench -n -M prepared -c %d -j 2 -T %d -f %s/writes.sql \"%s\" 2>&1", callers,
                      absl::ToInt64Seconds(kRound), folder, connection);
  FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[512];
  while (fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
  pclose(pipe);
  auto const at = output.find("tps = ");
  if (at == std::string::npos) Fail("pgbench", absl::InternalError(output));
  return std::atof(output.c_str() + at + 6);
}

void Sqlite(std::string const& roles_file) {
  Folder folder;
  Register store({.sqlite_path = folder.path() + "/ours.db"}, folder.path(), roles_file);
  store.Fill(1, 1, 0);
  store.Call<rv1::Dwelling>("HousingRegisterService/CreateDwelling", Sample("sample"));
  // The reference writes into a file with the same tables, made in the same way.
  {
    Register reference({.sqlite_path = folder.path() + "/raw.db"}, folder.path(), roles_file);
    reference.Fill(1, 1, 0);
  }
  auto const inserts = SameRows(store, "$1");
  auto const raw = RawSqlite(folder.path() + "/raw.db", inserts);
  auto const ours = Ours(store, kCallers);
  Report("durable write, SQLite, 32 callers, against raw one-transaction-per-write", ours, raw, "writes/s", 1.5);
  Report("durable write, SQLite, 1 caller, against the same", Ours(store, 1), raw, "writes/s", 0);
}

void Postgres(std::string const& roles_file) {
  Folder folder;
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  auto const connection = server.NewDatabase();
  Register store({.postgres = connection, .connections = kCallers}, folder.path(), roles_file);
  store.Fill(1, 1, 0);
  store.Call<rv1::Dwelling>("HousingRegisterService/CreateDwelling", Sample("sample"));
  auto const inserts = SameRows(store, ":id::text");
  for (int const callers : {kCallers, 1}) {
    auto const reference = Pgbench(connection, folder.path(), inserts, callers);
    auto const ours = Ours(store, callers);
    Report(absl::StrCat("durable write, PostgreSQL, ", callers, callers == 1 ? " caller" : " callers",
                        ", against pgbench writing the same rows"),
           ours, reference, "writes/s", callers == 1 ? 0 : 0.7);
  }
}

}  // namespace

void BenchWrites(std::string const& roles_file) {
  Sqlite(roles_file);
  Postgres(roles_file);
}

}  // namespace helhed::bench
