#include "services/funding/service/money_queries.h"

#include <set>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/plan.pb.h"

namespace helhed::funding {
namespace {

using storage::Statement;

Statement const kPlanTerms("funding.plan_release_terms",
                           "SELECT p.period_start_date, r.release_warning_days FROM plans p "
                           "JOIN regulations r ON r.regulation = p.regulation WHERE p.plan = $1");
Statement const kBudgetedSources("funding.budgeted_sources",
                                 "SELECT DISTINCT source FROM budget_lines WHERE plan = $1 AND amount_minor_units > 0");
Statement const kBudgetedOf("funding.budgeted_of_source",
                            "SELECT amount_minor_units FROM budget_lines WHERE plan = $1 AND source = $2");
Statement const kDeleteParts("funding.delete_apportionment_parts",
                             "DELETE FROM apportionment_parts WHERE plan = $1 AND source = $2");
Statement const kDeleteApportionments("funding.delete_apportionments",
                                      "DELETE FROM apportionments WHERE plan = $1 AND source = $2");

Statement const kParts("funding.apportionment_parts",
                       "SELECT department, weight, amount_minor_units, remainder, got_residual FROM apportionment_parts "
                       "WHERE plan = $1 AND source = $2 AND apportionment = $3 ORDER BY department");
// Names of apportionments are UUIDv7 unless a caller chose them, so the time decides first.
Statement const kNewest("funding.newest_apportionments",
                        "SELECT a.source, p.department, p.weight FROM apportionments a JOIN apportionment_parts p "
                        "ON p.plan = a.plan AND p.source = a.source AND p.apportionment = a.apportionment "
                        "WHERE a.plan = $1 AND NOT EXISTS (SELECT 1 FROM apportionments b WHERE b.plan = a.plan AND "
                        "b.source = a.source AND (b.create_time, b.apportionment) > (a.create_time, a.apportionment)) "
                        "ORDER BY a.source, p.department");

Statement const kCovered(
    "funding.covered_weights",
    "SELECT c.department_organisation, c.department, c.dwelling_count, c.area_square_metres FROM covered_departments c "
    "JOIN plans p ON p.plan = c.plan WHERE c.plan = $1 AND c.state = 1 "
    // Without a period of its own a department is covered during the plan's.
    "AND COALESCE(c.period_start_date, p.period_start_date) <= $2 AND COALESCE(c.period_end_date, p.period_end_date) > $2 "
    "ORDER BY c.covered_department");

}  // namespace

absl::Status CompleteSources(ReadTransaction& tx, std::string_view plan, std::span<v1::Source* const> sources) {
  if (sources.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const totals, LoadTotals(tx, plan));
  ASSIGN_OR_RETURN(auto const terms, tx.Query(kPlanTerms, {PlanIdOf(plan)}));
  if (terms.empty()) return NotFound(PlanOf(plan));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kBudgetedSources, {PlanIdOf(plan)}));
  std::set<std::string, std::less<>> budgeted;
  for (std::size_t i = 0; i < rows.size(); ++i) budgeted.insert(rows.Text(i, 0));
  auto const start = FromIsoDate(terms.Text(0, 0));
  for (auto* const source : sources) {
    CompleteMoney(*source);
    auto const found = totals.find(source->name());
    SourceTotals const of_source = found == totals.end() ? SourceTotals() : found->second;
    SetTotals(*source, of_source);
    std::optional<absl::CivilDay> due;
    if (start && source->contribution() == v1::CONTRIBUTION_CASH) due = *start + terms.Int64(0, 1);
    if (due) *source->mutable_release_due_date() = ToProtoDate(*due);
    source->clear_warnings();
    bool const in_budget = budgeted.contains(contract::LastPart(source->name()));
    for (auto const warning : WarningsOf(*source, of_source, in_budget, tx.call().Today(), due)) source->add_warnings(warning);
  }
  return absl::OkStatus();
}

absl::StatusOr<Ore> BudgetedOf(ReadTransaction& tx, std::string_view source) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kBudgetedOf, {PlanIdOf(source), contract::LastPart(source)}));
  Ore sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(sum, Add(sum, rows.Int64(i, 0)));
  }
  return sum;
}

absl::Status DeletePlanned(WriteTransaction& tx, std::string_view source) {
  for (auto const* const statement : {&kDeleteParts, &kDeleteApportionments}) {
    RETURN_IF_ERROR(tx.Enqueue(*statement, {PlanIdOf(source), contract::LastPart(source)}));
  }
  return absl::OkStatus();
}

Lines LinesOf(std::span<v1::BudgetLine const> lines) {
  Lines by_cell;
  for (auto const& line : lines) {
    by_cell[CellOf(line)] = {line.name(), line.amount().minor_units(),
                             line.reserved().minor_units() + line.spent().minor_units()};
  }
  return by_cell;
}

absl::StatusOr<std::vector<Weight>> CoveredWeights(ReadTransaction& tx, std::string_view plan, absl::CivilDay date,
                                                   v1::ApportionmentKey key) {
  std::string const day = ToIsoDate(date);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kCovered, {PlanIdOf(plan), std::string_view(day)}));
  std::vector<Weight> weights;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::int64_t const weight = rows.Int64(i, key == v1::APPORTIONMENT_KEY_AREA ? 3 : 2);
    weights.push_back({absl::StrCat("organisations/", rows.Text(i, 0), "/departments/", rows.Text(i, 1)), weight});
    sum += weight;
  }
  if (sum > 0) return weights;
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOTHING_TO_APPORTION,
               absl::StrCat(Av(plan), " covers no department with a weight on ", day, "; give the weights."),
               {{"plan", std::string(plan)}, {"date", day}});
}

absl::Status CompleteApportionments(ReadTransaction& tx, std::span<v1::Apportionment* const> apportionments) {
  for (auto* const apportionment : apportionments) {
    auto const source = contract::ParentOf(apportionment->name());
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kParts, {PlanIdOf(apportionment->name()), contract::LastPart(source),
                                                        contract::LastPart(apportionment->name())}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& part = *apportionment->add_parts();
      part.set_department(rows.Text(i, 0));
      part.set_weight(rows.Int64(i, 1));
      *part.mutable_amount() = ToMoney(rows.Int64(i, 2));
      part.set_remainder(rows.Int64(i, 3));
      part.set_got_residual(rows.Bool(i, 4));
    }
    CompleteMoney(*apportionment);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::vector<Weight>>> NewestWeights(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kNewest, {PlanIdOf(plan)}));
  std::map<std::string, std::vector<Weight>> weights;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    weights[absl::StrCat(Av(PlanOf(plan)), "/sources/", rows.Text(i, 0))].push_back({rows.Text(i, 1), rows.Int64(i, 2)});
  }
  return weights;
}

}  // namespace helhed::funding
