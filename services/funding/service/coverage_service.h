#pragma once

#include <absl/status/statusor.h>

#include "helhed/funding/v1/coverage_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// Says that a covered department was added, changed or left out.
absl::Status AppendCoverageChanged(WriteTransaction& tx, v1::CoveredDepartment const& covered);

// The handlers of CoverageService, one for each method of the contract, which says what they do and refuse.
class CoverageService {
 public:
  explicit CoverageService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::CoveredDepartment> GetCoveredDepartment(CallContext const& call,
                                                             v1::GetCoveredDepartmentRequest const& request);
  absl::StatusOr<v1::ListCoveredDepartmentsResponse> ListCoveredDepartments(CallContext const& call,
                                                                            v1::ListCoveredDepartmentsRequest const& request);
  absl::StatusOr<v1::CoveredDepartment> CreateCoveredDepartment(CallContext const& call,
                                                                v1::CreateCoveredDepartmentRequest const& request);
  absl::StatusOr<v1::CoveredDepartment> UpdateCoveredDepartment(CallContext const& call,
                                                                v1::UpdateCoveredDepartmentRequest const& request);
  absl::StatusOr<v1::CoveredDepartment> ExcludeCoveredDepartment(CallContext const& call,
                                                                 v1::ExcludeCoveredDepartmentRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
