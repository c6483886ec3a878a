#include "services/platform/testing/engines.h"

#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "services/platform/testing/postgres.h"

namespace helhed::testing {

namespace {

[[noreturn]] void Stop(std::string const& what) {
  std::fprintf(stderr, "FreshDatabase: %s\n", what.c_str());
  std::abort();
}

// Everything that would make two migrated databases differ.
std::string KeyOf(std::span<storage::Migration const> migrations) {
  std::string key;
  for (auto const& migration : migrations) {
    key.append(migration.component).append("/").append(std::to_string(migration.number)).append("\n");
    key.append(migration.sqlite).append("\n").append(migration.postgres).append("\n");
  }
  return key;
}

// As the log's first migration draws it.
constexpr char kDrawSqlite[] =
    "UPDATE event_log SET log = lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "
    "substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))";
constexpr char kDrawPostgres[] = "UPDATE event_log SET log = gen_random_uuid()::text";

}  // namespace

FreshDatabase::FreshDatabase(storage::Engine engine) : engine_(engine) {
  if (engine_ == storage::Engine::kPostgres) {
    location_ = PostgresFixture::Get().NewDatabase();
    return;
  }
  folder_ = std::make_unique<Folder>();
  location_ = folder_->path() + "/test.db";
}

FreshDatabase::FreshDatabase(storage::Engine engine, std::span<storage::Migration const> migrations)
    : FreshDatabase(engine, KeyOf(migrations), [&](FreshDatabase const& empty) {
        for (auto const& migration : migrations) {
          auto const text = engine == storage::Engine::kSqlite ? migration.sqlite : migration.postgres;
          if (migration.component != "events" && text.find("random") != std::string_view::npos) {
            Stop("copies would share what " + std::string(migration.name) + " draws by lot: draw it again here");
          }
        }
        auto const migrated = storage::Migrate(*empty.Open(1), migrations);
        if (!migrated.ok()) Stop("Migrate: " + migrated.status().ToString());
      }) {}

FreshDatabase::FreshDatabase(storage::Engine engine, std::string const& key,
                             std::function<void(FreshDatabase const&)> const& prepare)
    : engine_(engine) {
  CopyFrom(Template(engine, key, prepare));
  DrawAgain();
}

FreshDatabase const& FreshDatabase::Template(storage::Engine engine, std::string const& key,
                                             std::function<void(FreshDatabase const&)> const& prepare) {
  static std::map<std::pair<storage::Engine, std::string>, std::unique_ptr<FreshDatabase>> templates;
  auto& made = templates[{engine, key}];
  if (made == nullptr) {
    made = std::make_unique<FreshDatabase>(engine);
    prepare(*made);
  }
  return *made;
}

void FreshDatabase::CopyFrom(FreshDatabase const& other) {
  if (engine_ == storage::Engine::kPostgres) {
    location_ = PostgresFixture::Get().CopyDatabase(other.location_);
    return;
  }
  // What was closed has all its content in the one file.
  if (std::filesystem::exists(other.location_ + "-wal")) Stop("a database to copy is still open");
  folder_ = std::make_unique<Folder>();
  location_ = folder_->path() + "/test.db";
  std::filesystem::copy_file(other.location_, location_);
}

void FreshDatabase::DrawAgain() const {
  if (engine_ == storage::Engine::kPostgres) {
    return PostgresFixture::Get().Run(PostgresFixture::DatabaseOf(location_), kDrawPostgres);
  }
  sqlite3* handle = nullptr;
  bool const drawn = ::sqlite3_open(location_.c_str(), &handle) == SQLITE_OK &&
                     ::sqlite3_exec(handle, kDrawSqlite, nullptr, nullptr, nullptr) == SQLITE_OK;
  if (!drawn) Stop(std::string("which log this is: ") + ::sqlite3_errmsg(handle));
  ::sqlite3_close(handle);
}

std::unique_ptr<storage::Database> FreshDatabase::Open(int connections) const {
  auto database = engine_ == storage::Engine::kSqlite
                      ? storage::OpenSqlite({.path = location_, .readers = connections})
                      : storage::OpenPostgres({.connection_string = location_, .password = {}, .connections = connections});
  if (!database.ok()) {
    std::fprintf(stderr, "a fresh database cannot be opened: %s\n", database.status().ToString().c_str());
    std::abort();
  }
  return *std::move(database);
}

std::string EngineName(::testing::TestParamInfo<storage::Engine> const& info) {
  return info.param == storage::Engine::kSqlite ? "Sqlite" : "Postgres";
}

}  // namespace helhed::testing
