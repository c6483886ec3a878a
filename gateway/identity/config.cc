#include "gateway/identity/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "gateway/identity/claims.h"
#include "gateway/identity/grants.h"
#include "gateway/identity/token.h"
#include "gateway/identity/url.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::identity {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::TextFormat;

constexpr absl::Duration kSkewMax = absl::Minutes(5);
constexpr absl::Duration kLifetimeMin = absl::Minutes(1);
constexpr absl::Duration kLifetimeMax = absl::Hours(24 * 31);
constexpr int kConfigBytesMax = 1 << 20;

class Faults : public google::protobuf::io::ErrorCollector {
 public:
  explicit Faults(std::string_view origin) : origin_(origin) {}
  // `line` counts from 0, as protobuf does.
  void Add(int line, std::string_view fault) { faults_.push_back(absl::StrCat(origin_, ":", line + 1, ": ", Av(fault))); }
  void AddError(int line, int /*column*/, std::string const& message) override { Add(line, message); }
  absl::Status Finish() const {
    return faults_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(faults_, "\n"));
  }

 private:
  std::string origin_;
  std::vector<std::string> faults_;
};

// A message of the file, and where its fields stand.
class Place {
 public:
  Place(TextFormat::ParseInfoTree const* tree, Descriptor const* type, int line, Faults& faults)
      : tree_(tree), type_(type), line_(line), faults_(&faults) {}

  Place In(std::string_view field, int index = -1) const {
    auto const* const descriptor = type_->FindFieldByName(std::string(field));
    auto const* const nested = tree_ == nullptr ? nullptr : tree_->GetTreeForNested(descriptor, index);
    return {nested, descriptor->message_type(), LineOf(field, index), *faults_};
  }
  void Add(std::string_view field, std::string_view fault, int index = -1) const {
    faults_->Add(LineOf(field, index), Sv(absl::StrCat(Av(field), ": ", Av(fault))));
  }
  void Require(bool holds, std::string_view field, std::string_view fault, int index = -1) const {
    if (!holds) Add(field, fault, index);
  }

 private:
  int LineOf(std::string_view field, int index) const {
    if (tree_ == nullptr) return line_;
    auto const* const descriptor = type_->FindFieldByName(std::string(field));
    // Of a list in brackets only the beginning is known.
    for (int const i : {descriptor->is_repeated() ? std::max(index, 0) : -1, descriptor->is_repeated() ? 0 : -1}) {
      if (auto const location = tree_->GetLocation(descriptor, i); location.line >= 0) return location.line;
    }
    return line_;
  }

  TextFormat::ParseInfoTree const* tree_;
  Descriptor const* type_;
  int line_;
  Faults* faults_;
};

bool IsIssuerId(std::string_view id) {
  auto const fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !id.empty() && id.size() <= 32 && id.front() >= 'a' && id.front() <= 'z' && std::all_of(id.begin(), id.end(), fits) &&
         id != "system" && id != "demonstration";
}

void CheckGrant(v1::ScopedRole const& grant, RoleNames const& roles, bool any_role, Place const& place) {
  place.Require(roles.contains(grant.role()) || (any_role && grant.role() == "*"), "role", "no role of the policy file");
  place.Require(ToScope(grant.scope()).has_value(), "scope", "neither the name of a resource nor `*` for everywhere");
}

void CheckIssuerUrl(v1::Issuer const& issuer, Place const& place) {
  auto const url = ParseUrl(issuer.issuer());
  if (!url || issuer.issuer().find('?') != std::string::npos) {
    place.Add("issuer", "must be an URL without a query: https://login.example.dk");
  } else if (!url->is_tls && !(issuer.allow_http() && url->is_loopback())) {
    place.Add("issuer", "must be https; http is for 127.0.0.1, [::1] and localhost with `allow_http`");
  }
}

void CheckIssuer(v1::Issuer const& issuer, RoleNames const& roles, Place const& place) {
  place.Require(IsIssuerId(issuer.id()), "id",
                "must be lower-case letters, digits and hyphens, not `system` nor `demonstration`");
  CheckIssuerUrl(issuer, place);
  place.Require(!issuer.audiences().empty(), "audiences", "must name at least one");
  for (int i = 0; i < issuer.audiences_size(); ++i)
    place.Require(!issuer.audiences(i).empty(), "audiences", "must not be empty", i);
  for (int i = 0; i < issuer.algorithms_size(); ++i) {
    place.Require(AlgorithmOf(issuer.algorithms(i)).has_value(), "algorithms", "only RS256, PS256 and ES256 are accepted", i);
  }
  for (int i = 0; i < issuer.types_size(); ++i) {
    auto const type = absl::AsciiStrToLower(issuer.types(i));
    place.Require(type == "at+jwt" || type == "jwt", "types", "only `at+jwt` and `JWT` are accepted", i);
  }
  auto const skew = Or(issuer.clock_skew(), absl::ZeroDuration());
  place.Require(skew >= absl::ZeroDuration() && skew <= kSkewMax, "clock_skew", "must be from 0 s to 5 minutes");
  auto const lifetime = Or(issuer.token_lifetime_max(), kLifetimeMax);
  place.Require(lifetime >= kLifetimeMin && lifetime <= kLifetimeMax, "token_lifetime_max", "must be from 1 minute to 31 days");
  place.Require(!issuer.may_grant().empty(), "may_grant", "is empty: nobody could do anything");
  for (int i = 0; i < issuer.may_grant_size(); ++i) CheckGrant(issuer.may_grant(i), roles, true, place.In("may_grant", i));
  place.Require(issuer.group_grants().empty() || !issuer.groups_claim().empty(), "group_grants", "need `groups_claim`");
  for (int i = 0; i < issuer.group_grants_size(); ++i) {
    auto const& group = issuer.group_grants(i);
    auto const within = place.In("group_grants", i);
    within.Require(!group.group().empty(), "group", "must not be empty");
    for (int j = 0; j < group.grants_size(); ++j) CheckGrant(group.grants(j), roles, false, within.In("grants", j));
  }
}

void CheckSystem(v1::System const& system, RoleNames const& roles, Place const& place) {
  auto const& name = system.certificate_name();
  bool const has_kind = (name.starts_with("URI:") || name.starts_with("DNS:")) && name.size() > 4;
  place.Require(has_kind && name.find('*') == std::string::npos, "certificate_name",
                "must be `URI:` or `DNS:` and one exact name");
  place.Require(IsSubject(system.subject()), "subject", "must be 1 to 255 visible ASCII characters and no CPR number");
  for (int i = 0; i < system.grants_size(); ++i) CheckGrant(system.grants(i), roles, false, place.In("grants", i));
}

void CheckIdentity(v1::IdentityConfig const& config, RoleNames const& roles, Place const& place) {
  RoleNames ids, issuers, names;
  for (int i = 0; i < config.issuers_size(); ++i) {
    auto const within = place.In("issuers", i);
    CheckIssuer(config.issuers(i), roles, within);
    within.Require(ids.insert(config.issuers(i).id()).second, "id", "is used twice");
    within.Require(issuers.insert(config.issuers(i).issuer()).second, "issuer", "is configured twice");
  }
  for (int i = 0; i < config.systems_size(); ++i) {
    auto const within = place.In("systems", i);
    CheckSystem(config.systems(i), roles, within);
    within.Require(names.insert(config.systems(i).certificate_name()).second, "certificate_name", "is configured twice");
  }
}

void CheckRate(v1::Rate const& rate, Place const& place) {
  place.Require(rate.per_second() >= 0, "per_second", "must not be negative");
  place.Require(rate.burst() >= 0, "burst", "must not be negative");
}

void CheckPlaces(v1::Places const& places, Place const& place) {
  place.Require(places.per_client() >= 0, "per_client", "must not be negative");
  place.Require(places.in_all() >= 0, "in_all", "must not be negative");
}

void CheckLimits(v1::LimitsConfig const& config, Place const& place) {
  CheckRate(config.client(), place.In("client"));
  CheckRate(config.nobody(), place.In("nobody"));
  CheckRate(config.failed_signatures(), place.In("failed_signatures"));
  CheckPlaces(config.calls(), place.In("calls"));
  CheckPlaces(config.streams(), place.In("streams"));
  place.Require(config.clients_max() >= 0, "clients_max", "must not be negative");
  RoleNames clients;
  for (int i = 0; i < config.clients_size(); ++i) {
    auto const within = place.In("clients", i);
    within.Require(!config.clients(i).client().empty(), "client", "must not be empty");
    within.Require(clients.insert(config.clients(i).client()).second, "client", "is named twice");
    CheckRate(config.clients(i).rate(), within.In("rate"));
  }
}

}  // namespace

absl::StatusOr<v1::GatewayConfig> ParseConfig(std::string_view text, std::string_view origin, RoleNames const& roles) {
  v1::GatewayConfig config;
  Faults faults(origin);
  TextFormat::ParseInfoTree places;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&faults);
  parser.WriteLocationsTo(&places);
  if (parser.ParseFromString(std::string(text), &config)) {
    Place const whole(&places, v1::GatewayConfig::descriptor(), 0, faults);
    CheckIdentity(config.identity(), roles, whole.In("identity"));
    CheckLimits(config.limits(), whole.In("limits"));
  }
  RETURN_IF_ERROR(faults.Finish());
  return config;
}

absl::StatusOr<v1::GatewayConfig> ReadConfig(std::string const& path, RoleNames const& roles) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::string text(kConfigBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be read"));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kConfigBytesMax) return absl::FailedPreconditionError(absl::StrCat(path, ": is larger than 1 MiB"));
  return ParseConfig(text, path, roles);
}

}  // namespace helhed::gateway::identity
