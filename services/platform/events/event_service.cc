#include "services/platform/events/event_service.h"

#include <algorithm>
#include <utility>

namespace helhed::events {
namespace {

constexpr char kService[] = "helhed.events.v1.EventService";
constexpr int kPageSizeDefault = 100;
constexpr int kWatchBatch = 200;
constexpr absl::Duration kHeartbeatDefault = absl::Seconds(15);
constexpr absl::Duration kHeartbeatLeast = absl::Seconds(1);
constexpr absl::Duration kHeartbeatMost = absl::Minutes(5);

// One watcher. Between two messages nothing of it stands anywhere but this object: no thread, no transaction.
class EventStream final : public ServerStream {
 public:
  EventStream(EventLog& log, v1::WatchEventsRequest const& request, absl::Duration heartbeat)
      : log_(log), cursor_(request.cursor()), types_(request.types().begin(), request.types().end()), heartbeat_(heartbeat) {}
  ~EventStream() override { Unsubscribe(); }

  absl::StatusOr<State> Next(CallContext const& call, std::vector<std::string>& out) override {
    // Remembered from before the read, so that what is appended while it runs is not taken for seen.
    generation_ = log_.generation();
    ASSIGN_OR_RETURN(auto batch, log_.Read(call.limits(), cursor_, kWatchBatch, types_));
    cursor_ = batch.next_cursor;
    bool const found = !batch.events.empty();
    absl::Time const now = call.Now();
    // The first message comes at once, with or without events: it tells where `$end` is.
    if (found || now - sent_ >= heartbeat_) {
      v1::WatchEventsResponse response;
      response.mutable_events()->Reserve(static_cast<int>(batch.events.size()));
      for (auto& event : batch.events) *response.add_events() = std::move(event);
      response.set_next_cursor(cursor_);
      out.push_back(response.SerializeAsString());
      sent_ = now;
    }
    until_heartbeat_ = sent_ + heartbeat_ - now;
    return found ? State::kMore : State::kWait;
  }

  absl::Duration poll_after() const override { return std::min(log_.poll_interval(), until_heartbeat_); }

  void Subscribe(std::function<void()> wake) override {
    Unsubscribe();
    subscription_ = log_.Subscribe(wake);
    if (log_.generation() != generation_) wake();
  }

  void Unsubscribe() override {
    if (subscription_ != 0) log_.Unsubscribe(std::exchange(subscription_, 0));
  }

 private:
  EventLog& log_;
  std::string cursor_;
  std::vector<std::string> const types_;
  absl::Duration const heartbeat_;
  absl::Time sent_ = absl::InfinitePast();
  absl::Duration until_heartbeat_ = heartbeat_;
  std::uint64_t generation_ = 0;
  std::uint64_t subscription_ = 0;
};

}  // namespace

void EventService::Register(Router& router) {
  router.Serve(kService);
  router.On(kService, "ReadEvents", this, &EventService::ReadEvents);
  router.OnStream(kService, "WatchEvents", this, &EventService::WatchEvents, v1::WatchEventsResponse::default_instance());
}

absl::StatusOr<v1::ReadEventsResponse> EventService::ReadEvents(CallContext const& call, v1::ReadEventsRequest const& request) {
  std::vector<std::string> const types(request.types().begin(), request.types().end());
  int const limit = request.page_size() == 0 ? kPageSizeDefault : request.page_size();
  ASSIGN_OR_RETURN(auto batch, log_.Read(call.limits(), request.cursor(), limit, types));
  v1::ReadEventsResponse response;
  response.mutable_events()->Reserve(static_cast<int>(batch.events.size()));
  for (auto& event : batch.events) *response.add_events() = std::move(event);
  response.set_next_cursor(std::move(batch.next_cursor));
  return response;
}

absl::StatusOr<std::unique_ptr<ServerStream>> EventService::WatchEvents(CallContext const&,
                                                                        v1::WatchEventsRequest const& request) {
  absl::Duration heartbeat = kHeartbeatDefault;
  if (request.has_heartbeat()) {
    heartbeat = absl::Seconds(request.heartbeat().seconds()) + absl::Nanoseconds(request.heartbeat().nanos());
    if (heartbeat < kHeartbeatLeast || heartbeat > kHeartbeatMost) {
      return BadRequest({{"heartbeat", "must be from 1 second to 5 minutes"}});
    }
  }
  return std::make_unique<EventStream>(log_, request, heartbeat);
}

}  // namespace helhed::events
