#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <set>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/local_time.h"
#include "services/activities/domain/recurrence.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/session_service.h"
#include "services/activities/service/session_store.h"
#include "services/platform/base/civil.h"

namespace helhed::activities {
namespace {

using storage::Statement;

Statement const kExceptions("activities.series_exceptions",
                            "SELECT exception_date FROM series_exceptions WHERE plan = $1 AND activity = $2 AND series = $3 "
                            "ORDER BY exception_date");
Statement const kStoreException("activities.store_series_exception",
                                "INSERT INTO series_exceptions (plan, activity, series, exception_date) VALUES ($1, $2, $3, $4)");

absl::Status CompleteSeries(ReadTransaction& tx, v1::Series& series) {
  auto const [plan, activity] = KeyOf(series.name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kExceptions, {plan, activity, contract::LastPart(series.name())}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (auto const day = FromIsoDate(rows.Text(row, 0))) *series.add_exception_dates() = ToProtoDate(*day);
  }
  return absl::OkStatus();
}

absl::Status StoreExceptions(WriteTransaction& tx, v1::Series const& series, std::set<absl::CivilDay> const& days) {
  auto const [plan, activity] = KeyOf(series.name());
  for (auto const day : days) {
    auto const date = ToIsoDate(day);
    RETURN_IF_ERROR(tx.Enqueue(kStoreException, {plan, activity, contract::LastPart(series.name()), std::string_view(date)}));
  }
  return absl::OkStatus();
}

// When the sessions start, or everything that is wrong with the series.
struct Reading {
  std::set<absl::CivilDay> exceptions;
  std::vector<absl::CivilMinute> starts;
};
absl::StatusOr<Reading> Read(v1::Series const& series) {
  Reading reading;
  std::vector<FieldViolation> violations;
  for (int i = 0; i < series.exception_dates_size(); ++i) {
    auto const day = ToCivil(series.exception_dates(i));
    if (!day) {
      violations.push_back({absl::StrCat("series.exception_dates[", i, "]"), "must be an existing date"});
    } else {
      reading.exceptions.insert(*day);
    }
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  RETURN_IF_ERROR(ReadLocal(series.local_start(), "series.local_start").status());
  ASSIGN_OR_RETURN(reading.starts, Expand(series.recurrence_rule(), *ParseLocal(series.local_start()), reading.exceptions));
  return reading;
}

absl::StatusOr<std::vector<v1::Session>> SessionsOf(v1::Series const& series, std::vector<absl::CivilMinute> const& starts) {
  std::vector<v1::Session> sessions;
  for (auto const start : starts) {
    auto& session = sessions.emplace_back();
    session.set_name(absl::StrCat(ActivityOf(series.name()), "/sessions/", Av(contract::LastPart(series.name())),
                                  absl::StrFormat("-%04d%02d%02d", start.year(), start.month(), start.day())));
    session.set_local_start(FormatLocal(start));
    session.set_duration_minutes(series.duration_minutes());
    session.set_room(series.room());
    session.set_responsible(series.responsible());
    session.set_series(series.name());
    session.set_state(v1::SESSION_STATE_SCHEDULED);
    RETURN_IF_ERROR(SetTimes(session, "series.local_start"));
  }
  return sessions;
}

}  // namespace

absl::StatusOr<v1::Series> SessionService::GetSeries(CallContext const& call, v1::GetSeriesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Series> {
    ASSIGN_OR_RETURN(auto series, tx.Get<v1::Series>(request.name()));
    RETURN_IF_ERROR(CompleteSeries(tx, series));
    return series;
  });
}

absl::StatusOr<v1::ListSeriesResponse> SessionService::ListSeries(CallContext const& call, v1::ListSeriesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListSeriesResponse> {
    ASSIGN_OR_RETURN(auto response, PageBelow<v1::ListSeriesResponse>(tx, request, "series t"));
    for (auto& series : *response.mutable_series()) RETURN_IF_ERROR(CompleteSeries(tx, series));
    return response;
  });
}

absl::StatusOr<v1::Series> SessionService::CreateSeries(CallContext const& call, v1::CreateSeriesRequest const& request) {
  ASSIGN_OR_RETURN(auto const reading, Read(request.series()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Series> {
    RETURN_IF_ERROR(LockSeats(tx, request.parent()).status());
    ASSIGN_OR_RETURN(auto const activity, LoadActivity(tx, request.parent()));
    RETURN_IF_ERROR(RequireNotOver(activity));
    v1::Series series = request.series();
    series.set_name(absl::StrCat(request.parent(), "/series/", IdOr(call, request.series_id())));
    series.set_session_count(static_cast<int>(reading.starts.size()));
    ASSIGN_OR_RETURN(auto sessions, SessionsOf(series, reading.starts));
    for (auto const& session : sessions) {
      RETURN_IF_ERROR(RequireNewBelow<v1::Session>(tx, activity, "sessions", contract::LastPart(session.name())));
    }
    RETURN_IF_ERROR(BookRoom(tx, sessions));
    RETURN_IF_ERROR(tx.Insert(series));
    RETURN_IF_ERROR(StoreExceptions(tx, series, reading.exceptions));
    RETURN_IF_ERROR(tx.InsertMany(sessions));
    v1::SeriesCreated event;
    *event.mutable_series() = series;
    event.mutable_series()->clear_responsible();
    RETURN_IF_ERROR(tx.Append(event, series.name(), PlanOf(series.name())));
    return series;
  });
}

absl::StatusOr<v1::Series> SessionService::CancelSeries(CallContext const& call, v1::CancelSeriesRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Series> {
    RETURN_IF_ERROR(LockSeats(tx, request.name()).status());
    ASSIGN_OR_RETURN(auto series, tx.Get<v1::Series>(request.name()));
    RETURN_IF_ERROR(CompleteSeries(tx, series));
    RETURN_IF_ERROR(CancelSessionsToCome(tx, series.name(), request.reason()));
    return series;
  });
}

}  // namespace helhed::activities
