#include "services/platform/server/instance.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/events/event_service.h"
#include "services/platform/identity/identity.h"
#include "services/platform/service/installation.h"
#include "services/platform/service/migrations.h"

namespace helhed::server {
namespace {

constexpr int kLinkedAtOnce = 500;

absl::Status CheckMigrated(Definition const& definition, std::string const& program, storage::Database& database) {
  auto const status = storage::CheckSchema(database, AllMigrations(definition));
  if (status.code() != absl::StatusCode::kFailedPrecondition) return status;
  return absl::FailedPreconditionError(absl::StrCat(status.message(), "\nRun `",
                                                    program.empty() ? absl::StrCat("helhed-", definition.name) : program,
                                                    " migrate` of this version, or serve by the version that fits the store."));
}

// An option that does nothing would let its giver believe that it does.
absl::Status CheckMail(Definition const& definition, MailOptions const& mail) {
  bool const given = !mail.url.empty() || !mail.from.empty() || !mail.from_name.empty() || !mail.user.empty() ||
                     !mail.password.empty() || mail.cleartext;
  if (!given || definition.sends_mail) return absl::OkStatus();
  return absl::InvalidArgumentError("mail-*: this service sends no mail");
}

// Says what failed, for errors that would leave the operator guessing.
template <typename T>
absl::StatusOr<T> While(std::string_view doing, absl::StatusOr<T> result) {
  if (result.ok()) return result;
  return absl::Status(result.status().code(), absl::StrCat(Av(doing), ": ", result.status().message()));
}

}  // namespace

// In the order of dependence: what stands later uses what stands before.
struct Instance::State {
  std::unique_ptr<storage::Database> database;
  std::optional<storage::TokenSealer> sealer;
  std::unique_ptr<events::EventLog> events;
  std::optional<storage::Schema> schema;
  std::optional<Store> store;
  std::optional<identity::Verifier> verifier;
  std::optional<identity::Roles> roles;
  std::optional<events::EventService> event_service;
  std::optional<crypto::KeyRing> keys;
  std::vector<Job> jobs;
  std::unique_ptr<Peers> peers;
  std::shared_ptr<void> handlers;
  Router router;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Pipeline> pipeline;

  absl::Status OpenStore(Definition const& definition, InstanceOptions const& options, Clock const& clock, Random& random) {
    ASSIGN_OR_RETURN(database, While("opening the store", OpenDatabase(options.storage)));
    RETURN_IF_ERROR(CheckMigrated(definition, options.program, *database));
    ASSIGN_OR_RETURN(sealer, OpenSealer(*database));
    ASSIGN_OR_RETURN(events, events::EventLog::Open(*database, *sealer));
    schema.emplace(*database);
    for (auto const& resource : definition.resources) RETURN_IF_ERROR(schema->Add(resource));
    Store::Parts parts;
    parts.service = definition.name;
    parts.database = database.get();
    parts.schema = &*schema;
    parts.sealer = &*sealer;
    parts.events = events.get();
    parts.clock = &clock;
    parts.random = &random;
    store.emplace(std::move(parts));
    return absl::OkStatus();
  }

  absl::Status ReadPolicy(Definition const& definition, InstanceOptions const& options, Clock const& clock) {
    verifier.emplace(clock, definition.name);
    for (auto const& path : options.identity_key_files) RETURN_IF_ERROR(verifier->AddKeyFile(path));
    for (auto const& key : options.identity_keys) RETURN_IF_ERROR(verifier->AddKey(key));
    ASSIGN_OR_RETURN(roles, identity::Roles::FromFile(options.roles_file));
    if (options.data_key_file.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(keys, While("reading the data keys", crypto::KeyRing::FromFile(options.data_key_file)));
    return absl::OkStatus();
  }

  absl::Status MakeHandlers(Definition const& definition, Environment const& environment) {
    for (auto const& service : definition.services) router.Serve(service);
    handlers = definition.handlers(environment, router);
    // Often enough that little can be altered unseen before it is linked.
    jobs.push_back({"link-audit", absl::Seconds(2), [this](storage::Limits const& limits) -> absl::StatusOr<bool> {
                      ASSIGN_OR_RETURN(auto const linked, chain::Link(*database, limits, AuditLog(), kLinkedAtOnce));
                      return linked == kLinkedAtOnce;
                    }});
    event_service.emplace(*events);
    event_service->Register(router);
    return router.Check();
  }
};

std::vector<storage::Migration> AllMigrations(Definition const& definition) {
  std::vector<storage::Migration> all;
  for (auto const& migration : events::EventLog::Migrations()) all.push_back(migration);
  for (auto const& migration : StoreMigrations()) all.push_back(migration);
  for (auto const& migration : definition.migrations) all.push_back(migration);
  return all;
}

absl::StatusOr<std::unique_ptr<storage::Database>> OpenDatabase(StorageOptions const& options) {
  if (!options.postgres.empty()) {
    storage::PostgresOptions postgres;
    postgres.connection_string = options.postgres;
    postgres.password = options.postgres_password;
    postgres.connections = options.connections;
    return storage::OpenPostgres(std::move(postgres));
  }
  storage::SqliteOptions sqlite;
  sqlite.path = options.sqlite_path;
  sqlite.readers = options.connections;
  return storage::OpenSqlite(std::move(sqlite));
}

absl::StatusOr<std::unique_ptr<Instance>> Instance::Open(Definition const& definition, InstanceOptions const& options,
                                                         Clock const& clock, Random& random, telemetry::Log& log,
                                                         telemetry::Metrics& metrics) {
  RETURN_IF_ERROR(CheckMail(definition, options.mail));
  auto state = std::make_unique<State>();
  RETURN_IF_ERROR(state->ReadPolicy(definition, options, clock));
  RETURN_IF_ERROR(state->OpenStore(definition, options, clock, random));
  ASSIGN_OR_RETURN(state->peers, Peers::Open(definition.name, definition.peers, options.peers, random));
  RETURN_IF_ERROR(
      state->MakeHandlers(definition, {*state->store, clock, random, log, metrics, *state->database,
                                       state->keys ? &*state->keys : nullptr, state->jobs, *state->peers, options.mail}));
  state->executor =
      std::make_unique<Executor>(static_cast<std::size_t>(options.threads), static_cast<std::size_t>(options.queue_max));
  Pipeline::Parts parts;
  parts.service = definition.name;
  parts.router = &state->router;
  parts.verifier = &*state->verifier;
  parts.roles = &*state->roles;
  parts.clock = &clock;
  parts.random = &random;
  parts.metrics = &metrics;
  parts.log = &log;
  parts.executor = state->executor.get();
  state->pipeline = std::make_unique<Pipeline>(std::move(parts));
  return std::unique_ptr<Instance>(new Instance(std::move(state)));
}

Instance::Instance(std::unique_ptr<State> state) : state_(std::move(state)) {}

Instance::~Instance() = default;

Pipeline& Instance::pipeline() { return *state_->pipeline; }
storage::Database& Instance::database() { return *state_->database; }
events::EventLog& Instance::events() { return *state_->events; }
Store& Instance::store() { return *state_->store; }
identity::Verifier& Instance::verifier() { return *state_->verifier; }
std::span<Job const> Instance::jobs() const { return state_->jobs; }

}  // namespace helhed::server
