#include "services/funding/domain/plan_life.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

namespace helhed::funding {
namespace {

struct Step {
  v1::PlanTransition transition;
  std::vector<v1::PlanState> from;
  v1::PlanState to;
};

// Everything but WITHDRAW, which every state allows that is not the end.
std::vector<Step> const& Steps() {
  static auto const* const steps = new std::vector<Step>{
      {v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION,
       {v1::PLAN_STATE_IDEA, v1::PLAN_STATE_PREQUALIFICATION_REJECTED},
       v1::PLAN_STATE_PREQUALIFICATION_DRAFT},
      {v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION,
       {v1::PLAN_STATE_PREQUALIFICATION_DRAFT},
       v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED},
      {v1::PLAN_TRANSITION_PREQUALIFY, {v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED}, v1::PLAN_STATE_PREQUALIFIED},
      {v1::PLAN_TRANSITION_REJECT_PREQUALIFICATION,
       {v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED},
       v1::PLAN_STATE_PREQUALIFICATION_REJECTED},
      {v1::PLAN_TRANSITION_DRAFT, {v1::PLAN_STATE_PREQUALIFIED}, v1::PLAN_STATE_DRAFTING},
      {v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION, {v1::PLAN_STATE_DRAFTING}, v1::PLAN_STATE_LOCAL_DECISION},
      {v1::PLAN_TRANSITION_SUBMIT, {v1::PLAN_STATE_LOCAL_DECISION}, v1::PLAN_STATE_SUBMITTED_FINAL},
      {v1::PLAN_TRANSITION_APPROVE, {v1::PLAN_STATE_SUBMITTED_FINAL}, v1::PLAN_STATE_APPROVED},
      {v1::PLAN_TRANSITION_RETURN, {v1::PLAN_STATE_SUBMITTED_FINAL}, v1::PLAN_STATE_DRAFTING},
      {v1::PLAN_TRANSITION_REJECT, {v1::PLAN_STATE_SUBMITTED_FINAL}, v1::PLAN_STATE_REJECTED},
      {v1::PLAN_TRANSITION_START, {v1::PLAN_STATE_APPROVED}, v1::PLAN_STATE_ACTIVE},
      {v1::PLAN_TRANSITION_BEGIN_CLOSING, {v1::PLAN_STATE_ACTIVE}, v1::PLAN_STATE_CLOSING},
      {v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS, {v1::PLAN_STATE_CLOSING}, v1::PLAN_STATE_ACCOUNTS_SUBMITTED},
      {v1::PLAN_TRANSITION_RECORD_AUDIT, {v1::PLAN_STATE_ACCOUNTS_SUBMITTED}, v1::PLAN_STATE_AUDITED},
      {v1::PLAN_TRANSITION_FINISH, {v1::PLAN_STATE_AUDITED}, v1::PLAN_STATE_CLOSED},
      {v1::PLAN_TRANSITION_SUPERSEDE, {v1::PLAN_STATE_ACTIVE, v1::PLAN_STATE_CLOSING}, v1::PLAN_STATE_SUPERSEDED},
      {v1::PLAN_TRANSITION_EXTEND, {v1::PLAN_STATE_ACTIVE}, v1::PLAN_STATE_ACTIVE},
  };
  return *steps;
}

// What a plan is moved to another regulation in: while nobody has approved it for good.
bool MayTransfer(v1::PlanState state) { return state < v1::PLAN_STATE_SUBMITTED_FINAL; }

absl::CivilDay FirstDay(v1::Plan const& plan) { return ToCivil(plan.period().start_date()).value_or(absl::CivilDay::max()); }
absl::CivilDay EndDay(v1::Plan const& plan) { return ToCivil(plan.period().end_date()).value_or(absl::CivilDay::max()); }

v1::MissingItem Item(v1::MissingKind kind, v1::Party party, std::string_view subject, std::optional<absl::CivilDay> due,
                     std::string description) {
  v1::MissingItem item;
  item.set_kind(kind);
  item.set_party(party);
  item.set_subject(std::string(subject));
  if (due) *item.mutable_due_date() = ToProtoDate(*due);
  item.set_description(std::move(description));
  return item;
}

using Items = std::vector<v1::MissingItem>;

std::string Words(v1::Party party) {
  switch (party) {
    case v1::PARTY_ORGANISATION:
      return "organisation";
    case v1::PARTY_MUNICIPALITY:
      return "municipality";
    default:
      return "fund";
  }
}

// Looks for a standing approval; adds what is missing of it.
void NeedApproval(PlanFacts const& facts, v1::Party party, v1::ApprovalStage stage, std::string_view organisation,
                  std::string_view subject, absl::CivilDay due, Items& missing) {
  auto const found = std::find_if(facts.approvals.begin(), facts.approvals.end(), [&](v1::Approval const& approval) {
    return approval.party() == party && approval.stage() == stage && approval.organisation() == organisation &&
           approval.subject() == subject;
  });
  bool const there = found != facts.approvals.end();
  if (there && found->outcome() == v1::APPROVAL_OUTCOME_APPROVED) return;
  auto const whose = organisation.empty() ? Words(party) : std::string(organisation);
  auto const what = stage == v1::APPROVAL_STAGE_PRELIMINARY ? " preliminary approval" : " approval";
  auto const about = !subject.empty() ? subject : organisation.empty() ? std::string_view(facts.plan.name()) : organisation;
  auto item = Item(there ? v1::MISSING_KIND_APPROVAL_REFUSED : v1::MISSING_KIND_APPROVAL, party, about, due,
                   absl::StrCat(whose, what, there ? " was refused" : ""));
  item.set_organisation(std::string(organisation));
  missing.push_back(std::move(item));
}

void NeedTerms(PlanFacts const& facts, Items& missing) {
  auto const& plan = facts.plan;
  auto const start = FirstDay(plan);
  if (plan.focus_areas().empty()) {
    missing.push_back(Item(v1::MISSING_KIND_FOCUS_AREAS, v1::PARTY_PLAN, plan.name(), start, "a focus area"));
  }
  if (plan.budget_total().minor_units() == 0) {
    missing.push_back(Item(v1::MISSING_KIND_BUDGET, v1::PARTY_PLAN, plan.name(), start, "a stated budget"));
  }
  if (facts.departments.empty()) {
    missing.push_back(Item(v1::MISSING_KIND_DEPARTMENTS, v1::PARTY_PLAN, plan.name(), start, "a department"));
  }
}

void NeedAgreements(PlanFacts const& facts, Items& missing) {
  auto const start = FirstDay(facts.plan);
  if (!facts.agreements.contains("strategic")) {
    missing.push_back(Item(v1::MISSING_KIND_STRATEGIC_AGREEMENT, v1::PARTY_PLAN,
                           absl::StrCat(facts.plan.name(), "/agreements/strategic"), start, "the strategic agreement"));
  }
  for (auto const& area : facts.plan.focus_areas()) {
    if (facts.agreements.contains(area)) continue;
    missing.push_back(Item(v1::MISSING_KIND_SUB_AGREEMENT, v1::PARTY_PLAN, absl::StrCat(facts.plan.name(), "/agreements/", area),
                           start, absl::StrCat("the sub-agreement on ", area)));
  }
}

bool IsSettled(v1::DecisionState state) { return state == v1::DECISION_STATE_ADOPTED || state == v1::DECISION_STATE_OVERRIDDEN; }

bool IsNo(v1::DecisionState state) { return state == v1::DECISION_STATE_REJECTED || state == v1::DECISION_STATE_STANDS_REJECTED; }

// V9: no plan is submitted with an open decision; nor with a no that nobody has acted on.
void NeedDecisions(PlanFacts const& facts, Items& missing) {
  for (auto const& department : facts.departments) {
    if (IsSettled(department.decision_state)) continue;
    auto const due = department.decision_due.value_or(FirstDay(facts.plan));
    auto const id = std::string_view(department.name).substr(department.name.rfind('/') + 1);
    auto item = IsNo(department.decision_state)
                    ? Item(v1::MISSING_KIND_REJECTION, v1::PARTY_PLAN, department.name, due,
                           absl::StrCat("department ", Av(id), " has said no: override, or exclude it"))
                    : Item(v1::MISSING_KIND_DECISION, v1::PARTY_DEPARTMENT, department.name, due,
                           absl::StrCat("department ", Av(id), " decision"));
    item.set_organisation(department.organisation);
    missing.push_back(std::move(item));
  }
}

void NeedOrganisations(PlanFacts const& facts, Items& missing) {
  std::set<std::string, std::less<>> organisations;
  for (auto const& department : facts.departments) organisations.insert(department.organisation);
  for (auto const& organisation : organisations) {
    NeedApproval(facts, v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, organisation, "", FirstDay(facts.plan), missing);
  }
}

void NeedDay(PlanFacts const& facts, absl::CivilDay day, absl::CivilDay date, std::string_view what, Items& missing) {
  if (date >= day) return;
  missing.push_back(Item(v1::MISSING_KIND_DATE, v1::PARTY_UNSPECIFIED, facts.plan.name(), day, std::string(what)));
}

Items MissingForSubmission(PlanFacts const& facts) {
  Items missing;
  NeedTerms(facts, missing);
  if (facts.plan.budget_precision() == v1::PRECISION_APPROXIMATE) {
    missing.push_back(Item(v1::MISSING_KIND_BUDGET, v1::PARTY_PLAN, facts.plan.name(), FirstDay(facts.plan), "an exact budget"));
  }
  NeedAgreements(facts, missing);
  NeedDecisions(facts, missing);
  NeedOrganisations(facts, missing);
  NeedApproval(facts, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL, "", "", FirstDay(facts.plan), missing);
  if (!facts.overview_published) {
    missing.push_back(Item(v1::MISSING_KIND_OVERVIEW_LETTER, v1::PARTY_PLAN, facts.plan.name(), FirstDay(facts.plan),
                           "the overview letter to every household"));
  }
  return missing;
}

std::string Allowed(v1::PlanState state) {
  std::vector<std::string> names;
  for (auto const step : AllowedFrom(state)) names.push_back(NameOf(step));
  return absl::StrJoin(names, ", ");
}

std::string Words(v1::MissingItem const& item) {
  auto const due = ToCivil(item.due_date());
  return absl::StrCat(item.description(), due ? absl::StrCat(", due ", ToIsoDate(*due)) : "");
}

// Whole items, at most `bytes_max` bytes of them.
std::string Listed(std::span<v1::MissingItem const> missing, std::size_t bytes_max) {
  std::string text;
  for (auto const& item : missing) {
    auto const words = Words(item);
    if (text.size() + words.size() + 2 > bytes_max) return text;
    absl::StrAppend(&text, text.empty() ? "" : "; ", words);
  }
  return text;
}

}  // namespace

std::string NameOf(v1::PlanState state) { return v1::PlanState_Name(state).substr(std::string_view("PLAN_STATE_").size()); }
std::string NameOf(v1::PlanTransition step) {
  return v1::PlanTransition_Name(step).substr(std::string_view("PLAN_TRANSITION_").size());
}

bool IsOver(v1::PlanState state) {
  return state == v1::PLAN_STATE_REJECTED || state == v1::PLAN_STATE_CLOSED || state == v1::PLAN_STATE_WITHDRAWN ||
         state == v1::PLAN_STATE_SUPERSEDED;
}

bool MayChangeTerms(v1::PlanState state) { return state < v1::PLAN_STATE_SUBMITTED_FINAL; }

std::optional<v1::PlanState> After(v1::PlanState state, v1::PlanTransition step) {
  if (step == v1::PLAN_TRANSITION_WITHDRAW) {
    return IsOver(state) ? std::nullopt : std::optional(v1::PLAN_STATE_WITHDRAWN);
  }
  if (step == v1::PLAN_TRANSITION_TRANSFER_REGULATION) return MayTransfer(state) ? std::optional(state) : std::nullopt;
  if (step == v1::PLAN_TRANSITION_PUBLISH_OVERVIEW) {
    bool const drafted = state == v1::PLAN_STATE_DRAFTING || state == v1::PLAN_STATE_LOCAL_DECISION;
    return drafted ? std::optional(state) : std::nullopt;
  }
  for (auto const& known : Steps()) {
    if (known.transition == step && std::find(known.from.begin(), known.from.end(), state) != known.from.end()) return known.to;
  }
  return std::nullopt;
}

std::vector<v1::PlanTransition> AllowedFrom(v1::PlanState state) {
  std::vector<v1::PlanTransition> allowed;
  for (int i = v1::PlanTransition_MIN + 1; i <= v1::PlanTransition_MAX; ++i) {
    auto const step = static_cast<v1::PlanTransition>(i);
    if (After(state, step)) allowed.push_back(step);
  }
  return allowed;
}

std::vector<v1::PlanTransition> StepsAhead(v1::PlanState state) {
  static constexpr v1::PlanTransition kToStart[] = {v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION,
                                                    v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION,
                                                    v1::PLAN_TRANSITION_PREQUALIFY,
                                                    v1::PLAN_TRANSITION_DRAFT,
                                                    v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION,
                                                    v1::PLAN_TRANSITION_SUBMIT,
                                                    v1::PLAN_TRANSITION_APPROVE,
                                                    v1::PLAN_TRANSITION_START};
  static constexpr v1::PlanTransition kToEnd[] = {v1::PLAN_TRANSITION_BEGIN_CLOSING, v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS,
                                                  v1::PLAN_TRANSITION_RECORD_AUDIT, v1::PLAN_TRANSITION_FINISH};
  std::vector<v1::PlanTransition> ahead;
  for (std::span<v1::PlanTransition const> const way :
       {std::span<v1::PlanTransition const>(kToStart), std::span<v1::PlanTransition const>(kToEnd)}) {
    for (auto const step : way) {
      if (auto const next = After(state, step)) {
        ahead.push_back(step);
        state = *next;
      }
    }
    if (!ahead.empty()) return ahead;
  }
  return ahead;
}

std::vector<v1::MissingItem> MissingFinalApprovals(PlanFacts const& facts, std::string_view subject, absl::CivilDay due) {
  Items missing;
  NeedApproval(facts, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL, "", subject, due, missing);
  NeedApproval(facts, v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL, "", subject, due, missing);
  return missing;
}

std::vector<v1::MissingItem> MissingFor(v1::PlanTransition step, PlanFacts const& facts, absl::CivilDay date) {
  Items missing;
  auto const start = FirstDay(facts.plan);
  switch (step) {
    case v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION:
      NeedTerms(facts, missing);
      NeedApproval(facts, v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_PRELIMINARY, "", "", start, missing);
      return missing;
    case v1::PLAN_TRANSITION_PREQUALIFY:
      NeedApproval(facts, v1::PARTY_FUND, v1::APPROVAL_STAGE_PRELIMINARY, "", "", start, missing);
      return missing;
    case v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION:
      NeedTerms(facts, missing);
      NeedAgreements(facts, missing);
      return missing;
    case v1::PLAN_TRANSITION_SUBMIT:
      return MissingForSubmission(facts);
    case v1::PLAN_TRANSITION_APPROVE:
      // A decision may have been annulled since the plan was submitted.
      NeedDecisions(facts, missing);
      Merge(MissingFinalApprovals(facts, "", start), missing);
      return missing;
    case v1::PLAN_TRANSITION_START:
      NeedDay(facts, start, date, "the plan's first day", missing);
      return missing;
    case v1::PLAN_TRANSITION_BEGIN_CLOSING:
      NeedDay(facts, EndDay(facts.plan), date, "the plan's last day to pass", missing);
      return missing;
    default:
      return missing;
  }
}

std::vector<v1::RemovalProposal> RemovalProposals(std::span<DepartmentFacts const> departments) {
  std::vector<v1::RemovalProposal> proposals;
  for (auto const& leaving : departments) {
    if (!IsNo(leaving.decision_state)) continue;
    auto& proposal = proposals.emplace_back();
    proposal.set_covered_department(leaving.name);
    proposal.set_decision(leaving.decision);
    proposal.set_dwelling_count(leaving.dwelling_count);
    std::int64_t left = 0;
    for (auto const& department : departments) left += &department == &leaving ? 0 : department.dwelling_count;
    proposal.set_dwelling_count_left(left);
    // Largest remainder over 10000 basis points; equal remainders go to the lower name, and the departments come by name.
    std::int64_t given = 0;
    std::vector<std::pair<std::int64_t, int>> remainders;
    for (auto const& department : departments) {
      if (&department == &leaving) continue;
      auto& share = *proposal.add_shares();
      share.set_covered_department(department.name);
      share.set_dwelling_count(department.dwelling_count);
      share.set_share_basis_points(department.dwelling_count * 10000 / left);
      given += share.share_basis_points();
      remainders.emplace_back(-(department.dwelling_count * 10000 % left), proposal.shares_size() - 1);
    }
    std::sort(remainders.begin(), remainders.end());
    for (std::size_t i = 0; i < remainders.size() && given < 10000; ++i, ++given) {
      auto& share = *proposal.mutable_shares(remainders[i].second);
      share.set_share_basis_points(share.share_basis_points() + 1);
    }
  }
  return proposals;
}

void Merge(std::vector<v1::MissingItem> more, std::vector<v1::MissingItem>& into) {
  for (auto& item : more) {
    bool const known = std::any_of(into.begin(), into.end(), [&](v1::MissingItem const& other) {
      return other.kind() == item.kind() && other.subject() == item.subject() && other.party() == item.party() &&
             other.description() == item.description();
    });
    if (!known) into.push_back(std::move(item));
  }
}

absl::Status NotReady(v1::Plan const& plan, v1::PlanTransition step, std::span<v1::MissingItem const> missing) {
  bool const allowed = After(plan.state(), step).has_value();
  // The message travels in a header of its own: the list in the metadata is complete, the text need not be.
  constexpr std::size_t message_bytes_max = 600;
  constexpr std::size_t list_bytes_max = 5000;
  auto message = absl::StrCat(plan.name(), " cannot ", NameOf(step), allowed ? "" : " in its state",
                              ". state: ", NameOf(plan.state()), "; allowed now: ", Allowed(plan.state()));
  if (!missing.empty()) {
    absl::StrAppend(&message, "; ", missing.size(), " missing: ", Listed(missing, message_bytes_max));
  }
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PLAN_NOT_READY, message,
               {{"plan", plan.name()},
                {"step", NameOf(step)},
                {"state", NameOf(plan.state())},
                {"allowed", Allowed(plan.state())},
                {"missing_count", absl::StrCat(missing.size())},
                {"missing", Listed(missing, list_bytes_max)}});
}

}  // namespace helhed::funding
