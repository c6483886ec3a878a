#pragma once

#include <absl/status/statusor.h>

#include "helhed/activities/v1/calendar_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of CalendarService, one for each method of the contract, which says what they do and refuse.
class CalendarService {
 public:
  explicit CalendarService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Calendar> GetCalendar(CallContext const& call, v1::GetCalendarRequest const& request);
  absl::StatusOr<v1::CalendarFeed> GetCalendarFeed(CallContext const& call, v1::GetCalendarFeedRequest const& request);
  absl::StatusOr<google::api::HttpBody> DownloadCalendar(CallContext const& call, v1::DownloadCalendarRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::activities
