#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/funding/v1/errors.pb.h"
#include "services/funding/service/ledger_service.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

using storage::Statement;

constexpr std::int32_t kVerifiedMax = 10'000;
constexpr std::int64_t kStretch = 1000;

Statement const kReversedBy("funding.entry_reversed_by",
                            "SELECT entry FROM journal_entries WHERE plan = $1 AND reverses IS NOT NULL AND reverses = $2");
Statement const kLedgerHead("funding.ledger_head", "SELECT sequence, hash FROM ledgers WHERE plan = $1");
// The balance of every account before an entry: that after its last posting on either side.
Statement const kBalancesBefore("funding.balances_before_entry",
                                "SELECT a.account, "
                                "(SELECT p.entry || '/' || p.posting || '/' || CAST(p.debit_balance_minor_units AS TEXT) FROM "
                                "postings p WHERE p.plan = a.plan "
                                "AND p.debit_account = a.account AND p.book_time <= $3 AND p.entry < $2 "
                                "ORDER BY p.book_time DESC, p.entry DESC, p.posting DESC LIMIT 1) AS by_debit, "
                                "(SELECT p.entry || '/' || p.posting || '/' || CAST(p.credit_balance_minor_units AS TEXT) FROM "
                                "postings p WHERE p.plan = a.plan "
                                "AND p.credit_account = a.account AND p.book_time <= $3 AND p.entry < $2 "
                                "ORDER BY p.book_time DESC, p.entry DESC, p.posting DESC LIMIT 1) AS by_credit "
                                "FROM accounts a WHERE a.plan = $1");

// `000000000007/1/-500`: the later of two such texts says what the balance is.
Ore LaterBalance(storage::Rows const& rows, std::size_t row) {
  std::string const debit = rows.IsNull(row, 1) ? "" : rows.Text(row, 1);
  std::string const credit = rows.IsNull(row, 2) ? "" : rows.Text(row, 2);
  auto const order = [](std::string const& text) { return text.substr(0, text.rfind('/')); };
  std::string const& later = order(debit) > order(credit) ? debit : credit;
  Ore balance = 0;
  if (!later.empty() && !absl::SimpleAtoi(later.substr(later.rfind('/') + 1), &balance)) return 0;
  return balance;
}

absl::StatusOr<Verification> VerificationFrom(ReadTransaction& tx, std::string const& plan, std::int64_t first) {
  if (first <= 1) return Verification(0, Head().hash, {});
  ASSIGN_OR_RETURN(auto const before, LoadEntries(tx, plan, first - 1, 1));
  if (before.empty()) return NotFound(EntryName(plan, first - 1));
  auto const& book_time = before.front().book_time();
  std::int64_t const micros = book_time.seconds() * 1'000'000 + book_time.nanos() / 1000;
  std::string const entry = EntryName(plan, first);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kBalancesBefore, {PlanIdOf(plan), contract::LastPart(entry), micros}));
  std::map<std::string, Ore> balances;
  for (std::size_t i = 0; i < rows.size(); ++i) balances[AccountName(plan, rows.Text(i, 0))] = LaterBalance(rows, i);
  return Verification(first - 1, before.front().hash(), std::move(balances));
}

absl::Status NotReversible(v1::JournalEntry const& entry, std::string_view why, ErrorMetadata metadata = {}) {
  metadata.emplace("entry", entry.name());
  metadata.emplace("kind", contract::EnumText(entry.kind()));
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ENTRY_NOT_REVERSIBLE,
               absl::StrCat(entry.name(), " ", Av(why), "."), std::move(metadata));
}

absl::StatusOr<v1::JournalEntry> LoadReversible(WriteTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto entry, tx.Get<v1::JournalEntry>(name));
  auto const plan = PlanOf(name);
  ASSIGN_OR_RETURN(auto stretch, LoadEntries(tx, plan, entry.sequence(), 1));
  entry = std::move(stretch.front());
  if (entry.kind() != v1::ENTRY_KIND_DISBURSEMENT && entry.kind() != v1::ENTRY_KIND_RELEASE) {
    return NotReversible(entry, "is of a kind that is not reversed");
  }
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kReversedBy, {contract::LastPart(plan), contract::LastPart(name)}));
  if (rows.empty()) return entry;
  return NotReversible(entry, "was reversed already", {{"reversed_by", absl::StrCat(Av(plan), "/entries/", rows.Text(0, 0))}});
}

// What takes an entry back. A payment gives its money back to what is released: its reservation has done its work.
absl::StatusOr<std::vector<Move>> MovesBack(MoneySession& session, v1::JournalEntry const& entry) {
  std::vector<Move> moves;
  auto const& first = entry.postings(0);
  Ore const amount = first.amount().minor_units();
  if (entry.kind() == v1::ENTRY_KIND_RELEASE) {
    moves.push_back(session.MoveOf(v1::ACCOUNT_KIND_APPROVED, v1::ACCOUNT_KIND_RELEASED, amount, entry.source()));
    return moves;
  }
  RETURN_IF_ERROR(session.LoadLines({first.budget_line()}));
  RETURN_IF_ERROR(session.Use(first.budget_line(), 0, -amount));
  moves.push_back(session.MoveOf(v1::ACCOUNT_KIND_RELEASED, v1::ACCOUNT_KIND_SPENT, amount, entry.source(), first.budget_line()));
  return moves;
}

}  // namespace

absl::StatusOr<v1::JournalEntry> LedgerService::GetEntry(CallContext const& call, v1::GetEntryRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::JournalEntry> {
    ASSIGN_OR_RETURN(auto const entry, tx.Get<v1::JournalEntry>(request.name()));
    ASSIGN_OR_RETURN(auto stretch, LoadEntries(tx, PlanOf(request.name()), entry.sequence(), 1));
    if (stretch.empty()) return NotFound(request.name());
    return std::move(stretch.front());
  });
}

absl::StatusOr<v1::ListEntriesResponse> LedgerService::ListEntries(CallContext const& call,
                                                                   v1::ListEntriesRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return ListOfPlan<v1::ListEntriesResponse>(tx, request, "journal_entries", "e"); });
}

absl::StatusOr<v1::ListPostingsResponse> LedgerService::ListPostings(CallContext const& call,
                                                                     v1::ListPostingsRequest const& request) {
  return store_.Read(call,
                     [&](ReadTransaction& tx) { return ListOfPlan<v1::ListPostingsResponse>(tx, request, "postings", "p"); });
}

absl::StatusOr<v1::JournalEntry> LedgerService::ReverseEntry(CallContext const& call, v1::ReverseEntryRequest const& request) {
  absl::CivilDay date = call.Today();
  if (request.has_entry_date()) {
    ASSIGN_OR_RETURN(date, ReadDate(request.entry_date(), "entry_date"));
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::JournalEntry> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name()));
    RETURN_IF_ERROR(session->RequireRunning());
    ASSIGN_OR_RETURN(auto const entry, LoadReversible(tx, request.name()));
    RETURN_IF_ERROR(RequireFourEyes(call, entry.name(), entry.made_by()));
    ASSIGN_OR_RETURN(auto const* const source, session->Source(entry.source()));
    // A source that is settled is not opened again by the back door.
    if (!FollowsFromTotals(source->state())) return CheckAct(*source, SourceAct::kRelease, session->Totals(source->name()));
    Draft draft;
    draft.kind = v1::ENTRY_KIND_REVERSAL;
    draft.date = date;
    draft.source = entry.source();
    draft.cause = entry.cause();
    draft.voucher = request.voucher();
    // Whoever made the entry cannot take it back alone, so the second pair of eyes is the caller's.
    draft.made_by = entry.made_by();
    draft.approved_by = call.identity().subject();
    draft.reverses = entry.name();
    draft.reason = request.reason();
    ASSIGN_OR_RETURN(draft.moves, MovesBack(*session, entry));
    ASSIGN_OR_RETURN(auto const name, session->Book(draft));
    RETURN_IF_ERROR(session->Save());
    if (entry.kind() == v1::ENTRY_KIND_DISBURSEMENT) {
      ASSIGN_OR_RETURN(auto disbursement, tx.Get<v1::Disbursement>(entry.cause()));
      disbursement.set_state(v1::DISBURSEMENT_STATE_REVERSED);
      disbursement.set_reversal_entry(name);
      RETURN_IF_ERROR(tx.Update(disbursement));
    }
    ASSIGN_OR_RETURN(auto const booked, tx.Get<v1::JournalEntry>(name));
    ASSIGN_OR_RETURN(auto stretch, LoadEntries(tx, session->plan().name, booked.sequence(), 1));
    return std::move(stretch.front());
  });
}

absl::StatusOr<v1::VerifyEntriesResponse> LedgerService::VerifyEntries(CallContext const& call,
                                                                       v1::VerifyEntriesRequest const& request) {
  std::int64_t const first = std::max<std::int64_t>(request.first_sequence(), 1);
  std::int64_t const limit = request.limit() == 0 ? kVerifiedMax : request.limit();
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::VerifyEntriesResponse> {
    RETURN_IF_ERROR(RequirePlan(tx, request.parent()));
    v1::VerifyEntriesResponse response;
    response.set_intact(true);
    ASSIGN_OR_RETURN(auto const head, tx.Query(kLedgerHead, {PlanIdOf(request.parent())}));
    std::int64_t const last = head.empty() ? 0 : head.Int64(0, 0);
    ASSIGN_OR_RETURN(auto verification, VerificationFrom(tx, request.parent(), first));
    std::int64_t const until = std::min(first + limit, last + 1);
    for (std::int64_t next = first; next < until; next += kStretch) {
      RETURN_IF_ERROR(call.Check());
      std::int64_t const count = std::min(kStretch, until - next);
      ASSIGN_OR_RETURN(auto const entries, LoadEntries(tx, request.parent(), next, count));
      std::string finding = static_cast<std::int64_t>(entries.size()) < count ? "it is not there" : "";
      std::string broken = EntryName(request.parent(), next + static_cast<std::int64_t>(entries.size()));
      for (auto const& entry : entries) {
        std::string wrong = verification.Next(entry);
        if (wrong.empty()) {
          response.set_verified(response.verified() + 1);
          continue;
        }
        finding = std::move(wrong);
        broken = entry.name();
        break;
      }
      response.set_last_hash(verification.hash());
      if (finding.empty()) continue;
      response.set_intact(false);
      response.set_broken_entry(std::move(broken));
      response.set_finding(std::move(finding));
      return response;
    }
    if (until <= last) {
      response.set_next_sequence(until);
    } else if (last > 0 && first <= last && response.last_hash() != head.Text(0, 1)) {
      response.set_intact(false);
      response.set_broken_entry(EntryName(request.parent(), last));
      response.set_finding("the ledger ends in another hash than the journal");
    }
    return response;
  });
}

}  // namespace helhed::funding
