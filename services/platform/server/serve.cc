#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <grpc/support/log.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <utility>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/server/admin.h"
#include "services/platform/server/commands.h"
#include "services/platform/server/ending.h"
#include "services/platform/server/grpc_server.h"
#include "services/platform/server/housekeeping.h"
#include "services/platform/server/jobs.h"

namespace helhed::server {
namespace {

// gRPC's own errors (a handshake that failed, say) as log lines. gRPC has one place for this in a process.
class CoreLog {
 public:
  explicit CoreLog(telemetry::Log& log) {
    target_ = &log;
    gpr_set_log_function([](gpr_log_func_args* entry) {
      auto* const to = target_.load();
      if (to == nullptr || entry->severity != GPR_LOG_SEVERITY_ERROR) return;
      to->Warning("gRPC", {{"detail", std::string_view(entry->message)}});
    });
  }
  ~CoreLog() {
    gpr_set_log_function(nullptr);
    target_ = nullptr;
  }
  CoreLog(CoreLog const&) = delete;
  CoreLog& operator=(CoreLog const&) = delete;

 private:
  inline static std::atomic<telemetry::Log*> target_ = nullptr;
};

absl::StatusOr<std::unique_ptr<AdminServer>> StartAdmin(Options const& options, telemetry::Metrics& metrics,
                                                        storage::Database& database, std::atomic<bool>& draining) {
  if (options.admin_listen.empty()) return nullptr;
  AdminServer::Handlers handlers;
  handlers.metrics = [&metrics] { return metrics.Expose(); };
  // That the schema is right was checked before serving; a newer one that was migrated to meanwhile is made so that this version
  // works on it, or no upgrade could be without a pause.
  handlers.ready = [&database, &draining]() -> absl::Status {
    if (draining) return absl::UnavailableError("draining");
    storage::Limits limits;
    limits.deadline = absl::Now() + absl::Seconds(1);
    return database.Ping(limits);
  };
  return AdminServer::Start(options.admin_listen, std::move(handlers));
}

// The doors of an instance, from the first call to the last.
absl::Status ServeUntilSignal(Instance& instance, Options const& options, telemetry::Log& log, telemetry::Metrics& metrics,
                              std::unique_ptr<Watchdog>& watchdog) {
  std::atomic<bool> draining = false;
  ASSIGN_OR_RETURN(auto const server, GrpcServer::Start(instance.pipeline(), options.grpc));
  ASSIGN_OR_RETURN(auto const admin, StartAdmin(options, metrics, instance.database(), draining));
  log.Info("serving", {{"port", std::int64_t{server->port()}}, {"admin_port", std::int64_t{admin ? admin->port() : 0}}});
  WaitForEnd();
  log.Info("draining");
  watchdog = std::make_unique<Watchdog>(options.drain_delay + options.drain_timeout + kCloseTime, log);
  draining = true;
  server->SetServing(false);
  if (options.drain_delay > absl::ZeroDuration()) WaitForEnd(options.drain_delay);
  server->Drain(absl::Now() + options.drain_timeout);
  return absl::OkStatus();
}

}  // namespace

absl::Status Serve(Definition const& definition, Options const& options) {
  HoldEndSignals();
  telemetry::Log log({.service = definition.name, .minimum = options.log_level, .destination = "-"});
  CoreLog const core_log(log);
  telemetry::Metrics metrics;
  SystemClock const clock;
  SystemRandom random;
  std::unique_ptr<Watchdog> watchdog;
  if (options.migrate_on_start) {
    ASSIGN_OR_RETURN(auto const state, MigrateStore(definition, options));
    log.Info("migrated", {{"applied", std::int64_t{state.applied}}});
  }
  {
    ASSIGN_OR_RETURN(auto const instance, Instance::Open(definition, options.instance, clock, random, log, metrics));
    Housekeeping const housekeeping(*instance, options.event_retention, clock, log, metrics);
    Jobs const jobs(definition.name, instance->jobs(), clock, log, metrics);
    RETURN_IF_ERROR(ServeUntilSignal(*instance, options, log, metrics, watchdog));
  }
  log.Info("stopped");
  log.Flush();
  return absl::OkStatus();
}

absl::StatusOr<storage::MigrationState> MigrateStore(Definition const& definition, Options const& options) {
  ASSIGN_OR_RETURN(auto const database, OpenDatabase(options.instance.storage));
  return storage::Migrate(*database, AllMigrations(definition));
}

}  // namespace helhed::server
