#pragma once

#include <absl/status/statusor.h>

#include "helhed/communications/v1/delivery_rule_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of DeliveryRuleService, one for each method of the contract, which says what they do and refuse. What goes by the
// rules reads them by DeliveryRuleOn (service/campaign_store.h).
class DeliveryRuleService {
 public:
  explicit DeliveryRuleService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::ListDeliveryRulesResponse> ListDeliveryRules(CallContext const& call,
                                                                  v1::ListDeliveryRulesRequest const& request);
  absl::StatusOr<v1::DeliveryRule> CreateDeliveryRule(CallContext const& call, v1::CreateDeliveryRuleRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::communications
