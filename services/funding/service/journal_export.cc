#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "helhed/common/v1/errors.pb.h"
#include "services/funding/domain/report_text.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/report_service.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

constexpr std::int64_t kEntriesDefault = 5000;

storage::Statement const kNamedAccounts(
    "funding.named_accounts",
    "SELECT a.kind, a.source, l.focus_area, l.cost_kind, l.year FROM accounts a "
    "LEFT JOIN budget_lines l ON l.plan = a.plan AND l.budget_line = a.budget_line WHERE a.plan = $1 ORDER BY a.account");

absl::StatusOr<std::vector<std::string>> NamedAccounts(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kNamedAccounts, {PlanIdOf(plan)}));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    v1::Posting line;
    if (!rows.IsNull(i, 2)) {
      line.set_focus_area(rows.Text(i, 2));
      line.set_cost_kind(rows.Text(i, 3));
      line.set_year(static_cast<std::int32_t>(rows.Int64(i, 4)));
    }
    names.push_back(PlainAccount(static_cast<v1::AccountKind>(rows.Int64(i, 0)), rows.Text(i, 1), &line));
  }
  return names;
}

v1::AccountKind KindOf(std::string_view account_id) {
  for (auto const kind :
       {v1::ACCOUNT_KIND_GRANTED, v1::ACCOUNT_KIND_APPROVED, v1::ACCOUNT_KIND_RELEASED, v1::ACCOUNT_KIND_RESERVED}) {
    if (account_id.starts_with(AccountId(kind, ""))) return kind;
  }
  return v1::ACCOUNT_KIND_SPENT;
}

// How the accounts of these entries are called in the text.
std::map<std::string, std::string> TextNames(std::span<v1::JournalEntry const> entries) {
  std::map<std::string, std::string> names;
  for (auto const& entry : entries) {
    for (auto const& posting : entry.postings()) {
      for (auto const* const account : {&posting.debit_account(), &posting.credit_account()}) {
        names.try_emplace(*account,
                          PlainAccount(KindOf(contract::LastPart(*account)), contract::LastPart(posting.source()), &posting));
      }
    }
  }
  return names;
}

absl::StatusOr<std::int64_t> FirstOf(storage::TokenSealer const& sealer, v1::ExportJournalRequest const& request) {
  if (request.page_token().empty()) return 1;
  auto const opened = sealer.Open(Sv(absl::StrCat("journal|", request.parent())), request.page_token());
  std::int64_t first = 0;
  if (opened && absl::SimpleAtoi(*opened, &first)) return first;
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_PAGE_TOKEN_INVALID,
               "The page token is of another journal, or altered.");
}

}  // namespace

absl::StatusOr<v1::ExportJournalResponse> ReportService::ExportJournal(CallContext const& call,
                                                                       v1::ExportJournalRequest const& request) {
  auto const& sealer = *store_.parts().sealer;
  ASSIGN_OR_RETURN(std::int64_t const first, FirstOf(sealer, request));
  std::int64_t const size = request.page_size() == 0 ? kEntriesDefault : request.page_size();
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ExportJournalResponse> {
    RETURN_IF_ERROR(RequirePlan(tx, request.parent()));
    v1::ExportJournalResponse response;
    if (first == 1) {
      ASSIGN_OR_RETURN(auto const accounts, NamedAccounts(tx, request.parent()));
      response.set_text(JournalHead(request.parent(), accounts));
    }
    // One more than asked for says whether there is another page.
    ASSIGN_OR_RETURN(auto entries, LoadEntries(tx, request.parent(), first, size + 1));
    if (static_cast<std::int64_t>(entries.size()) > size) {
      entries.pop_back();
      response.set_next_page_token(sealer.Seal(Sv(absl::StrCat("journal|", request.parent())), Sv(absl::StrCat(first + size))));
    }
    response.mutable_text()->append(JournalText(entries, TextNames(entries)));
    return response;
  });
}

}  // namespace helhed::funding
