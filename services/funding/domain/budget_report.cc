#include "services/funding/domain/budget_report.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <tuple>
#include <utility>

namespace helhed::funding {
namespace {

struct Key {
  std::string focus_area;
  std::string cost_kind;
  std::string source;
  std::string department;
  int year = 0;
  friend auto operator<=>(Key const&, Key const&) = default;
};

struct Figures {
  Ore budget = 0;
  Ore reserved = 0;
  Ore spent = 0;
  void Add(Figures const& other) {
    // Amounts are checked to be small enough for thousands of lines.
    budget += other.budget;
    reserved += other.reserved;
    spent += other.spent;
  }
};

using Rows = std::map<Key, Figures>;

Figures FiguresOf(v1::BudgetLine const& line) {
  return {line.amount().minor_units(), line.reserved().minor_units(), line.spent().minor_units()};
}

// Whatever gives to a reservation or takes from it.
constexpr char kReserves[] = "(kind = ENTRY_KIND_RESERVATION OR kind = ENTRY_KIND_DISBURSEMENT OR kind = ENTRY_KIND_VOID)";

// `spends = true AND source = "plans/a/sources/lbf" AND year = 2022`: what ListPostings answers with for the row.
std::string PostingsFilter(std::string first, Key const& key, std::string const& as_of_date, std::string const& source) {
  std::vector<std::string> terms = {std::move(first)};
  if (!key.focus_area.empty()) terms.push_back(absl::StrCat("focus_area = \"", key.focus_area, "\""));
  if (!key.cost_kind.empty()) terms.push_back(absl::StrCat("cost_kind = \"", key.cost_kind, "\""));
  if (!source.empty()) terms.push_back(absl::StrCat("source = \"", source, "\""));
  if (key.year != 0) terms.push_back(absl::StrCat("year = ", key.year));
  if (!as_of_date.empty()) terms.push_back(absl::StrCat("entry_date <= \"", as_of_date, "\""));
  return absl::StrJoin(terms, " AND ");
}

v1::BudgetReportRow RowOf(Key const& key, Figures const& figures, std::string const& as_of_date, std::string const& source) {
  v1::BudgetReportRow row;
  row.set_focus_area(key.focus_area);
  row.set_cost_kind(key.cost_kind);
  row.set_source(key.source);
  row.set_department(key.department);
  row.set_year(key.year);
  *row.mutable_budget() = ToMoney(figures.budget);
  if (as_of_date.empty()) *row.mutable_reserved() = ToMoney(figures.reserved);
  *row.mutable_spent() = ToMoney(figures.spent);
  *row.mutable_remaining() = ToMoney(figures.budget - figures.spent);
  row.set_postings_filter(PostingsFilter("spends = true", key, as_of_date, source));
  if (as_of_date.empty()) row.set_reserved_postings_filter(PostingsFilter(kReserves, key, "", source));
  return row;
}

// Splits what a source has over its departments; the parts of each figure sum to it.
absl::Status AddParts(std::string const& source, Figures const& figures, std::vector<Weight> const& weights, bool by_source,
                      Rows& rows) {
  ASSIGN_OR_RETURN(auto const budget, Apportion(figures.budget, weights));
  ASSIGN_OR_RETURN(auto const reserved, Apportion(figures.reserved, weights));
  ASSIGN_OR_RETURN(auto const spent, Apportion(figures.spent, weights));
  for (std::size_t i = 0; i < budget.parts.size(); ++i) {
    rows[{"", "", by_source ? source : "", budget.parts[i].key, 0}].Add(
        {budget.parts[i].amount, reserved.parts[i].amount, spent.parts[i].amount});
  }
  return absl::OkStatus();
}

absl::StatusOr<Rows> ByDepartment(ReportInput const& input, bool by_source) {
  std::map<std::string, Figures> by_payer;
  for (auto const& line : input.lines) by_payer[line.source()].Add(FiguresOf(line));
  Rows rows;
  for (auto const& [source, figures] : by_payer) {
    auto const found = input.departments.find(source);
    if (found == input.departments.end()) {
      rows[{"", "", by_source ? source : "", "-", 0}].Add(figures);
    } else {
      RETURN_IF_ERROR(AddParts(source, figures, found->second, by_source, rows));
    }
  }
  return rows;
}

Rows ByCell(ReportInput const& input, std::set<v1::ReportDimension> const& dimensions) {
  Rows rows;
  for (auto const& line : input.lines) {
    Key key;
    if (dimensions.contains(v1::REPORT_DIMENSION_FOCUS_AREA)) key.focus_area = line.focus_area();
    if (dimensions.contains(v1::REPORT_DIMENSION_COST_KIND)) key.cost_kind = line.cost_kind();
    if (dimensions.contains(v1::REPORT_DIMENSION_SOURCE)) key.source = line.source();
    if (dimensions.contains(v1::REPORT_DIMENSION_YEAR)) key.year = line.year();
    rows[key].Add(FiguresOf(line));
  }
  return rows;
}

}  // namespace

absl::StatusOr<v1::BudgetReport> MakeBudgetReport(ReportInput const& input, std::set<v1::ReportDimension> const& dimensions) {
  bool const by_department = dimensions.contains(v1::REPORT_DIMENSION_DEPARTMENT);
  bool const by_source = dimensions.contains(v1::REPORT_DIMENSION_SOURCE);
  if (by_department && dimensions.size() > (by_source ? 2U : 1U)) {
    return BadRequest({{"group_by", "a department goes alone or together with the source"}});
  }
  Rows rows;
  if (by_department) {
    ASSIGN_OR_RETURN(rows, ByDepartment(input, by_source));
  } else {
    rows = ByCell(input, dimensions);
  }
  v1::BudgetReport report;
  Figures total;
  for (auto const& [key, figures] : rows) {
    *report.add_rows() = RowOf(key, figures, input.as_of_date, key.source);
    total.Add(figures);
  }
  *report.mutable_total() = RowOf({}, total, input.as_of_date, "");
  return report;
}

}  // namespace helhed::funding
