#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>

#include "services/funding/domain/budget_report.h"
#include "services/funding/domain/cofunding.h"
#include "services/funding/domain/report_text.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/report_service.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

// The budget of a day is the last version that was made by its end.
Statement const kBudgetOfDay(
    "funding.budget_of_day",
    "SELECT v.budget_line, v.amount_minor_units FROM budget_version_lines v WHERE v.plan = $1 AND v.budget = "
    "(SELECT b.budget FROM budgets b WHERE b.plan = $1 AND b.create_time < $2 ORDER BY b.budget DESC LIMIT 1)");
// From the days of the accounts, not from postings.
Statement const kSpentUntil("funding.spent_until_day",
                            "SELECT a.budget_line, CAST(sum(d.debits_minor_units - d.credits_minor_units) AS BIGINT) AS spent "
                            "FROM accounts a JOIN account_days d ON d.plan = a.plan AND d.account = a.account "
                            "WHERE a.plan = $1 AND a.kind = 5 AND d.day <= $2 GROUP BY a.budget_line");

absl::StatusOr<std::map<std::string, Ore>> ByLine(absl::StatusOr<storage::Rows> const& rows, std::string_view plan) {
  if (!rows.ok()) return rows.status();
  std::map<std::string, Ore> amounts;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    amounts[absl::StrCat(Av(plan), "/budgetLines/", rows->Text(i, 0))] = rows->Int64(i, 1);
  }
  return amounts;
}

// Sets the lines back to what they were at the end of the day.
absl::Status SetBack(ReadTransaction& tx, std::string_view plan, absl::CivilDay day, std::vector<v1::BudgetLine>& lines) {
  std::int64_t const midnight = absl::ToUnixMicros(absl::FromCivil(day + 1, Copenhagen()));
  std::string const until = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const budget, ByLine(tx.Query(kBudgetOfDay, {PlanIdOf(plan), midnight}), plan));
  ASSIGN_OR_RETURN(auto const spent, ByLine(tx.Query(kSpentUntil, {PlanIdOf(plan), std::string_view(until)}), plan));
  auto const at = [](std::map<std::string, Ore> const& amounts, std::string const& name) {
    auto const found = amounts.find(name);
    return ToMoney(found == amounts.end() ? 0 : found->second);
  };
  for (auto& line : lines) {
    *line.mutable_amount() = at(budget, line.name());
    *line.mutable_spent() = at(spent, line.name());
    line.clear_reserved();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::vector<Weight>>> Bearers(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto weights, NewestWeights(tx, plan));
  ASSIGN_OR_RETURN(auto const sources, LoadSources(tx, plan));
  for (auto const& source : sources) {
    if (source.kind() != v1::SOURCE_KIND_DEPARTMENT || source.contributor().empty()) continue;
    weights[source.name()] = {{source.contributor(), 1}};
  }
  return weights;
}

}  // namespace

void ReportService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.ReportService", method, this, handler);
  };
  on("GetBudgetReport", &ReportService::GetBudgetReport);
  on("GetCofundingReport", &ReportService::GetCofundingReport);
  on("GetOpenItems", &ReportService::GetOpenItems);
  on("ExportJournal", &ReportService::ExportJournal);
}

absl::StatusOr<v1::BudgetReport> ReportService::GetBudgetReport(CallContext const& call,
                                                                v1::GetBudgetReportRequest const& request) {
  std::set<v1::ReportDimension> dimensions;
  for (int const dimension : request.group_by()) dimensions.insert(static_cast<v1::ReportDimension>(dimension));
  std::optional<absl::CivilDay> day;
  if (request.has_as_of_date()) {
    ASSIGN_OR_RETURN(day, ReadDate(request.as_of_date(), "as_of_date"));
  }
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::BudgetReport> {
    RETURN_IF_ERROR(RequirePlan(tx, request.parent()));
    ReportInput input;
    ASSIGN_OR_RETURN(input.lines, LoadBudgetLines(tx, request.parent()));
    if (dimensions.contains(v1::REPORT_DIMENSION_DEPARTMENT)) {
      ASSIGN_OR_RETURN(input.departments, Bearers(tx, request.parent()));
    }
    if (day) {
      input.as_of_date = ToIsoDate(*day);
      RETURN_IF_ERROR(SetBack(tx, request.parent(), *day, input.lines));
    }
    ASSIGN_OR_RETURN(auto report, MakeBudgetReport(input, dimensions));
    if (day) *report.mutable_as_of_date() = ToProtoDate(*day);
    if (request.with_csv()) report.set_csv(ReportCsv(report));
    return report;
  });
}

absl::StatusOr<v1::CofundingReport> ReportService::GetCofundingReport(CallContext const& call,
                                                                      v1::GetCofundingReportRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::CofundingReport> {
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const regulation, LoadRegulation(tx, plan.regulation()));
    ASSIGN_OR_RETURN(auto const sources, LoadSources(tx, request.parent()));
    v1::CofundingReport report;
    report.set_regulation(regulation.name());
    std::set<std::string> extensions = {""};
    for (auto const& source : sources) extensions.insert(source.extension());
    for (auto const& extension : extensions) {
      ASSIGN_OR_RETURN(*report.add_parts(), ProveCofunding(SourcesOf(sources, extension), regulation.local_cofunding()));
      report.mutable_parts()->rbegin()->set_extension(extension);
    }
    if (request.with_csv()) report.set_csv(CofundingCsv(report));
    return report;
  });
}

}  // namespace helhed::funding
