#include "services/funding/domain/report_text.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "services/funding/domain/money.h"
#include "services/platform/base/civil.h"

namespace helhed::funding {
namespace {

std::string Quoted(std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(field);
  std::string text = "\"";
  for (char const c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\"";
}

std::string CsvRow(v1::BudgetReportRow const& row) {
  return absl::StrCat(Quoted(row.focus_area()), ",", Quoted(row.cost_kind()), ",", Quoted(row.source()), ",",
                      Quoted(row.department()), ",", row.year() == 0 ? "" : absl::StrCat(row.year()), ",",
                      ToKroner(row.budget().minor_units()), ",", row.has_reserved() ? ToKroner(row.reserved().minor_units()) : "",
                      ",", ToKroner(row.spent().minor_units()), ",", ToKroner(row.remaining().minor_units()), "\r\n");
}

// A text that stays within its place: one line, no comment sign and no comma, which ends a tag.
std::string Plain(std::string_view text) {
  std::string plain(text);
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c == '\n' || c == '\r' || c == ';' || c == ',' || c == '|'; }, ' ');
  return plain;
}

std::string Without(std::string_view prefix, std::string const& name) { return name.substr(prefix.size()); }

std::string KindText(v1::EntryKind kind) {
  std::string text = v1::EntryKind_Name(kind).substr(std::string_view("ENTRY_KIND_").size());
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Tag(std::string_view name, std::string_view value) {
  return value.empty() ? "" : absl::StrCat("    ; ", Av(name), ": ", Plain(value), "\n");
}

}  // namespace

std::string ReportCsv(v1::BudgetReport const& report) {
  std::string text = "focus_area,cost_kind,source,department,year,budget,reserved,spent,remaining\r\n";
  for (auto const& row : report.rows()) text += CsvRow(row);
  v1::BudgetReportRow total = report.total();
  total.set_focus_area("total");
  return text + CsvRow(total);
}

std::string CofundingCsv(v1::CofundingReport const& report) {
  std::string text =
      "extension,source,kind,contribution,amount,local,basis,least_basis_points,share_basis_points,met,missing\r\n";
  for (auto const& part : report.parts()) {
    for (auto const& line : part.lines()) {
      Ore const amount = line.amount().minor_units();
      absl::StrAppend(&text, Quoted(part.extension()), ",", Quoted(line.source()), ",",
                      Without("SOURCE_KIND_", v1::SourceKind_Name(line.kind())), ",",
                      Without("CONTRIBUTION_", v1::Contribution_Name(line.contribution())), ",", ToKroner(amount), ",",
                      ToKroner(line.counts() ? amount : 0), ",", line.basis(), ",,,,\r\n");
    }
    absl::StrAppend(&text, Quoted(part.extension()), ",total,,,", ToKroner(part.total().minor_units()), ",",
                    ToKroner(part.local().minor_units()), ",,", part.least_basis_points(), ",", part.share_basis_points(), ",",
                    part.met() ? "true" : "false", ",", ToKroner(part.missing().minor_units()), "\r\n");
  }
  return text;
}

std::string OpenItemsCsv(v1::OpenItems const& items) {
  std::string text = "kind,resource,amount,due_date,overdue,waits_for\r\n";
  for (auto const& item : items.items()) {
    auto const due = ToCivil(item.due_date());
    absl::StrAppend(&text, Without("OPEN_ITEM_KIND_", v1::OpenItemKind_Name(item.kind())), ",", Quoted(item.resource()), ",",
                    ToKroner(item.amount().minor_units()), ",", due ? ToIsoDate(*due) : "", ",",
                    item.overdue() ? "true" : "false", ",", Quoted(item.waits_for()), "\r\n");
  }
  return text;
}

std::string PlainAccount(v1::AccountKind kind, std::string_view source_id, v1::Posting const* line) {
  switch (kind) {
    case v1::ACCOUNT_KIND_GRANTED:
      return absl::StrCat("income:granted:", Av(source_id));
    case v1::ACCOUNT_KIND_APPROVED:
      return absl::StrCat("assets:approved:", Av(source_id));
    case v1::ACCOUNT_KIND_RELEASED:
      return absl::StrCat("assets:released:", Av(source_id));
    case v1::ACCOUNT_KIND_RESERVED:
      return absl::StrCat("assets:reserved:", Av(source_id));
    default:
      return absl::StrCat("expenses:", line->focus_area(), ":", line->cost_kind(), ":", Av(source_id), ":", line->year());
  }
}

std::string JournalHead(std::string_view plan, std::span<std::string const> accounts) {
  std::string text = absl::StrCat("; The journal of ", Av(plan), ". Entries stand in the order in which they were booked.\n\n",
                                  "commodity 1000.00 ", Av(kCurrency), "\n\n");
  for (auto const& account : accounts) absl::StrAppend(&text, "account ", account, "\n");
  return text + "\n";
}

std::string JournalText(std::span<v1::JournalEntry const> entries, std::map<std::string, std::string> const& accounts) {
  std::string text;
  for (auto const& entry : entries) {
    absl::StrAppend(&text, ToIsoDate(ToCivil(entry.entry_date()).value_or(absl::CivilDay::min())), " * (", entry.sequence(), ") ",
                    KindText(entry.kind()), " of ", entry.cause(), "\n");
    text += Tag("voucher", entry.voucher().reference()) + Tag("made-by", entry.made_by()) +
            Tag("approved-by", entry.approved_by()) + Tag("reverses", entry.reverses()) + Tag("reason", entry.reason()) +
            Tag("hash", entry.hash());
    for (auto const& posting : entry.postings()) {
      Ore const amount = posting.amount().minor_units();
      absl::StrAppend(&text, "    ", accounts.at(posting.debit_account()), "  ", ToKroner(amount), " ", Av(kCurrency), "\n");
      absl::StrAppend(&text, "    ", accounts.at(posting.credit_account()), "  ", ToKroner(-amount), " ", Av(kCurrency), "\n");
    }
    text += "\n";
  }
  return text;
}

}  // namespace helhed::funding
