#pragma once

#include <absl/status/statusor.h>

#include "helhed/residents/v1/access_log_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of AccessLogService; entries are written by people_access.h.
class AccessLogs {
 public:
  explicit AccessLogs(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::ListAccessLogEntriesResponse> ListAccessLogEntries(CallContext const& call,
                                                                        v1::ListAccessLogEntriesRequest const& request);
  absl::StatusOr<v1::VerifyAccessLogResponse> VerifyAccessLog(CallContext const& call, v1::VerifyAccessLogRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::residents
