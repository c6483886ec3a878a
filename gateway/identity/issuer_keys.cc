#include "gateway/identity/issuer_keys.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/post.hpp>

#include <algorithm>

#include "gateway/identity/error.h"
#include "gateway/identity/json.h"

namespace helhed::gateway::identity {
namespace {

constexpr absl::Duration kDiscoveryAgeMax = absl::Hours(1);
// A fetch has its own time limit, far below; what takes longer was lost with the loop that it ran on.
constexpr absl::Duration kFetchLost = absl::Minutes(1);

std::chrono::milliseconds ToDelay(absl::Duration duration) {
  return absl::ToChronoMilliseconds(std::max(duration, absl::Milliseconds(1)));
}

telemetry::Counter FetchCounter(telemetry::Metrics& metrics, v1::Issuer const& issuer, std::string_view result) {
  return metrics.CounterOf("helhed_gateway_key_fetches_total", "Fetches of an issuer's keys",
                           {{"issuer", issuer.id()}, {"result", result}});
}

}  // namespace

IssuerKeys::IssuerKeys(v1::Issuer const& issuer, std::shared_ptr<Fetcher const> fetcher, Clock const& clock,
                       telemetry::Metrics& metrics, telemetry::Log& log)
    : issuer_(issuer),
      fetcher_(std::move(fetcher)),
      clock_(clock),
      log_(log),
      fetched_(FetchCounter(metrics, issuer, "ok")),
      failed_(FetchCounter(metrics, issuer, "failed")) {}

void IssuerKeys::Find(std::string_view key_id, Algorithm algorithm, boost::asio::io_context& loop, Done done) {
  auto const now = clock_.Now();
  std::unique_lock lock(mutex_);
  auto found = Look(key_id, algorithm, now);
  if (found.ok()) {
    if (IsDue(now) && MayStart(now)) Start(loop, now);
  } else if (auto refusal = RefuseUnfetched(key_id, now)) {
    found = *std::move(refusal);
  } else {
    waiting_.push_back({std::string(key_id), algorithm, &loop, std::move(done)});
    if (MayStart(now)) Start(loop, now);
    return;
  }
  lock.unlock();
  done(std::move(found));
}

bool IssuerKeys::IsCurrent(std::uint64_t generation, absl::Time now) const {
  return generation == generation_.load() && now < absl::FromUnixMicros(fetched_at_micros_.load()) + kAgeMax;
}

void IssuerKeys::Refresh(boost::asio::io_context& loop) {
  auto const now = clock_.Now();
  if (!IsDue(now)) return;
  std::lock_guard const lock(mutex_);
  if (MayStart(now)) Start(loop, now);
}

absl::StatusOr<IssuerKeys::Found> IssuerKeys::Look(std::string_view key_id, Algorithm algorithm, absl::Time now) const {
  if (set_ == nullptr || !IsCurrent(generation_.load(), now)) return Unreachable(now);
  auto const* const key = set_->Find(key_id, algorithm);
  if (key == nullptr) return Unknown(std::nullopt);
  return Found{set_, key, generation_.load()};
}

std::optional<absl::Status> IssuerKeys::RefuseUnfetched(std::string_view key_id, absl::Time now) const {
  bool const has_keys = set_ != nullptr && IsCurrent(generation_.load(), now);
  auto const known_unknown = unknown_.find(key_id);
  if (has_keys && known_unknown != unknown_.end() && now < known_unknown->second) return Unknown(known_unknown->second - now);
  if (waiting_.size() >= kWaitingMax) return Unreachable(now);
  if (is_fetching_ || MayStart(now)) return std::nullopt;
  return has_keys && !has_failed_ ? Unknown(started_at_ + kFetchInterval - now) : Unreachable(now);
}

bool IssuerKeys::MayStart(absl::Time now) const {
  // A clock that was set back must not stop fetching until it has caught up.
  auto const since = now < started_at_ ? absl::InfiniteDuration() : now - started_at_;
  return since >= (is_fetching_ ? kFetchLost : kFetchInterval);
}

bool IssuerKeys::IsDue(absl::Time now) const {
  auto const fetched_at = absl::FromUnixMicros(fetched_at_micros_.load());
  return now < fetched_at || now >= fetched_at + kRefreshAge;
}

void IssuerKeys::Start(boost::asio::io_context& loop, absl::Time now) {
  is_fetching_ = true;
  started_at_ = now;
  // Keys may move; that is said by the issuer and asked anew from time to time.
  if (keys_url_ && now >= discovered_at_ && now < discovered_at_ + kDiscoveryAgeMax) return FetchKeys(*keys_url_, loop);
  FetchDiscovery(loop);
}

void IssuerKeys::FetchDiscovery(boost::asio::io_context& loop) {
  auto issuer = issuer_.issuer();
  // OpenID Connect Discovery 1.0, 4.1.
  while (issuer.ends_with('/')) issuer.pop_back();
  auto const url = ParseUrl(issuer + "/.well-known/openid-configuration");
  fetcher_->Get(*url, loop, [self = shared_from_this(), &loop](absl::StatusOr<std::string> const& body) {
    if (!body.ok()) return self->Finish(absl::UnavailableError(absl::StrCat("discovery: ", body.status().message())));
    auto const keys_url = self->KeysUrlOf(*body);
    if (!keys_url.ok()) return self->Finish(keys_url.status());
    std::lock_guard const lock(self->mutex_);
    self->keys_url_ = *keys_url;
    self->discovered_at_ = self->clock_.Now();
    self->FetchKeys(*keys_url, loop);
  });
}

absl::StatusOr<Url> IssuerKeys::KeysUrlOf(std::string_view discovery) const {
  auto const document = ParseObject(discovery);
  if (!document.ok()) return absl::UnavailableError(absl::StrCat("discovery: ", document.status().message()));
  // Discovery 1.0, 4.3: otherwise one issuer could speak for another.
  if (TextMember(*document, "issuer") != issuer_.issuer())
    return absl::UnavailableError("discovery: the document is another issuer's");
  auto const text = TextMember(*document, "jwks_uri");
  auto const url = text ? ParseUrl(*text) : std::nullopt;
  if (!url) return absl::UnavailableError("discovery: jwks_uri is no URL that is accepted");
  if (!url->is_tls && !(issuer_.allow_http() && url->is_loopback()))
    return absl::UnavailableError("discovery: jwks_uri is not https");
  auto const own = ParseUrl(issuer_.issuer());
  auto const& hosts = issuer_.key_hosts();
  if (url->host != own->host && std::find(hosts.begin(), hosts.end(), url->host) == hosts.end()) {
    return absl::UnavailableError("discovery: jwks_uri is on another host, which `key_hosts` does not name");
  }
  return *url;
}

void IssuerKeys::FetchKeys(Url const& url, boost::asio::io_context& loop) {
  fetcher_->Get(url, loop, [self = shared_from_this()](absl::StatusOr<std::string> const& body) {
    if (!body.ok()) return self->Finish(absl::UnavailableError(absl::StrCat("keys: ", body.status().message())));
    auto set = KeySet::FromJson(*body);
    if (!set.ok()) return self->Finish(absl::UnavailableError(absl::StrCat("keys: ", set.status().message())));
    if ((*set)->size() == 0) return self->Finish(absl::UnavailableError("keys: none of them can be used"));
    self->Finish(*std::move(set));
  });
}

void IssuerKeys::Finish(absl::StatusOr<std::shared_ptr<KeySet const>> result) {
  auto const now = clock_.Now();
  (result.ok() ? fetched_ : failed_).Increment();
  if (!result.ok()) {
    log_.Warning("an issuer's keys cannot be fetched", {{"issuer", issuer_.id()}, {"error", Sv(result.status().message())}});
  }
  std::vector<std::pair<Waiting, absl::StatusOr<Found>>> answers;
  {
    std::lock_guard const lock(mutex_);
    is_fetching_ = false;
    has_failed_ = !result.ok();
    if (result.ok()) {
      Take(*result, now);
    } else {
      keys_url_.reset();
    }
    for (auto& waiting : waiting_) {
      auto found = Look(waiting.key_id, waiting.algorithm, now);
      // Without an answer of the issuer nobody can say that there is no such key.
      if (!found.ok() && !result.ok()) found = Unreachable(now);
      if (!found.ok() && result.ok() && unknown_.size() < kUnknownMax)
        unknown_.insert_or_assign(waiting.key_id, now + kUnknownAge);
      answers.emplace_back(std::move(waiting), std::move(found));
    }
    waiting_.clear();
  }
  for (auto& [waiting, found] : answers) {
    boost::asio::post(*waiting.loop, [done = std::move(waiting.done), found = std::move(found)] { done(found); });
  }
}

void IssuerKeys::Take(std::shared_ptr<KeySet const> set, absl::Time now) {
  fetched_at_micros_ = absl::ToUnixMicros(now);
  std::erase_if(unknown_, [&](auto const& entry) { return now >= entry.second; });
  if (set_ != nullptr && set_->text() == set->text()) return;
  log_.Info("an issuer's keys have changed", {{"issuer", issuer_.id()},
                                              {"keys", static_cast<std::int64_t>(set->size())},
                                              {"passed_over", static_cast<std::int64_t>(set->passed_over())}});
  set_ = std::move(set);
  unknown_.clear();
  ++generation_;
}

absl::Status IssuerKeys::Unreachable(absl::Time now) const {
  auto const wait = std::clamp(started_at_ + kFetchInterval - now, absl::Seconds(1), kFetchInterval);
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_ISSUER_UNREACHABLE,
                              "the keys of the token's issuer cannot be had at this moment", {{"issuer", issuer_.id()}}),
                        ToDelay(wait));
}

absl::Status IssuerKeys::Unknown(std::optional<absl::Duration> wait) const {
  auto status = Refused(v1::ERROR_REASON_TOKEN_KEY_UNKNOWN, "the token's issuer publishes no key of the token's `kid` and `alg`",
                        {{"issuer", issuer_.id()}});
  return wait ? WithRetryDelay(std::move(status), ToDelay(*wait)) : status;
}

}  // namespace helhed::gateway::identity
