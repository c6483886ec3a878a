#include <absl/strings/str_cat.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <bit>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/plan_life.h"
#include "services/funding/domain/plan_terms.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/plan_service.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

// `p.plan IN (?, ?)` for the plans that the caller's grants cover; true for nothing when there is none. As many places as the
// next power of two, the last value filling up, so that few texts are made.
class GrantedPlans {
 public:
  explicit GrantedPlans(CallContext const& call) {
    auto const* const pattern = contract::PatternOf(*v1::Plan::descriptor());
    for (auto const& scope : call.scopes()) {
      everything_ = everything_ || scope.empty();
      if (auto const values = pattern->Match(scope)) binds_.emplace_back(values->front());
    }
    if (binds_.empty()) return;
    binds_.resize(std::bit_ceil(binds_.size()), binds_.back());
    sql_ = "p.plan IN (?";
    for (std::size_t i = 1; i < binds_.size(); ++i) sql_ += ", ?";
    sql_ += ")";
  }

  bool everything() const { return everything_; }
  // The text lives in this object.
  storage::Condition condition() const { return {sql_, binds_}; }

 private:
  bool everything_ = false;
  std::string sql_ = "1 = 0";
  std::vector<storage::Rows::Value> binds_;
};

absl::Status CheckTerms(ReadTransaction& tx, v1::Plan const& plan) {
  std::vector<FieldViolation> violations;
  CheckPlan(plan, violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  ASSIGN_OR_RETURN(auto const regulation, LoadRegulation(tx, plan.regulation()));
  return CheckUnder(regulation, plan);
}

bool Same(google::protobuf::Message const& a, google::protobuf::Message const& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

// What fund and partners are deciding on, or have decided, stays as it was put to them.
absl::Status CheckTermsKept(v1::Plan const& before, v1::Plan const& after) {
  bool const kept = Same(before.period(), after.period()) && Same(before.budget_total(), after.budget_total()) &&
                    before.budget_precision() == after.budget_precision() &&
                    before.municipality_code() == after.municipality_code() &&
                    std::equal(before.focus_areas().begin(), before.focus_areas().end(), after.focus_areas().begin(),
                               after.focus_areas().end());
  if (kept || MayChangeTerms(before.state())) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PLAN_SUBMITTED,
               "period, budget, municipality and focus areas are settled since the plan was submitted",
               {{"plan", before.name()}, {"state", NameOf(before.state())}});
}

}  // namespace

absl::StatusOr<v1::Plan> PlanService::GetPlan(CallContext const& call, v1::GetPlanRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadPlan(tx, request.name()); });
}

absl::StatusOr<v1::ListPlansResponse> PlanService::ListPlans(CallContext const& call, v1::ListPlansRequest const& request) {
  GrantedPlans const granted(call);
  storage::ListOptions options;
  options.from = "plans p";
  options.alias = "p";
  if (!granted.everything()) options.conditions.push_back(granted.condition());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListPlansResponse> {
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListPlansResponse>(request, options));
    std::vector<v1::Plan*> const page(response.mutable_plans()->pointer_begin(), response.mutable_plans()->pointer_end());
    RETURN_IF_ERROR(CompletePlans(tx, page));
    return response;
  });
}

absl::StatusOr<v1::Plan> PlanService::CreatePlan(CallContext const& call, v1::CreatePlanRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Plan> {
    v1::Plan plan = request.plan();
    plan.set_name(PlanName(IdOr(call, request.plan_id())));
    plan.set_state(v1::PLAN_STATE_IDEA);
    RETURN_IF_ERROR(CheckTerms(tx, plan));
    RETURN_IF_ERROR(tx.Insert(plan));
    RETURN_IF_ERROR(StoreFocusAreas(tx, plan));
    RETURN_IF_ERROR(StorePredecessors(tx, plan));
    v1::PlanCreated event;
    *event.mutable_plan() = plan;
    RETURN_IF_ERROR(tx.Append(event, plan.name(), plan.name()));
    return plan;
  });
}

absl::StatusOr<v1::Plan> PlanService::UpdatePlan(CallContext const& call, v1::UpdatePlanRequest const& request) {
  auto const& given = request.plan();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Plan> {
    RETURN_IF_ERROR(LockPlan(tx, given.name()));
    ASSIGN_OR_RETURN(auto plan, LoadPlan(tx, given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), plan.etag(), given.name()));
    auto const before = plan;
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, plan, "plan"));
    RETURN_IF_ERROR(CheckTermsKept(before, plan));
    if (MayChangeTerms(plan.state())) {
      RETURN_IF_ERROR(CheckTerms(tx, plan));
      RETURN_IF_ERROR(CheckInside(tx, plan));
    }
    RETURN_IF_ERROR(tx.Update(plan));
    RETURN_IF_ERROR(StoreFocusAreas(tx, plan));
    v1::PlanUpdated event;
    *event.mutable_plan() = plan;
    RETURN_IF_ERROR(tx.Append(event, plan.name(), plan.name()));
    return plan;
  });
}

}  // namespace helhed::funding
