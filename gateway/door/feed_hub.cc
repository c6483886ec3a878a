#include "gateway/door/feed_hub.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "helhed/events/v1/event_service.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

constexpr char kWatch[] = "/helhed.events.v1.EventService/WatchEvents";
constexpr absl::Duration kIdentityLife = absl::Minutes(5);
constexpr absl::Duration kIdentityRenew = absl::Minutes(3);

}  // namespace

std::optional<FeedEvent> FeedEvent::Of(std::string_view serialized) {
  events::v1::Event event;
  if (!event.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) return std::nullopt;
  FeedEvent taken{event.id(), event.type(), event.subject(), event.plan(), event.cursor(), ""};
  event.clear_cursor();
  taken.bytes = event.SerializeAsString();
  return taken;
}

std::string OwnIdentity::Get() {
  std::lock_guard const lock(mutex_);
  auto const now = clock_.Now();
  if (now < renew_at_) return signed_;
  common::v1::Identity identity;
  identity.set_issuer("gateway");
  identity.set_subject("system:gateway");
  identity.set_audience("helhed");
  identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(now));
  identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(now + kIdentityLife));
  identity.add_grants()->set_role("service");
  signed_ = signer_.Sign(identity);
  renew_at_ = now + kIdentityRenew;
  return signed_;
}

// What is kept of one service's log.
struct FeedHub::Log {
  mutable std::mutex mutex;
  // Where the kept events begin: the position before the first of them. Unknown until the stream has begun.
  std::optional<FeedPosition> base;
  std::deque<std::shared_ptr<FeedEvent const>> events;
  // The number that the first kept event has, counted from the start, and the number of each by its id.
  std::uint64_t first = 0;
  std::unordered_map<std::string, std::uint64_t> numbers;
  // Behind the last event, and behind those of other kinds that were passed: where the stream goes on.
  std::string cursor;
  std::uint64_t generation = 0;

  FeedPosition End() const { return events.empty() ? *base : FeedPosition{events.back()->cursor, events.back()->id}; }

  void Forget(std::size_t events_max) {
    while (events.size() > events_max) {
      base = FeedPosition{events.front()->cursor, events.front()->id};
      numbers.erase(events.front()->id);
      events.pop_front();
      ++first;
    }
  }
};

// The stream from one service, opened again for ever.
class FeedHub::Stream final : public upstream::Receiver {
 public:
  Stream(FeedHub& hub, std::string service) : hub_(hub), service_(std::move(service)), timer_(hub.loop_) {}

  void Open() {
    auto& log = hub_.Find(service_);
    events::v1::WatchEventsRequest request;
    {
      std::lock_guard const lock(log.mutex);
      request.set_cursor(log.base ? log.cursor : "$end");
    }
    upstream::Call call;
    call.method = contract::FindMethod(kWatch);
    call.request = request.SerializeAsString();
    call.identity = hub_.identity_.Get();
    running_ = hub_.upstreams_.find(service_)->second->Start(std::move(call), *this);
  }

 private:
  void OnMessage(std::string message) override {
    auto const bytes = message.size();
    hub_.Took(hub_.Find(service_), message);
    running_->Consume(bytes);
  }

  void OnEnd(upstream::End end) override {
    running_.reset();
    // A log that no longer reaches back to where we were, or was restored to an earlier state: begin anew at its end. Watchers
    // find their place by reading, and are told what they have missed.
    if (end.status.code() == absl::StatusCode::kOutOfRange || end.status.code() == absl::StatusCode::kInvalidArgument) {
      auto& log = hub_.Find(service_);
      std::lock_guard const lock(log.mutex);
      log.base.reset();
      log.events.clear();
      log.numbers.clear();
    }
    timer_.expires_after(absl::ToChronoMilliseconds(hub_.options_.reconnect));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
      if (!error && alive.lock() != nullptr) Open();
    });
  }

  FeedHub& hub_;
  std::string const service_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<upstream::Running> running_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

FeedHub::FeedHub(std::vector<std::string> services, Upstreams const& upstreams, boost::asio::io_context& loop,
                 OwnIdentity& identity, Options options)
    : services_(std::move(services)), upstreams_(upstreams), loop_(loop), identity_(identity), options_(options) {
  for (auto const& service : services_) logs_.emplace(service, std::make_unique<Log>());
}

FeedHub::~FeedHub() = default;

void FeedHub::Start() {
  for (auto const& service : services_) {
    streams_.push_back(std::make_unique<Stream>(*this, service));
    streams_.back()->Open();
  }
}

void FeedHub::Stop() { streams_.clear(); }

FeedHub::Log& FeedHub::Find(std::string_view service) const { return *logs_.find(service)->second; }

void FeedHub::Took(Log& log, std::string_view message) {
  events::v1::WatchEventsResponse response;
  if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) return;
  bool is_news = false;
  {
    std::lock_guard const lock(log.mutex);
    log.cursor = response.next_cursor();
    is_news = !log.base || !response.events().empty();
    for (auto const& event : response.events()) {
      auto taken = FeedEvent::Of(event.SerializeAsString());
      if (!taken || log.numbers.contains(taken->id)) continue;
      if (!log.base) {
        log.base = FeedPosition{taken->cursor, taken->id};
        continue;
      }
      log.numbers.emplace(taken->id, log.first + log.events.size());
      log.events.push_back(std::make_shared<FeedEvent const>(*std::move(taken)));
    }
    if (!log.base) log.base = FeedPosition{response.next_cursor(), ""};
    log.Forget(options_.events_max);
    if (is_news) ++log.generation;
  }
  if (is_news) Wake();
}

void FeedHub::Wake() {
  std::lock_guard const lock(subscribers_mutex_);
  for (auto const& [id, wake] : subscribers_) wake();
}

std::uint64_t FeedHub::Subscribe(std::function<void()> wake) {
  std::lock_guard const lock(subscribers_mutex_);
  subscribers_.emplace(next_subscriber_, std::move(wake));
  return next_subscriber_++;
}

void FeedHub::Unsubscribe(std::uint64_t id) {
  std::lock_guard const lock(subscribers_mutex_);
  subscribers_.erase(id);
}

FeedHub::Continuation FeedHub::After(std::string_view service, FeedPosition const& position, std::size_t events_max) const {
  Continuation continuation;
  auto const& log = Find(service);
  std::lock_guard const lock(log.mutex);
  if (!log.base) return continuation;
  std::size_t at = 0;
  bool const is_base = position.last_id.empty() ? position.cursor == log.base->cursor : position.last_id == log.base->last_id;
  if (!is_base) {
    auto const found = log.numbers.find(position.last_id);
    if (position.last_id.empty() || found == log.numbers.end()) return continuation;
    at = static_cast<std::size_t>(found->second - log.first) + 1;
  }
  continuation.joined = true;
  auto const count = std::min(events_max, log.events.size() - at);
  auto const from = log.events.begin() + static_cast<std::ptrdiff_t>(at);
  continuation.events.assign(from, from + static_cast<std::ptrdiff_t>(count));
  return continuation;
}

std::optional<FeedPosition> FeedHub::End(std::string_view service) const {
  auto const& log = Find(service);
  std::lock_guard const lock(log.mutex);
  if (!log.base) return std::nullopt;
  return log.End();
}

std::uint64_t FeedHub::generation(std::string_view service) const {
  auto const& log = Find(service);
  std::lock_guard const lock(log.mutex);
  return log.generation;
}

}  // namespace helhed::gateway::door
