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

// The housing register in this process, on a store of its own below `folder`.
class Register {
 public:
  Register(server::StorageOptions storage, std::string const& folder, std::string const& roles_file);

  Pipeline& pipeline() { return instance_->pipeline(); }
  storage::Database& database() { return instance_->database(); }
  std::string const& identity() const { return identity_; }

  // Calls a method of HousingRegisterService through the in-process door. The caller is an operator, signed for an hour.
  absl::StatusOr<std::string> CallRaw(std::string_view method, std::string_view request);
  template <typename Response, typename Request>
  Response Call(std::string_view method, Request const& request) {
    Response response;
    response.ParseFromString(Must(method, CallRaw(method, request.SerializeAsString())));
    return response;
  }

  // Organisations, departments and dwellings of made-up addresses: `per_department` dwellings in each.
  void Fill(int organisations, int departments_each, int per_department);

 private:
  SystemClock clock_;
  SystemRandom random_;
  telemetry::Metrics metrics_;
  telemetry::Log log_;
  std::string identity_;
  std::unique_ptr<server::Instance> instance_;
};

// `work(caller, round)` from `callers` threads for about `duration`; returns rounds a second.
double RoundsPerSecond(int callers, absl::Duration duration, std::function<void(int, std::int64_t)> const& work);

// What a process holds in memory now.
double ResidentMebibytes(pid_t pid);

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  std::string const& path() const { return path_; }

 private:
  std::string path_;
};

void BenchWrites(std::string const& roles_file);
void BenchReads(std::string const& roles_file, int dwellings);
void BenchResidents(std::string const& roles_file, int dwellings);
// `postings` is how many the large plan has.
void BenchPostings(std::string const& roles_file, int postings);
void BenchCampaigns(std::string const& roles_file);
void BenchDoors(std::string const& roles_file, std::string const& bin);
void BenchPaper();

}  // namespace helhed::bench
