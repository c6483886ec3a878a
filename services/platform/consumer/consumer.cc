#include "services/platform/consumer/consumer.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/telemetry/trace.h"

namespace helhed::consumer {
namespace {

constexpr std::string_view kRead = "/helhed.events.v1.EventService/ReadEvents";
constexpr std::string_view kWatch = "/helhed.events.v1.EventService/WatchEvents";

storage::Statement const kFindCursor("consumer.find_cursor", "SELECT cursor FROM consumer_cursors WHERE consumer = $1");
storage::Statement const kMoveCursor("consumer.move_cursor",
                                     "INSERT INTO consumer_cursors (consumer, cursor, update_time) VALUES ($1, $2, $3) "
                                     "ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor, "
                                     "update_time = excluded.update_time");

// Where trying again cannot help.
bool IsFinal(absl::Status const& status) {
  std::string const reason = ReasonOf(status);
  return reason == "CURSOR_TOO_OLD" || reason == "CURSOR_INVALID";
}

}  // namespace

struct Consumer::State {
  State(Parts its_parts, Options its_options, Handler its_handler);

  Parts parts;
  Options options;
  Handler handler;
  std::shared_ptr<common::v1::Identity const> identity;
  telemetry::Counter events_total;
  telemetry::Counter errors_total;

  client::CallOptions Call(std::stop_token stop, absl::Time deadline) const;
  CallContext Context(std::string_view traceparent, std::stop_token stop) const;
  absl::Status StoredCursor(ReadTransaction& tx, std::string& cursor) const;
  absl::StatusOr<std::string> LoadCursor(std::stop_token stop) const;
  absl::Status MoveCursor(WriteTransaction& tx, std::string_view cursor) const;

  // Moves `cursor` to `next` together with what `event` does, if there is one. False when another replica was faster: then
  // nothing has happened.
  absl::StatusOr<bool> Advance(std::string& cursor, std::string const& next, events::v1::Event const* event,
                               std::stop_token stop);

  struct Taken {
    int events = 0;
    bool moved = false;  // another replica was faster: load the cursor again
  };
  // Takes in one answer, of either method.
  template <typename Response>
  absl::StatusOr<Taken> Take(Response const& response, std::string& cursor, storage::Limits const& limits);

  absl::StatusOr<events::v1::ReadEventsResponse> Read(std::string const& cursor, storage::Limits const& limits) const;
  // Takes in what comes until the stream ends. `progress` is set when any took effect.
  absl::Status Watch(std::stop_token stop, bool& progress);
};

Consumer::State::State(Parts its_parts, Options its_options, Handler its_handler)
    : parts(its_parts),
      options(std::move(its_options)),
      handler(std::move(its_handler)),
      events_total(parts.metrics->CounterOf("helhed_consumer_events_total", "Events of other services that took effect.",
                                            {{"consumer", options.name}})),
      errors_total(parts.metrics->CounterOf("helhed_consumer_errors_total", "Attempts to take in an event that failed.",
                                            {{"consumer", options.name}})) {
  auto self = std::make_shared<common::v1::Identity>();
  self->set_subject(options.subject);
  identity = std::move(self);
}

client::CallOptions Consumer::State::Call(std::stop_token stop, absl::Time deadline) const {
  return {.deadline = deadline, .stop = std::move(stop), .identity = options.identity(), .traceparent = {}};
}

// The context of what this service does by itself: its own identity, in the trace of the call that caused the event.
CallContext Consumer::State::Context(std::string_view traceparent, std::stop_token stop) const {
  auto const& store = parts.store->parts();
  return CallContext({.method = nullptr,
                      .clock = store.clock,
                      .random = store.random,
                      .identity = identity,
                      .scopes = {},
                      .deadline = absl::InfiniteFuture(),
                      .stop = std::move(stop),
                      .trace = telemetry::ContinueTrace(traceparent, *store.random),
                      .request_id = {},
                      .request_hash = {},
                      .validate_only = false,
                      .audit_request = {},
                      .resource = {}});
}

absl::Status Consumer::State::StoredCursor(ReadTransaction& tx, std::string& cursor) const {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kFindCursor, {std::string_view(options.name)}));
  cursor = rows.empty() ? std::string() : rows.Text(0, 0);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Consumer::State::LoadCursor(std::stop_token stop) const {
  CallContext const context = Context("", std::move(stop));
  return parts.store->Read(context, [&](ReadTransaction& tx) -> absl::StatusOr<std::string> {
    std::string cursor;
    RETURN_IF_ERROR(StoredCursor(tx, cursor));
    return cursor;
  });
}

absl::Status Consumer::State::MoveCursor(WriteTransaction& tx, std::string_view cursor) const {
  return tx.Enqueue(kMoveCursor, {std::string_view(options.name), cursor, absl::ToUnixMicros(tx.call().Now())});
}

absl::StatusOr<bool> Consumer::State::Advance(std::string& cursor, std::string const& next, events::v1::Event const* event,
                                              std::stop_token stop) {
  bool moved = false;
  CallContext const context = Context(event == nullptr ? "" : event->traceparent(), std::move(stop));
  absl::Status const status = parts.store->Apply(context, [&](WriteTransaction& tx) -> absl::Status {
    // The lock and the look at the cursor keep the replicas apart, and find out whether a commit went through whose answer was
    // lost.
    RETURN_IF_ERROR(tx.Lock(Sv(absl::StrCat("consumer/", options.name))));
    std::string stored;
    RETURN_IF_ERROR(StoredCursor(tx, stored));
    moved = stored != cursor;
    if (moved) return absl::OkStatus();
    if (event != nullptr) {
      RETURN_IF_ERROR(handler(tx, *event));
    }
    return MoveCursor(tx, next);
  });
  RETURN_IF_ERROR(status);
  if (!moved) cursor = next;
  return !moved;
}

template <typename Response>
absl::StatusOr<Consumer::State::Taken> Consumer::State::Take(Response const& response, std::string& cursor,
                                                             storage::Limits const& limits) {
  Taken taken;
  for (auto const& event : response.events()) {
    if (limits.stop.stop_requested() || absl::Now() >= limits.deadline) return taken;
    ASSIGN_OR_RETURN(bool const advanced, Advance(cursor, event.cursor(), &event, limits.stop));
    taken.moved = !advanced;
    if (taken.moved) return taken;
    ++taken.events;
    events_total.Increment();
  }
  // Past events of other types: so that the cursor does not become too old while nothing of ours happens.
  if (cursor != response.next_cursor()) {
    ASSIGN_OR_RETURN(bool const advanced, Advance(cursor, response.next_cursor(), nullptr, limits.stop));
    taken.moved = !advanced;
  }
  return taken;
}

absl::StatusOr<events::v1::ReadEventsResponse> Consumer::State::Read(std::string const& cursor,
                                                                     storage::Limits const& limits) const {
  events::v1::ReadEventsRequest request;
  request.set_cursor(cursor);
  request.set_page_size(options.page_size);
  request.mutable_types()->Add(options.types.begin(), options.types.end());
  // The limits are of real time, as the store keeps them; a call's deadline is of the service's clock.
  absl::Duration const left = std::max(limits.deadline - absl::Now(), absl::ZeroDuration());
  absl::Time const deadline = parts.store->parts().clock->Now() + std::min(options.read_timeout, left);
  return client::Invoke<events::v1::ReadEventsResponse>(*parts.channel, kRead, request, Call(limits.stop, deadline));
}

absl::Status Consumer::State::Watch(std::stop_token stop, bool& progress) {
  auto const* const method = contract::FindMethod(kWatch);
  if (method == nullptr) return absl::UnimplementedError(Av(kWatch));
  ASSIGN_OR_RETURN(std::string cursor, LoadCursor(stop));
  events::v1::WatchEventsRequest request;
  request.set_cursor(cursor);
  request.mutable_types()->Add(options.types.begin(), options.types.end());
  absl::Status taken = absl::OkStatus();
  auto const ended = parts.channel->Stream(
      *method, request.SerializeAsString(), Call(stop, absl::InfiniteFuture()), [&](std::string_view message) {
        events::v1::WatchEventsResponse response;
        if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
          taken = absl::InternalError("a message of the stream is not a message of the contract");
          return false;
        }
        auto const result = Take(response, cursor, {.deadline = absl::InfiniteFuture(), .stop = stop});
        taken = result.status();
        progress = progress || (taken.ok() && result->events > 0);
        return taken.ok() && !result->moved;
      });
  RETURN_IF_ERROR(taken);
  return ended;
}

Consumer::Consumer(Parts parts, Options options, Handler handler)
    : state_(std::make_unique<State>(parts, std::move(options), std::move(handler))) {}
Consumer::~Consumer() = default;

absl::StatusOr<int> Consumer::CatchUp(std::stop_token stop) {
  int events = 0;
  storage::Limits const limits{.deadline = absl::InfiniteFuture(), .stop = stop};
  ASSIGN_OR_RETURN(std::string cursor, state_->LoadCursor(stop));
  while (!stop.stop_requested()) {
    ASSIGN_OR_RETURN(auto const response, state_->Read(cursor, limits));
    ASSIGN_OR_RETURN(auto const taken, state_->Take(response, cursor, limits));
    events += taken.events;
    if (taken.moved) {
      ASSIGN_OR_RETURN(cursor, state_->LoadCursor(stop));
    } else if (response.events().empty()) {
      break;
    }
  }
  return events;
}

absl::StatusOr<bool> Consumer::CatchUpPage(storage::Limits const& limits) {
  ASSIGN_OR_RETURN(std::string cursor, state_->LoadCursor(limits.stop));
  ASSIGN_OR_RETURN(auto const response, state_->Read(cursor, limits));
  RETURN_IF_ERROR(state_->Take(response, cursor, limits).status());
  return !response.events().empty();
}

absl::Status Consumer::Run(std::stop_token stop) {
  absl::Duration delay = state_->options.backoff_first;
  while (!stop.stop_requested()) {
    bool progress = false;
    auto const caught_up = CatchUp(stop);
    progress = caught_up.ok() && *caught_up > 0;
    absl::Status status = caught_up.status();
    if (status.ok()) status = state_->Watch(stop, progress);
    if (stop.stop_requested()) break;
    if (progress) delay = state_->options.backoff_first;
    if (status.ok()) {
      // A stream that ends well at once must not make a loop that never rests.
      if (!progress) state_->options.sleep(state_->options.backoff_first, stop);
      continue;
    }
    state_->errors_total.Increment();
    bool const is_final = IsFinal(status);
    std::string const reason = ReasonOf(status);
    state_->parts.log->Write(is_final ? telemetry::Severity::kError : telemetry::Severity::kWarning,
                             is_final ? "consumer stopped" : "consumer tries again",
                             {{"consumer", std::string_view(state_->options.name)},
                              {"code", std::string_view(absl::StatusCodeToString(status.code()))},
                              {"reason", std::string_view(reason)},
                              {"delay_ms", absl::ToInt64Milliseconds(delay)}});
    if (is_final) return status;
    state_->options.sleep(delay, stop);
    delay = std::min(delay * 2, state_->options.backoff_max);
  }
  return absl::OkStatus();
}

absl::Status Consumer::Reset(storage::Limits const& limits, std::string_view cursor) {
  CallContext const context = state_->Context("", limits.stop);
  return state_->parts.store->Apply(context, [&](WriteTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Lock(Sv(absl::StrCat("consumer/", state_->options.name))));
    return state_->MoveCursor(tx, cursor);
  });
}

}  // namespace helhed::consumer
