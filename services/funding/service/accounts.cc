#include <absl/strings/str_cat.h>

#include "services/funding/service/ledger_service.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/requests.h"

// Balances, now and as of any time, without reading postings one by one.
namespace helhed::funding {
namespace {

using storage::Statement;

Statement const kUntilDay("funding.account_until_day",
                          "SELECT CAST(coalesce(sum(debits_minor_units), 0) AS BIGINT) AS debits, "
                          "CAST(coalesce(sum(credits_minor_units), 0) AS BIGINT) AS credits FROM account_days "
                          "WHERE plan = $1 AND account = $2 AND day <= $3");
Statement const kLastDebit("funding.last_debit_until",
                           "SELECT book_time, entry, posting, debit_balance_minor_units FROM postings "
                           "WHERE plan = $1 AND debit_account = $2 AND book_time <= $3 "
                           "ORDER BY book_time DESC, entry DESC, posting DESC LIMIT 1");
Statement const kLastCredit("funding.last_credit_until",
                            "SELECT book_time, entry, posting, credit_balance_minor_units FROM postings "
                            "WHERE plan = $1 AND credit_account = $2 AND book_time <= $3 "
                            "ORDER BY book_time DESC, entry DESC, posting DESC LIMIT 1");

void SetBalance(v1::Account& account) {
  CompleteMoney(account);
  *account.mutable_balance() = ToMoney(account.debits().minor_units() - account.credits().minor_units());
}

// The balance after the later of the last debit and the last credit.
absl::StatusOr<Ore> KnownBalance(ReadTransaction& tx, std::string_view name, std::int64_t micros) {
  Ore balance = 0;
  std::string latest;
  for (auto const* const statement : {&kLastDebit, &kLastCredit}) {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(*statement, {PlanIdOf(name), contract::LastPart(name), micros}));
    if (rows.empty()) continue;
    // Entries are booked in the order of their numbers.
    std::string const place = absl::StrCat(rows.Text(0, 1), "/", rows.Text(0, 2));
    if (place <= latest) continue;
    latest = place;
    balance = rows.Int64(0, 3);
  }
  return balance;
}

}  // namespace

absl::StatusOr<v1::Account> LedgerService::GetAccount(CallContext const& call, v1::GetAccountRequest const& request) {
  if (request.has_as_of_date() && request.has_known_time()) {
    return BadRequest({{"known_time", "must not be given together with as_of_date"}});
  }
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Account> {
    ASSIGN_OR_RETURN(auto account, tx.Get<v1::Account>(request.name()));
    if (request.has_as_of_date()) {
      ASSIGN_OR_RETURN(auto const day, ReadDate(request.as_of_date(), "as_of_date"));
      std::string const until = ToIsoDate(day);
      ASSIGN_OR_RETURN(auto const rows, tx.Query(kUntilDay, {PlanIdOf(request.name()), contract::LastPart(request.name()),
                                                             std::string_view(until)}));
      *account.mutable_debits() = ToMoney(rows.Int64(0, 0));
      *account.mutable_credits() = ToMoney(rows.Int64(0, 1));
    }
    SetBalance(account);
    if (request.has_known_time()) {
      auto const& time = request.known_time();
      ASSIGN_OR_RETURN(Ore const balance, KnownBalance(tx, request.name(), time.seconds() * 1'000'000 + time.nanos() / 1000));
      account.clear_debits();
      account.clear_credits();
      *account.mutable_balance() = ToMoney(balance);
    }
    return account;
  });
}

absl::StatusOr<v1::ListAccountsResponse> LedgerService::ListAccounts(CallContext const& call,
                                                                     v1::ListAccountsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListAccountsResponse> {
    ASSIGN_OR_RETURN(auto response, ListOfPlan<v1::ListAccountsResponse>(tx, request, "accounts", "a"));
    for (auto& account : *response.mutable_accounts()) SetBalance(account);
    return response;
  });
}

}  // namespace helhed::funding
