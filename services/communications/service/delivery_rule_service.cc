#include "services/communications/service/delivery_rule_service.h"

#include <utility>
#include <vector>

#include "services/communications/domain/delivery.h"
#include "services/communications/service/names.h"
#include "services/communications/service/validity.h"
#include "services/platform/base/civil.h"

namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kLatest("communications.latest_delivery_rule",
                        "SELECT delivery_rule FROM delivery_rules ORDER BY delivery_rule DESC LIMIT 1");

}  // namespace

void DeliveryRuleService::Register(Router& router) {
  constexpr std::string_view service = "helhed.communications.v1.DeliveryRuleService";
  router.On(service, "ListDeliveryRules", this, &DeliveryRuleService::ListDeliveryRules);
  router.On(service, "CreateDeliveryRule", this, &DeliveryRuleService::CreateDeliveryRule);
}

absl::StatusOr<v1::ListDeliveryRulesResponse> DeliveryRuleService::ListDeliveryRules(
    CallContext const& call, v1::ListDeliveryRulesRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return PageBelow<v1::ListDeliveryRulesResponse>(tx, request, "delivery_rules t", {}); });
}

absl::StatusOr<v1::DeliveryRule> DeliveryRuleService::CreateDeliveryRule(CallContext const& call,
                                                                         v1::CreateDeliveryRuleRequest const& request) {
  std::vector<FieldViolation> violations;
  if (!FromIsoDate(request.delivery_rule_id())) violations.push_back({"delivery_rule_id", "must be an existing date"});
  CheckDeliveryRule(request.delivery_rule(), violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::DeliveryRule> {
    RETURN_IF_ERROR(tx.Lock("delivery_rules"));
    ASSIGN_OR_RETURN(auto const latest, tx.Query(kLatest, {}));
    RETURN_IF_ERROR(CheckLater(latest, request.delivery_rule_id()));
    v1::DeliveryRule rule = request.delivery_rule();
    rule.set_name("deliveryRules/" + request.delivery_rule_id());
    RETURN_IF_ERROR(tx.Insert(rule));
    return rule;
  });
}

}  // namespace helhed::communications
