#include "tests/gateway/house.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <signal.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

namespace helhed::testing {
namespace {

void Must(bool condition, std::string const& what) {
  if (condition) return;
  std::cerr << "house: " << what << std::endl;
  std::abort();
}

std::string MustRun(std::vector<std::string> const& arguments) {
  auto const outcome = RunProgram(arguments);
  Must(outcome.exit_code == 0, absl::StrCat(arguments.front(), " ", arguments[1], ": ", outcome.output));
  return outcome.output;
}

std::string RolesFile() { return std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto"; }

// Who asks whom, in its own name: who may vote, whose data may be used, what becomes of plans that are merged.
constexpr std::pair<char const*, char const*> kAsks[] = {
    {"funding", "residents"},        {"funding", "activities"},     {"activities", "residents"},  {"activities", "funding"},
    {"communications", "residents"}, {"funding", "communications"}, {"communications", "funding"}};

}  // namespace

House::House(std::vector<std::string> const& services, storage::Engine engine, Shape shape, Way way)
    : shape_(shape), way_(std::move(way)) {
  port_ = FreePort();
  for (auto const& name : services) {
    services_[name].port = FreePort();
    // In one process they are migrated when it starts.
    if (shape_ == Shape::kOneProcess) services_[name].database = std::make_unique<FreshDatabase>(engine);
  }
  auto const script = absl::StrCat("cd ", folder_, R"( &&
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout ca.key -out ca.pem &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out csr.pem &&
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > san &&
    openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out cert.pem &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=portal -keyout portal.key -out csr.pem &&
    printf 'subjectAltName=URI:spiffe://helhed.test/portal' > san &&
    openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out portal.pem)");
  Must(std::system(absl::StrCat("(", script, ") >/dev/null 2>&1").c_str()) == 0, "needs openssl");
  std::vector<std::string> keys = services;
  keys.insert(keys.end(), {"gateway", "demonstration"});
  for (auto const& name : keys) {
    MustRun({Binary("helhed"), "token", "--new-key", absl::StrCat(folder_, "/", name), absl::StrCat(folder_, "/", name, ".pub"),
             "--key-id", name});
  }
  std::ofstream(DataKeyFile()) << "helhed-data-key test AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
  std::filesystem::permissions(DataKeyFile(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::ofstream(AccessFile()) << absl::StrReplaceAll(
      ReadWhole(std::string(HELHED_SOURCE_DIR) + "/tests/gateway/access.textproto"), {{"ISSUER", issuer_.issuer()}});
  for (auto const& name : services) {
    if (shape_ == Shape::kOneProcess) break;
    services_[name].database = std::make_unique<FreshDatabase>(
        engine, name, [&](FreshDatabase const& empty) { MustRun(ServiceArguments(name, "migrate", empty)); });
    StartService(name);
  }
  StartGateway();
}

House::~House() {
  gateway_.reset();
  services_.clear();
}

std::vector<std::string> House::ServiceArguments(std::string const& name, std::string const& command,
                                                 FreshDatabase const& database) const {
  std::vector<std::string> arguments = {Binary("helhed-" + name),
                                        command,
                                        database.engine() == storage::Engine::kSqlite ? "--sqlite" : "--postgres",
                                        database.location(),
                                        "--listen",
                                        absl::StrCat("127.0.0.1:", services_.at(name).port),
                                        "--admin-listen",
                                        "",
                                        "--identity-key-file",
                                        folder_ + "/gateway.pub",
                                        "--roles-file",
                                        RolesFile(),
                                        "--log-level",
                                        "warning"};
  arguments.insert(arguments.end(), {"--signing-key-file", absl::StrCat(folder_, "/", name)});
  // What CPR numbers are sealed with.
  if (name == "residents") arguments.insert(arguments.end(), {"--data-key-file", DataKeyFile()});
  for (auto const& [asking, asked] : kAsks) {
    auto const other = services_.find(asked);
    if (name == asked && services_.contains(asking)) {
      arguments.insert(arguments.end(), {"--identity-key-file", absl::StrCat(folder_, "/", asking, ".pub")});
    }
    if (name == asking && other != services_.end()) {
      arguments.insert(arguments.end(),
                       {"--peer", absl::StrCat(asked, "=dns:///localhost:", way_(name, asked, other->second.port))});
    }
  }
  return arguments;
}

void House::StartService(std::string const& name) {
  auto const log = absl::StrCat(folder_, "/", name, ".log");
  auto& service = services_.at(name);
  service.process = std::make_unique<Process>(ServiceArguments(name, "serve", *service.database), log);
  Await({Binary("helhed-" + name), "healthcheck", "--listen", absl::StrCat("127.0.0.1:", service.port)}, *service.process, log);
}

std::vector<std::string> House::UpstreamArguments() const {
  std::vector<std::string> arguments = {"--identity-key-file", folder_ + "/gateway"};
  for (auto const& [name, service] : services_) {
    arguments.insert(arguments.end(),
                     {"--upstream", absl::StrCat(name, "=dns:///localhost:", way_("gateway", name, service.port))});
  }
  return arguments;
}

std::vector<std::string> House::SuiteArguments() const {
  std::vector<std::string> arguments = {"--folder", folder_, "--migrate-on-start", "--log-level", "warning"};
  for (auto const& [name, service] : services_) {
    if (service.database->engine() == storage::Engine::kSqlite) continue;
    arguments.insert(arguments.end(), {"--postgres-" + name, service.database->location()});
  }
  return arguments;
}

void House::StartGateway() {
  auto const log = folder_ + "/gateway.log";
  bool const is_alone = shape_ == Shape::kProcesses;
  std::vector<std::string> arguments = {Binary(is_alone ? "helhed-gateway" : "helhed-suite"),
                                        "serve",
                                        "--listen",
                                        absl::StrCat("127.0.0.1:", port_),
                                        "--admin-listen",
                                        "",
                                        "--roles-file",
                                        RolesFile(),
                                        "--demonstration-key-file",
                                        folder_ + "/demonstration.pub",
                                        "--tls-certificate-file",
                                        folder_ + "/cert.pem",
                                        "--tls-key-file",
                                        folder_ + "/key.pem",
                                        "--tls-client-ca-file",
                                        ca_file(),
                                        "--cors-origin",
                                        "https://portal.example.dk",
                                        "--reflection",
                                        "--access-file",
                                        AccessFile()};
  auto const own = is_alone ? UpstreamArguments() : SuiteArguments();
  arguments.insert(arguments.end(), own.begin(), own.end());
  gateway_ = std::make_unique<Process>(arguments, log);
  Await({"curl", "--silent", "--fail", "--cacert", ca_file(), url() + "/readyz"}, *gateway_, log);
}

void House::KillService(std::string const& name) {
  auto& process = services_.at(name).process;
  process->Signal(SIGKILL);
  process->Wait();
  process.reset();
}

void House::HoldService(std::string const& name) { services_.at(name).process->Signal(SIGSTOP); }
void House::FreeService(std::string const& name) { services_.at(name).process->Signal(SIGCONT); }

void House::KillGateway() {
  gateway_->Signal(SIGKILL);
  gateway_->Wait();
  gateway_.reset();
}

void House::StopGateway() {
  gateway_->Signal(SIGTERM);
  Must(gateway_->Wait() == 0, absl::StrCat("the gateway did not end well: ", Logs()));
  gateway_.reset();
}

std::string House::DemonstrationToken(std::vector<std::string> const& grants, std::string const& subject) {
  std::vector<std::string> arguments = {
      Binary("helhed"), "token",      "--bearer", "--identity-key", demonstration_key_file(), "--subject",
      subject,          "--lifetime", "1h"};
  for (auto const& grant : grants) arguments.insert(arguments.end(), {"--grant", grant});
  return std::string(absl::StripAsciiWhitespace(MustRun(arguments)));
}

std::string House::url() const { return absl::StrCat("https://localhost:", port_); }

std::string House::Logs() const {
  auto logs = ReadWhole(folder_ + "/gateway.log");
  for (auto const& [name, service] : services_) {
    if (service.process != nullptr) absl::StrAppend(&logs, "\n", ReadWhole(absl::StrCat(folder_, "/", name, ".log")));
  }
  return logs;
}

Outcome House::Curl(std::string const& token, std::vector<std::string> const& arguments) const {
  std::vector<std::string> all = {"curl",     "--silent", "--show-error", "--max-time",    "20",
                                  "--cacert", ca_file(),  "--write-out",  "\n%{http_code}"};
  if (!token.empty()) all.insert(all.end(), {"--header", "authorization: Bearer " + token});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return RunProgram(all);
}

}  // namespace helhed::testing
