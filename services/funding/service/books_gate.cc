#include "services/funding/service/books_gate.h"

#include <absl/strings/str_cat.h>

#include "services/funding/domain/cofunding.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"

// Whoever moves a plan has it alone, and whoever does something to its money holds the plan: so what is read here stays true
// until the plan has moved.
namespace helhed::funding {
namespace {

using storage::Statement;

Statement const kUnderWay(
    "funding.money_under_way",
    "SELECT 'disbursements' AS kind, disbursement AS id FROM disbursements WHERE plan = $1 AND state = 1 "
    "UNION ALL SELECT 'reallocations', reallocation FROM reallocations WHERE plan = $1 AND state = 1 "
    "UNION ALL SELECT 'sources', source || '/releases/' || release FROM releases WHERE plan = $1 AND state = 1 "
    "ORDER BY 1, 2 LIMIT 100");
Statement const kOpenPeriods("funding.open_periods",
                             "SELECT period FROM periods WHERE plan = $1 AND state <> 3 AND period >= $2 AND period <= $3 "
                             "ORDER BY period LIMIT 1000");

v1::Party PartyOf(v1::Source const& source) {
  switch (source.kind()) {
    case v1::SOURCE_KIND_FUND:
      return v1::PARTY_FUND;
    case v1::SOURCE_KIND_MUNICIPALITY:
      return v1::PARTY_MUNICIPALITY;
    case v1::SOURCE_KIND_ORGANISATION:
      return v1::PARTY_ORGANISATION;
    case v1::SOURCE_KIND_DEPARTMENT:
      return v1::PARTY_DEPARTMENT;
    default:
      return v1::PARTY_EXTERNAL;
  }
}

void AddItem(MoneyAnswer& answer, v1::MissingKind kind, std::string subject, v1::Party party, std::string description) {
  auto& item = answer.emplace_back();
  item.set_kind(kind);
  item.set_subject(std::move(subject));
  item.set_party(party);
  item.set_description(std::move(description));
}

std::string NotEqual(std::string_view what, Ore sum, Ore budget) {
  return absl::StrCat("The ", Av(what), " sum to ", ToKroner(sum), " kr.; the budget is ", ToKroner(budget), " kr.");
}

// M2 and M3: sources, lines and budget are one amount, and enough of it is local.
absl::Status AddBudget(ReadTransaction& tx, MoneyQuestion const& question, MoneyAnswer& answer) {
  ASSIGN_OR_RETURN(auto const all, LoadSources(tx, question.plan));
  auto const sources = SourcesOf(all, question.extension);
  ASSIGN_OR_RETURN(auto const lines, LoadBudgetLines(tx, question.plan));
  ASSIGN_OR_RETURN(auto const part, ProveCofunding(sources, question.rule));
  Ore const total = part.total().minor_units();
  if (total != question.budget_ore) {
    AddItem(answer, v1::MISSING_KIND_SOURCES, question.plan, v1::PARTY_PLAN, NotEqual("sources", total, question.budget_ore));
  }
  Ore budgeted = 0;
  for (auto const& source : sources) {
    Ore of_source = 0;
    for (auto const& line : lines) {
      if (line.source() != source.name()) continue;
      ASSIGN_OR_RETURN(of_source, Add(of_source, line.amount().minor_units()));
    }
    ASSIGN_OR_RETURN(budgeted, Add(budgeted, of_source));
    if (source.state() == v1::SOURCE_STATE_PROPOSED) {
      AddItem(answer, v1::MISSING_KIND_SOURCES, source.name(), PartyOf(source), absl::StrCat(source.name(), " is not pledged."));
    }
    if (of_source != source.amount().minor_units()) {
      AddItem(answer, v1::MISSING_KIND_BUDGET_LINES, source.name(), v1::PARTY_PLAN,
              absl::StrCat("The budget spends ", ToKroner(of_source), " kr. of ", source.name(), ", which contributes ",
                           ToKroner(source.amount().minor_units()), " kr."));
    }
  }
  if (budgeted != question.budget_ore) {
    AddItem(answer, v1::MISSING_KIND_BUDGET_LINES, question.plan, v1::PARTY_PLAN,
            NotEqual("budget lines", budgeted, question.budget_ore));
  }
  // An extension that only takes more time has nothing to pay.
  bool const costs_nothing = !question.extension.empty() && question.budget_ore == 0 && total == 0;
  if (!part.met() && !costs_nothing) {
    AddItem(answer, v1::MISSING_KIND_LOCAL_COFUNDING, question.plan, v1::PARTY_PLAN,
            absl::StrCat("Of ", ToKroner(total), " kr. ", ToKroner(part.local().minor_units()), " kr. are local; ",
                         ToKroner(part.missing().minor_units()), " kr. are missing to ", part.least_basis_points(),
                         " hundredths of a percent."));
  }
  for (auto& item : answer) *item.mutable_due_date() = ToProtoDate(MoneyDueOn(question));
  return absl::OkStatus();
}

absl::Status AddUnderWay(ReadTransaction& tx, MoneyQuestion const& question, MoneyAnswer& answer) {
  ASSIGN_OR_RETURN(auto const open, tx.Query(kUnderWay, {PlanIdOf(question.plan)}));
  for (std::size_t i = 0; i < open.size(); ++i) {
    std::string name = absl::StrCat(question.plan, "/", open.Text(i, 0), "/", open.Text(i, 1));
    std::string description = absl::StrCat(name, " is not decided on.");
    AddItem(answer, v1::MISSING_KIND_SETTLEMENT, std::move(name), v1::PARTY_PLAN, std::move(description));
  }
  return absl::OkStatus();
}

absl::Status AddOpenPeriods(ReadTransaction& tx, MoneyQuestion const& question, MoneyAnswer& answer) {
  std::string const first = PeriodName(question.plan, question.period.start);
  std::string const last = PeriodName(question.plan, question.period.end.value_or(question.date + 1) - 1);
  ASSIGN_OR_RETURN(auto const periods,
                   tx.Query(kOpenPeriods, {PlanIdOf(question.plan), contract::LastPart(first), contract::LastPart(last)}));
  for (std::size_t i = 0; i < periods.size(); ++i) {
    std::string name = absl::StrCat(question.plan, "/periods/", periods.Text(i, 0));
    std::string description = absl::StrCat(name, " is not closed.");
    AddItem(answer, v1::MISSING_KIND_SETTLEMENT, std::move(name), v1::PARTY_PLAN, std::move(description));
  }
  return absl::OkStatus();
}

bool IsSettled(v1::SourceState state) {
  // What was never approved has no money to settle.
  return !IsApprovedSource(state) || state == v1::SOURCE_STATE_RECONCILED || state == v1::SOURCE_STATE_CLOSED ||
         state == v1::SOURCE_STATE_LAPSED || state == v1::SOURCE_STATE_REPAID;
}

absl::Status AddUnsettled(ReadTransaction& tx, MoneyQuestion const& question, MoneyAnswer& answer) {
  ASSIGN_OR_RETURN(auto const sources, LoadSources(tx, question.plan));
  for (auto const& source : sources) {
    if (IsSettled(source.state())) continue;
    AddItem(answer, v1::MISSING_KIND_SETTLEMENT, source.name(), PartyOf(source),
            absl::StrCat(source.name(), " is neither reconciled nor lapsed nor repaid."));
  }
  return absl::OkStatus();
}

absl::Status AddOverdue(ReadTransaction& tx, MoneyQuestion const& question, MoneyAnswer& answer) {
  absl::CivilDay const due = question.period.start + question.release_warning_days;
  ASSIGN_OR_RETURN(auto const sources, LoadSources(tx, question.plan));
  ASSIGN_OR_RETURN(auto const totals, LoadTotals(tx, question.plan));
  for (auto const& source : sources) {
    auto const found = totals.find(source.name());
    if (found == totals.end()) continue;
    auto const warnings = WarningsOf(source, found->second, true, question.date, due);
    if (warnings.empty() || warnings.front() != v1::SOURCE_WARNING_RELEASE_OVERDUE) continue;
    AddItem(answer, v1::MISSING_KIND_RELEASE, source.name(), PartyOf(source),
            absl::StrCat(source.name(), " has ", ToKroner(found->second.approved), " kr. approved and not released."));
    *answer.back().mutable_due_date() = ToProtoDate(due);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MoneyAnswer> BooksGate::Open(ReadTransaction& tx, MoneyQuestion const& question) const {
  MoneyAnswer answer;
  switch (question.step) {
    case MoneyStep::kSubmit:
    case MoneyStep::kExtend:
      RETURN_IF_ERROR(AddBudget(tx, question, answer));
      break;
    case MoneyStep::kSubmitAccounts:
      RETURN_IF_ERROR(AddUnderWay(tx, question, answer));
      RETURN_IF_ERROR(AddOpenPeriods(tx, question, answer));
      break;
    case MoneyStep::kMerge:
      RETURN_IF_ERROR(AddUnderWay(tx, question, answer));
      break;
    case MoneyStep::kFinish:
      RETURN_IF_ERROR(AddUnsettled(tx, question, answer));
      break;
    case MoneyStep::kWarnings:
      RETURN_IF_ERROR(AddOverdue(tx, question, answer));
      break;
  }
  return answer;
}

}  // namespace helhed::funding
