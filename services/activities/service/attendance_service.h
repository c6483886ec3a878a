#pragma once

#include <absl/status/statusor.h>

#include "helhed/activities/v1/attendance_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of AttendanceService, one for each method of the contract, which says what they do and refuse.
class AttendanceService {
 public:
  explicit AttendanceService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Attendance> GetAttendance(CallContext const& call, v1::GetAttendanceRequest const& request);
  absl::StatusOr<v1::ListAttendancesResponse> ListAttendances(CallContext const& call, v1::ListAttendancesRequest const& request);
  absl::StatusOr<v1::RecordAttendanceResponse> RecordAttendance(CallContext const& call,
                                                                v1::RecordAttendanceRequest const& request);
  absl::StatusOr<v1::ListAttendanceEntriesResponse> ListAttendanceEntries(CallContext const& call,
                                                                          v1::ListAttendanceEntriesRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::activities
