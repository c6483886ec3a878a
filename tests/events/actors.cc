#include "tests/events/actors.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "services/platform/base/random.h"
#include "services/platform/events/event_log.h"
#include "services/platform/storage/database.h"

namespace helhed::events::order {
namespace {

constexpr int kThreads = 3;
constexpr char kTruthText[] = "CREATE TABLE truth (txn TEXT NOT NULL PRIMARY KEY, events BIGINT NOT NULL)";

storage::Statement const kRecord("order.record", "INSERT INTO truth (txn, events) VALUES ($1, $2)");
storage::Statement const kFlush("order.flush", "SELECT 1");
storage::Statement const kReadNaively("order.read_naively",
                                      "SELECT number, event FROM events WHERE number > $1 ORDER BY number LIMIT 500");

void Pause(std::int64_t millis) { std::this_thread::sleep_for(std::chrono::milliseconds(millis)); }

// Opens the log, or tries again for as long as the server is away.
struct Opened {
  std::unique_ptr<storage::Database> database;
  storage::TokenSealer sealer = Sealer();
  std::unique_ptr<EventLog> log;
};
std::unique_ptr<Opened> Open(std::string const& connection, int connections) {
  for (;; Pause(50)) {
    auto opened = std::make_unique<Opened>();
    auto database = storage::OpenPostgres({.connection_string = connection, .password = {}, .connections = connections});
    if (!database.ok()) continue;
    opened->database = *std::move(database);
    auto log = EventLog::Open(*opened->database, opened->sealer);
    if (!log.ok()) continue;
    opened->log = *std::move(log);
    return opened;
  }
}

// One transaction: up to forty events, one in ten held open after the first of them, one in twenty rolled back.
absl::Status Transact(Opened& opened, SeededRandom& random, std::string const& txn) {
  std::int64_t const count = random.Between(1, 40);
  bool const held = random.Between(1, 10) == 1;
  std::int64_t const held_millis = random.Between(1, 120);
  bool const kept = random.Between(1, 20) != 1;
  return opened.database->Write({}, [&](storage::WriteTransaction& tx) -> absl::Status {
    for (std::int64_t i = 0; i < count; ++i) {
      v1::Event event;
      event.set_id(absl::StrCat(txn, "/", i));
      event.set_type("order.Happened");
      RETURN_IF_ERROR(opened.log->Append(tx, event));
      if (i == 0 && held) {
        RETURN_IF_ERROR(tx.Query(kFlush, {}).status());
        Pause(held_millis);
      }
    }
    RETURN_IF_ERROR(tx.Execute(kRecord, {std::string_view(txn), count}).status());
    return kept ? absl::OkStatus() : absl::CancelledError("rolled back");
  });
}

// Writes whole lines in one call, so that a kill leaves at most one line undone.
void AppendTo(std::string const& file, std::string const& lines) {
  int const fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || ::write(fd, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) std::abort();
  ::close(fd);
}

// One step from `cursor`, which moves. False when there was nothing.
bool ReadOnce(EventLog& log, std::string& cursor, std::string const& file) {
  auto const batch = log.Read({}, cursor, 300, {});
  if (!batch.ok()) {
    // The server may be away; anything else must not happen.
    if (batch.status().code() == absl::StatusCode::kUnavailable) return false;
    std::fprintf(stderr, "read: %s\n", batch.status().ToString().c_str());
    std::abort();
  }
  std::string lines;
  for (auto const& event : batch->events) absl::StrAppend(&lines, event.id(), " ", event.cursor(), "\n");
  if (!lines.empty()) AppendTo(file, lines);
  cursor = batch->next_cursor;
  return !batch->events.empty();
}

std::string LastCursor(std::string const& file) {
  auto const lines = LinesOf(file);
  return lines.empty() ? std::string() : lines.back().cursor;
}

// One step from `number`, which moves. False when there was nothing.

bool ReadOnceNaively(storage::Database& database, std::int64_t& number, std::string const& file) {
  std::string lines;
  auto const status = database.Read({}, [&](storage::ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kReadNaively, {number}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      v1::Event event;
      auto const bytes = rows.Blob(row, 1);
      if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) std::abort();
      number = rows.Int64(row, 0);
      absl::StrAppend(&lines, event.id(), " ", number, "\n");
    }
    return absl::OkStatus();
  });
  if (!status.ok() || lines.empty()) return false;
  AppendTo(file, lines);
  return true;
}

}  // namespace

storage::Migration const kTruth[1] = {{"order", 1, "truth", kTruthText, kTruthText}};

storage::TokenSealer Sealer() { return storage::TokenSealer(std::string(32, 'k')); }

void Write(std::string const& connection, std::string const& writer) {
  auto const opened = Open(connection, kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      SeededRandom random(std::hash<std::string>{}(writer) + static_cast<std::uint64_t>(thread));
      for (int sequence = 0;; ++sequence) {
        absl::Status const status = Transact(*opened, random, absl::StrCat(writer, "-", thread, "-", sequence));
        if (status.code() == absl::StatusCode::kUnavailable) Pause(20);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::abort();
}

void Read(std::string const& connection, std::string const& file) {
  auto const opened = Open(connection, 1);
  for (std::string cursor = LastCursor(file);;) {
    if (!ReadOnce(*opened->log, cursor, file)) Pause(5);
  }
}

void ReadNaively(std::string const& connection, std::string const& file) {
  auto const opened = Open(connection, 1);
  for (std::int64_t number = std::atoll(LastCursor(file).c_str());; Pause(5)) ReadOnceNaively(*opened->database, number, file);
}

std::vector<Line> LinesOf(std::string const& file) {
  std::vector<Line> lines;
  std::ifstream stream(file);
  std::stringstream content;
  content << stream.rdbuf();
  std::string const text = content.str();
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; at = end + 1, end = text.find('\n', at)) {
    std::string const line = text.substr(at, end - at);
    std::size_t const space = line.find(' ');
    lines.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  if (at < text.size()) std::filesystem::resize_file(file, at);
  return lines;
}

void ReadToTheEnd(std::string const& connection, std::string const& file) {
  auto const opened = Open(connection, 1);
  std::string cursor = LastCursor(file);
  while (ReadOnce(*opened->log, cursor, file)) {
  }
}

void ReadNaivelyToTheEnd(std::string const& connection, std::string const& file) {
  auto const opened = Open(connection, 1);
  std::int64_t number = std::atoll(LastCursor(file).c_str());
  while (ReadOnceNaively(*opened->database, number, file)) {
  }
}

}  // namespace helhed::events::order
