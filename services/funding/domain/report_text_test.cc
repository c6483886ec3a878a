#include "services/funding/domain/report_text.h"

#include <gtest/gtest.h>

#include "services/funding/domain/money.h"

namespace helhed::funding {
namespace {

TEST(ReportCsv, HasAHeaderAndOneLineForEachRow) {
  v1::BudgetReport report;
  auto& row = *report.add_rows();
  row.set_focus_area("a,\"b\"");
  row.set_year(2022);
  *row.mutable_budget() = ToMoney(100);
  *row.mutable_spent() = ToMoney(-5);
  *row.mutable_remaining() = ToMoney(105);
  *report.mutable_total()->mutable_budget() = ToMoney(100);
  EXPECT_EQ(ReportCsv(report),
            "focus_area,cost_kind,source,department,year,budget,reserved,spent,remaining\r\n"
            "\"a,\"\"b\"\"\",,,,2022,1.00,,-0.05,1.05\r\n"
            "total,,,,,1.00,,0.00,0.00\r\n");
}

TEST(CofundingCsv, HasARowForEachSourceAndATotalForEachPart) {
  v1::CofundingReport report;
  auto& part = *report.add_parts();
  part.set_extension("e1");
  auto& line = *part.add_lines();
  line.set_source("plans/a/sources/kk");
  line.set_kind(v1::SOURCE_KIND_MUNICIPALITY);
  line.set_contribution(v1::CONTRIBUTION_CASH);
  *line.mutable_amount() = ToMoney(2499);
  line.set_counts(true);
  line.set_basis("regulation");
  *part.mutable_total() = ToMoney(10000);
  *part.mutable_local() = ToMoney(2499);
  part.set_least_basis_points(2500);
  part.set_share_basis_points(2499);
  *part.mutable_missing() = ToMoney(1);
  EXPECT_EQ(CofundingCsv(report),
            "extension,source,kind,contribution,amount,local,basis,least_basis_points,share_basis_points,met,missing\r\n"
            "e1,plans/a/sources/kk,MUNICIPALITY,CASH,24.99,24.99,regulation,,,,\r\n"
            "e1,total,,,100.00,24.99,,2500,2499,false,0.01\r\n");
}

TEST(OpenItemsCsv, HasARowForEachItem) {
  v1::OpenItems items;
  auto& item = *items.add_items();
  item.set_kind(v1::OPEN_ITEM_KIND_RELEASE_TO_APPROVE);
  item.set_resource("plans/a/sources/kk/releases/r");
  *item.mutable_amount() = ToMoney(100);
  item.mutable_due_date()->set_year(2022);
  item.mutable_due_date()->set_month(3);
  item.mutable_due_date()->set_day(4);
  item.set_overdue(true);
  item.set_waits_for("anyone but \"anna\"");
  EXPECT_EQ(OpenItemsCsv(items),
            "kind,resource,amount,due_date,overdue,waits_for\r\n"
            "RELEASE_TO_APPROVE,plans/a/sources/kk/releases/r,1.00,2022-03-04,true,\"anyone but \"\"anna\"\"\"\r\n");
}

// A text within an entry can add no line, posting or tag of its own.
TEST(JournalText, KeepsTextsInTheirPlace) {
  v1::JournalEntry entry;
  entry.set_sequence(1);
  entry.set_kind(v1::ENTRY_KIND_RELEASE);
  entry.mutable_entry_date()->set_year(2022);
  entry.mutable_entry_date()->set_month(3);
  entry.mutable_entry_date()->set_day(4);
  entry.set_cause("plans/a/sources/lbf");
  entry.mutable_voucher()->set_reference("x\n    assets:stolen  1.00 DKK\n; a:b, c:d");
  auto& posting = *entry.add_postings();
  posting.set_debit_account("d");
  posting.set_credit_account("c");
  *posting.mutable_amount() = ToMoney(12345);
  EXPECT_EQ(JournalText(std::span(&entry, 1), {{"d", "assets:released:lbf"}, {"c", "assets:approved:lbf"}}),
            "2022-03-04 * (1) release of plans/a/sources/lbf\n"
            "    ; voucher: x     assets:stolen  1.00 DKK   a:b  c:d\n"
            "    assets:released:lbf  123.45 DKK\n"
            "    assets:approved:lbf  -123.45 DKK\n\n");
}

}  // namespace
}  // namespace helhed::funding
