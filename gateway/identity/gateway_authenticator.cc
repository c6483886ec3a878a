#include "gateway/identity/gateway_authenticator.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>

#include "gateway/identity/believed_cache.h"
#include "gateway/identity/claims.h"
#include "gateway/identity/error.h"
#include "gateway/identity/grants.h"
#include "gateway/identity/issuer_keys.h"
#include "gateway/identity/json.h"
#include "gateway/identity/mint.h"
#include "gateway/identity/token.h"

namespace helhed::gateway::identity {
namespace {

// A configured issuer.
struct Trusted {
  TokenRules rules;
  GrantMapper mapper;
  std::shared_ptr<IssuerKeys> keys;
  std::map<Ignored, telemetry::Counter> ignored;
};

// A configured system, with the identity that was last signed for it.
struct KnownSystem {
  Believed believed;
  std::mutex mutex;
  Minted minted;
};

// The token of `Bearer token` (RFC 6750, 2.1).
absl::StatusOr<std::string_view> BearerToken(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  auto const token_at = authorization.find_first_not_of(' ', std::min(scheme.size() - 1, authorization.size()));
  if (!absl::StartsWithIgnoreCase(Av(authorization), Av(scheme)) || token_at == std::string_view::npos) {
    return Refused(v1::ERROR_REASON_TOKEN_MALFORMED, "the authorization is not `Bearer` and a token");
  }
  return authorization.substr(token_at);
}

absl::Status CheckSize(Minted const& minted) {
  if (minted.caller->signed_identity.size() <= kIdentityBytesMax) return absl::OkStatus();
  return Refused(v1::ERROR_REASON_TOKEN_CLAIM_INVALID,
                 "the token carries more grants than fit into a call; grant wider scopes instead", {{"claim", "grants"}});
}

}  // namespace

struct GatewayAuthenticator::State : std::enable_shared_from_this<State> {
  State(Options given, Clock const& the_clock, telemetry::Metrics& metrics)
      : options(std::move(given)),
        clock(the_clock),
        demonstrations(the_clock, options.name),
        accepted(
            metrics.CounterOf("helhed_gateway_tokens_verified_total", "Tokens whose signature was verified", {{"result", "ok"}})),
        refused(metrics.CounterOf("helhed_gateway_tokens_verified_total", "Tokens whose signature was verified",
                                  {{"result", "refused"}})) {}

  absl::Status Init(telemetry::Metrics& metrics, telemetry::Log& log);

  absl::StatusOr<std::shared_ptr<Caller const>> ByCertificate(http::Peer const& peer);
  // The caller of a token that was seen before; nullptr when it was not, or is to be verified anew.
  std::shared_ptr<Caller const> Seen(std::string_view token, boost::asio::io_context& loop);
  absl::StatusOr<std::shared_ptr<Caller const>> ByDemonstration(std::string_view token);
  // A token of an issuer, before and after its key is found.
  void ByIssuer(std::string_view compact, boost::asio::io_context& loop, Done done);
  absl::StatusOr<std::shared_ptr<Caller const>> Verify(Trusted& issuer, Token const& token, IssuerKeys::Found const& found);
  absl::StatusOr<std::shared_ptr<Caller const>> Keep(std::string_view token, BelievedCache::Entry entry, absl::Time now);

  Options options;
  Clock const& clock;
  std::map<std::string, Trusted, std::less<>> issuers;
  std::map<std::string, std::unique_ptr<KnownSystem>, std::less<>> systems;
  bool has_demonstrations = false;
  ::helhed::identity::Verifier demonstrations;
  BelievedCache seen;
  telemetry::Counter accepted;
  telemetry::Counter refused;
};

absl::Status GatewayAuthenticator::State::Init(telemetry::Metrics& metrics, telemetry::Log& log) {
  for (auto const& issuer : options.config.issuers()) {
    auto fetcher = options.fetcher;
    if (fetcher == nullptr) {
      ASSIGN_OR_RETURN(fetcher, Fetcher::Make({.ca_file = issuer.ca_file(), .timeout = options.fetch_timeout}));
    }
    Trusted trusted{TokenRules::Of(issuer),
                    GrantMapper(issuer, options.roles),
                    std::make_shared<IssuerKeys>(issuer, std::move(fetcher), clock, metrics, log),
                    {}};
    for (auto const why : {Ignored::kForm, Ignored::kUnknownRole, Ignored::kUnknownScope, Ignored::kBeyond}) {
      trusted.ignored.emplace(why,
                              metrics.CounterOf("helhed_gateway_grants_ignored_total", "Grants of tokens that were passed over",
                                                {{"issuer", issuer.id()}, {"why", NameOf(why)}}));
    }
    issuers.emplace(issuer.issuer(), std::move(trusted));
  }
  for (auto const& system : options.config.systems()) {
    auto known = std::make_unique<KnownSystem>();
    known->believed.subject = "system:" + system.subject();
    for (auto const& scoped : system.grants()) {
      common::v1::Grant grant;
      grant.set_role(scoped.role());
      grant.set_scope(ToScope(scoped.scope()).value_or(scoped.scope()));
      AddGrant(std::move(grant), known->believed.grants);
    }
    systems.emplace(system.certificate_name(), std::move(known));
  }
  for (auto const& file : options.config.demonstration_key_files()) {
    RETURN_IF_ERROR(demonstrations.AddKeyFile(file));
    has_demonstrations = true;
  }
  if (has_demonstrations) {
    log.Warning("tokens that a local key signed are accepted: this gateway is for demonstrations only");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Caller const>> GatewayAuthenticator::State::ByCertificate(http::Peer const& peer) {
  KnownSystem* system = nullptr;
  int matches = 0;
  for (auto const& name : peer.certificate_names) {
    auto const found = systems.find(name);
    if (found == systems.end()) continue;
    // Several names of one system are one match.
    if (system == nullptr || system->believed.subject != found->second->believed.subject) ++matches;
    system = found->second.get();
  }
  if (matches != 1) {
    return Refused(v1::ERROR_REASON_CERTIFICATE_UNKNOWN,
                   matches == 0 ? "no system is configured for the names of the client certificate"
                                : "the client certificate names several systems, and nobody can say which one calls");
  }
  auto const now = clock.Now();
  std::lock_guard const lock(system->mutex);
  if (!system->minted.IsFresh(now)) system->minted = Mint(system->believed, options.signer, now);
  return system->minted.caller;
}

std::shared_ptr<Caller const> GatewayAuthenticator::State::Seen(std::string_view token, boost::asio::io_context& loop) {
  auto entry = seen.Find(token);
  if (!entry) return nullptr;
  auto const now = clock.Now();
  if (entry->keys != nullptr) entry->keys->Refresh(loop);
  if (now >= entry->believed->refused_from || (entry->keys != nullptr && !entry->keys->IsCurrent(entry->generation, now))) {
    seen.Forget(token);
    return nullptr;
  }
  if (entry->minted.IsFresh(now)) return entry->minted.caller;
  auto const caller = Keep(token, *std::move(entry), now);
  return caller.ok() ? *caller : nullptr;
}

absl::StatusOr<std::shared_ptr<Caller const>> GatewayAuthenticator::State::Keep(std::string_view token,
                                                                                BelievedCache::Entry entry, absl::Time now) {
  entry.minted = Mint(*entry.believed, options.signer, now);
  RETURN_IF_ERROR(CheckSize(entry.minted));
  auto caller = entry.minted.caller;
  seen.Keep(token, std::move(entry), now);
  return caller;
}

absl::StatusOr<std::shared_ptr<Caller const>> GatewayAuthenticator::State::ByDemonstration(std::string_view token) {
  if (!has_demonstrations) {
    return Refused(v1::ERROR_REASON_DEMONSTRATION_REFUSED,
                   "this is a token of `helhed token`, which is for demonstrations; this gateway accepts none");
  }
  auto const bytes = token.size() <= kTokenBytesMax ? FromBase64Url(token) : std::nullopt;
  if (!bytes)
    return Refused(v1::ERROR_REASON_TOKEN_MALFORMED, "the token is neither a signed JWT nor one of `helhed token --bearer`");
  ASSIGN_OR_RETURN(auto const identity, demonstrations.Verify(*bytes));
  if (!IsSubject(identity->subject())) {
    return Refused(v1::ERROR_REASON_TOKEN_CLAIM_INVALID, "the token's subject is not 1 to 255 visible ASCII characters",
                   {{"claim", "sub"}});
  }
  auto believed = std::make_shared<Believed>();
  believed->subject = "demonstration:" + identity->subject();
  believed->demonstration = true;
  believed->refused_from = absl::FromUnixSeconds(identity->expire_time().seconds());
  for (auto const& grant : identity->grants()) {
    if (options.roles.contains(grant.role())) AddGrant(grant, believed->grants);
  }
  auto const now = clock.Now();
  if (now >= believed->refused_from) {
    return Refused(v1::ERROR_REASON_TOKEN_EXPIRED, "the token is past its time; get a new one");
  }
  return Keep(token, {.believed = std::move(believed)}, now);
}

void GatewayAuthenticator::State::ByIssuer(std::string_view compact, boost::asio::io_context& loop, Done done) {
  auto parsed = ParseToken(compact);
  if (!parsed.ok()) return done(parsed.status());
  auto const found = issuers.find(parsed->issuer);
  if (found == issuers.end()) {
    return done(Refused(v1::ERROR_REASON_TOKEN_ISSUER_UNKNOWN, "the token's issuer is not one that this gateway believes"));
  }
  // Before keys are looked for: what would be refused anyway fetches none.
  auto const claims = CheckClaims(*parsed, found->second.rules, clock.Now());
  if (!claims.ok()) return done(claims.status());
  auto& issuer = found->second;
  auto const token = std::make_shared<Token const>(*std::move(parsed));
  issuer.keys->Find(
      token->key_id, token->algorithm, loop,
      [self = shared_from_this(), &issuer, token, done = std::move(done)](absl::StatusOr<IssuerKeys::Found> const& key) {
        key.ok() ? done(self->Verify(issuer, *token, *key)) : done(key.status());
      });
}

absl::StatusOr<std::shared_ptr<Caller const>> GatewayAuthenticator::State::Verify(Trusted& issuer, Token const& token,
                                                                                  IssuerKeys::Found const& found) {
  auto const now = clock.Now();
  // Again: it may have waited for keys.
  ASSIGN_OR_RETURN(auto const claims, CheckClaims(token, issuer.rules, now));
  if (!found.key->Verifies(token)) {
    refused.Increment();
    return Refused(v1::ERROR_REASON_TOKEN_SIGNATURE_INVALID, "the token's signature does not fit");
  }
  accepted.Increment();
  ASSIGN_OR_RETURN(auto granted, issuer.mapper.Map(token.claims));
  for (auto const& [why, count] : granted.ignored) issuer.ignored.at(why).Increment(count);
  auto believed = std::make_shared<Believed>();
  believed->subject = issuer.rules.id + ":" + claims.subject;
  believed->grants = std::move(granted.grants);
  believed->refused_from = claims.refused_from;
  return Keep(token.compact, {.believed = std::move(believed), .keys = issuer.keys, .generation = found.generation}, now);
}

absl::StatusOr<std::unique_ptr<GatewayAuthenticator>> GatewayAuthenticator::Make(Options options, Clock const& clock,
                                                                                 telemetry::Metrics& metrics,
                                                                                 telemetry::Log& log) {
  auto state = std::make_shared<State>(std::move(options), clock, metrics);
  RETURN_IF_ERROR(state->Init(metrics, log));
  return std::unique_ptr<GatewayAuthenticator>(new GatewayAuthenticator(std::move(state)));
}

GatewayAuthenticator::GatewayAuthenticator(std::shared_ptr<State> state) : state_(std::move(state)) {}
GatewayAuthenticator::~GatewayAuthenticator() = default;

void GatewayAuthenticator::Start(boost::asio::io_context& loop) {
  for (auto& [name, issuer] : state_->issuers) issuer.keys->Refresh(loop);
}

std::shared_ptr<Caller const> GatewayAuthenticator::Known(std::string_view authorization, boost::asio::io_context& loop) {
  auto const token = BearerToken(authorization);
  return token.ok() ? state_->Seen(*token, loop) : nullptr;
}

void GatewayAuthenticator::Authenticate(std::string_view authorization, http::Peer const& peer, boost::asio::io_context& loop,
                                        Done done) {
  if (authorization.empty()) {
    if (peer.certificate_names.empty()) return done(std::shared_ptr<Caller const>());
    return done(state_->ByCertificate(peer));
  }
  auto const token = BearerToken(authorization);
  if (!token.ok()) return done(token.status());
  if (auto caller = state_->Seen(*token, loop)) return done(std::move(caller));
  // A JWT has dots, base64url has none.
  if (token->find('.') == std::string_view::npos) return done(state_->ByDemonstration(*token));
  state_->ByIssuer(*token, loop, std::move(done));
}

}  // namespace helhed::gateway::identity
