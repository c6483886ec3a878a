#include "services/funding/money.h"

#include "helhed_migrations/funding_money.h"
#include "services/funding/service/books_gate.h"
#include "services/funding/service/budget_service.h"
#include "services/funding/service/ledger_service.h"
#include "services/funding/service/report_service.h"
#include "services/funding/service/source_service.h"

namespace helhed::funding {
namespace {

struct Handlers {
  explicit Handlers(Store& store) : sources(store), budgets(store), ledger(store), reports(store) {}
  SourceService sources;
  BudgetService budgets;
  LedgerService ledger;
  ReportService reports;
};

}  // namespace

void AddMoney(server::Definition& definition) {
  for (auto const* service : {"SourceService", "BudgetService", "LedgerService", "ReportService"}) {
    definition.services.push_back(std::string("helhed.funding.v1.") + service);
  }
  for (auto const& migration : migrations::FundingMoneyMigrations()) definition.migrations.push_back(migration);
  for (auto const& resource : std::initializer_list<storage::Table::Options>{
           {v1::Source::descriptor(), "sources", {}},
           {v1::Release::descriptor(), "releases", {}},
           {v1::Apportionment::descriptor(), "apportionments", {}},
           {v1::BudgetLine::descriptor(), "budget_lines", {}},
           {v1::Budget::descriptor(), "budgets", {}},
           {v1::Reallocation::descriptor(), "reallocations", {}},
           {v1::AccountingPeriod::descriptor(), "periods", {}},
           {v1::Account::descriptor(), "accounts", {}},
           {v1::JournalEntry::descriptor(), "journal_entries", {}},
           {v1::Posting::descriptor(), "postings", {}},
           {v1::Disbursement::descriptor(), "disbursements", {}},
           {v1::ExpenseWindow::descriptor(), "expense_windows", {}},
       }) {
    definition.resources.push_back(resource);
  }
}

std::shared_ptr<void> RegisterMoney(server::Environment const& environment, Router& router) {
  auto handlers = std::make_shared<Handlers>(environment.store);
  handlers->sources.Register(router);
  handlers->budgets.Register(router);
  handlers->ledger.Register(router);
  handlers->reports.Register(router);
  return handlers;
}

std::shared_ptr<MoneyGate const> OwnBooks() { return std::make_shared<BooksGate>(); }

}  // namespace helhed::funding
