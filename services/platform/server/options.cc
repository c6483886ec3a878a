#include "services/platform/server/options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "services/platform/base/file.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/connection_string.h"

namespace helhed::server {
namespace {

// One option. Everything else (help, parsing, checking, check-config) follows from this table.
struct Spec : OptionName {
  // Checks and takes a value; the error says what would be right.
  std::function<absl::Status(Options&, std::string const&)> take;
};

absl::Status Wrong(std::string_view expected) { return absl::InvalidArgumentError(absl::StrCat("must be ", Av(expected))); }

// Takes an integer of a range into what `place` returns; the others below do so for their types.
template <typename Place>
auto TakeNumber(Place place, int least, int most) {
  return [=](Options& options, std::string const& text) {
    int value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < least || value > most) {
      return Wrong(absl::StrCat("a whole number from ", least, " to ", most));
    }
    place(options) = value;
    return absl::OkStatus();
  };
}

template <typename Place>
auto TakeText(Place place) {
  return [=](Options& options, std::string const& text) {
    place(options) = text;
    return absl::OkStatus();
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
    auto const duration = ParseDuration(text);
    if (!duration) return Wrong("a duration such as 250ms, 10s, 5m, 12h or 90d");
    place(options) = *duration;
    return absl::OkStatus();
  };
}

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

absl::Status TakeListen(Options& options, std::string const& text) {
  if (!absl::StartsWith(text, "unix:") && !ParseAddress(text)) return Wrong("HOST:PORT, [IPV6]:PORT or unix:PATH");
  options.grpc.listen = text;
  return absl::OkStatus();
}

absl::Status TakeAdminListen(Options& options, std::string const& text) {
  if (!text.empty() && !ParseAddress(text)) return Wrong("IP:PORT, [IPV6]:PORT or empty");
  options.admin_listen = text;
  return absl::OkStatus();
}

absl::Status TakeKeyFiles(Options& options, std::string const& text) {
  options.instance.identity_key_files = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (auto const& path : options.instance.identity_key_files) RETURN_IF_ERROR(Readable(path));
  return absl::OkStatus();
}

// `residents=dns:///residents:8443`, several with commas.
absl::Status TakePeers(Options& options, std::string const& text) {
  for (auto const& part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    std::vector<std::string> const sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (sides.size() != 2 || sides[0].empty() || sides[1].empty()) return Wrong("NAME=TARGET: residents=dns:///residents:8443");
    if (!options.instance.peers.targets.emplace(sides[0], sides[1]).second) return Wrong("each service once");
  }
  return absl::OkStatus();
}

absl::Status TakePostgres(Options& options, std::string const& text) {
  options.instance.storage.postgres = text;
  if (text.empty()) return absl::OkStatus();
  return storage::CheckConnectionString(text);
}

template <typename Place>
auto TakePasswordFile(Place place) {
  return [=](Options& options, std::string const& path) -> absl::Status {
    if (path.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto password, ReadSmallFile(path, true));
    while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
    if (password.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
    place(options) = std::move(password);
    return absl::OkStatus();
  };
}

absl::Status TakeMailUrl(Options& options, std::string const& text) {
  if (!text.empty() && !absl::StartsWith(text, "smtp://") && !absl::StartsWith(text, "smtps://")) {
    return Wrong("smtp://HOST:PORT or smtps://HOST:PORT");
  }
  options.instance.mail.url = text;
  return absl::OkStatus();
}

absl::Status TakeLogLevel(Options& options, std::string const& text) {
  static std::map<std::string, telemetry::Severity> const kLevels = {{"debug", telemetry::Severity::kDebug},
                                                                     {"info", telemetry::Severity::kInfo},
                                                                     {"warning", telemetry::Severity::kWarning},
                                                                     {"error", telemetry::Severity::kError}};
  auto const level = kLevels.find(text);
  if (level == kLevels.end()) return Wrong("debug, info, warning or error");
  options.log_level = level->second;
  return absl::OkStatus();
}

void AddDoors(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back(
      {"listen", kValue, "127.0.0.1:8443", "Where to serve gRPC: HOST:PORT or unix:PATH; port 0 takes a free one", TakeListen});
  specs.push_back({"admin-listen", kValue, "127.0.0.1:9443",
                   "Where to serve /metrics, /healthz and /readyz in cleartext: IP:PORT; empty for nowhere", TakeAdminListen});
  specs.push_back({"tls-certificate-file", kValue, "", "Certificate chain, PEM. Without one gRPC is served in cleartext",
                   TakeFile([](Options & o) -> auto& { return o.grpc.tls.certificate_file; })});
  specs.push_back({"tls-key-file", kValue, "", "Private key of the certificate, PEM",
                   TakeFile([](Options & o) -> auto& { return o.grpc.tls.key_file; })});
  specs.push_back({"tls-client-ca-file", kValue, "", "Whose certificates callers must show, PEM. Without it they need none",
                   TakeFile([](Options & o) -> auto& { return o.grpc.tls.client_ca_file; })});
  specs.push_back({"tls-refresh", kValue, "30s", "How often the TLS files are looked at for new certificates",
                   TakeDuration([](Options & o) -> auto& { return o.grpc.tls.refresh; })});
  specs.push_back({"reflection", kFlag, "false", "Let callers list the contract by gRPC's reflection service",
                   TakeFlag([](Options & o) -> auto& { return o.grpc.reflection; })});
  specs.push_back({"streams", kValue, "1000", "Most server streams at a time",
                   TakeNumber(
                       [](Options & o) -> auto& { return o.grpc.streams_max; }, 1, 100'000)});
}

void AddStore(std::vector<Spec>& specs, std::string_view service) {
  using enum Spec::Kind;
  specs.push_back({"sqlite", kValue, absl::StrCat(Av(service), ".sqlite"),
                   "The store as a file. Not used when --postgres is given",
                   TakeText([](Options & o) -> auto& { return o.instance.storage.sqlite_path; })});
  specs.push_back({"postgres", kValue, "", "The store as a PostgreSQL connection string, without the password", TakePostgres});
  specs.push_back({"postgres-password-file", kValue, "", "A file that holds the password and nothing else, for the owner only",
                   TakePasswordFile([](Options & o) -> auto& { return o.instance.storage.postgres_password; })});
  specs.push_back({"connections", kValue, "8", "Most connections to the store",
                   TakeNumber(
                       [](Options & o) -> auto& { return o.instance.storage.connections; }, 1, 1000)});
  specs.push_back({"migrate-on-start", kFlag, "false", "serve: bring the schema up to date first. For one instance on one store",
                   TakeFlag([](Options & o) -> auto& { return o.migrate_on_start; })});
  specs.push_back({"event-retention", kValue, "90d", "How long events can be read; 0s keeps them for ever",
                   TakeDuration([](Options & o) -> auto& { return o.event_retention; })});
}

void AddWork(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back({"identity-key-file", kList, "",
                   "Public keys that identities may be signed with. May be repeated, or be several with commas", TakeKeyFiles});
  specs.push_back({"roles-file", kValue, "", "The policy file: which permissions a role carries",
                   TakeFile([](Options & o) -> auto& { return o.instance.roles_file; })});
  specs.push_back(
      {"data-key-file", kValue, "",
       "Keys that personal values (CPR numbers) are sealed with, for the owner only; the first one seals what is new. "
       "Without it none are taken",
       TakeFile([](Options & o) -> auto& { return o.instance.data_key_file; })});
  specs.push_back({"threads", kValue, "16", "Threads that run calls",
                   TakeNumber(
                       [](Options & o) -> auto& { return o.instance.threads; }, 1, 1024)});
  specs.push_back({"queue", kValue, "512", "Most calls that wait for a thread; more are refused with a retry delay",
                   TakeNumber(
                       [](Options & o) -> auto& { return o.instance.queue_max; }, 1, 1'000'000)});
  specs.push_back({"log-level", kValue, "info", "The least severity to log: debug, info, warning or error", TakeLogLevel});
  specs.push_back({"drain-delay", kValue, "0s",
                   "After SIGTERM: how long to go on serving, as not ready, while load balancers learn of it",
                   TakeDuration([](Options & o) -> auto& { return o.drain_delay; })});
  specs.push_back({"drain-timeout", kValue, "20s", "After that: how long accepted calls may take before they are cancelled",
                   TakeDuration([](Options & o) -> auto& { return o.drain_timeout; })});
}

void AddPeers(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back(
      {"peer", kList, "", "Where another service is asked: NAME=TARGET. May be repeated, or be several with commas", TakePeers});
  specs.push_back({"peer-ca-file", kValue, "",
                   "Whose certificates those services show, PEM; this one shows its own. Without it they are asked in cleartext",
                   TakeFile([](Options & o) -> auto& { return o.instance.peers.ca_file; })});
  specs.push_back({"signing-key-file", kValue, "",
                   "The private key that this service signs its identity with when it asks others, for the owner only",
                   TakeFile([](Options & o) -> auto& { return o.instance.peers.signing_key_file; })});
}

void AddMail(std::vector<Spec>& specs) {
  using enum Spec::Kind;
  specs.push_back({"mail-url", kValue, "",
                   "The carrier of mail, for services that send any: smtp://HOST:PORT, smtps://HOST:PORT. Empty: none is sent",
                   TakeMailUrl});
  specs.push_back({"mail-from", kValue, "", "The address that mail comes from",
                   TakeText([](Options & o) -> auto& { return o.instance.mail.from; })});
  specs.push_back(
      {"mail-from-name", kValue, "", "Who that is", TakeText([](Options & o) -> auto& { return o.instance.mail.from_name; })});
  specs.push_back({"mail-user", kValue, "", "Whom the carrier knows this service as",
                   TakeText([](Options & o) -> auto& { return o.instance.mail.user; })});
  specs.push_back({"mail-password-file", kValue, "", "The password for that, alone in a file for the owner only",
                   TakePasswordFile([](Options & o) -> auto& { return o.instance.mail.password; })});
  specs.push_back({"mail-cleartext", kFlag, "false", "Talk to the carrier without TLS, within one machine or a mesh",
                   TakeFlag([](Options & o) -> auto& { return o.instance.mail.cleartext; })});
}

std::vector<Spec> Specs(std::string_view service) {
  std::vector<Spec> specs;
  AddDoors(specs);
  AddStore(specs, service);
  AddPeers(specs);
  AddMail(specs);
  AddWork(specs);
  return specs;
}

Spec const& Find(std::vector<Spec> const& specs, std::string_view name) {
  return *std::find_if(specs.begin(), specs.end(), [&](auto const& spec) { return spec.name == name; });
}

using Faults = std::vector<std::string>;

// What one option alone cannot know.
void CheckTogether(Options& options, std::vector<Setting> const& settings, Faults& faults) {
  auto const given = [&](std::string_view name) {
    return std::any_of(settings.begin(), settings.end(),
                       [&](auto const& s) { return s.name == name && s.origin != "default" && !s.value.empty(); });
  };
  if (given("sqlite") && given("postgres")) faults.emplace_back("sqlite and postgres: give one of them");
  if (given("postgres-password-file") && !given("postgres")) faults.emplace_back("postgres-password-file needs postgres");
  if (!options.instance.storage.postgres.empty()) options.instance.storage.sqlite_path.clear();
  if (options.instance.storage.postgres.empty() && options.instance.storage.sqlite_path.empty()) {
    faults.emplace_back("sqlite: must name a file, unless postgres is given");
  }
  if (!options.instance.peers.targets.empty() && options.instance.peers.signing_key_file.empty()) {
    faults.emplace_back("peer needs signing-key-file");
  }
  if (!options.instance.mail.url.empty() && options.instance.mail.from.find('@') == std::string::npos) {
    faults.emplace_back("mail-url needs mail-from, an address");
  }
  if (!options.instance.mail.user.empty() && options.instance.mail.password.empty()) {
    faults.emplace_back("mail-user needs mail-password-file");
  }
  auto const& tls = options.grpc.tls;
  if (!options.instance.peers.ca_file.empty() && !tls.enabled()) {
    faults.emplace_back("peer-ca-file needs tls-certificate-file and tls-key-file: a service shows the others who it is");
  }
  if (!options.instance.peers.ca_file.empty()) {
    options.instance.peers.certificate_file = tls.certificate_file;
    options.instance.peers.key_file = tls.key_file;
  }
  if (tls.enabled() && (tls.certificate_file.empty() || tls.key_file.empty())) {
    faults.emplace_back("tls-certificate-file and tls-key-file: give both for TLS");
  }
}

Configuration Take(std::string_view service, std::vector<Setting> settings, Faults& faults) {
  auto const specs = Specs(service);
  Configuration configuration;
  configuration.settings = std::move(settings);
  for (auto const& setting : configuration.settings) {
    auto const taken = Find(specs, setting.name).take(configuration.options, setting.value);
    if (!taken.ok()) faults.push_back(absl::StrCat(setting.name, ": ", taken.message(), " (", setting.origin, ")"));
  }
  CheckTogether(configuration.options, configuration.settings, faults);
  return configuration;
}

}  // namespace

std::vector<OptionName> OptionNames(std::string_view service) {
  auto const specs = Specs(service);
  return {specs.begin(), specs.end()};
}

absl::StatusOr<Configuration> ReadOptions(std::string_view service, Sources const& sources) {
  Faults faults;
  auto settings = ReadSettings(OptionNames(service), sources, {.own = std::string(service)}, faults);
  auto configuration = Take(service, std::move(settings), faults);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return configuration;
}

absl::StatusOr<Configuration> TakeSettings(std::string_view service, std::vector<Setting> settings) {
  Faults faults;
  auto configuration = Take(service, std::move(settings), faults);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return configuration;
}

absl::Status CheckServing(Options const& options) {
  Faults faults;
  if (options.instance.identity_key_files.empty()) {
    faults.emplace_back("identity-key-file: needed to serve: whose signature makes an identity?");
  }
  if (options.instance.roles_file.empty())
    faults.emplace_back("roles-file: needed to serve: which permissions does a role carry?");
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

std::string DescribeOptions(std::string_view service) { return DescribeOptionNames(OptionNames(service)); }

std::optional<Address> ParseAddress(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Address address;
  address.host = text.substr(0, colon);
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  auto const digits = text.substr(colon + 1);
  if (address.host.empty() || digits.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(digits.front())))
    return std::nullopt;
  if (!absl::SimpleAtoi(Av(digits), &address.port) || address.port > 65'535) return std::nullopt;
  return address;
}

std::optional<absl::Duration> ParseDuration(std::string_view text) {
  absl::Duration duration;
  int days = 0;
  if (text.ends_with('d') && absl::SimpleAtoi(Av(text.substr(0, text.size() - 1)), &days)) {
    duration = absl::Hours(24) * days;
  } else if (!absl::ParseDuration(Av(text), &duration)) {
    return std::nullopt;
  }
  if (duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) return std::nullopt;
  return duration;
}

}  // namespace helhed::server
