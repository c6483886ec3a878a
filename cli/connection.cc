#include "cli/connection.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>

#include "services/platform/base/status.h"
#include "services/platform/base/times.h"

namespace helhed::cli {
namespace {

constexpr absl::Duration kIdentityLifetime = absl::Minutes(10);

// What `helhed token` printed: base64 of a SignedIdentity, white space around it forgiven.
absl::StatusOr<std::string> ReadToken(std::string const& path, World const& world) {
  ASSIGN_OR_RETURN(auto const text, ReadFile(path, world));
  std::string bytes;
  common::v1::SignedIdentity parsed;
  if (!absl::Base64Unescape(absl::StripAsciiWhitespace(text), &bytes) || !parsed.ParseFromString(bytes) ||
      parsed.identity().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " does not hold a token as `helhed token` prints it"));
  }
  return bytes;
}

// RFC 6750, 2.1: what may follow `Bearer`.
bool IsBearerToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || std::string_view("-._~+/=").find(c) != std::string_view::npos;
  });
}

absl::StatusOr<std::string> ReadBearerToken(std::string const& path, World const& world) {
  ASSIGN_OR_RETURN(auto text, ReadFile(path, world));
  absl::StripAsciiWhitespace(&text);
  if (!IsBearerToken(text)) return absl::InvalidArgumentError(absl::StrCat(path, " does not hold a bearer token"));
  return text;
}

}  // namespace

po::options_description IdentityOptions() {
  po::options_description options("Who calls");
  options.add_options()                                                                                              //
      ("identity-key", po::value<std::string>()->value_name("FILE"), "private key to sign an identity with")         //
      ("subject", po::value<std::string>()->value_name("NAME"), "who calls; default: cli")                           //
      ("audience", po::value<std::string>()->value_name("NAME"), "the service it is for; default: helhed, for all")  //
      ("grant", po::value<std::vector<std::string>>()->value_name("ROLE[@SCOPE]"),
       "a role, everywhere or within a resource (reader@organisations/9001); may be repeated");
  return options;
}

po::options_description ConnectionOptions() {
  po::options_description options("Where and how; each also as HELHED_ADDRESS, HELHED_TLS_CA and so on");
  options.add_options()                                                                                                      //
      ("address", po::value<std::string>()->value_name("HOST:PORT"), "the service; also unix:/path or dns:///name:port")     //
      ("token", po::value<std::string>()->value_name("FILE"), "an identity from `helhed token`, instead of --identity-key")  //
      ("bearer", po::value<std::string>()->value_name("FILE"), "a bearer token, where the address is a gateway's")           //
      ("deadline", po::value<std::string>()->value_name("5s"), "how long a call may take; default: the method's limit")      //
      ("tls-ca", po::value<std::string>()->value_name("FILE"), "PEM certificates to trust; without it no TLS")               //
      ("tls-certificate", po::value<std::string>()->value_name("FILE"), "PEM certificate to show to the service")            //
      ("tls-key", po::value<std::string>()->value_name("FILE"), "its PEM key");
  options.add(IdentityOptions());
  return options;
}

std::vector<std::string> ConnectionOptionNames() {
  return {"address", "token",        "bearer",  "deadline", "tls-ca", "tls-certificate",
          "tls-key", "identity-key", "subject", "audience", "grant"};
}

absl::StatusOr<common::v1::Identity> IdentityOf(po::variables_map const& values) {
  common::v1::Identity identity;
  identity.set_issuer("cli");
  identity.set_subject(values.count("subject") ? values["subject"].as<std::string>() : "cli");
  identity.set_audience(values.count("audience") ? values["audience"].as<std::string>() : "helhed");
  for (auto const& option : Get<std::vector<std::string>>(values, "grant")) {
    // The environment has one variable for several grants.
    std::vector<std::string> const grants = absl::StrSplit(option, absl::ByAnyChar(" ,"), absl::SkipEmpty());
    for (auto const& text : grants) {
      auto const at = text.find('@');
      if (at == 0 || at + 1 == text.size()) {
        return absl::InvalidArgumentError(absl::StrCat("--grant takes ROLE or ROLE@SCOPE, not '", text, "'"));
      }
      auto* const grant = identity.add_grants();
      grant->set_role(text.substr(0, at));
      if (at != std::string::npos) grant->set_scope(text.substr(at + 1));
    }
  }
  return identity;
}

std::string SignFor(identity::Signer const& signer, common::v1::Identity identity, absl::Time now, absl::Duration lifetime) {
  *identity.mutable_issue_time() = Stamp(now);
  *identity.mutable_expire_time() = Stamp(now + lifetime);
  return signer.Sign(identity);
}

absl::StatusOr<Connection> Connection::Open(po::variables_map const& values, World const& world) {
  Connection connection(world);
  client::GrpcOptions options;
  options.target = Get<std::string>(values, "address");
  options.ca_file = Get<std::string>(values, "tls-ca");
  options.certificate_file = Get<std::string>(values, "tls-certificate");
  options.key_file = Get<std::string>(values, "tls-key");
  if (options.target.empty())
    return absl::InvalidArgumentError("say where the service is: --address HOST:PORT or HELHED_ADDRESS");
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("--tls-certificate and --tls-key belong together");
  }
  if (!options.certificate_file.empty() && options.ca_file.empty()) {
    return absl::InvalidArgumentError("--tls-certificate needs --tls-ca: without it no TLS is spoken");
  }
  if (values.count("deadline")) {
    ASSIGN_OR_RETURN(connection.deadline_, ToDuration(values["deadline"].as<std::string>(), "deadline"));
  }
  RETURN_IF_ERROR(connection.TakeIdentity(values));
  client::RetryOptions retries;
  retries.sleep = world.sleep;
  connection.channel_ = client::WithRetries(world.connect(options), retries, world.random);
  return connection;
}

absl::Status Connection::TakeIdentity(po::variables_map const& values) {
  if (values.count("token") + values.count("identity-key") + values.count("bearer") > 1) {
    return absl::InvalidArgumentError("--token, --bearer and --identity-key are three ways to say who calls; give one");
  }
  if (values.count("bearer")) {
    bearer_file_ = values["bearer"].as<std::string>();
    ASSIGN_OR_RETURN(bearer_token_, ReadBearerToken(bearer_file_, *world_));
    return absl::OkStatus();
  }
  if (values.count("token")) {
    ASSIGN_OR_RETURN(signed_identity_, ReadToken(values["token"].as<std::string>(), *world_));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(identity_, IdentityOf(values));
  if (!values.count("identity-key")) {
    if (identity_.grants_size() == 0) return absl::OkStatus();
    return absl::InvalidArgumentError("--grant needs --identity-key to sign it with");
  }
  ASSIGN_OR_RETURN(signer_, identity::Signer::FromFile(values["identity-key"].as<std::string>()));
  renew_time_ = absl::InfinitePast();
  return absl::OkStatus();
}

client::CallOptions Connection::OptionsFor(contract::Method const& method) {
  auto const now = world_->clock.Now();
  if (signer_ && now >= renew_time_) {
    signed_identity_ = SignFor(*signer_, identity_, now, kIdentityLifetime);
    renew_time_ = now + kIdentityLifetime / 2;
  }
  if (!bearer_file_.empty()) {
    if (auto token = ReadBearerToken(bearer_file_, *world_); token.ok()) bearer_token_ = *std::move(token);
  }
  client::CallOptions options;
  if (deadline_) {
    options.deadline = now + *deadline_;
  } else if (!method.is_server_stream()) {
    options.deadline = now + method.timeout();
  }
  options.stop = world_->stop;
  options.identity = signed_identity_;
  options.bearer_token = bearer_token_;
  return options;
}

}  // namespace helhed::cli
