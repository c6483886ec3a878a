#include "services/activities/service/session_service.h"

#include <absl/strings/str_cat.h>

#include "services/activities/service/activity_store.h"
#include "services/activities/service/assignments.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/session_store.h"

namespace helhed::activities {
namespace {

absl::StatusOr<v1::Session> Scheduled(ReadTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto session, tx.Get<v1::Session>(name));
  RETURN_IF_ERROR(RequireScheduled(session));
  return session;
}

}  // namespace

void SessionService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.SessionService", method, this, handler);
  };
  on("GetRoom", &SessionService::GetRoom);
  on("ListRooms", &SessionService::ListRooms);
  on("CreateRoom", &SessionService::CreateRoom);
  on("GetSession", &SessionService::GetSession);
  on("ListSessions", &SessionService::ListSessions);
  on("CreateSession", &SessionService::CreateSession);
  on("MoveSession", &SessionService::MoveSession);
  on("CancelSession", &SessionService::CancelSession);
  on("GetSeries", &SessionService::GetSeries);
  on("ListSeries", &SessionService::ListSeries);
  on("CreateSeries", &SessionService::CreateSeries);
  on("CancelSeries", &SessionService::CancelSeries);
}

absl::StatusOr<v1::Room> SessionService::GetRoom(CallContext const& call, v1::GetRoomRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Room>(request.name()); });
}

absl::StatusOr<v1::ListRoomsResponse> SessionService::ListRooms(CallContext const& call, v1::ListRoomsRequest const& request) {
  return ListBelow<v1::ListRoomsResponse>(store_, call, request, "rooms t");
}

absl::StatusOr<v1::Room> SessionService::CreateRoom(CallContext const& call, v1::CreateRoomRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Room> {
    v1::Room room = request.room();
    room.set_name(absl::StrCat(request.parent(), "/rooms/", IdOr(call, request.room_id())));
    RETURN_IF_ERROR(tx.Insert(room));
    return room;
  });
}

absl::StatusOr<v1::Session> SessionService::GetSession(CallContext const& call, v1::GetSessionRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Session>(request.name()); });
}

absl::StatusOr<v1::ListSessionsResponse> SessionService::ListSessions(CallContext const& call,
                                                                      v1::ListSessionsRequest const& request) {
  v1::ListSessionsRequest ordered = request;
  if (ordered.order_by().empty()) ordered.set_order_by("start_time");
  return ListBelow<v1::ListSessionsResponse>(store_, call, ordered, "sessions t");
}

absl::StatusOr<v1::Session> SessionService::CreateSession(CallContext const& call, v1::CreateSessionRequest const& request) {
  v1::Session session = request.session();
  RETURN_IF_ERROR(SetTimes(session, "session.local_start"));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Session> {
    RETURN_IF_ERROR(LockSeats(tx, request.parent()).status());
    ASSIGN_OR_RETURN(auto const activity, LoadActivity(tx, request.parent()));
    RETURN_IF_ERROR(RequireNotOver(activity));
    v1::Session entered = session;
    auto const id = IdOr(call, request.session_id());
    RETURN_IF_ERROR(RequireNewBelow<v1::Session>(tx, activity, "sessions", id));
    entered.set_name(absl::StrCat(request.parent(), "/sessions/", id));
    entered.set_state(v1::SESSION_STATE_SCHEDULED);
    RETURN_IF_ERROR(BookRoom(tx, {&entered, 1}));
    RETURN_IF_ERROR(tx.Insert(entered));
    RETURN_IF_ERROR(AppendSessionChanged(tx, entered));
    return entered;
  });
}

absl::StatusOr<v1::Session> SessionService::MoveSession(CallContext const& call, v1::MoveSessionRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Session> {
    RETURN_IF_ERROR(LockSeats(tx, request.name()).status());
    ASSIGN_OR_RETURN(auto const activity, LoadActivity(tx, request.name()));
    RETURN_IF_ERROR(RequireNotOver(activity));
    ASSIGN_OR_RETURN(auto session, Scheduled(tx, request.name()));
    *session.mutable_former_start_time() = session.start_time();
    session.set_local_start(request.local_start());
    if (request.duration_minutes() != 0) session.set_duration_minutes(request.duration_minutes());
    if (session.duration_minutes() < 5) return BadRequest({{"duration_minutes", "must be 0, or at least 5"}});
    if (!request.room().empty()) session.set_room(request.room());
    RETURN_IF_ERROR(SetTimes(session, "local_start"));
    RETURN_IF_ERROR(CheckOnSession(tx, activity, session));
    RETURN_IF_ERROR(BookRoom(tx, {&session, 1}));
    RETURN_IF_ERROR(SaveSession(tx, session));
    return session;
  });
}

absl::StatusOr<v1::Session> SessionService::CancelSession(CallContext const& call, v1::CancelSessionRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Session> {
    RETURN_IF_ERROR(LockSeats(tx, request.name()).status());
    ASSIGN_OR_RETURN(auto session, Scheduled(tx, request.name()));
    session.set_state(v1::SESSION_STATE_CANCELLED);
    session.set_cancel_reason(request.reason());
    RETURN_IF_ERROR(SaveSession(tx, session));
    return session;
  });
}

}  // namespace helhed::activities
