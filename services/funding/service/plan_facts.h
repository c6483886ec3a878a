#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <string>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/evidence.pb.h"
#include "helhed/funding/v1/plan.pb.h"
#include "services/funding/domain/plan_life.h"
#include "services/funding/service/money_gate.h"
#include "services/platform/service/store.h"

// What a step of a plan's life is decided by, read within the transaction that takes it.
namespace helhed::funding {

// What a caller says with every step.
struct Act {
  v1::PlanTransition step = v1::PLAN_TRANSITION_UNSPECIFIED;
  // `plans/{plan}`.
  std::string plan;
  bool has_effective_date = false;
  google::type::Date effective_date;
  std::string reason;
  std::string etag;
  v1::Evidence evidence;
};

// Reads it from a request of PlanService.
template <typename Request>
Act ActOf(Request const& request, v1::PlanTransition step) {
  Act act;
  act.step = step;
  act.plan = request.name();
  act.has_effective_date = request.has_effective_date();
  act.effective_date = request.effective_date();
  act.reason = request.reason();
  act.etag = request.etag();
  if constexpr (requires { request.evidence(); }) act.evidence = request.evidence();
  return act;
}

// Everything that the plan's steps depend on but money.
absl::StatusOr<PlanFacts> LoadFacts(ReadTransaction& tx, v1::Plan plan);

// Everything that is missing for the step on `date`, money included.
absl::StatusOr<std::vector<v1::MissingItem>> MissingOf(ReadTransaction& tx, MoneyGate const& money, PlanFacts const& facts,
                                                       v1::PlanTransition step, absl::CivilDay date);

// The question to the plan's money.
absl::StatusOr<MoneyQuestion> QuestionAbout(ReadTransaction& tx, v1::Plan const& plan, MoneyStep step, absl::CivilDay date);

// The day from which on the act holds: the request's or today. BAD_REQUEST when it is later than today, or earlier than what was
// done to the plan before.
absl::StatusOr<absl::CivilDay> EffectiveDate(ReadTransaction& tx, Act const& act);

// The day, or, where something was done to the plan later, the day of that.
absl::StatusOr<absl::CivilDay> DateNotBeforeLastChange(ReadTransaction& tx, std::string_view plan, absl::CivilDay day);

// Writes down what was done: the change in the plan's history and the event. `before` is the plan as it was. `extension` may be
// empty.
absl::Status Record(WriteTransaction& tx, Act const& act, absl::CivilDay date, v1::Plan const& before, v1::Plan const& after,
                    std::string_view extension = "");

// The plan ends and `successor` takes its place; `act` is to supersede it, which its state allows.
absl::Status EndFor(WriteTransaction& tx, Act const& act, absl::CivilDay date, v1::Plan& plan, v1::PlanState next,
                    std::string_view successor);

// The plan, locked and with the etag that the act asks for.
absl::StatusOr<v1::Plan> LockForAct(WriteTransaction& tx, Act const& act);

// BAD_REQUEST when the evidence has no hash. `field` is the path of the evidence.
absl::Status RequireHash(v1::Evidence const& evidence, std::string_view field);

// FAILED_PRECONDITION OUTSIDE_PLAN when something of the plan would lie outside the period that it is to have.
absl::Status CheckInside(ReadTransaction& tx, v1::Plan const& plan);

}  // namespace helhed::funding
