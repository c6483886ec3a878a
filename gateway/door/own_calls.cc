#include "gateway/door/own_calls.h"

#include <boost/asio/post.hpp>
#include <google/protobuf/message.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"

namespace helhed::gateway::door {
namespace {

constexpr char kReadFeed[] = "/helhed.gateway.v1.EventFeedService/ReadFeed";
constexpr char kGetPlanOverview[] = "/helhed.gateway.v1.OverviewService/GetPlanOverview";
constexpr char kWatchFeed[] = "/helhed.gateway.v1.EventFeedService/WatchFeed";

class Refused final : public upstream::Running {
 public:
  Refused(boost::asio::io_context& loop, upstream::Receiver& receiver, absl::Status status) {
    boost::asio::post(loop, [&receiver, status = std::move(status), alive = std::weak_ptr(alive_)]() mutable {
      if (alive.lock() != nullptr) receiver.OnEnd({std::move(status), ""});
    });
  }
  void Consume(std::size_t) override {}

 private:
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The gateway signed it a moment ago.
common::v1::Identity IdentityOf(std::string const& signed_identity) {
  common::v1::SignedIdentity envelope;
  common::v1::Identity identity;
  if (!envelope.ParseFromString(signed_identity) || !identity.ParseFromString(envelope.identity())) identity.Clear();
  return identity;
}

}  // namespace

std::unique_ptr<upstream::Running> Refuse(boost::asio::io_context& loop, upstream::Receiver& receiver, absl::Status status) {
  return std::make_unique<Refused>(loop, receiver, std::move(status));
}

OwnUpstream::OwnUpstream(helhed::identity::Roles const& roles, Clock const& clock, Upstreams const& upstreams,
                         boost::asio::io_context& loop, FeedHub& hub)
    : roles_(roles), desk_{upstreams, loop, hub, clock, {}}, timer_(loop) {
  // Comes on the hub's thread; many events are one turn here.
  auto const told = std::make_shared<std::atomic<bool>>(false);
  subscription_ = hub.Subscribe([this, &loop, told, alive = std::weak_ptr(alive_)] {
    if (told->exchange(true)) return;
    boost::asio::post(loop, [this, told, alive] {
      *told = false;
      if (alive.lock() != nullptr) TellWatches(desk_, false);
    });
  });
  Tick();
}

OwnUpstream::~OwnUpstream() { desk_.hub.Unsubscribe(subscription_); }

void OwnUpstream::Tick() {
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (error || alive.lock() == nullptr) return;
    TellWatches(desk_, true);
    Tick();
  });
}

absl::StatusOr<OwnCall> OwnUpstream::Prepare(upstream::Call call, upstream::Receiver& receiver) const {
  OwnCall own;
  auto const& method = *call.method;
  own.request.reset(google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type())->New());
  if (!own.request->ParseFromString(call.request)) {
    return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_BAD_REQUEST,
                 "The bytes are not a request of the method.");
  }
  own.scopes = roles_.Scopes(IdentityOf(call.identity), method.policy().permission());
  RETURN_IF_ERROR(contract::Validate(*own.request));
  auto const resource = method.Resource(*own.request);
  bool const covered =
      std::any_of(own.scopes.begin(), own.scopes.end(), [&](auto const& scope) { return contract::Covers(scope, resource); });
  if (method.policy().scope() == policy::v1::SCOPE_RESOURCE && !covered) return NotFound(resource);
  own.call = std::move(call);
  own.receiver = &receiver;
  return own;
}

std::unique_ptr<upstream::Running> OwnUpstream::Start(upstream::Call call, upstream::Receiver& receiver) {
  auto const& path = call.method->path();
  auto own = Prepare(std::move(call), receiver);
  if (!own.ok()) return Refuse(desk_.loop, receiver, own.status());
  if (path == kReadFeed) return ReadFeed(desk_, *std::move(own));
  if (path == kWatchFeed) return WatchFeed(desk_, *std::move(own));
  if (path == kGetPlanOverview) {
    auto identity = IdentityOf(own->call.identity);
    return GetPlanOverview(desk_, *std::move(own), roles_, std::move(identity));
  }
  return Refuse(
      desk_.loop, receiver,
      Error(absl::StatusCode::kUnimplemented, common::v1::ERROR_REASON_METHOD_UNKNOWN, "There is no such method here."));
}

}  // namespace helhed::gateway::door
