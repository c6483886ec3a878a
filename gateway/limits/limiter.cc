#include "gateway/limits/limiter.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <boost/intrusive/list.hpp>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "helhed/gateway/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::limits {
namespace {

constexpr std::size_t kShards = 64;
// How many of those that were quiet longest are looked at for one that can be forgotten.
constexpr int kLooksMax = 4;
// A call ends when it ends: all that can be said is when it is worth asking again.
constexpr std::chrono::milliseconds kPlaceDelay{1000};

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

std::size_t IndexOf(Kind kind) { return kind == Kind::kCall ? 0 : 1; }
std::string_view NameOf(Kind kind) { return kind == Kind::kCall ? "calls" : "streams"; }

Rate Or(v1::Rate const& rate, Rate otherwise) {
  return {rate.per_second() > 0 ? rate.per_second() : otherwise.per_second, rate.burst() > 0 ? rate.burst() : otherwise.burst};
}

Places Or(v1::Places const& places, Places otherwise) {
  return {places.per_client() > 0 ? places.per_client() : otherwise.per_client,
          places.in_all() > 0 ? places.in_all() : otherwise.in_all};
}

absl::Status RateExceeded(Rate rate, std::int64_t cost, std::int64_t wait_nanos) {
  auto const status = Error(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_RATE_EXCEEDED,
      "you have asked more than your rate allows; wait as long as the retry delay says, and spread your calls",
      {{"cost", std::to_string(cost)}, {"per_second", std::to_string(rate.per_second)}, {"burst", std::to_string(rate.burst)}});
  return WithRetryDelay(status, std::chrono::milliseconds(wait_nanos / 1'000'000 + 1));
}

absl::Status ClientPlacesTaken(Kind kind, std::int64_t places) {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_CLIENT_PLACES_TAKEN,
                              "you have as much under way as you may at this moment; wait until some of it has ended",
                              {{"kind", std::string(NameOf(kind))}, {"places", std::to_string(places)}}),
                        kPlaceDelay);
}

absl::Status PlacesTaken(Kind kind) {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_PLACES_TAKEN,
                              "all places are taken; try again after the retry delay", {{"kind", std::string(NameOf(kind))}}),
                        kPlaceDelay);
}

}  // namespace

Options Options::Of(v1::LimitsConfig const& config) {
  Options options;
  options.client = Or(config.client(), options.client);
  options.nobody = Or(config.nobody(), options.nobody);
  options.forger = Or(config.failed_signatures(), options.forger);
  options.calls = Or(config.calls(), options.calls);
  options.streams = Or(config.streams(), options.streams);
  for (auto const& client : config.clients()) options.clients.emplace(client.client(), Or(client.rate(), options.client));
  if (config.clients_max() > 0) options.clients_max = static_cast<std::size_t>(config.clients_max());
  return options;
}

std::string Client::NetworkOf(std::string_view address) {
  constexpr std::size_t network_bytes = 8;
  std::string const text(address.substr(0, address.find('%')));
  in6_addr six{};
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return text;
  std::string_view const bytes(reinterpret_cast<char const*>(six.s6_addr), sizeof(six.s6_addr));
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    std::array<char, INET_ADDRSTRLEN> four{};
    inet_ntop(AF_INET, bytes.data() + 12, four.data(), four.size());
    return four.data();
  }
  return absl::StrCat(absl::BytesToHexString(Av(bytes.substr(0, network_bytes))), "::/64");
}

// One client. `full_at` is all there is to know of a token bucket: what is missing of it now is what flows in until then.
struct Limiter::Bucket : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  std::string const* key = nullptr;
  std::int64_t full_at_nanos = 0;
  std::array<std::int64_t, 2> running{};

  bool idle() const { return running[0] == 0 && running[1] == 0; }
};

struct Limiter::Shard {
  using Quiet = boost::intrusive::list<Bucket, boost::intrusive::constant_time_size<false>>;

  mutable std::mutex mutex;
  // By kind of client and key: a subject is never taken for an address.
  std::unordered_map<std::string, Bucket, StringHash, std::equal_to<>> buckets;
  // Those without a call under way, the one that was quiet longest last: the likeliest to be full.
  Quiet quiet;
  // Shared by those of a kind who came when there was no room.
  std::array<Bucket, 3> crowd;

  Bucket& CrowdOf(Client const& client) { return crowd[static_cast<std::size_t>(client.kind())]; }

  Bucket* FindOrMake(std::string const& key, std::size_t buckets_max, std::int64_t now) {
    if (auto const found = buckets.find(key); found != buckets.end()) return &found->second;
    if (buckets.size() >= buckets_max && !ForgetOne(now)) return nullptr;
    auto const [place, made] = buckets.try_emplace(key);
    place->second.key = &place->first;
    place->second.full_at_nanos = now;
    return &place->second;
  }

  // Forgets one client that has a full bucket and nothing under way.
  bool ForgetOne(std::int64_t now) {
    int looks = 0;
    for (auto bucket = quiet.rbegin(); bucket != quiet.rend() && looks < kLooksMax; ++bucket, ++looks) {
      if (bucket->full_at_nanos > now) continue;
      buckets.erase(buckets.find(*bucket->key));
      return true;
    }
    return false;
  }

  // Says that something happened to a client just now.
  void Touch(Bucket& bucket) {
    if (bucket.key == nullptr) return;  // of the crowd, which is never forgotten
    bucket.unlink();
    if (bucket.idle()) quiet.push_front(bucket);
  }
};

Place& Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  Free();
  limiter_ = std::exchange(other.limiter_, nullptr);
  bucket_ = std::exchange(other.bucket_, nullptr);
  shard_ = other.shard_;
  kind_ = other.kind_;
  return *this;
}

void Place::Free() {
  if (auto* const limiter = std::exchange(limiter_, nullptr); limiter != nullptr) {
    limiter->FreePlace(shard_, *static_cast<Limiter::Bucket*>(bucket_), kind_);
  }
}

Limiter::Limiter(Options options, Clock const& clock, telemetry::Metrics& metrics)
    : options_(std::move(options)),
      clock_(clock),
      shards_(std::make_unique<Shard[]>(kShards)),
      rate_exceeded_(metrics.CounterOf("helhed_gateway_refused_total", "Calls refused by limits", {{"reason", "RATE_EXCEEDED"}})),
      client_places_taken_(
          metrics.CounterOf("helhed_gateway_refused_total", "Calls refused by limits", {{"reason", "CLIENT_PLACES_TAKEN"}})),
      places_taken_(metrics.CounterOf("helhed_gateway_refused_total", "Calls refused by limits", {{"reason", "PLACES_TAKEN"}})),
      crowded_(metrics.CounterOf("helhed_gateway_crowded_total", "Calls of clients that share a bucket for want of room")) {
  // Without a secret in it, addresses could be chosen that all fall into one shard.
  crypto_shorthash_keygen(hash_key_.data());
}

Limiter::~Limiter() = default;

Rate Limiter::RateOf(Client const& client) const {
  if (client.kind() == Client::Kind::kNobody) return options_.nobody;
  if (client.kind() == Client::Kind::kForger) return options_.forger;
  auto const own = options_.clients.find(client.key());
  return own == options_.clients.end() ? options_.client : own->second;
}

absl::Status Limiter::TakePlace(Bucket& bucket, Kind kind) {
  auto const& places = PlacesOf(kind);
  auto& running = running_[IndexOf(kind)];
  auto& own = bucket.running[IndexOf(kind)];
  if (own >= places.per_client) return ClientPlacesTaken(kind, places.per_client);
  auto const taken = running.calls.fetch_add(1);
  // One half of the places is open to whoever comes first. Of the other, every client gets an even share, one more than there are
  // counted in: so those who always ask for more fill it no further than leaves room for who comes next.
  auto const half = places.in_all / 2;
  auto const share = std::max<std::int64_t>(1, half / (running.clients.load() + 1));
  if (taken >= places.in_all || (taken >= half && own >= share)) {
    running.calls.fetch_sub(1);
    return taken >= places.in_all ? PlacesTaken(kind) : ClientPlacesTaken(kind, share);
  }
  if (own++ == 0) running.clients.fetch_add(1);
  return absl::OkStatus();
}

void Limiter::FreePlace(std::size_t shard, Bucket& bucket, Kind kind) {
  auto& running = running_[IndexOf(kind)];
  std::lock_guard const lock(shards_[shard].mutex);
  running.calls.fetch_sub(1);
  if (--bucket.running[IndexOf(kind)] == 0) running.clients.fetch_sub(1);
  shards_[shard].Touch(bucket);
}

std::pair<std::string, std::size_t> Limiter::KeyAndShard(Client const& client) const {
  constexpr std::string_view prefixes = "iaf";
  auto key = absl::StrCat(Av(prefixes.substr(static_cast<std::size_t>(client.kind()), 1)), client.key());
  std::uint64_t hash = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<unsigned char const*>(key.data()), key.size(),
                   hash_key_.data());
  return {std::move(key), hash % kShards};
}

std::size_t Limiter::BucketsMax() const { return std::max<std::size_t>(1, options_.clients_max / kShards); }

absl::Status Limiter::Check(Client const& client) {
  auto const rate = RateOf(client);
  auto const interval = kNanosPerSecond / rate.per_second;
  auto const now = absl::ToUnixNanos(clock_.Now());
  auto const [key, index] = KeyAndShard(client);
  auto& shard = shards_[index];
  auto full_at = now;
  {
    std::lock_guard const lock(shard.mutex);
    auto const found = shard.buckets.find(key);
    auto const& bucket = found == shard.buckets.end() ? shard.CrowdOf(client) : found->second;
    bool const is_new = found == shard.buckets.end() && shard.buckets.size() < BucketsMax();
    if (!is_new) full_at = std::clamp(bucket.full_at_nanos, now, now + rate.burst * interval);
  }
  auto const wait = full_at + interval - now - rate.burst * interval;
  auto status = wait > 0 ? RateExceeded(rate, 1, wait) : absl::OkStatus();
  Count(status);
  return status;
}

Admission Limiter::Admit(Client const& client, std::int64_t cost, Kind kind) {
  auto const rate = RateOf(client);
  auto const interval = kNanosPerSecond / rate.per_second;
  auto const capacity = rate.burst * interval;
  auto const need = std::clamp<std::int64_t>(cost, 1, rate.burst) * interval;
  auto const now = absl::ToUnixNanos(clock_.Now());

  auto const [key, index] = KeyAndShard(client);
  auto& shard = shards_[index];

  Admission admission;
  {
    std::lock_guard const lock(shard.mutex);
    auto* bucket = shard.FindOrMake(key, BucketsMax(), now);
    if (bucket == nullptr) {
      crowded_.Increment();
      bucket = &shard.CrowdOf(client);
    }
    // A bucket cannot be emptier than empty: what says so was written before the clock was set back.
    auto full_at = std::clamp(bucket->full_at_nanos, now, now + capacity);
    if (full_at + need > now + capacity) {
      admission.status = RateExceeded(rate, need / interval, full_at + need - now - capacity);
    } else if (admission.status = TakePlace(*bucket, kind); admission.status.ok()) {
      full_at += need;
      admission.place.limiter_ = this;
      admission.place.bucket_ = bucket;
      admission.place.shard_ = index;
      admission.place.kind_ = kind;
    }
    bucket->full_at_nanos = full_at;
    shard.Touch(*bucket);
    admission.quota = {rate, (now + capacity - full_at) / interval, absl::Nanoseconds(full_at - now)};
  }
  Count(admission.status);
  return admission;
}

void Limiter::Count(absl::Status const& status) {
  if (status.ok()) return;
  auto const reason = ReasonOf(status);
  (reason == "RATE_EXCEEDED" ? rate_exceeded_ : reason == "PLACES_TAKEN" ? places_taken_ : client_places_taken_).Increment();
}

std::size_t Limiter::clients() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < kShards; ++i) {
    std::lock_guard const lock(shards_[i].mutex);
    sum += shards_[i].buckets.size();
  }
  return sum;
}

}  // namespace helhed::gateway::limits
