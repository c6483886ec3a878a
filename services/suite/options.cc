#include "services/suite/options.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "services/platform/base/status.h"

namespace helhed::suite {
namespace {

using server::OptionName;
using server::Setting;

// What the gateway needs only to reach services that are elsewhere.
constexpr std::string_view kNotOfGateway[] = {"upstream", "upstream-tls-ca-file", "upstream-tls-certificate-file",
                                              "upstream-tls-key-file", "identity-key-file"};
// What a service needs only to be reached, and to reach others; its store has options of the suite's own.
constexpr std::string_view kNotOfService[] = {"listen",
                                              "admin-listen",
                                              "tls-certificate-file",
                                              "tls-key-file",
                                              "tls-client-ca-file",
                                              "tls-refresh",
                                              "reflection",
                                              "streams",
                                              "identity-key-file",
                                              "peer",
                                              "peer-ca-file",
                                              "signing-key-file",
                                              "sqlite",
                                              "postgres",
                                              "connections",
                                              "drain-delay",
                                              "drain-timeout",
                                              "migrate-on-start",
                                              "postgres-password-file"};

template <typename Names>
bool Holds(Names const& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string PostgresOf(std::string_view service) { return absl::StrCat("postgres-", Av(service)); }
std::string PasswordFileOf(std::string_view service) { return absl::StrCat("postgres-password-file-", Av(service)); }

std::vector<Setting> SettingsOfGateway(std::map<std::string, Setting> const& given) {
  std::vector<Setting> settings;
  for (auto const& option : gateway::OptionNames()) {
    bool const is_ours = !Holds(kNotOfGateway, option.name);
    settings.push_back(is_ours ? given.at(option.name) : Setting{option.name, option.standard, "default"});
  }
  return settings;
}

// `given` are the suite's.
std::vector<Setting> SettingsOfService(std::string const& service, std::map<std::string, Setting> const& given) {
  auto const& postgres = given.at(PostgresOf(service));
  bool const on_sqlite = postgres.value.empty();
  std::vector<Setting> settings;
  for (auto const& option : server::OptionNames(service)) {
    Setting setting{option.name, option.standard, "default"};
    if (option.name == "sqlite" && on_sqlite) {
      setting.value = absl::StrCat(given.at("folder").value, "/", service, ".sqlite");
    } else if (option.name == "postgres" && !on_sqlite) {
      setting = postgres;
    } else if (option.name == "connections") {
      setting = given.at("store-connections");
    } else if (option.name == "postgres-password-file") {
      setting = given.at(PasswordFileOf(service));
    } else if (!Holds(kNotOfService, option.name)) {
      setting = given.at(option.name);
    }
    setting.name = option.name;
    settings.push_back(std::move(setting));
  }
  return settings;
}

// The same fault is several services'.
void AddFaults(absl::Status const& status, std::vector<std::string>& faults) {
  for (auto const part : absl::StrSplit(status.message(), '\n')) {
    std::string line(part);
    if (!Holds(faults, line)) faults.push_back(std::move(line));
  }
}

}  // namespace

std::vector<OptionName> OptionNames(std::span<std::string const> services) {
  std::vector<OptionName> names;
  for (auto& option : gateway::OptionNames()) {
    if (!Holds(kNotOfGateway, option.name)) names.push_back(std::move(option));
  }
  using enum OptionName::Kind;
  names.push_back({"folder", kValue, ".", "Where the services' stores are as files: residents.sqlite and so on"});
  for (auto const& service : services) {
    names.push_back({PostgresOf(service), kValue, "",
                     absl::StrCat("The store of ", service, " as a PostgreSQL connection string, without the password")});
    names.push_back({PasswordFileOf(service), kValue, "", "A file that holds its password and nothing else, for the owner only"});
  }
  names.push_back({"store-connections", kValue, "8", "Most connections to each store"});
  names.push_back({"migrate-on-start", kFlag, "false", "serve: bring the schemas up to date first"});
  std::set<std::string> known;
  for (auto const& name : names) known.insert(name.name);
  for (auto const& service : services) {
    for (auto& option : server::OptionNames(service)) {
      if (Holds(kNotOfService, option.name) || !known.insert(option.name).second) continue;
      names.push_back(std::move(option));
    }
  }
  return names;
}

absl::StatusOr<Configuration> ReadOptions(std::span<std::string const> services, server::Sources const& sources) {
  std::vector<std::string> faults;
  Configuration configuration;
  configuration.settings = server::ReadSettings(OptionNames(services), sources, {.own = "suite"}, faults);
  std::map<std::string, Setting> given;
  for (auto const& setting : configuration.settings) given.emplace(setting.name, setting);

  auto gateway = gateway::TakeSettings(SettingsOfGateway(given));
  if (!gateway.ok()) AddFaults(gateway.status(), faults);
  auto const& migrate = given.at("migrate-on-start").value;
  if (migrate != "true" && migrate != "false") faults.emplace_back("migrate-on-start: must be true or false");
  for (auto const& service : services) {
    auto taken = server::TakeSettings(service, SettingsOfService(service, given));
    if (!taken.ok()) {
      AddFaults(taken.status(), faults);
    } else {
      taken->options.migrate_on_start = migrate == "true";
      configuration.options.services.push_back(std::move(taken->options));
    }
  }
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  configuration.options.gateway = std::move(gateway->options);
  return configuration;
}

absl::Status PrepareServing(Options& options) {
  if (options.gateway.gateway.roles_file.empty()) {
    return absl::InvalidArgumentError("roles-file: needed to serve: which permissions does a role carry?");
  }
  return gateway::ReadAccess(options.gateway);
}

}  // namespace helhed::suite
