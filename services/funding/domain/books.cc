#include "services/funding/domain/books.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/hash.h"

namespace helhed::funding {
namespace {

std::string_view PrefixOf(v1::AccountKind kind) {
  switch (kind) {
    case v1::ACCOUNT_KIND_GRANTED:
      return "granted.";
    case v1::ACCOUNT_KIND_APPROVED:
      return "approved.";
    case v1::ACCOUNT_KIND_RELEASED:
      return "released.";
    case v1::ACCOUNT_KIND_RESERVED:
      return "reserved.";
    default:
      return "spent.";
  }
}

absl::Status Beyond(v1::ErrorReason reason, Balance const& account, Ore amount, std::string_view what) {
  return Error(
      absl::StatusCode::kFailedPrecondition, reason,
      absl::StrCat(account.source, " has ", ToKroner(account.balance()), " kr. ", Av(what), ", not ", ToKroner(amount), "."),
      {{"source", account.source},
       {"amount", absl::StrCat(amount)},
       {"available", absl::StrCat(account.balance())},
       {"missing", absl::StrCat(amount - account.balance())}});
}

// Why an account cannot give an amount; OK when it can.
absl::Status CheckGiving(Balance const& account, Ore amount) {
  if (account.kind == v1::ACCOUNT_KIND_GRANTED || account.balance() >= amount) return absl::OkStatus();
  if (account.kind == v1::ACCOUNT_KIND_APPROVED) {
    return Beyond(v1::ERROR_REASON_BEYOND_APPROVED, account, amount, "approved and not released");
  }
  return Beyond(v1::ERROR_REASON_BEYOND_RELEASED, account, amount, "released and free to use");
}

// A text with its length before it, so that no two lists of texts look the same when put together.
void AddTo(std::string& text, std::string_view part) { absl::StrAppend(&text, part.size(), ":", Av(part), "\n"); }
void AddTo(std::string& text, std::int64_t number) { AddTo(text, Sv(absl::StrCat(number))); }

std::string IsoOf(google::type::Date const& date) { return ToIsoDate(ToCivil(date).value_or(absl::CivilDay::min())); }

std::int64_t MicrosOf(google::protobuf::Timestamp const& time) { return time.seconds() * 1'000'000 + time.nanos() / 1000; }

void SetMicros(google::protobuf::Timestamp& time, std::int64_t micros) {
  time.set_seconds(micros / 1'000'000);
  time.set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
}

}  // namespace

std::string AccountId(v1::AccountKind kind, std::string_view owner) { return absl::StrCat(Av(PrefixOf(kind)), Av(owner)); }

std::string EntryName(std::string_view plan, std::int64_t sequence) {
  return absl::StrCat(Av(plan), "/entries/", absl::StrFormat("%012d", sequence));
}

std::string PeriodName(std::string_view plan, absl::CivilDay day) {
  return absl::StrCat(Av(plan), "/periods/", absl::StrFormat("%04d-%02d", day.year(), day.month()));
}

std::string AccountName(std::string_view plan, std::string_view account) {
  return absl::StrCat(Av(plan), "/accounts/", Av(account));
}

Books::Books(std::string plan, Head head, std::int64_t now_micros)
    : plan_(std::move(plan)), head_(std::move(head)), now_micros_(std::max(now_micros, head_.book_time_micros)) {}

void Books::Open(std::string const& account, Balance balance) { accounts_.emplace(account, std::move(balance)); }

absl::Status Books::Apply(Move const& move, absl::CivilDay date) {
  auto const debit = accounts_.find(move.debit);
  auto const credit = accounts_.find(move.credit);
  if (debit == accounts_.end() || credit == accounts_.end() || debit == credit || move.amount <= 0) {
    return absl::InternalError("a move between accounts that makes no sense");
  }
  RETURN_IF_ERROR(CheckGiving(credit->second, move.amount));
  ASSIGN_OR_RETURN(debit->second.debits, Add(debit->second.debits, move.amount));
  ASSIGN_OR_RETURN(credit->second.credits, Add(credit->second.credits, move.amount));
  changed_[move.debit] = changed_[move.credit] = true;
  days_[{move.debit, date}].debits += move.amount;
  days_[{move.credit, date}].credits += move.amount;
  return absl::OkStatus();
}

void Books::AddPosting(Draft const& draft, Move const& move, v1::JournalEntry& entry) const {
  auto& posting = *entry.add_postings();
  posting.set_name(absl::StrCat(entry.name(), "/postings/", entry.postings_size()));
  posting.set_debit_account(AccountName(plan_, move.debit));
  posting.set_credit_account(AccountName(plan_, move.credit));
  *posting.mutable_amount() = ToMoney(move.amount);
  posting.set_source(move.source);
  posting.set_budget_line(move.line.name);
  posting.set_focus_area(move.line.focus_area);
  posting.set_cost_kind(move.line.cost_kind);
  posting.set_year(move.line.year);
  posting.set_kind(draft.kind);
  *posting.mutable_entry_date() = ToProtoDate(draft.date);
  posting.set_period(PeriodName(plan_, draft.date));
  *posting.mutable_debit_balance() = ToMoney(accounts_.at(move.debit).balance());
  *posting.mutable_credit_balance() = ToMoney(accounts_.at(move.credit).balance());
  posting.set_spends(accounts_.at(move.debit).kind == v1::ACCOUNT_KIND_SPENT ||
                     accounts_.at(move.credit).kind == v1::ACCOUNT_KIND_SPENT);
  *posting.mutable_book_time() = entry.book_time();
}

absl::StatusOr<v1::JournalEntry const*> Books::Book(Draft const& draft) {
  v1::JournalEntry entry;
  entry.set_sequence(head_.sequence + 1);
  entry.set_name(EntryName(plan_, entry.sequence()));
  entry.set_kind(draft.kind);
  *entry.mutable_entry_date() = ToProtoDate(draft.date);
  entry.set_period(PeriodName(plan_, draft.date));
  entry.set_source(draft.source);
  entry.set_cause(draft.cause);
  *entry.mutable_voucher() = draft.voucher;
  entry.set_made_by(draft.made_by);
  entry.set_approved_by(draft.approved_by);
  entry.set_reverses(draft.reverses);
  entry.set_reason(draft.reason);
  entry.set_previous_hash(head_.hash);
  SetMicros(*entry.mutable_book_time(), now_micros_);
  if (draft.moves.empty()) return absl::InternalError("an entry without postings");
  for (auto const& move : draft.moves) {
    RETURN_IF_ERROR(Apply(move, draft.date));
    AddPosting(draft, move, entry);
  }
  entry.set_hash(HashOf(entry));
  head_ = {entry.sequence(), entry.hash(), now_micros_};
  entries_.push_back(std::move(entry));
  return &entries_.back();
}

std::map<std::string, Balance> Books::Changed() const {
  std::map<std::string, Balance> changed;
  for (auto const& [account, _] : changed_) changed.emplace(account, accounts_.at(account));
  return changed;
}

std::string HashOf(v1::JournalEntry const& entry) {
  std::string text;
  AddTo(text, entry.previous_hash());
  AddTo(text, entry.name());
  AddTo(text, entry.sequence());
  AddTo(text, entry.kind());
  AddTo(text, IsoOf(entry.entry_date()));
  AddTo(text, entry.source());
  AddTo(text, entry.cause());
  AddTo(text, entry.voucher().reference());
  AddTo(text, entry.voucher().sha256());
  AddTo(text, entry.made_by());
  AddTo(text, entry.approved_by());
  AddTo(text, entry.reverses());
  AddTo(text, entry.reason());
  AddTo(text, MicrosOf(entry.book_time()));
  AddTo(text, entry.postings_size());
  for (auto const& posting : entry.postings()) {
    AddTo(text, posting.name());
    AddTo(text, posting.debit_account());
    AddTo(text, posting.credit_account());
    AddTo(text, posting.amount().minor_units());
    AddTo(text, posting.source());
    AddTo(text, posting.budget_line());
    AddTo(text, posting.focus_area());
    AddTo(text, posting.cost_kind());
    AddTo(text, posting.year());
    AddTo(text, posting.debit_balance().minor_units());
    AddTo(text, posting.credit_balance().minor_units());
  }
  return Sha256Hex(text);
}

std::string Verification::Next(v1::JournalEntry const& entry) {
  if (entry.sequence() != sequence_ + 1) return "its number does not follow the entry before";
  if (entry.previous_hash() != hash_) return "it is not chained to the entry before";
  if (entry.hash() != HashOf(entry)) return "it does not say what it said when it was booked";
  if (entry.postings().empty()) return "it has no postings";
  for (auto const& posting : entry.postings()) {
    Ore const amount = posting.amount().minor_units();
    if ((balances_[posting.debit_account()] += amount) != posting.debit_balance().minor_units() ||
        (balances_[posting.credit_account()] -= amount) != posting.credit_balance().minor_units()) {
      return "the balances do not follow from its postings";
    }
  }
  sequence_ = entry.sequence();
  hash_ = entry.hash();
  return "";
}

}  // namespace helhed::funding
