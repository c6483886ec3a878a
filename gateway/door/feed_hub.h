#pragma once

#include <absl/time/time.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/door/door.h"
#include "gateway/door/feed_cursor.h"
#include "services/platform/identity/identity.h"

// The part of the feed that all watchers share: one stream from each service's log, whoever watches, and its newest events.
namespace helhed::gateway::door {

// An event as the feed has it.
struct FeedEvent {
  std::string id;
  std::string type;
  std::string subject;
  std::string plan;
  // The service's own cursor behind it.
  std::string cursor;
  // The event, serialized, without that cursor.
  std::string bytes;

  // nullopt when the bytes are no event.
  static std::optional<FeedEvent> Of(std::string_view serialized);
};

// The identity with which the gateway reads the logs, signed anew before it ends. Safe from any thread.
class OwnIdentity {
 public:
  OwnIdentity(helhed::identity::Signer signer, Clock const& clock) : signer_(std::move(signer)), clock_(clock) {}
  std::string Get();

 private:
  helhed::identity::Signer const signer_;
  Clock const& clock_;
  std::mutex mutex_;
  std::string signed_;
  absl::Time renew_at_ = absl::InfinitePast();
};

class FeedHub {
 public:
  struct Options {
    // How many of a service's newest events are kept for those who are up to date, or nearly.
    std::size_t events_max = 2000;
    absl::Duration reconnect = absl::Seconds(1);
  };
  // `upstreams` are those of `loop`, on which the streams run. Start and Stop are called there.
  FeedHub(std::vector<std::string> services, Upstreams const& upstreams, boost::asio::io_context& loop, OwnIdentity& identity,
          Options options);
  ~FeedHub();
  FeedHub(FeedHub const&) = delete;
  FeedHub& operator=(FeedHub const&) = delete;

  void Start();
  void Stop();

  std::vector<std::string> const& services() const { return services_; }
  OwnIdentity& identity() { return identity_; }

  // What follows a position, as far as it is here. Safe from any thread.
  struct Continuation {
    // The position is here: what follows it is complete, and empty when there is nothing yet.
    bool joined = false;
    std::vector<std::shared_ptr<FeedEvent const>> events;
  };
  Continuation After(std::string_view service, FeedPosition const& position, std::size_t events_max) const;
  // Where the service's log ends as far as it is known here; nullopt before its stream has begun.
  std::optional<FeedPosition> End(std::string_view service) const;
  // Changes whenever events have come from the service.
  std::uint64_t generation(std::string_view service) const;

  // `wake` is called on the hub's loop when events have come, until Unsubscribe has returned.
  std::uint64_t Subscribe(std::function<void()> wake);
  void Unsubscribe(std::uint64_t id);

 private:
  struct Log;
  class Stream;
  friend class Stream;
  void Took(Log& log, std::string_view message);
  void Wake();
  Log& Find(std::string_view service) const;

  std::vector<std::string> const services_;
  Upstreams const& upstreams_;
  boost::asio::io_context& loop_;
  OwnIdentity& identity_;
  Options const options_;
  std::map<std::string, std::unique_ptr<Log>, std::less<>> logs_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::mutex subscribers_mutex_;
  std::map<std::uint64_t, std::function<void()>> subscribers_;
  std::uint64_t next_subscriber_ = 1;
};

}  // namespace helhed::gateway::door
