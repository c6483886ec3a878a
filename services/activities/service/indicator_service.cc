#include "services/activities/service/indicator_service.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <set>
#include <span>
#include <string>
#include <vector>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "helhed/activities/v1/sub_goal.pb.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/tallies.h"
#include "services/platform/base/civil.h"
#include "services/platform/contract/contract.h"

namespace helhed::activities {
namespace {

absl::Status CompleteIndicator(ReadTransaction& tx, v1::Indicator& indicator) {
  v1::Indicator* const one[] = {&indicator};
  return CompleteIndicators(tx, one);
}

absl::Status AppendChanged(WriteTransaction& tx, v1::FocusAreaStatus const& status) {
  v1::FocusAreaStatusChanged event;
  *event.mutable_focus_area_status() = status;
  return tx.Append(event, status.name(), PlanOf(status.name()));
}

}  // namespace

bool IsCounted(v1::Indicator const& indicator) { return indicator.kind() != v1::INDICATOR_KIND_MEASURED; }

absl::Status CompleteIndicators(ReadTransaction& tx, std::span<v1::Indicator* const> indicators) {
  std::set<std::string> goals;
  for (auto const* const indicator : indicators) {
    if (IsCounted(*indicator)) goals.insert(indicator->sub_goal());
  }
  ASSIGN_OR_RETURN(auto const tallies, TalliesOf(tx, goals));
  for (auto* const indicator : indicators) {
    if (!IsCounted(*indicator)) continue;
    auto const found = tallies.find(indicator->sub_goal());
    auto const tally = found == tallies.end() ? Tally() : found->second;
    bool const seats = indicator->kind() == v1::INDICATOR_KIND_CONFIRMED_REGISTRATIONS;
    indicator->set_current_value(indicator->carried_value() + (seats ? tally.confirmed : tally.attended));
  }
  return absl::OkStatus();
}

absl::Status AppendIndicatorChanged(WriteTransaction& tx, v1::Indicator const& indicator) {
  v1::IndicatorChanged event;
  *event.mutable_indicator() = indicator;
  return tx.Append(event, indicator.name(), PlanOf(indicator.name()));
}

void IndicatorService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.activities.v1.IndicatorService", method, this, handler);
  };
  on("GetIndicator", &IndicatorService::GetIndicator);
  on("ListIndicators", &IndicatorService::ListIndicators);
  on("CreateIndicator", &IndicatorService::CreateIndicator);
  on("UpdateIndicator", &IndicatorService::UpdateIndicator);
  on("ListMeasurements", &IndicatorService::ListMeasurements);
  on("CreateMeasurement", &IndicatorService::CreateMeasurement);
  on("GetFocusAreaStatus", &IndicatorService::GetFocusAreaStatus);
  on("ListFocusAreaStatuses", &IndicatorService::ListFocusAreaStatuses);
  on("CreateFocusAreaStatus", &IndicatorService::CreateFocusAreaStatus);
  on("UpdateFocusAreaStatus", &IndicatorService::UpdateFocusAreaStatus);
}

absl::StatusOr<v1::Indicator> IndicatorService::GetIndicator(CallContext const& call, v1::GetIndicatorRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Indicator> {
    ASSIGN_OR_RETURN(auto indicator, tx.Get<v1::Indicator>(request.name()));
    RETURN_IF_ERROR(CompleteIndicator(tx, indicator));
    return indicator;
  });
}

absl::StatusOr<v1::ListIndicatorsResponse> IndicatorService::ListIndicators(CallContext const& call,
                                                                            v1::ListIndicatorsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListIndicatorsResponse> {
    ASSIGN_OR_RETURN(auto response, PageBelow<v1::ListIndicatorsResponse>(tx, request, "indicators t"));
    auto& page = *response.mutable_indicators();
    std::vector<v1::Indicator*> const indicators(page.pointer_begin(), page.pointer_end());
    RETURN_IF_ERROR(CompleteIndicators(tx, indicators));
    return response;
  });
}

absl::StatusOr<v1::Indicator> IndicatorService::CreateIndicator(CallContext const& call,
                                                                v1::CreateIndicatorRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Indicator> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.parent()));
    v1::Indicator indicator = request.indicator();
    indicator.set_name(absl::StrCat(request.parent(), "/indicators/", IdOr(call, request.indicator_id())));
    if (PlanOf(indicator.sub_goal()) != request.parent()) {
      return BadRequest({{"indicator.sub_goal", "must be a sub-goal of the plan"}});
    }
    ASSIGN_OR_RETURN(auto const goal, tx.Get<v1::SubGoal>(indicator.sub_goal()));
    indicator.set_focus_area(goal.focus_area());
    if (!IsCounted(indicator)) indicator.set_current_value(indicator.baseline());
    RETURN_IF_ERROR(tx.Insert(indicator));
    RETURN_IF_ERROR(CompleteIndicator(tx, indicator));
    RETURN_IF_ERROR(AppendIndicatorChanged(tx, indicator));
    return indicator;
  });
}

absl::StatusOr<v1::Indicator> IndicatorService::UpdateIndicator(CallContext const& call,
                                                                v1::UpdateIndicatorRequest const& request) {
  auto const& given = request.indicator();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Indicator> {
    RETURN_IF_ERROR(HoldPlanHere(tx, given.name()));
    ASSIGN_OR_RETURN(auto indicator, tx.Get<v1::Indicator>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), indicator.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, indicator, "indicator"));
    // Before the first round the value is that before the plan began.
    if (!IsCounted(indicator) && !indicator.has_measure_date()) indicator.set_current_value(indicator.baseline());
    RETURN_IF_ERROR(tx.Update(indicator));
    RETURN_IF_ERROR(CompleteIndicator(tx, indicator));
    RETURN_IF_ERROR(AppendIndicatorChanged(tx, indicator));
    return indicator;
  });
}

absl::StatusOr<v1::ListMeasurementsResponse> IndicatorService::ListMeasurements(CallContext const& call,
                                                                                v1::ListMeasurementsRequest const& request) {
  storage::ListOptions options;
  options.from = "measurements t";
  options.alias = "t";
  options.conditions.push_back({"t.plan = ? AND t.indicator = ?",
                                {std::string(KeyOf(request.parent()).plan), std::string(contract::LastPart(request.parent()))}});
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListMeasurementsResponse>(request, options); });
}

absl::StatusOr<v1::Measurement> IndicatorService::CreateMeasurement(CallContext const& call,
                                                                    v1::CreateMeasurementRequest const& request) {
  auto const day = ToCivil(request.measurement().date());
  if (!day || *day > call.Today()) {
    return BadRequest({{"measurement.date", "must be an existing date, not later than today"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Measurement> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.parent()));
    ASSIGN_OR_RETURN(auto indicator, tx.Get<v1::Indicator>(request.parent()));
    if (IsCounted(indicator)) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INDICATOR_COUNTED,
                   "what is counted takes no rounds of measurement", {{"indicator", indicator.name()}});
    }
    v1::Measurement measurement = request.measurement();
    measurement.set_name(absl::StrCat(request.parent(), "/measurements/", IdOr(call, request.measurement_id())));
    RETURN_IF_ERROR(tx.Insert(measurement));
    bool const latest = !indicator.has_measure_date() || *day >= ToCivil(indicator.measure_date()).value_or(*day);
    if (latest) {
      indicator.set_current_value(measurement.value());
      *indicator.mutable_measure_date() = measurement.date();
    }
    // Also where nothing changes: of two rounds at once the second is to see the first.
    RETURN_IF_ERROR(tx.Update(indicator));
    RETURN_IF_ERROR(AppendIndicatorChanged(tx, indicator));
    return measurement;
  });
}

absl::StatusOr<v1::FocusAreaStatus> IndicatorService::GetFocusAreaStatus(CallContext const& call,
                                                                         v1::GetFocusAreaStatusRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::FocusAreaStatus>(request.name()); });
}

absl::StatusOr<v1::ListFocusAreaStatusesResponse> IndicatorService::ListFocusAreaStatuses(
    CallContext const& call, v1::ListFocusAreaStatusesRequest const& request) {
  return ListBelow<v1::ListFocusAreaStatusesResponse>(store_, call, request, "focus_area_statuses t");
}

absl::StatusOr<v1::FocusAreaStatus> IndicatorService::CreateFocusAreaStatus(CallContext const& call,
                                                                            v1::CreateFocusAreaStatusRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::FocusAreaStatus> {
    v1::FocusAreaStatus status = request.focus_area_status();
    auto const& id = request.focus_area_status_id();
    int year = 0;
    if (!absl::SimpleAtoi(id.substr(0, 4), &year) || year < 1900) {
      return BadRequest({{"focus_area_status_id", "must be a year and a focus area: `2026-uddannelse`"}});
    }
    status.set_name(absl::StrCat(request.parent(), "/focusAreaStatuses/", id));
    status.set_year(year);
    status.set_focus_area(id.substr(5));
    RETURN_IF_ERROR(tx.Insert(status));
    RETURN_IF_ERROR(AppendChanged(tx, status));
    return status;
  });
}

absl::StatusOr<v1::FocusAreaStatus> IndicatorService::UpdateFocusAreaStatus(CallContext const& call,
                                                                            v1::UpdateFocusAreaStatusRequest const& request) {
  auto const& given = request.focus_area_status();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::FocusAreaStatus> {
    ASSIGN_OR_RETURN(auto status, tx.Get<v1::FocusAreaStatus>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), status.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, status, "focus_area_status"));
    RETURN_IF_ERROR(tx.Update(status));
    RETURN_IF_ERROR(AppendChanged(tx, status));
    return status;
  });
}

}  // namespace helhed::activities
