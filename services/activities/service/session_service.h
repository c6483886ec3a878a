#pragma once

#include <absl/status/statusor.h>

#include "helhed/activities/v1/session_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of SessionService, one for each method of the contract, which says what they do and refuse.
class SessionService {
 public:
  explicit SessionService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // session_service.cc
  absl::StatusOr<v1::Room> GetRoom(CallContext const& call, v1::GetRoomRequest const& request);
  absl::StatusOr<v1::ListRoomsResponse> ListRooms(CallContext const& call, v1::ListRoomsRequest const& request);
  absl::StatusOr<v1::Room> CreateRoom(CallContext const& call, v1::CreateRoomRequest const& request);
  absl::StatusOr<v1::Session> GetSession(CallContext const& call, v1::GetSessionRequest const& request);
  absl::StatusOr<v1::ListSessionsResponse> ListSessions(CallContext const& call, v1::ListSessionsRequest const& request);
  absl::StatusOr<v1::Session> CreateSession(CallContext const& call, v1::CreateSessionRequest const& request);
  absl::StatusOr<v1::Session> MoveSession(CallContext const& call, v1::MoveSessionRequest const& request);
  absl::StatusOr<v1::Session> CancelSession(CallContext const& call, v1::CancelSessionRequest const& request);

  // series.cc
  absl::StatusOr<v1::Series> GetSeries(CallContext const& call, v1::GetSeriesRequest const& request);
  absl::StatusOr<v1::ListSeriesResponse> ListSeries(CallContext const& call, v1::ListSeriesRequest const& request);
  absl::StatusOr<v1::Series> CreateSeries(CallContext const& call, v1::CreateSeriesRequest const& request);
  absl::StatusOr<v1::Series> CancelSeries(CallContext const& call, v1::CancelSeriesRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::activities
