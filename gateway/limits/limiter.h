#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "helhed/gateway/v1/config.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/telemetry/metrics.h"

// How much one client may ask, so that nobody can take what is meant for all.
//
// What is promised:
//  - Exact for each client over all event loops: they share the limiter; a client's state lies in one of 64 shards behind its own
//    lock, held for well under a microsecond. Nothing waits for anything else.
//  - Constant time and bounded memory, whoever asks. At most `clients_max` clients are remembered. A client that is forgotten had
//  a
//    full bucket and no call under way, so nothing is lost with it. When every place is taken by clients that are not so, those
//    who come new share one bucket of each shard: they are limited together, and nobody who was there before is forgotten for
//    them.
//  - A clock that is set back refuses nobody for longer than an empty bucket takes to fill.
namespace helhed::gateway::limits {

// A token bucket: `per_second` flows in, `burst` is what it holds. Both at least 1.
struct Rate {
  std::int64_t per_second = 1;
  std::int64_t burst = 1;
};

struct Places {
  std::int64_t per_client = 1;
  std::int64_t in_all = 1;
};

struct Options {
  Rate client{100, 500};
  Rate nobody{10, 50};
  // Signatures of one address that fail. Higher than an honest caller needs, who makes none: where a proxy stands in front, all
  // callers have one address.
  Rate forger{100, 500};
  // Callers that get something else, by Caller::key.
  std::unordered_map<std::string, Rate> clients;
  Places calls{64, 2048};
  Places streams{256, 20000};
  std::size_t clients_max = 65536;

  // What the configuration says, with its defaults; numbers that cannot be are refused when it is read (CheckLimits).
  static Options Of(v1::LimitsConfig const& config);
};

enum class Kind { kCall, kStream };

// Who asks: a caller with an identity (Caller::key), nobody at an address, or one at an address who shows what he has not.
class Client {
 public:
  enum class Kind : std::size_t { kCaller, kNobody, kForger };

  static Client Caller(std::string_view key) { return {std::string(key), Kind::kCaller}; }
  // IPv6 addresses count by their /64, because one household or server has all of it; IPv4 in IPv6 counts as IPv4.
  static Client Nobody(std::string_view address) { return {NetworkOf(address), Kind::kNobody}; }
  static Client Forger(std::string_view address) { return {NetworkOf(address), Kind::kForger}; }

  std::string const& key() const { return key_; }
  Kind kind() const { return kind_; }

 private:
  Client(std::string key, Kind kind) : key_(std::move(key)), kind_(kind) {}
  static std::string NetworkOf(std::string_view address);
  std::string key_;
  Kind kind_;
};

// What is left of a client's rate.
struct Quota {
  Rate rate;
  std::int64_t remaining = 0;
  // Until the bucket is full again.
  absl::Duration full_in;
};

class Limiter;

// A place that a call holds. Freed when it is destroyed, on any thread; never after the limiter.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept { *this = std::move(other); }
  Place& operator=(Place&& other) noexcept;
  Place(Place const&) = delete;
  Place& operator=(Place const&) = delete;
  ~Place() { Free(); }
  void Free();

 private:
  friend class Limiter;
  Limiter* limiter_ = nullptr;
  void* bucket_ = nullptr;
  std::size_t shard_ = 0;
  Kind kind_ = Kind::kCall;
};

struct Admission {
  // OK, or RESOURCE_EXHAUSTED with google.rpc.RetryInfo: RATE_EXCEEDED, CLIENT_PLACES_TAKEN, PLACES_TAKEN.
  absl::Status status;
  Quota quota;
  // Held while the call runs.
  Place place;
};

class Limiter {
 public:
  Limiter(Options options, Clock const& clock, telemetry::Metrics& metrics);
  ~Limiter();

  // Asks for one call of `cost` (MethodPolicy.cost; less than 1 counts as 1, more than the bucket holds as all of it). A refused
  // call costs nothing. When half of all places are taken, a client that holds its even share of the other half gets no more.
  // Safe from any thread.
  Admission Admit(Client const& client, std::int64_t cost, Kind kind);

  // Whether a call of cost 1 would be refused for the client's rate: RATE_EXCEEDED, and counted as refused. Costs nothing and
  // remembers nobody.
  absl::Status Check(Client const& client);

  // How many clients are remembered.
  std::size_t clients() const;

 private:
  friend class Place;
  struct Bucket;
  struct Shard;
  // Who is under way, of one kind.
  struct Running {
    std::atomic<std::int64_t> calls{0};
    std::atomic<std::int64_t> clients{0};
  };

  Rate RateOf(Client const& client) const;
  std::pair<std::string, std::size_t> KeyAndShard(Client const& client) const;
  // Of one shard.
  std::size_t BucketsMax() const;
  Places const& PlacesOf(Kind kind) const { return kind == Kind::kCall ? options_.calls : options_.streams; }
  absl::Status TakePlace(Bucket& bucket, Kind kind);
  void FreePlace(std::size_t shard, Bucket& bucket, Kind kind);
  void Count(absl::Status const& status);

  Options options_;
  Clock const& clock_;
  std::array<unsigned char, 16> hash_key_{};
  std::unique_ptr<Shard[]> shards_;
  std::array<Running, 2> running_;
  telemetry::Counter rate_exceeded_;
  telemetry::Counter client_places_taken_;
  telemetry::Counter places_taken_;
  telemetry::Counter crowded_;
};

}  // namespace helhed::gateway::limits
