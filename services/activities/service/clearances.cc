#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "helhed/activities/v1/errors.pb.h"
#include "services/activities/domain/clearance.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/assignments.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/volunteer_service.h"
#include "services/platform/base/civil.h"

namespace helhed::activities {
namespace {

using storage::Statement;

constexpr int kDaysAhead = 60;

Statement const kLockClearance("activities.lock_clearance", "SELECT state FROM clearances WHERE plan = $1 AND clearance = $2",
                               "SELECT state FROM clearances WHERE plan = $1 AND clearance = $2 FOR NO KEY UPDATE");
Statement const kStoreOrdered("activities.store_ordered",
                              "INSERT INTO clearance_order_volunteers (plan, clearance_order, position, volunteer) "
                              "VALUES ($1, $2, $3, $4)");
Statement const kOrdered("activities.ordered",
                         "SELECT volunteer FROM clearance_order_volunteers WHERE plan = $1 AND clearance_order = $2 "
                         "ORDER BY position");

absl::StatusOr<v1::Clearance> Locked(WriteTransaction& tx, std::string const& name) {
  RETURN_IF_ERROR(tx.Query(kLockClearance, {KeyOf(name).plan, contract::LastPart(name)}).status());
  return tx.Get<v1::Clearance>(name);
}

absl::Status WrongState(ErrorMetadata metadata) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CLEARANCE_STATE,
               "the clearance is in another state than this needs", std::move(metadata));
}

absl::Status CheckNotLater(google::type::Date const& date, std::string_view field, absl::CivilDay today) {
  auto const day = ToCivil(date);
  if (day && *day <= today) return absl::OkStatus();
  return BadRequest({{std::string(field), "must be an existing date, not later than today"}});
}

}  // namespace

absl::StatusOr<v1::Clearance> VolunteerService::GetClearance(CallContext const& call, v1::GetClearanceRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Clearance> {
    ASSIGN_OR_RETURN(auto clearance, tx.Get<v1::Clearance>(request.name()));
    clearance.set_state(StateOn(clearance, call.Today()));
    return clearance;
  });
}

absl::StatusOr<v1::Clearance> VolunteerService::ConsentToClearance(CallContext const& call,
                                                                   v1::ConsentToClearanceRequest const& request) {
  RETURN_IF_ERROR(CheckNotLater(request.consent_date(), "consent_date", call.Today()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Clearance> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.name()));
    ASSIGN_OR_RETURN(auto clearance, Locked(tx, request.name()));
    // Who was not cleared may be asked for again; who waits for an answer, or has left, not.
    auto const state = clearance.state();
    if (state == v1::CLEARANCE_STATE_REQUESTED || state == v1::CLEARANCE_STATE_LEFT) return WrongState({});
    clearance.set_state(v1::CLEARANCE_STATE_CONSENT_GIVEN);
    *clearance.mutable_consent_date() = request.consent_date();
    RETURN_IF_ERROR(tx.Update(clearance));
    tx.AnswerIsAbout(clearance.name());
    return clearance;
  });
}

absl::StatusOr<v1::Clearance> VolunteerService::RecordClearance(CallContext const& call,
                                                                v1::RecordClearanceRequest const& request) {
  RETURN_IF_ERROR(CheckNotLater(request.decide_date(), "decide_date", call.Today()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Clearance> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.name()));
    ASSIGN_OR_RETURN(auto clearance, Locked(tx, request.name()));
    if (clearance.state() != v1::CLEARANCE_STATE_REQUESTED) return WrongState({});
    auto const day = *ToCivil(request.decide_date());
    *clearance.mutable_decide_date() = request.decide_date();
    clearance.set_decider(call.identity().subject());
    if (request.cleared()) {
      ASSIGN_OR_RETURN(auto const rule, RuleOn(tx, day));
      clearance.set_state(v1::CLEARANCE_STATE_CLEARED);
      *clearance.mutable_expire_date() = ToProtoDate(MonthsAfter(day, rule.clearance_months()));
    } else {
      clearance.set_state(v1::CLEARANCE_STATE_NOT_CLEARED);
      clearance.clear_expire_date();
    }
    RETURN_IF_ERROR(tx.Update(clearance));
    if (!request.cleared()) {
      auto const volunteer = absl::StrCat(PlanOf(request.name()), "/volunteers/", Av(contract::LastPart(request.name())));
      RETURN_IF_ERROR(TakeOffSessions(tx, volunteer, TakeOff::kNotCleared));
    }
    clearance.set_state(StateOn(clearance, call.Today()));
    tx.AnswerIsAbout(clearance.name());
    return clearance;
  });
}

absl::StatusOr<v1::ListRenewalsDueResponse> VolunteerService::ListRenewalsDue(CallContext const& call,
                                                                              v1::ListRenewalsDueRequest const& request) {
  auto const by = request.has_by_date() ? ToCivil(request.by_date()) : std::optional(call.Today() + kDaysAhead);
  if (!by) return BadRequest({{"by_date", "must be an existing date"}});
  storage::ListOptions options;
  options.from = "volunteers t JOIN clearances c ON c.plan = t.plan AND c.clearance = t.volunteer";
  options.alias = "t";
  options.conditions.push_back({"t.plan = ?", {std::string(contract::LastPart(request.parent()))}});
  // Cleared, or once cleared and being asked for again.
  options.conditions.push_back({"c.plan = t.plan AND c.state IN (2, 3, 4) AND c.expire_date <= ?", {ToIsoDate(*by)}});
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListRenewalsDueResponse>(request, options); });
}

absl::StatusOr<v1::ClearanceOrder> VolunteerService::CreateClearanceOrder(CallContext const& call,
                                                                          v1::CreateClearanceOrderRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ClearanceOrder> {
    RETURN_IF_ERROR(HoldPlanHere(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const rule, RuleOn(tx, call.Today()));
    v1::ClearanceOrder order = request.clearance_order();
    if (order.volunteers_size() > rule.clearance_order_max()) {
      return Error(
          absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_ORDER_TOO_LARGE, "the police take fewer names in an order",
          {{"names", std::to_string(order.volunteers_size())}, {"names_max", std::to_string(rule.clearance_order_max())}});
    }
    order.set_name(absl::StrCat(request.parent(), "/clearanceOrders/", IdOr(call, request.clearance_order_id())));
    *order.mutable_order_date() = ToProtoDate(call.Today());
    RETURN_IF_ERROR(tx.Insert(order));
    // In the order of their names, so that two orders at once do not wait for each other.
    std::vector<std::string> volunteers(order.volunteers().begin(), order.volunteers().end());
    std::sort(volunteers.begin(), volunteers.end());
    for (std::size_t i = 0; i < volunteers.size(); ++i) {
      if (PlanOf(volunteers[i]) != request.parent()) {
        return BadRequest({{"clearance_order.volunteers", "must be volunteers of the plan"}});
      }
      auto const id = contract::LastPart(volunteers[i]);
      ASSIGN_OR_RETURN(auto clearance, Locked(tx, absl::StrCat(request.parent(), "/clearances/", Av(id))));
      // The police need the person's written consent (domain notes, 3.3).
      if (clearance.state() != v1::CLEARANCE_STATE_CONSENT_GIVEN) return WrongState({{"volunteer", volunteers[i]}});
      clearance.set_state(v1::CLEARANCE_STATE_REQUESTED);
      clearance.set_clearance_order(order.name());
      RETURN_IF_ERROR(tx.Update(clearance));
      RETURN_IF_ERROR(tx.Enqueue(kStoreOrdered, {contract::LastPart(request.parent()), contract::LastPart(order.name()),
                                                 static_cast<std::int64_t>(i), id}));
    }
    return order;
  });
}

absl::StatusOr<v1::ClearanceOrder> VolunteerService::GetClearanceOrder(CallContext const& call,
                                                                       v1::GetClearanceOrderRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ClearanceOrder> {
    ASSIGN_OR_RETURN(auto order, tx.Get<v1::ClearanceOrder>(request.name()));
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kOrdered, {KeyOf(request.name()).plan, contract::LastPart(request.name())}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      order.add_volunteers(absl::StrCat(PlanOf(request.name()), "/volunteers/", rows.Text(row, 0)));
    }
    return order;
  });
}

}  // namespace helhed::activities
