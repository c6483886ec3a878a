#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "helhed/funding/v1/ledger.pb.h"
#include "helhed/funding/v1/report_service.pb.h"

// Reports as text that other programs read.
namespace helhed::funding {

// The rows and the total of a report as CSV after RFC 4180: a header, lines that end with CR LF, amounts in kroner.
std::string ReportCsv(v1::BudgetReport const& report);

// A row for each source and one for the total of each part.
std::string CofundingCsv(v1::CofundingReport const& report);
// A row for each item.
std::string OpenItemsCsv(v1::OpenItems const& items);

// What an account is called in plain-text accounting: `assets:released:lbf`, `expenses:beskaeftigelse:wages:lbf:2022`. `line` is
// the line of the budget for accounts of kind SPENT.
std::string PlainAccount(v1::AccountKind kind, std::string_view source_id, v1::Posting const* line);

// Declares the commodity and the accounts, so that `hledger check --strict` finds what is misspelt.
std::string JournalHead(std::string_view plan, std::span<std::string const> accounts);
// The entries, with their postings, as hledger reads them (hledger.org/hledger.html#journal). `accounts` maps account names of
// the contract to those of the text. A text of the entry can add no line and no tag of its own.
std::string JournalText(std::span<v1::JournalEntry const> entries, std::map<std::string, std::string> const& accounts);

}  // namespace helhed::funding
