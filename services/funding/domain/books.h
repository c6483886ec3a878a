#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/ledger.pb.h"
#include "services/funding/domain/money.h"

// The books of a plan: double entry, append-only, chained (M4, M5).
//
// A posting is an amount that goes from one account to another, so an entry cannot be out of balance. Every account but GRANTED
// is worth what it holds and is never below zero: nothing can be released that is not approved, and nothing paid that is not
// released. What the accounts mean:
//
//   granted.<source>   the other side of everything: what was approved in all, as a credit
//   approved.<source>  approved, not released        <- approval, reversal of a release        -> release, lapse
//   released.<source>  released, free to use         <- release, void                          -> reservation, repayment
//   reserved.<source>  reserved for disbursements    <- reservation                            -> disbursement, void
//   spent.<line>       spent on a line of the budget <- disbursement                           -> reversal
namespace helhed::funding {

// The last part of an account's name: `released.lbf`. `owner` is the last part of a source's or a budget line's name.
std::string AccountId(v1::AccountKind kind, std::string_view owner);

// What stands on an account.
struct Balance {
  v1::AccountKind kind = v1::ACCOUNT_KIND_UNSPECIFIED;
  std::string source;       // name
  std::string budget_line;  // name; empty for accounts of a source
  Ore debits = 0;
  Ore credits = 0;
  Ore balance() const { return debits - credits; }
};

// The line of the budget that a posting is for; empty where there is none.
struct PostedLine {
  std::string name;
  std::string focus_area;
  std::string cost_kind;
  int year = 0;
};

// An amount on its way. Accounts by their last part.
struct Move {
  std::string debit;
  std::string credit;
  Ore amount = 0;
  std::string source;  // name
  PostedLine line;
};

// An entry on its way.
struct Draft {
  v1::EntryKind kind = v1::ENTRY_KIND_UNSPECIFIED;
  absl::CivilDay date;
  std::string source;  // name
  std::string cause;   // name
  v1::Voucher voucher;
  std::string made_by;
  std::string approved_by;
  std::string reverses;  // name
  std::string reason;
  std::vector<Move> moves;
};

// Where the journal of a plan stands.
struct Head {
  std::int64_t sequence = 0;
  std::string hash = std::string(64, '0');
  std::int64_t book_time_micros = 0;
};

// What one day adds to an account.
struct DayTotals {
  Ore debits = 0;
  Ore credits = 0;
};

// The accounts that an act touches as they are, and the journal from its head on. Drafts are booked one after the other; what
// comes of it is taken out at the end and saved. Nothing is saved of an act that fails.
class Books {
 public:
  // `now_micros` is the time of the call; entries are never booked before the one before them, whatever the clock says.
  Books(std::string plan, Head head, std::int64_t now_micros);

  // Makes an account known with what stands on it.
  void Open(std::string const& account, Balance balance);
  bool Knows(std::string const& account) const { return accounts_.contains(account); }
  Balance const& At(std::string const& account) const { return accounts_.at(account); }

  // Books a draft and returns the entry with its postings. All its accounts must be open. Errors: FAILED_PRECONDITION
  // BEYOND_APPROVED or BEYOND_RELEASED with the source, the amount and what is available; OUT_OF_RANGE AMOUNT_OVERFLOW; INTERNAL
  // for an amount that is not positive, an account that gives to itself, or that is not open: faults of the caller.
  absl::StatusOr<v1::JournalEntry const*> Book(Draft const& draft);

  Head const& head() const { return head_; }
  std::vector<v1::JournalEntry> const& entries() const { return entries_; }
  // The accounts that changed.
  std::map<std::string, Balance> Changed() const;
  // By account and day.
  std::map<std::pair<std::string, absl::CivilDay>, DayTotals> const& days() const { return days_; }

 private:
  absl::Status Apply(Move const& move, absl::CivilDay date);
  void AddPosting(Draft const& draft, Move const& move, v1::JournalEntry& entry) const;

  std::string plan_;
  Head head_;
  std::int64_t now_micros_;
  std::map<std::string, Balance> accounts_;
  std::map<std::string, bool> changed_;
  std::map<std::pair<std::string, absl::CivilDay>, DayTotals> days_;
  std::vector<v1::JournalEntry> entries_;
};

// The hash of an entry with its postings, over `previous_hash` and everything that was booked. What is computed later (names of
// reversals, etags) is not part of it.
std::string HashOf(v1::JournalEntry const& entry);

// The name of an entry: its sequence in twelve digits, so that names sort as the journal does.
std::string EntryName(std::string_view plan, std::int64_t sequence);
// The period of a day: `plans/{plan}/periods/2022-03`.
std::string PeriodName(std::string_view plan, absl::CivilDay day);
// The name of an account.
std::string AccountName(std::string_view plan, std::string_view account);

// Follows the journal entry by entry. Balances are those before the first.
class Verification {
 public:
  Verification(std::int64_t sequence, std::string hash, std::map<std::string, Ore> balances)
      : sequence_(sequence), hash_(std::move(hash)), balances_(std::move(balances)) {}
  // Empty when the entry is what was booked; otherwise what is wrong with it.
  std::string Next(v1::JournalEntry const& entry);
  std::string const& hash() const { return hash_; }

 private:
  std::int64_t sequence_;  // of the entry before
  std::string hash_;
  std::map<std::string, Ore> balances_;  // by account name
};

}  // namespace helhed::funding
