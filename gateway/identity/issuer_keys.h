#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/identity/fetcher.h"
#include "gateway/identity/key_set.h"
#include "helhed/gateway/v1/config.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/strings.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"

namespace helhed::gateway::identity {

// The keys of one issuer: found by discovery, kept, and fetched anew when they grow old or a token names one that is not among
// them. Shared by all loops; safe from any thread.
//
// What strangers can cause is bounded: one fetch is under way at a time and one begins at most every 10 seconds, whatever comes
// in; a key id that was not found is not asked for again for a minute; at most 1024 tokens wait for a fetch and 1024 unknown key
// ids are remembered.
class IssuerKeys : public std::enable_shared_from_this<IssuerKeys> {
 public:
  static constexpr absl::Duration kFetchInterval = absl::Seconds(10);
  static constexpr absl::Duration kUnknownAge = absl::Minutes(1);
  // Older keys are fetched anew while they still serve; so a key that the issuer withdraws is trusted that much longer at most,
  // while it answers.
  static constexpr absl::Duration kRefreshAge = absl::Minutes(10);
  // Keys serve that long without their issuer being reached.
  static constexpr absl::Duration kAgeMax = absl::Hours(24);
  static constexpr std::size_t kWaitingMax = 1024;
  static constexpr std::size_t kUnknownMax = 1024;

  IssuerKeys(v1::Issuer const& issuer, std::shared_ptr<Fetcher const> fetcher, Clock const& clock, telemetry::Metrics& metrics,
             telemetry::Log& log);

  // A key, and the generation of the key set that it is of.
  struct Found {
    std::shared_ptr<KeySet const> set;
    PublicKey const* key = nullptr;
    std::uint64_t generation = 0;
  };
  // Calls `done` once, on `loop`: at once when it is known, later when keys are fetched first. Errors: TOKEN_KEY_UNKNOWN,
  // ISSUER_UNREACHABLE.
  using Done = std::function<void(absl::StatusOr<Found>)>;
  void Find(std::string_view key_id, Algorithm algorithm, boost::asio::io_context& loop, Done done);

  // Whether what was verified with a key set of that generation may still be believed at `now`.
  bool IsCurrent(std::uint64_t generation, absl::Time now) const;
  // Fetches the keys when they are not there or old. Does not wait.
  void Refresh(boost::asio::io_context& loop);

 private:
  struct Waiting {
    std::string key_id;
    Algorithm algorithm;
    boost::asio::io_context* loop;
    Done done;
  };

  absl::StatusOr<Found> Look(std::string_view key_id, Algorithm algorithm, absl::Time now) const;
  // nullopt: a fetch may begin, or is under way, that can tell.
  std::optional<absl::Status> RefuseUnfetched(std::string_view key_id, absl::Time now) const;
  bool MayStart(absl::Time now) const;
  bool IsDue(absl::Time now) const;
  void Start(boost::asio::io_context& loop, absl::Time now);
  void FetchDiscovery(boost::asio::io_context& loop);
  void FetchKeys(Url const& url, boost::asio::io_context& loop);
  absl::StatusOr<Url> KeysUrlOf(std::string_view discovery) const;
  void Finish(absl::StatusOr<std::shared_ptr<KeySet const>> result);
  void Take(std::shared_ptr<KeySet const> set, absl::Time now);
  absl::Status Unreachable(absl::Time now) const;
  absl::Status Unknown(std::optional<absl::Duration> wait) const;

  v1::Issuer const issuer_;
  std::shared_ptr<Fetcher const> const fetcher_;
  Clock const& clock_;
  telemetry::Log& log_;
  telemetry::Counter fetched_;
  telemetry::Counter failed_;

  mutable std::mutex mutex_;
  std::shared_ptr<KeySet const> set_;
  std::optional<Url> keys_url_;
  absl::Time discovered_at_ = absl::InfinitePast();
  absl::Time started_at_ = absl::InfinitePast();
  bool is_fetching_ = false;
  bool has_failed_ = false;
  std::vector<Waiting> waiting_;
  // Until when each is not asked for again.
  std::unordered_map<std::string, absl::Time, StringHash, std::equal_to<>> unknown_;
  // Read at every call, so without the lock.
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> fetched_at_micros_{0};
};

}  // namespace helhed::gateway::identity
