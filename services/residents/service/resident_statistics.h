#pragma once

#include <absl/status/statusor.h>

#include "helhed/residents/v1/statistics_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of ResidentStatisticsService, one for each method of the contract, which says what they do and refuse.
class ResidentStatistics {
 public:
  explicit ResidentStatistics(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::AggregateResidentsResponse> AggregateResidents(CallContext const& call,
                                                                    v1::AggregateResidentsRequest const& request);
  absl::StatusOr<v1::StatisticsRule> GetStatisticsRule(CallContext const& call, v1::GetStatisticsRuleRequest const& request);
  absl::StatusOr<v1::ListStatisticsRulesResponse> ListStatisticsRules(CallContext const& call,
                                                                      v1::ListStatisticsRulesRequest const& request);
  absl::StatusOr<v1::StatisticsRule> CreateStatisticsRule(CallContext const& call,
                                                          v1::CreateStatisticsRuleRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::residents
