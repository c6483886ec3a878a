#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "services/platform/crypto/key_ring.h"
#include "services/platform/events/event_log.h"
#include "services/platform/pipeline/executor.h"
#include "services/platform/pipeline/pipeline.h"
#include "services/platform/server/jobs.h"
#include "services/platform/server/peers.h"
#include "services/platform/service/store.h"
#include "services/platform/storage/database.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

// A service put together: store, events, handlers and pipeline, without a door. The gRPC server, the suite and the tests each put
// a door before it.
namespace helhed::server {

// The carrier of mail, for services that send any.
struct MailOptions {
  // `smtp://mail.example.dk:587`, `smtps://...`; empty where no mail is sent.
  std::string url;
  std::string from;       // `plan@example.dk`
  std::string from_name;  // `Amagerplanen`
  std::string user;       // empty: no login
  std::string password;
  // Talks in the clear where the carrier has no TLS.
  bool cleartext = false;
};

// What handlers may stand on.
struct Environment {
  Store& store;
  Clock const& clock;
  Random& random;
  telemetry::Log& log;
  telemetry::Metrics& metrics;
  storage::Database& database;
  // What personal values are sealed with; nullptr where the installation has none.
  crypto::KeyRing const* keys;
  // What the service does by itself: run by whoever serves, after the handlers were made and before they go away.
  std::vector<Job>& jobs;
  // The other services, as the options name them. Outlives the handlers.
  Peers const& peers;
  MailOptions const& mail;
};

// What makes one service different from another.
struct Definition {
  std::string name;                   // `residents`
  std::vector<std::string> services;  // full names in the contract; EventService is added by the platform
  std::vector<storage::Migration> migrations;
  std::vector<storage::Table::Options> resources;
  // Makes the handlers and enters them in the router. What is returned owns them.
  std::function<std::shared_ptr<void>(Environment const&, Router&)> handlers;
  // The other services that it can ask, by name; where each is, if anywhere, the options say.
  std::vector<std::string> peers = {};
  // Whether it may be given a carrier of mail.
  bool sends_mail = false;
};

struct StorageOptions {
  // One of them: a file, or a libpq connection string.
  std::string sqlite_path;
  std::string postgres;
  std::string postgres_password;
  int connections = 8;
};

struct InstanceOptions {
  // Whose `migrate` brings the store up to date, in errors; `helhed-residents` when empty.
  std::string program = {};
  StorageOptions storage;
  // Public keys that identities may be signed with: files, and the text of keys that no file has; and the policy file.
  std::vector<std::string> identity_key_files;
  std::vector<std::string> identity_keys = {};
  std::string roles_file;
  // Keys for personal values; empty where none are kept. See crypto/key_ring.h.
  std::string data_key_file;
  // Which other services this one asks, and where.
  PeerOptions peers;
  MailOptions mail = {};
  int threads = 16;
  int queue_max = 512;
};

// Everything of the platform's migrations and the service's, in order.
std::vector<storage::Migration> AllMigrations(Definition const& definition);

absl::StatusOr<std::unique_ptr<storage::Database>> OpenDatabase(StorageOptions const& options);

class Instance {
 public:
  // Opens the store and checks schema, contract and handlers. Errors say what to do ("run `helhed-residents migrate`");
  // INVALID_ARGUMENT when the options name a carrier of mail or a service that this one has no use for.
  static absl::StatusOr<std::unique_ptr<Instance>> Open(Definition const& definition, InstanceOptions const& options,
                                                        Clock const& clock, Random& random, telemetry::Log& log,
                                                        telemetry::Metrics& metrics);
  // Lets running calls end, then closes the store.
  ~Instance();

  Pipeline& pipeline();
  storage::Database& database();
  events::EventLog& events();
  Store& store();
  identity::Verifier& verifier();
  // The service's jobs and the platform's.
  std::span<Job const> jobs() const;

 private:
  struct State;
  explicit Instance(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace helhed::server
