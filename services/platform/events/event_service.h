#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "helhed/events/v1/event_service.pb.h"
#include "services/platform/events/event_log.h"
#include "services/platform/pipeline/router.h"

// Serves helhed.events.v1.EventService: every service offers its own log by it.
namespace helhed::events {

class EventService {
 public:
  explicit EventService(EventLog& log) : log_(log) {}

  void Register(Router& router);

 private:
  absl::StatusOr<v1::ReadEventsResponse> ReadEvents(CallContext const& call, v1::ReadEventsRequest const& request);
  absl::StatusOr<std::unique_ptr<ServerStream>> WatchEvents(CallContext const& call, v1::WatchEventsRequest const& request);

  EventLog& log_;
};

}  // namespace helhed::events
