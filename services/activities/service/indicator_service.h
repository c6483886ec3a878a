#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <span>

#include "helhed/activities/v1/indicator_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of IndicatorService, one for each method of the contract, which says what they do and refuse.
class IndicatorService {
 public:
  explicit IndicatorService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Indicator> GetIndicator(CallContext const& call, v1::GetIndicatorRequest const& request);
  absl::StatusOr<v1::ListIndicatorsResponse> ListIndicators(CallContext const& call, v1::ListIndicatorsRequest const& request);
  absl::StatusOr<v1::Indicator> CreateIndicator(CallContext const& call, v1::CreateIndicatorRequest const& request);
  absl::StatusOr<v1::Indicator> UpdateIndicator(CallContext const& call, v1::UpdateIndicatorRequest const& request);
  absl::StatusOr<v1::ListMeasurementsResponse> ListMeasurements(CallContext const& call,
                                                                v1::ListMeasurementsRequest const& request);
  absl::StatusOr<v1::Measurement> CreateMeasurement(CallContext const& call, v1::CreateMeasurementRequest const& request);
  absl::StatusOr<v1::FocusAreaStatus> GetFocusAreaStatus(CallContext const& call, v1::GetFocusAreaStatusRequest const& request);
  absl::StatusOr<v1::ListFocusAreaStatusesResponse> ListFocusAreaStatuses(CallContext const& call,
                                                                          v1::ListFocusAreaStatusesRequest const& request);
  absl::StatusOr<v1::FocusAreaStatus> CreateFocusAreaStatus(CallContext const& call,
                                                            v1::CreateFocusAreaStatusRequest const& request);
  absl::StatusOr<v1::FocusAreaStatus> UpdateFocusAreaStatus(CallContext const& call,
                                                            v1::UpdateFocusAreaStatusRequest const& request);

 private:
  Store& store_;
};

// Sets the values of what is counted. The indicators are of one plan.
absl::Status CompleteIndicators(ReadTransaction& tx, std::span<v1::Indicator* const> indicators);
bool IsCounted(v1::Indicator const& indicator);
absl::Status AppendIndicatorChanged(WriteTransaction& tx, v1::Indicator const& indicator);

}  // namespace helhed::activities
