#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/identity/identity.h"
#include "services/platform/pipeline/pipeline.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/database.h"
#include "services/platform/testing/folder.h"

// What the sections of the benchmark share: a register put together in this process, callers, and the lines of the table.
namespace helhed::bench {

// Ends the process with a message: a benchmark that met an error has nothing to say.
[[noreturn]] void Fail(std::string_view what, absl::Status const& status);

template <typename T>
T Must(std::string_view what, absl::StatusOr<T> result) {
  if (!result.ok()) Fail(what, result.status());
  return *std::move(result);
}
inline void Must(std::string_view what, absl::Status const& status) {
  if (!status.ok()) Fail(what, status);
}

// One line of the table, tab-separated on standard output: row, ours, reference, unit, ratio, bar. A bar of 0 means that there is
// none.
void Report(std::string_view row, double ours, double reference, std::string_view unit, double bar);
// A line without a reference: `ours` is held against `bar` itself, from above.
void ReportAtMost(std::string_view row, double ours, std::string_view unit, double bar);

// A service in this process, on a store of its own. Its callers are operators, signed for an hour.
class Service {
 public:
  Service(server::Definition const& definition, server::StorageOptions storage, std::string const& folder,
          std::string const& roles_file);

  Pipeline& pipeline() { return instance_->pipeline(); }
  storage::Database& database() { return instance_->database(); }
  server::Instance& instance() { return *instance_; }
  // An identity for the calls of somebody else than `bench`, who makes them otherwise.
  std::string SignIn(std::string const& subject);

  // Calls a method, such as `HousingRegisterService/GetDwelling`, through the in-process door.
  absl::StatusOr<std::string> CallRaw(std::string_view method, std::string_view request, std::string_view identity = {});
  template <typename Response, typename Request>
  Response Call(std::string_view method, Request const& request, std::string_view identity = {}) {
    Response response;
    response.ParseFromString(Must(method, CallRaw(method, request.SerializeAsString(), identity)));
    return response;
  }
  std::string RequestId() { return NewUuid(clock_.Now(), random_); }

 private:
  std::string const package_;
  identity::Signer const signer_;
  SystemClock clock_;
  SystemRandom random_;
  telemetry::Metrics metrics_;
  telemetry::Log log_;
  std::string identity_;
  std::unique_ptr<server::Instance> instance_;
};

// The housing register.
class Register : public Service {
 public:
  Register(server::StorageOptions storage, std::string const& folder, std::string const& roles_file);

  // Organisations, departments and dwellings of made-up addresses: `per_department` dwellings in each.
  void Fill(int organisations, int departments_each, int per_department);
};

// `work(caller, round)` from `callers` threads for about `duration`; returns rounds a second.
double RoundsPerSecond(int callers, absl::Duration duration, std::function<void(int, std::int64_t)> const& work);

// The line of `ours` against `reference`, one caller at a time so that work is compared and not contention. They take turns, so
// that whatever else the machine does falls on both; the middle one of their rounds counts.
void ReportInTurns(std::string_view row, std::function<void()> const& ours, std::function<void()> const& reference,
                   std::string_view unit, double bar);
constexpr absl::Duration kTurn = absl::Milliseconds(400);

// Tells PostgreSQL what its tables hold, as autovacuum does within a minute of an import: without that the planner takes a
// country for a village.
void Analyze(storage::Database& database);

// What a process holds in memory now.
double ResidentMebibytes(pid_t pid);

using testing::Folder;

void BenchWrites(std::string const& roles_file);
void BenchReads(std::string const& roles_file, int dwellings);
void BenchResidents(std::string const& roles_file, int dwellings);
// `postings` is how many the large plan has.
void BenchPostings(std::string const& roles_file, std::string const& bin, int postings);
void BenchCampaigns(std::string const& roles_file);
void BenchActivities(std::string const& roles_file, int attendances);
void BenchDoors(std::string const& roles_file, std::string const& bin);
void BenchPaper();

}  // namespace helhed::bench
