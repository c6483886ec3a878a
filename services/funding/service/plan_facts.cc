#include "services/funding/service/plan_facts.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

static_assert(v1::COVERAGE_STATE_COVERED == 1 && v1::DECISION_STATE_ANNULLED == 12 && v1::APPROVAL_STATE_STANDING == 1);
Statement const kDepartments(
    "funding.departments_of_plan",
    "SELECT c.covered_department, c.department_organisation, c.dwelling_count, d.decision, d.state, d.due_date "
    "FROM covered_departments c LEFT JOIN decisions d "
    "ON d.plan = c.plan AND d.covered_department = c.covered_department AND d.state <> 12 "
    "WHERE c.plan = $1 AND c.state = 1 ORDER BY c.covered_department");
Statement const kApprovals("funding.standing_approvals",
                           "SELECT party, organisation, stage, subject, outcome FROM approvals WHERE plan = $1 AND state = 1 "
                           "ORDER BY party, organisation, stage, subject");
Statement const kAgreements("funding.agreements_in_force",
                            "SELECT DISTINCT agreement FROM agreement_versions WHERE plan = $1 AND valid_from_date <= $2");
Statement const kWasDone("funding.was_done", "SELECT change FROM plan_changes WHERE plan = $1 AND transition = $2 LIMIT 1");
Statement const kLastChange("funding.last_change",
                            "SELECT change, effective_date FROM plan_changes WHERE plan = $1 ORDER BY change DESC LIMIT 1");
Statement const kOutside("funding.coverage_outside",
                         "SELECT covered_department FROM covered_departments WHERE plan = $1 AND state = 1 "
                         "AND (period_start_date < $2 OR period_end_date > $3) ORDER BY covered_department LIMIT 1");

absl::Status LoadDepartments(ReadTransaction& tx, PlanFacts& facts) {
  auto const& plan = facts.plan.name();
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kDepartments, {contract::LastPart(plan)}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto& department = facts.departments.emplace_back();
    department.name = absl::StrCat(plan, "/coveredDepartments/", rows.Text(row, 0));
    department.organisation = absl::StrCat("organisations/", rows.Text(row, 1));
    department.dwelling_count = rows.Int64(row, 2);
    if (rows.IsNull(row, 3)) continue;
    department.decision = absl::StrCat(plan, "/decisions/", rows.Text(row, 3));
    department.decision_state = static_cast<v1::DecisionState>(rows.Int64(row, 4));
    if (!rows.IsNull(row, 5)) department.decision_due = FromIsoDate(rows.Text(row, 5));
  }
  return absl::OkStatus();
}

absl::Status LoadApprovals(ReadTransaction& tx, PlanFacts& facts) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kApprovals, {contract::LastPart(facts.plan.name())}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto& approval = facts.approvals.emplace_back();
    approval.set_party(static_cast<v1::Party>(rows.Int64(row, 0)));
    if (!rows.Text(row, 1).empty()) approval.set_organisation(absl::StrCat("organisations/", rows.Text(row, 1)));
    approval.set_stage(static_cast<v1::ApprovalStage>(rows.Int64(row, 2)));
    approval.set_subject(rows.Text(row, 3));
    approval.set_outcome(static_cast<v1::ApprovalOutcome>(rows.Int64(row, 4)));
  }
  return absl::OkStatus();
}

std::optional<MoneyStep> MoneyStepOf(v1::PlanTransition step) {
  switch (step) {
    case v1::PLAN_TRANSITION_SUBMIT:
      return MoneyStep::kSubmit;
    case v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS:
      return MoneyStep::kSubmitAccounts;
    case v1::PLAN_TRANSITION_FINISH:
      return MoneyStep::kFinish;
    default:
      return std::nullopt;
  }
}

}  // namespace

absl::StatusOr<PlanFacts> LoadFacts(ReadTransaction& tx, v1::Plan plan) {
  PlanFacts facts;
  facts.plan = std::move(plan);
  RETURN_IF_ERROR(LoadDepartments(tx, facts));
  RETURN_IF_ERROR(LoadApprovals(tx, facts));
  auto const id = contract::LastPart(facts.plan.name());
  auto const start = ToIsoDate(StoredPeriod(facts.plan.period()).start);
  ASSIGN_OR_RETURN(auto const agreements, tx.Query(kAgreements, {id, start}));
  for (std::size_t row = 0; row < agreements.size(); ++row) facts.agreements.insert(agreements.Text(row, 0));
  ASSIGN_OR_RETURN(auto const published,
                   tx.Query(kWasDone, {id, static_cast<std::int64_t>(v1::PLAN_TRANSITION_PUBLISH_OVERVIEW)}));
  facts.overview_published = !published.empty();
  return facts;
}

absl::StatusOr<MoneyQuestion> QuestionAbout(ReadTransaction& tx, v1::Plan const& plan, MoneyStep step, absl::CivilDay date) {
  ASSIGN_OR_RETURN(auto const regulation, LoadRegulation(tx, plan.regulation()));
  MoneyQuestion question;
  question.step = step;
  question.plan = plan.name();
  question.budget_ore = plan.budget_total().minor_units();
  question.rule = regulation.local_cofunding();
  question.release_warning_days = regulation.release_warning_days();
  question.period = StoredPeriod(plan.period());
  question.date = date;
  return question;
}

absl::StatusOr<std::vector<v1::MissingItem>> MissingOf(ReadTransaction& tx, MoneyGate const& money, PlanFacts const& facts,
                                                       v1::PlanTransition step, absl::CivilDay date) {
  auto missing = MissingFor(step, facts, date);
  if (auto const money_step = MoneyStepOf(step)) {
    ASSIGN_OR_RETURN(auto const question, QuestionAbout(tx, facts.plan, *money_step, date));
    ASSIGN_OR_RETURN(auto open, money.Open(tx, question));
    Merge(std::move(open), missing);
  }
  return missing;
}

absl::Status EndFor(WriteTransaction& tx, Act const& act, absl::CivilDay date, v1::Plan& plan, v1::PlanState next,
                    std::string_view successor) {
  auto const before = plan;
  plan.set_state(next);
  plan.set_successor(std::string(successor));
  RETURN_IF_ERROR(tx.Update(plan));
  return Record(tx, act, date, before, plan);
}

absl::StatusOr<v1::Plan> LockForAct(WriteTransaction& tx, Act const& act) {
  RETURN_IF_ERROR(LockPlan(tx, act.plan));
  ASSIGN_OR_RETURN(auto plan, LoadPlan(tx, act.plan));
  RETURN_IF_ERROR(storage::CheckEtag(act.etag, plan.etag(), plan.name()));
  return plan;
}

absl::StatusOr<absl::CivilDay> EffectiveDate(ReadTransaction& tx, Act const& act) {
  auto const today = tx.call().Today();
  auto date = today;
  if (act.has_effective_date) {
    ASSIGN_OR_RETURN(date, ReadDate(act.effective_date, "effective_date"));
  }
  if (date > today) return BadRequest({{"effective_date", "must not be later than today"}});
  ASSIGN_OR_RETURN(auto const last, tx.Query(kLastChange, {PlanIdOf(act.plan)}));
  if (!last.empty() && ToIsoDate(date) < last.Text(0, 1)) {
    return BadRequest({{"effective_date", absl::StrCat("must not be before ", last.Text(0, 1),
                                                       ", from when on what was done to the plan last holds")}});
  }
  return date;
}

absl::StatusOr<absl::CivilDay> DateNotBeforeLastChange(ReadTransaction& tx, std::string_view plan, absl::CivilDay day) {
  ASSIGN_OR_RETURN(auto const last, tx.Query(kLastChange, {PlanIdOf(plan)}));
  return last.empty() ? day : std::max(day, FromIsoDate(last.Text(0, 1)).value_or(day));
}

absl::Status Record(WriteTransaction& tx, Act const& act, absl::CivilDay date, v1::Plan const& before, v1::Plan const& after,
                    std::string_view extension) {
  ASSIGN_OR_RETURN(auto const last, tx.Query(kLastChange, {contract::LastPart(after.name())}));
  int const number = last.empty() ? 1 : std::atoi(last.Text(0, 0).c_str()) + 1;
  v1::PlanChange change;
  change.set_name(absl::StrCat(after.name(), "/changes/", absl::Dec(number, absl::kZeroPad6)));
  change.set_transition(act.step);
  change.set_from_state(before.state());
  change.set_to_state(after.state());
  *change.mutable_effective_date() = ToProtoDate(date);
  change.set_reason(act.reason);
  change.set_actor(tx.call().identity().subject());
  if (before.regulation() != after.regulation()) {
    change.set_from_regulation(before.regulation());
    change.set_to_regulation(after.regulation());
  }
  *change.mutable_evidence() = act.evidence;
  RETURN_IF_ERROR(tx.Insert(change));
  v1::PlanChanged event;
  *event.mutable_plan() = after;
  event.set_transition(act.step);
  event.set_from_state(before.state());
  *event.mutable_effective_date() = change.effective_date();
  event.set_extension(std::string(extension));
  event.set_from_regulation(change.from_regulation());
  return tx.Append(event, after.name(), after.name());
}

absl::Status RequireHash(v1::Evidence const& evidence, std::string_view field) {
  if (!evidence.sha256().empty()) return absl::OkStatus();
  return BadRequest({{absl::StrCat(Av(field), ".sha256"), "must be set"}});
}

absl::Status CheckInside(ReadTransaction& tx, v1::Plan const& plan) {
  auto const period = StoredPeriod(plan.period());
  auto const start = ToIsoDate(period.start);
  auto const end = ToIsoDate(period.end.value_or(absl::CivilDay::max()));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kOutside, {contract::LastPart(plan.name()), start, end}));
  if (rows.empty()) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_OUTSIDE_PLAN,
      "a covered department has a period of its own, which would lie outside that of the plan",
      {{"resource", absl::StrCat(plan.name(), "/coveredDepartments/", rows.Text(0, 0))}, {"plan_period", ToIsoPeriod(period)}});
}

}  // namespace helhed::funding
