#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/events/event_log.h"
#include "services/platform/service/installation.h"
#include "services/platform/service/migrations.h"
#include "services/platform/service/store.h"
#include "services/platform/storage/migrate.h"

// The parts of a service below its handlers, put together on a database of a test.
namespace helhed::testing {

inline void AbortUnlessOk(absl::Status const& status, char const* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

// Where tests begin: 2026-03-01 08:00 UTC.
inline constexpr absl::Time kTestStart = absl::FromUnixSeconds(1772352000);

// SeededRandom for several threads.
class TestRandom final : public Random {
 public:
  std::uint64_t Next() override {
    std::lock_guard const lock(mutex_);
    return random_.Next();
  }

 private:
  std::mutex mutex_;
  SeededRandom random_{7};
};

class TestStore {
 public:
  // Brings the schema up to date, with `own` behind the platform's, and opens log and store. `schema` may be null where no table
  // is used by its contract.
  TestStore(storage::Database& database, std::span<storage::Migration const> own, Clock const& clock, Random& random,
            storage::Schema const* schema = nullptr) {
    std::vector<storage::Migration> all;
    for (auto const part : {events::EventLog::Migrations(), StoreMigrations(), own})
      all.insert(all.end(), part.begin(), part.end());
    AbortUnlessOk(storage::Migrate(database, all).status(), "Migrate");
    auto opened = OpenSealer(database);
    AbortUnlessOk(opened.status(), "OpenSealer");
    sealer_.emplace(*std::move(opened));
    auto log = events::EventLog::Open(database, *sealer_);
    AbortUnlessOk(log.status(), "EventLog::Open");
    log_ = *std::move(log);
    store_ = std::make_unique<Store>(Store::Parts{.service = "residents",
                                                  .database = &database,
                                                  .schema = schema,
                                                  .sealer = &*sealer_,
                                                  .events = log_.get(),
                                                  .clock = &clock,
                                                  .random = &random});
  }

  Store& store() { return *store_; }
  events::EventLog& log() { return *log_; }
  storage::TokenSealer const& sealer() const { return *sealer_; }

 private:
  std::optional<storage::TokenSealer> sealer_;
  std::unique_ptr<events::EventLog> log_;
  std::unique_ptr<Store> store_;
};

// What the pipeline would hand to a handler.
inline CallContext::Parts CallParts(std::string_view path, Clock const& clock, Random& random,
                                    std::string_view subject = "anna") {
  auto identity = std::make_shared<common::v1::Identity>();
  identity->set_subject(std::string(subject));
  CallContext::Parts parts;
  parts.method = contract::FindMethod(path);
  parts.clock = &clock;
  parts.random = &random;
  parts.identity = std::move(identity);
  parts.trace = telemetry::ContinueTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", random);
  return parts;
}

}  // namespace helhed::testing
