#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/door/door.h"
#include "gateway/door/feed_hub.h"

// The gateway's own methods (helhed.gateway.v1), answered as if they were a service's.
namespace helhed::gateway::door {

// A call of one of them that came through the door: the permission was looked at, its content and scope were not.
struct OwnCall {
  std::unique_ptr<google::protobuf::Message> request;
  // The grants' scopes for the method's permission; a lone empty one means everywhere.
  std::vector<std::string> scopes;
  upstream::Call call;
  upstream::Receiver* receiver = nullptr;
};

class FeedWatch;

// What the calls of one loop share.
struct OwnDesk {
  Upstreams const& upstreams;
  boost::asio::io_context& loop;
  FeedHub& hub;
  Clock const& clock;
  // Those who watch, to be told of news and of time.
  std::set<FeedWatch*> watches;
};

std::unique_ptr<upstream::Running> ReadFeed(OwnDesk& desk, OwnCall call);
std::unique_ptr<upstream::Running> WatchFeed(OwnDesk& desk, OwnCall call);
// What the caller may not ask of a service is left out.
std::unique_ptr<upstream::Running> GetPlanOverview(OwnDesk& desk, OwnCall call, helhed::identity::Roles const& roles,
                                                   common::v1::Identity identity);
// To every watch of the desk: events may have come; a second has passed.
void TellWatches(OwnDesk& desk, bool second_has_passed);

// Answers the gateway's own methods on one loop. Ends its calls before it goes.
class OwnUpstream final : public upstream::Upstream {
 public:
  // `upstreams` may hold this object itself.
  OwnUpstream(helhed::identity::Roles const& roles, Clock const& clock, Upstreams const& upstreams, boost::asio::io_context& loop,
              FeedHub& hub);
  ~OwnUpstream() override;
  OwnUpstream(OwnUpstream const&) = delete;
  OwnUpstream& operator=(OwnUpstream const&) = delete;

  std::unique_ptr<upstream::Running> Start(upstream::Call call, upstream::Receiver& receiver) override;
  bool available() const override { return true; }

 private:
  absl::StatusOr<OwnCall> Prepare(upstream::Call call, upstream::Receiver& receiver) const;
  void Tick();

  helhed::identity::Roles const& roles_;
  OwnDesk desk_;
  std::uint64_t subscription_ = 0;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Ends a call with a status on the loop's next turn.
std::unique_ptr<upstream::Running> Refuse(boost::asio::io_context& loop, upstream::Receiver& receiver, absl::Status status);

}  // namespace helhed::gateway::door
