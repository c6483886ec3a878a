#include "gateway/options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <utility>

#include "gateway/identity/config.h"
#include "services/platform/base/status.h"

namespace helhed::gateway {
namespace {

// One option. Everything else (help, parsing, checking, check-config) follows from this table.
struct Spec : server::OptionName {
  std::function<absl::Status(Options&, std::string const&)> take;
};
using Faults = std::vector<std::string>;

absl::Status Wrong(std::string_view expected) { return absl::InvalidArgumentError(absl::StrCat("must be ", Av(expected))); }

absl::Status Readable(std::string const& path) {
  if (path.empty() || std::ifstream(path).good()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
}

template <typename Place>
auto TakeFile(Place place) {
  return [=](Options& options, std::string const& path) {
    place(options) = path;
    return Readable(path);
  };
}

template <typename Place>
auto TakeFlag(Place place) {
  return [=](Options& options, std::string const& text) {
    if (text != "true" && text != "false") return Wrong("true or false");
    place(options) = text == "true";
    return absl::OkStatus();
  };
}

template <typename Place>
auto TakeDuration(Place place) {
  return [=](Options& options, std::string const& text) {
    auto const duration = server::ParseDuration(text);
    if (!duration) return Wrong("a duration such as 250ms, 10s, 5m or 12h");
    place(options, *duration);
    return absl::OkStatus();
  };
}

template <typename Place>
auto TakeNumber(Place place, int least, int most) {
  return [=](Options& options, std::string const& text) {
    int value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < least || value > most) {
      return Wrong(Sv(absl::StrCat("a whole number from ", least, " to ", most)));
    }
    place(options, value);
    return absl::OkStatus();
  };
}

absl::Status TakeListen(Options& options, std::string const& text) {
  if (!server::ParseAddress(text)) return Wrong("IP:PORT or [IPV6]:PORT");
  options.gateway.server.listen = text;
  return absl::OkStatus();
}

absl::Status TakeAdminListen(Options& options, std::string const& text) {
  if (!text.empty() && !server::ParseAddress(text)) return Wrong("IP:PORT, [IPV6]:PORT or empty");
  options.admin_listen = text;
  return absl::OkStatus();
}

absl::Status TakeUpstreams(Options& options, std::string const& text) {
  for (auto const part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    std::pair<std::string, std::string> const entry = absl::StrSplit(part, absl::MaxSplits('=', 1));
    auto target = upstream::ParseTarget(entry.second);
    bool const is_name = !entry.first.empty() && std::all_of(entry.first.begin(), entry.first.end(), absl::ascii_islower);
    bool const is_new = std::none_of(options.upstreams.begin(), options.upstreams.end(),
                                     [&](auto const& other) { return other.service == entry.first; });
    if (!target.ok() || !is_name || !is_new || entry.first == door::kGateway) {
      return Wrong("SERVICE=TARGET, each service once: residents=dns:///residents:8443, HOST:PORT or unix:PATH");
    }
    upstream::HttpOptions upstream;
    upstream.service = entry.first;
    upstream.target = *std::move(target);
    options.upstreams.push_back(std::move(upstream));
  }
  return absl::OkStatus();
}

absl::Status TakeOrigins(Options& options, std::string const& text) {
  options.gateway.door.cors_origins = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (auto const& origin : options.gateway.door.cors_origins) {
    bool const is_origin = (absl::StartsWith(origin, "https://") || absl::StartsWith(origin, "http://")) &&
                           std::count(origin.begin(), origin.end(), '/') == 2;
    if (origin != "*" && !is_origin) return Wrong("origins such as https://portal.example.dk, without a path, or *");
  }
  return absl::OkStatus();
}

absl::Status TakeDemonstrationKeys(Options& options, std::string const& text) {
  options.demonstration_key_files = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (auto const& path : options.demonstration_key_files) RETURN_IF_ERROR(Readable(path));
  return absl::OkStatus();
}

absl::Status TakeLogLevel(Options& options, std::string const& text) {
  static std::map<std::string, telemetry::Severity> const levels = {{"debug", telemetry::Severity::kDebug},
                                                                    {"info", telemetry::Severity::kInfo},
                                                                    {"warning", telemetry::Severity::kWarning},
                                                                    {"error", telemetry::Severity::kError}};
  auto const level = levels.find(text);
  if (level == levels.end()) return Wrong("debug, info, warning or error");
  options.log_level = level->second;
  return absl::OkStatus();
}

absl::Status TakeAccessLog(Options& options, std::string const& text) {
  if (text != "all" && text != "changes") return Wrong("all or changes");
  options.gateway.door.log_reads = text == "all";
  return absl::OkStatus();
}

void AddDoors(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back(
      {"listen", kValue, "127.0.0.1:8440", "Where to serve everything: IP:PORT; port 0 takes a free one", TakeListen});
  specs.push_back({"admin-listen", kValue, "127.0.0.1:9440",
                   "Where to serve /metrics, /healthz and /readyz in cleartext: IP:PORT; empty for nowhere", TakeAdminListen});
  specs.push_back({"tls-certificate-file", kValue, "", "Certificate chain, PEM. Without one everything is served in cleartext",
                   TakeFile([](Options & o) -> auto& { return o.gateway.server.tls.certificate_file; })});
  specs.push_back({"tls-key-file", kValue, "", "Private key of the certificate, PEM",
                   TakeFile([](Options & o) -> auto& { return o.gateway.server.tls.key_file; })});
  specs.push_back({"tls-client-ca-file", kValue, "", "Whose certificates systems may show instead of a token, PEM",
                   TakeFile([](Options & o) -> auto& { return o.gateway.server.tls.client_ca_file; })});
  specs.push_back(
      {"tls-refresh", kValue, "30s", "How often the TLS files are looked at for new certificates",
       TakeDuration([](Options& o, absl::Duration d) { o.gateway.server.tls.refresh = absl::ToChronoMilliseconds(d); })});
  constexpr int loops_max = 256;
  specs.push_back({"loops", kValue, "0", "Event loops, each with a thread; 0 means one per core",
                   TakeNumber([](Options& o, int n) { o.gateway.server.loops = n; }, 0, loops_max)});
  constexpr int connections_max = 1'000'000;
  specs.push_back({"connections", kValue, "16384", "Most connections of all callers together",
                   TakeNumber([](Options& o, int n) { o.gateway.server.limits.connections = static_cast<std::size_t>(n); }, 1,
                              connections_max)});
  specs.push_back(
      {"connections-of-address", kValue, "1024", "Most connections of one address",
       TakeNumber([](Options& o, int n) { o.gateway.server.limits.connections_of_address = static_cast<std::size_t>(n); }, 1,
                  connections_max)});
  specs.push_back(
      {"cors-origin", kList, "",
       "An origin whose scripts browsers may let call, with a client certificate, too: https://portal.example.dk; * is any, with "
       "tokens only. May be repeated",
       TakeOrigins});
  specs.push_back({"reflection", kFlag, "false", "Let callers list the contract by gRPC's reflection service",
                   TakeFlag([](Options & o) -> auto& { return o.gateway.door.reflection; })});
}

void AddServices(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back({"upstream", kList, "", "A service: residents=dns:///residents:8443, HOST:PORT or unix:PATH. May be repeated",
                   TakeUpstreams});
  specs.push_back({"upstream-tls-ca-file", kValue, "",
                   "Who vouches for the services' certificates, PEM. Cleartext without any of the three",
                   [](Options& o, std::string const& path) {
                     for (auto& upstream : o.upstreams) upstream.tls.ca_file = path;
                     return Readable(path);
                   }});
  specs.push_back({"upstream-tls-certificate-file", kValue, "", "The certificate shown to the services, PEM",
                   [](Options& o, std::string const& path) {
                     for (auto& upstream : o.upstreams) upstream.tls.certificate_file = path;
                     return Readable(path);
                   }});
  specs.push_back({"upstream-tls-key-file", kValue, "", "Its private key, PEM", [](Options& o, std::string const& path) {
                     for (auto& upstream : o.upstreams) upstream.tls.key_file = path;
                     return Readable(path);
                   }});
}

void AddAccess(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back({"identity-key-file", kValue, "", "The private key that signs callers' identities for the services",
                   TakeFile([](Options & o) -> auto& { return o.gateway.identity_key_file; })});
  specs.push_back({"roles-file", kValue, "", "The policy file: which permissions a role carries",
                   TakeFile([](Options & o) -> auto& { return o.gateway.roles_file; })});
  specs.push_back({"access-file", kValue, "", "Issuers, systems and limits: a helhed.gateway.v1.GatewayConfig as protobuf text",
                   TakeFile([](Options & o) -> auto& { return o.access_file; })});
  specs.push_back({"demonstration-key-file", kList, "",
                   "Public keys whose tokens (`helhed token`) are accepted, for demonstrations only. May be repeated",
                   TakeDemonstrationKeys});
  specs.push_back({"log-level", kValue, "info", "The least severity to log: debug, info, warning or error", TakeLogLevel});
  specs.push_back(
      {"access-log", kValue, "all", "Which requests are logged: all, or changes and failures (changes)", TakeAccessLog});
  specs.push_back({"drain-delay", kValue, "0s",
                   "After SIGTERM: how long to go on serving, as not ready, while load balancers learn of it",
                   TakeDuration([](Options& o, absl::Duration d) { o.drain_delay = d; })});
  specs.push_back({"drain-timeout", kValue, "20s", "After that: how long accepted requests may take before they are broken off",
                   TakeDuration([](Options& o, absl::Duration d) { o.drain_timeout = d; })});
}

std::vector<Spec> Specs() {
  std::vector<Spec> specs;
  AddDoors(specs);
  AddServices(specs);
  AddAccess(specs);
  return specs;
}

Spec const& Find(std::vector<Spec> const& specs, std::string_view name) {
  return *std::find_if(specs.begin(), specs.end(), [&](auto const& spec) { return spec.name == name; });
}

void CheckTogether(Options const& options, Faults& faults) {
  auto const& tls = options.gateway.server.tls;
  if (tls.enabled() && (tls.certificate_file.empty() || tls.key_file.empty())) {
    faults.emplace_back("tls-certificate-file and tls-key-file: give both for TLS");
  }
  if (options.upstreams.empty()) return;
  auto const& upstream = options.upstreams.front().tls;
  if (upstream.certificate_file.empty() != upstream.key_file.empty()) {
    faults.emplace_back("upstream-tls-certificate-file and upstream-tls-key-file: give both or none");
  }
}

Configuration Take(std::vector<server::Setting> settings, Faults& faults) {
  auto const specs = Specs();
  Configuration configuration;
  configuration.settings = std::move(settings);
  for (auto const& setting : configuration.settings) {
    auto const taken = Find(specs, setting.name).take(configuration.options, setting.value);
    if (!taken.ok()) faults.push_back(absl::StrCat(setting.name, ": ", taken.message(), " (", setting.origin, ")"));
  }
  CheckTogether(configuration.options, faults);
  return configuration;
}

}  // namespace

std::vector<server::OptionName> OptionNames() {
  auto const specs = Specs();
  return {specs.begin(), specs.end()};
}

absl::StatusOr<Configuration> ReadOptions(server::Sources const& sources) {
  Faults faults;
  auto settings = server::ReadSettings(OptionNames(), sources, {.own = "gateway", .all = false}, faults);
  auto configuration = Take(std::move(settings), faults);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return configuration;
}

absl::StatusOr<Configuration> TakeSettings(std::vector<server::Setting> settings) {
  Faults faults;
  auto configuration = Take(std::move(settings), faults);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return configuration;
}

absl::Status PrepareServing(Options& options) {
  Faults faults;
  if (options.upstreams.empty()) faults.emplace_back("upstream: needed to serve: which services are there?");
  if (options.gateway.identity_key_file.empty()) {
    faults.emplace_back("identity-key-file: needed to serve: what signs the callers' identities for the services?");
  }
  if (options.gateway.roles_file.empty())
    faults.emplace_back("roles-file: needed to serve: which permissions does a role carry?");
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  RETURN_IF_ERROR(ReadAccess(options));
  for (auto const& upstream : options.upstreams) RETURN_IF_ERROR(upstream::CheckTls(upstream.tls));
  return absl::OkStatus();
}

absl::Status ReadAccess(Options& options) {
  ASSIGN_OR_RETURN(auto const roles, helhed::identity::Roles::FromFile(options.gateway.roles_file));
  auto const names = roles.names();
  if (!options.access_file.empty()) {
    ASSIGN_OR_RETURN(options.gateway.config, identity::ReadConfig(options.access_file, {names.begin(), names.end()}));
  }
  for (auto const& path : options.demonstration_key_files) {
    options.gateway.config.mutable_identity()->add_demonstration_key_files(path);
  }
  return absl::OkStatus();
}

std::string DescribeOptions() { return server::DescribeOptionNames(OptionNames()); }

}  // namespace helhed::gateway
