#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/regulation_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of RegulationService, one for each method of the contract, which says what they do and refuse.
class RegulationService {
 public:
  explicit RegulationService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Regulation> GetRegulation(CallContext const& call, v1::GetRegulationRequest const& request);
  absl::StatusOr<v1::ListRegulationsResponse> ListRegulations(CallContext const& call, v1::ListRegulationsRequest const& request);
  absl::StatusOr<v1::Regulation> CreateRegulation(CallContext const& call, v1::CreateRegulationRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
