#include <absl/strings/str_cat.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "gateway/door/collect.h"
#include "gateway/door/feed_cursor.h"
#include "gateway/door/own_calls.h"
#include "gateway/door/wire.h"
#include "helhed/common/v1/errors.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "helhed/gateway/v1/event_feed_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"

namespace helhed::gateway::door {
namespace {

constexpr char kRead[] = "/helhed.events.v1.EventService/ReadEvents";
constexpr std::string_view kEnd = "$end";
constexpr int kPageDefault = 100;
constexpr std::size_t kBatch = 200;
constexpr std::size_t kWindowBytes = std::size_t{256} * 1024;
constexpr absl::Duration kReadTimeout = absl::Seconds(5);
constexpr absl::Duration kReadAgainAfter = absl::Seconds(1);
constexpr absl::Duration kHeartbeatDefault = absl::Seconds(15);
constexpr absl::Duration kHeartbeatLeast = absl::Seconds(1);
constexpr absl::Duration kHeartbeatMost = absl::Minutes(5);

// What a reader wants and may see.
struct Filter {
  std::set<std::string> types;
  std::vector<std::string> scopes;

  bool Passes(FeedEvent const& event) const {
    if (!types.empty() && !types.contains(event.type)) return false;
    return std::any_of(scopes.begin(), scopes.end(), [&](std::string const& scope) {
      return scope.empty() || contract::Covers(scope, event.subject) ||
             (!event.plan.empty() && contract::Covers(scope, event.plan));
    });
  }
};

upstream::Call MakeRead(FeedHub& hub, std::string const& cursor, int page_size, absl::Time deadline) {
  events::v1::ReadEventsRequest request;
  request.set_cursor(cursor);
  request.set_page_size(page_size);
  upstream::Call call;
  call.method = contract::FindMethod(kRead);
  call.request = request.SerializeAsString();
  call.identity = hub.identity().Get();
  call.deadline = deadline;
  return call;
}

struct ReadPage {
  std::vector<std::shared_ptr<FeedEvent const>> events;
  std::string next_cursor;
};

std::optional<ReadPage> ParsePage(std::string const& message) {
  events::v1::ReadEventsResponse response;
  if (!response.ParseFromString(message)) return std::nullopt;
  ReadPage page;
  page.next_cursor = response.next_cursor();
  for (auto const& event : response.events()) {
    auto taken = FeedEvent::Of(event.SerializeAsString());
    if (!taken) return std::nullopt;
    page.events.push_back(std::make_shared<FeedEvent const>(*std::move(taken)));
  }
  return page;
}

// Where a cursor stands in the logs of all services that this gateway reads, and of those that it does not.
absl::StatusOr<FeedPositions> PositionsOf(FeedHub& hub, std::string const& cursor) {
  FeedPositions positions;
  if (!cursor.empty() && cursor != kEnd) {
    ASSIGN_OR_RETURN(positions, FromFeedCursor(cursor));
  }
  for (auto const& service : hub.services()) {
    if (positions.contains(service)) continue;
    auto position = FeedPosition{cursor == kEnd ? std::string(kEnd) : "", ""};
    if (cursor == kEnd) position = hub.End(service).value_or(position);
    positions.emplace(service, std::move(position));
  }
  return positions;
}

// The services' own words about a cursor name a cursor that is of no use outside.
std::optional<absl::Status> CursorFault(absl::Status const& status) {
  if (status.code() == absl::StatusCode::kOutOfRange) {
    return Error(absl::StatusCode::kOutOfRange, common::v1::ERROR_REASON_CURSOR_TOO_OLD,
                 "The cursor is older than a service's log reaches; start with an empty one and read the resources again.");
  }
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_CURSOR_INVALID,
                 "The cursor was altered or is of other logs; start with an empty one or `$end`.");
  }
  return std::nullopt;
}

// ReadFeed: every service is asked at once, from where the reader stands, and what does not fit is left for the next time.
class FeedRead final : public upstream::Running {
 public:
  FeedRead(OwnDesk& desk, OwnCall call, FeedPositions positions)
      : desk_(desk), call_(std::move(call)), positions_(std::move(positions)) {
    auto const& request = static_cast<v1::ReadFeedRequest const&>(*call_.request);
    filter_ = {{request.types().begin(), request.types().end()}, call_.scopes};
    page_size_ = request.page_size() == 0 ? kPageDefault : request.page_size();
  }

  void Begin() {
    auto const deadline = std::min(call_.call.deadline, desk_.clock.Now() + kReadTimeout);
    for (auto const& service : desk_.hub.services()) {
      auto& part = parts_[service];
      auto here = desk_.hub.After(service, positions_[service], static_cast<std::size_t>(page_size_));
      if (here.joined) {
        part.page = ReadPage{std::move(here.events), ""};
        continue;
      }
      ++open_;
      part.read.Begin(*desk_.upstreams.find(service)->second,
                      MakeRead(desk_.hub, positions_[service].cursor, page_size_, deadline),
                      [this, &part](absl::Status status, std::string const& message) { Took(part, std::move(status), message); });
    }
    if (open_ > 0) return;
    boost::asio::post(desk_.loop, [this, alive = std::weak_ptr(alive_)] {
      if (alive.lock() != nullptr) Answer();
    });
  }
  void Consume(std::size_t) override {}

 private:
  struct Part {
    Collect read;
    absl::Status status;
    std::optional<ReadPage> page;
  };

  void Took(Part& part, absl::Status status, std::string const& message) {
    part.status = std::move(status);
    if (part.status.ok()) part.page = ParsePage(message);
    if (--open_ == 0) Answer();
  }

  void Answer() {
    v1::ReadFeedResponse response;
    response.set_at_end(true);
    int room = page_size_;
    for (auto& [service, part] : parts_) {
      if (auto fault = CursorFault(part.status)) return call_.receiver->OnEnd({*std::move(fault), ""});
      if (part.page) {
        TakeFrom(*part.page, positions_[service], room, response);
      } else {
        response.add_missing(service);
      }
    }
    response.set_next_cursor(ToFeedCursor(positions_));
    call_.receiver->OnMessage(response.SerializeAsString());
    call_.receiver->OnEnd({absl::OkStatus(), ""});
  }

  void TakeFrom(ReadPage const& page, FeedPosition& position, int& room, v1::ReadFeedResponse& response) const {
    std::size_t taken = 0;
    for (auto const& event : page.events) {
      if (room == 0) break;
      ++taken;
      position = {event->cursor, event->id};
      if (!filter_.Passes(*event)) continue;
      --room;
      if (!response.add_events()->ParseFromString(event->bytes)) response.mutable_events()->RemoveLast();
    }
    if (taken == page.events.size() && !page.next_cursor.empty()) position.cursor = page.next_cursor;
    // A service answers with fewer than were asked for when those are large: only nothing at all means that its log has no more.
    bool const is_of_log = !page.next_cursor.empty();
    bool const is_last = is_of_log ? page.events.empty() : static_cast<int>(page.events.size()) < page_size_;
    if (taken < page.events.size() || !is_last) response.set_at_end(false);
  }

  OwnDesk& desk_;
  OwnCall call_;
  FeedPositions positions_;
  Filter filter_;
  int page_size_ = kPageDefault;
  std::map<std::string, Part> parts_;
  int open_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

// WatchFeed. Whoever is up to date lives on the events of the hub alone; who is not reads the log itself, from its own position,
// until it meets one that the hub has. A watcher that does not read what it is sent falls behind without costing memory.
class FeedWatch final : public upstream::Running {
 public:
  FeedWatch(OwnDesk& desk, OwnCall call, FeedPositions positions, absl::Duration heartbeat)
      : desk_(desk), call_(std::move(call)), positions_(std::move(positions)), heartbeat_(heartbeat) {
    auto const& request = static_cast<v1::WatchFeedRequest const&>(*call_.request);
    filter_ = {{request.types().begin(), request.types().end()}, call_.scopes};
    desk_.watches.insert(this);
    for (auto const& service : desk_.hub.services()) readers_[service];
    boost::asio::post(desk_.loop, [this, alive = std::weak_ptr(alive_)] {
      if (alive.lock() != nullptr) GoOn(false);
    });
  }
  ~FeedWatch() override { desk_.watches.erase(this); }
  FeedWatch(FeedWatch const&) = delete;
  FeedWatch& operator=(FeedWatch const&) = delete;

  void Consume(std::size_t bytes) override {
    bool const was_full = ahead_ >= kWindowBytes;
    ahead_ -= std::min(bytes, ahead_);
    if (!was_full || ahead_ >= kWindowBytes) return;
    boost::asio::post(desk_.loop, [this, alive = std::weak_ptr(alive_)] {
      if (alive.lock() != nullptr) GoOn(false);
    });
  }

  // Takes what has come. The watch may be gone afterwards.
  void GoOn(bool second_has_passed) {
    auto const now = desk_.clock.Now();
    if (now >= call_.call.deadline) {
      return Finish(Error(absl::StatusCode::kDeadlineExceeded, common::v1::ERROR_REASON_DEADLINE_EXCEEDED,
                          "The time for watching is over."));
    }
    for (auto& [service, reader] : readers_) Step(service, reader, now);
    if (IsPlaced() && (!begun_ || (second_has_passed && now >= beat_at_ && ahead_ < kWindowBytes))) Send({});
  }

 private:
  struct Reader {
    Collect read;
    bool is_reading = false;
    // The log had no more when the hub was at this generation; nullopt when that is not known.
    std::optional<std::uint64_t> idle_at;
    absl::Time read_at = absl::InfinitePast();
  };

  // Whether the first message can tell where every log is.
  bool IsPlaced() const {
    return std::none_of(positions_.begin(), positions_.end(), [](auto const& entry) { return entry.second.cursor == kEnd; });
  }

  void Step(std::string const& service, Reader& reader, absl::Time now) {
    auto& position = positions_[service];
    if (position.cursor == kEnd) position = desk_.hub.End(service).value_or(position);
    while (ahead_ < kWindowBytes && !reader.is_reading && IsPlaced()) {
      auto const here = desk_.hub.After(service, position, kBatch);
      if (!here.joined) break;
      if (here.events.empty()) return;
      Emit(position, here.events);
    }
    if (ahead_ >= kWindowBytes || reader.is_reading || now < reader.read_at) return;
    if (position.cursor != kEnd && !IsPlaced()) return;
    auto const generation = desk_.hub.generation(service);
    if (reader.idle_at == generation) return;
    reader.is_reading = true;
    reader.read.Begin(*desk_.upstreams.find(service)->second,
                      MakeRead(desk_.hub, position.cursor, static_cast<int>(kBatch), now + kReadTimeout),
                      [this, service, generation](absl::Status const& status, std::string const& message) {
                        Took(service, generation, status, message);
                      });
  }

  void Took(std::string const& service, std::uint64_t generation, absl::Status const& status, std::string const& message) {
    auto& reader = readers_[service];
    auto& position = positions_[service];
    reader.is_reading = false;
    reader.idle_at.reset();
    if (auto fault = CursorFault(status)) return Finish(*std::move(fault));
    auto const page = status.ok() ? ParsePage(message) : std::nullopt;
    if (!page) {
      reader.read_at = desk_.clock.Now() + kReadAgainAfter;
      return;
    }
    if (page->events.empty()) reader.idle_at = generation;
    bool const was_placed = IsPlaced();
    if (was_placed) Emit(position, page->events);
    if (page->events.empty() || was_placed) position.cursor = page->next_cursor;
    GoOn(false);
  }

  void Emit(FeedPosition& position, std::vector<std::shared_ptr<FeedEvent const>> const& events) {
    std::vector<FeedEvent const*> passed;
    for (auto const& event : events) {
      if (filter_.Passes(*event)) passed.push_back(event.get());
    }
    if (!events.empty()) position = {events.back()->cursor, events.back()->id};
    if (!passed.empty()) Send(passed);
  }

  void Send(std::vector<FeedEvent const*> const& events) {
    std::string message;
    for (auto const* const event : events) AppendWire(1, event->bytes, message);
    AppendWire(2, ToFeedCursor(positions_), message);
    begun_ = true;
    beat_at_ = desk_.clock.Now() + heartbeat_;
    ahead_ += message.size();
    call_.receiver->OnMessage(std::move(message));
  }

  void Finish(absl::Status status) {
    alive_.reset();
    call_.receiver->OnEnd({std::move(status), ""});
  }

  OwnDesk& desk_;
  OwnCall call_;
  FeedPositions positions_;
  Filter filter_;
  absl::Duration const heartbeat_;
  absl::Time beat_at_ = absl::InfinitePast();
  std::map<std::string, Reader> readers_;
  std::size_t ahead_ = 0;
  bool begun_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void TellWatches(OwnDesk& desk, bool second_has_passed) {
  // One that ends takes itself off the list.
  std::vector<FeedWatch*> const watches(desk.watches.begin(), desk.watches.end());
  for (auto* const watch : watches) {
    if (desk.watches.contains(watch)) watch->GoOn(second_has_passed);
  }
}

std::unique_ptr<upstream::Running> ReadFeed(OwnDesk& desk, OwnCall call) {
  auto positions = PositionsOf(desk.hub, static_cast<v1::ReadFeedRequest const&>(*call.request).cursor());
  if (!positions.ok()) return Refuse(desk.loop, *call.receiver, positions.status());
  auto read = std::make_unique<FeedRead>(desk, std::move(call), *std::move(positions));
  read->Begin();
  return read;
}

std::unique_ptr<upstream::Running> WatchFeed(OwnDesk& desk, OwnCall call) {
  auto const& request = static_cast<v1::WatchFeedRequest const&>(*call.request);
  auto heartbeat = kHeartbeatDefault;
  if (request.has_heartbeat()) {
    heartbeat = absl::Seconds(request.heartbeat().seconds()) + absl::Nanoseconds(request.heartbeat().nanos());
    if (heartbeat < kHeartbeatLeast || heartbeat > kHeartbeatMost) {
      return Refuse(desk.loop, *call.receiver, BadRequest({{"heartbeat", "must be from 1 second to 5 minutes"}}));
    }
  }
  auto positions = PositionsOf(desk.hub, request.cursor());
  if (!positions.ok()) return Refuse(desk.loop, *call.receiver, positions.status());
  return std::make_unique<FeedWatch>(desk, std::move(call), *std::move(positions), heartbeat);
}

}  // namespace helhed::gateway::door
