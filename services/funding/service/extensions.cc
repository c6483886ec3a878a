#include <absl/strings/str_cat.h>

#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/plan_terms.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/plan_service.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

absl::Status AppendChanged(WriteTransaction& tx, v1::Extension const& extension) {
  v1::ExtensionChanged event;
  event.set_extension(extension.name());
  event.set_state(extension.state());
  return tx.Append(event, extension.name(), PlanOf(extension.name()));
}

absl::Status CheckProposed(v1::Extension const& extension, v1::Plan const& plan) {
  auto const end = ToCivil(extension.end_date()).value_or(absl::CivilDay::min());
  auto const plan_end = StoredPeriod(plan.period()).end.value_or(absl::CivilDay::max());
  if (extension.state() == v1::EXTENSION_STATE_PROPOSED && end > plan_end) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_EXTENSION_NOT_POSSIBLE,
               "the extension is not proposed any more, or its end is not later than the plan's",
               {{"extension", extension.name()},
                {"state", contract::EnumText(extension.state())},
                {"end_date_after", ToIsoDate(plan_end)}});
}

}  // namespace

absl::StatusOr<v1::Extension> PlanService::GetExtension(CallContext const& call, v1::GetExtensionRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Extension>(request.name()); });
}

absl::StatusOr<v1::ListExtensionsResponse> PlanService::ListExtensions(CallContext const& call,
                                                                       v1::ListExtensionsRequest const& request) {
  return ListBelowPlan<v1::ListExtensionsResponse>(store_, call, request, "extensions t");
}

absl::StatusOr<v1::Extension> PlanService::CreateExtension(CallContext const& call, v1::CreateExtensionRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckMoney(request.extension().budget_delta(), "extension.budget_delta", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Extension> {
    RETURN_IF_ERROR(LockPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, request.parent()));
    if (!After(plan.state(), v1::PLAN_TRANSITION_EXTEND)) return NotReady(plan, v1::PLAN_TRANSITION_EXTEND, {});
    v1::Extension extension = request.extension();
    extension.set_name(absl::StrCat(plan.name(), "/extensions/", IdOr(call, request.extension_id())));
    extension.set_state(v1::EXTENSION_STATE_PROPOSED);
    RETURN_IF_ERROR(CheckProposed(extension, plan));
    RETURN_IF_ERROR(tx.Insert(extension));
    RETURN_IF_ERROR(AppendChanged(tx, extension));
    return extension;
  });
}

absl::StatusOr<v1::Plan> PlanService::ApplyExtension(CallContext const& call, v1::ApplyExtensionRequest const& request) {
  auto act = ActOf(request, v1::PLAN_TRANSITION_EXTEND);
  act.plan = PlanOf(request.name());
  act.etag.clear();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Plan> {
    ASSIGN_OR_RETURN(auto plan, LockForAct(tx, act));
    ASSIGN_OR_RETURN(auto extension, tx.Get<v1::Extension>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), extension.etag(), extension.name()));
    RETURN_IF_ERROR(CheckProposed(extension, plan));
    ASSIGN_OR_RETURN(auto const date, EffectiveDate(tx, act));
    ASSIGN_OR_RETURN(auto const facts, LoadFacts(tx, plan));
    auto const end = StoredPeriod(plan.period()).end.value_or(absl::CivilDay::max());
    auto missing = MissingFinalApprovals(facts, extension.name(), end);
    ASSIGN_OR_RETURN(auto question, QuestionAbout(tx, plan, MoneyStep::kExtend, date));
    question.extension = contract::LastPart(extension.name());
    question.budget_ore = extension.budget_delta().minor_units();
    ASSIGN_OR_RETURN(auto open, money_.Open(tx, question));
    Merge(std::move(open), missing);
    if (!After(plan.state(), act.step) || !missing.empty()) return NotReady(plan, act.step, missing);

    auto const before = plan;
    *extension.mutable_former_end_date() = plan.period().end_date();
    *extension.mutable_apply_date() = ToProtoDate(date);
    extension.set_state(v1::EXTENSION_STATE_APPLIED);
    // M9: where the plan's own budget ends.
    if (!plan.has_own_end_date()) *plan.mutable_own_end_date() = plan.period().end_date();
    *plan.mutable_period()->mutable_end_date() = extension.end_date();
    RETURN_IF_ERROR(tx.Update(extension));
    RETURN_IF_ERROR(tx.Update(plan));
    RETURN_IF_ERROR(Record(tx, act, date, before, plan, extension.name()));
    return plan;
  });
}

absl::StatusOr<v1::Extension> PlanService::WithdrawExtension(CallContext const& call,
                                                             v1::WithdrawExtensionRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Extension> {
    RETURN_IF_ERROR(LockPlan(tx, request.name()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, PlanOf(request.name())));
    ASSIGN_OR_RETURN(auto extension, tx.Get<v1::Extension>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), extension.etag(), extension.name()));
    RETURN_IF_ERROR(CheckProposed(extension, plan));
    extension.set_state(v1::EXTENSION_STATE_WITHDRAWN);
    RETURN_IF_ERROR(tx.Update(extension));
    RETURN_IF_ERROR(AppendChanged(tx, extension));
    return extension;
  });
}

}  // namespace helhed::funding
