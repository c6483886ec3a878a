#include "services/funding/service/money_session.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/budget_rules.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

using storage::Statement;

// One row for each plan, taken first of all by whoever does something to its money; the plan itself is shared, so that its state
// stays as it is meanwhile. SQLite has one writer.
constexpr char kLockSelect[] =
    "SELECT l.sequence, l.hash, l.book_time, p.state, p.period_start_date, p.period_end_date, p.own_end_date, p.regulation "
    "FROM ledgers l JOIN plans p ON p.plan = l.plan WHERE l.plan = $1";
Statement const kLock(
    "funding.lock_ledger", kLockSelect,
    "SELECT l.sequence, l.hash, l.book_time, p.state, p.period_start_date, p.period_end_date, p.own_end_date, p.regulation "
    "FROM ledgers l JOIN plans p ON p.plan = l.plan WHERE l.plan = $1 FOR UPDATE OF l FOR SHARE OF p");
Statement const kNewLedger(
    "funding.new_ledger",
    "INSERT INTO ledgers (plan, sequence, hash, book_time) SELECT plan, 0, $2, 0 FROM plans WHERE plan = $1 "
    "ON CONFLICT (plan) DO NOTHING");
Statement const kSaveLedger("funding.save_ledger", "UPDATE ledgers SET sequence = $2, hash = $3, book_time = $4 WHERE plan = $1");

Statement const kExpired("funding.expired_disbursements",
                         "SELECT disbursement FROM disbursements WHERE plan = $1 AND state = 1 AND expire_time <= $2 "
                         "ORDER BY expire_time LIMIT 100");

Statement const kAccounts("funding.accounts",
                          "SELECT a.account, a.kind, a.source, a.budget_line, a.debits_minor_units, a.credits_minor_units "
                          "FROM json_each($2) AS wanted JOIN accounts a ON a.plan = $1 AND a.account = wanted.value",
                          "SELECT a.account, a.kind, a.source, a.budget_line, a.debits_minor_units, a.credits_minor_units "
                          "FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted (value) JOIN accounts a ON a.plan = $1 AND "
                          "a.account = wanted.value");
Statement const kNewAccount("funding.new_account",
                            "INSERT INTO accounts (plan, account, kind, source, budget_line, debits_minor_units, "
                            "credits_minor_units, create_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
Statement const kSaveAccount(
    "funding.save_account",
    "UPDATE accounts SET debits_minor_units = $3, credits_minor_units = $4 WHERE plan = $1 AND account = $2");
Statement const kSaveDay("funding.save_account_day",
                         "INSERT INTO account_days (plan, account, day, debits_minor_units, credits_minor_units) "
                         "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (plan, account, day) DO UPDATE SET "
                         "debits_minor_units = account_days.debits_minor_units + excluded.debits_minor_units, "
                         "credits_minor_units = account_days.credits_minor_units + excluded.credits_minor_units");
Statement const kTotals(
    "funding.source_totals",
    "SELECT source, kind, debits_minor_units, credits_minor_units FROM accounts WHERE plan = $1 AND kind < 5");

Statement const kExpenseWindow("funding.expense_window_of_day",
                               "SELECT expense_window FROM expense_windows WHERE plan = $1 AND period_start_date <= $2 "
                               "AND period_end_date > $2 LIMIT 1");
Statement const kPeriodState("funding.period_state", "SELECT state FROM periods WHERE plan = $1 AND period = $2");
Statement const kNewPeriod("funding.new_period",
                           "INSERT INTO periods (plan, period, state, revision, create_time, update_time) "
                           "VALUES ($1, $2, 1, 1, $3, $3) ON CONFLICT (plan, period) DO NOTHING");
Statement const kSaveLine("funding.save_budget_line_use",
                          "UPDATE budget_lines SET reserved_minor_units = $3, spent_minor_units = $4, revision = revision + 1, "
                          "update_time = $5 WHERE plan = $1 AND budget_line = $2");

constexpr v1::AccountKind kSourceAccounts[] = {v1::ACCOUNT_KIND_GRANTED, v1::ACCOUNT_KIND_APPROVED, v1::ACCOUNT_KIND_RELEASED,
                                               v1::ACCOUNT_KIND_RESERVED};

std::string Json(std::set<std::string> const& ids) { return JsonArray(std::vector<std::string>(ids.begin(), ids.end())); }

// `SELECT columns FROM table t ... ` for rows of a list of ids in $2 within the plan $1.
Statement WantedStatement(storage::Table const& table, std::string_view key, storage::Engine engine) {
  std::string const wanted = engine == storage::Engine::kSqlite ? "json_each($2) AS wanted"
                                                                : "json_array_elements_text(CAST($2 AS JSON)) AS wanted (value)";
  return Statement(Statement::Dynamic{absl::StrCat("funding.wanted_", table.name()),
                                      absl::StrCat("SELECT ", table.Select("t."), " FROM ", wanted, " JOIN ", table.name(),
                                                   " t ON t.plan = $1 AND t.", Av(key), " = wanted.value")});
}

template <typename M>
std::vector<M> ReadAll(storage::Table const& table, storage::Rows const& rows) {
  storage::RowReader const reader(table.mapping(), rows.columns());
  std::vector<M> messages(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    reader.Read(rows, i, messages[i]);
    CompleteMoney(messages[i]);
  }
  return messages;
}

template <typename M>
absl::StatusOr<std::vector<M>> LoadWanted(ReadTransaction& tx, storage::Table const& table, std::string_view key,
                                          storage::Engine engine, std::string_view plan_id, std::vector<std::string> const& ids) {
  std::string const wanted = JsonArray(ids);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(WantedStatement(table, key, engine), {plan_id, std::string_view(wanted)}));
  return ReadAll<M>(table, rows);
}

template <typename M>
absl::StatusOr<std::vector<M>> LoadOfPlan(ReadTransaction& tx, std::string_view plan) {
  auto const& table = tx.schema().Of<M>();
  Statement const statement(Statement::Dynamic{absl::StrCat("funding.all_", table.name()),
                                               absl::StrCat("SELECT ", table.Select(), " FROM ", table.name(),
                                                            " WHERE plan = $1 ORDER BY ", table.mapping().key_columns()[1])});
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {PlanIdOf(plan)}));
  return ReadAll<M>(table, rows);
}

std::vector<std::string> IdsOf(std::vector<std::string> const& names) {
  std::vector<std::string> ids;
  ids.reserve(names.size());
  for (auto const& name : names) ids.emplace_back(contract::LastPart(name));
  return ids;
}

}  // namespace

absl::Status RequireFourEyes(CallContext const& call, std::string_view resource, std::string_view made_by) {
  if (call.identity().subject() != made_by) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_FOUR_EYES_NEEDED,
               absl::StrCat("You made ", Av(resource), "; another person has to approve it."),
               {{"resource", std::string(resource)}, {"made_by", std::string(made_by)}});
}

absl::Status AlreadyDecided(std::string_view resource, std::string_view state) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ALREADY_DECIDED,
               absl::StrCat(Av(resource), " is ", Av(state), "; this cannot be done with it any more."),
               {{"resource", std::string(resource)}, {"state", std::string(state)}});
}

void CompleteMoney(google::protobuf::Message& message) {
  auto const& type = *message.GetDescriptor();
  auto const& reflection = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    auto const* const field = type.field(i);
    if (field->message_type() == nullptr) continue;
    bool const is_money = field->message_type() == common::v1::Money::descriptor();
    if (field->is_repeated()) {
      for (int j = 0; j < reflection.FieldSize(message, field); ++j) {
        CompleteMoney(*reflection.MutableRepeatedMessage(&message, field, j));
      }
    } else if (is_money) {
      auto& money = *reflection.MutableMessage(&message, field);
      static_cast<common::v1::Money&>(money).set_currency_code(std::string(kCurrency));
    } else if (reflection.HasField(message, field)) {
      CompleteMoney(*reflection.MutableMessage(&message, field));
    }
  }
}

void SetTotals(v1::Source& source, SourceTotals const& totals) {
  *source.mutable_released() = ToMoney(totals.released_in_all());
  *source.mutable_reserved() = ToMoney(totals.reserved);
  *source.mutable_paid() = ToMoney(totals.paid());
}

MoneySession::MoneySession(WriteTransaction& tx, MoneyPlan plan, Head head)
    : tx_(tx), plan_(std::move(plan)), books_(plan_.name, std::move(head), absl::ToUnixMicros(tx.call().Now())) {}

std::string_view MoneySession::plan_id() const { return contract::LastPart(plan_.name); }

absl::StatusOr<std::unique_ptr<MoneySession>> MoneySession::Open(WriteTransaction& tx, std::string_view plan, bool sweep) {
  auto const plan_id = PlanIdOf(plan);
  ASSIGN_OR_RETURN(auto rows, tx.Query(kLock, {plan_id}));
  if (rows.empty()) {
    RETURN_IF_ERROR(tx.Enqueue(kNewLedger, {plan_id, std::string_view(Head().hash)}));
    ASSIGN_OR_RETURN(rows, tx.Query(kLock, {plan_id}));
    if (rows.empty()) return NotFound(PlanOf(plan));
  }
  MoneyPlan held;
  held.name = PlanName(plan_id);
  held.state = static_cast<v1::PlanState>(rows.Int64(0, 3));
  held.period = {FromIsoDate(rows.Text(0, 4)).value_or(absl::CivilDay::min()), FromIsoDate(rows.Text(0, 5))};
  held.own = {held.period.start, rows.IsNull(0, 6) ? held.period.end : FromIsoDate(rows.Text(0, 6))};
  held.regulation = absl::StrCat("regulations/", rows.Text(0, 7));
  std::unique_ptr<MoneySession> session(
      new MoneySession(tx, std::move(held), {rows.Int64(0, 0), rows.Text(0, 1), rows.Int64(0, 2)}));
  if (!sweep) return session;
  ASSIGN_OR_RETURN(bool const swept, session->Sweep());
  if (!swept) return session;
  // What was given back is saved by itself, so that the act begins with the books as they then are.
  RETURN_IF_ERROR(session->Save());
  return Open(tx, plan, false);
}

absl::StatusOr<bool> MoneySession::Sweep() {
  ASSIGN_OR_RETURN(auto const rows, tx_.Query(kExpired, {plan_id(), absl::ToUnixMicros(tx_.call().Now())}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(auto disbursement,
                     tx_.Get<v1::Disbursement>(Sv(absl::StrCat(plan_.name, "/disbursements/", rows.Text(i, 0)))));
    RETURN_IF_ERROR(Void(std::move(disbursement), v1::DISBURSEMENT_STATE_EXPIRED, "the reservation ran out"));
  }
  return !rows.empty();
}

absl::Status MoneySession::RequireState(std::initializer_list<v1::PlanState> states) const {
  if (std::find(states.begin(), states.end(), plan_.state) != states.end()) return absl::OkStatus();
  std::string const state = contract::EnumText(plan_.state);
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PLAN_NOT_OPEN,
               absl::StrCat(plan_.name, " is ", state, "; this cannot be done with its money now."),
               {{"plan", plan_.name}, {"state", state}});
}

absl::Status MoneySession::RequireAlive() const {
  bool const ended =
      plan_.state == v1::PLAN_STATE_REJECTED || plan_.state == v1::PLAN_STATE_WITHDRAWN || plan_.state == v1::PLAN_STATE_CLOSED;
  return ended ? RequireState({}) : absl::OkStatus();
}

absl::Status MoneySession::RequireRunning() const {
  // A superseded plan is still settled with those who paid it (domain.md 8.1).
  return RequireState({v1::PLAN_STATE_APPROVED, v1::PLAN_STATE_ACTIVE, v1::PLAN_STATE_CLOSING, v1::PLAN_STATE_SUPERSEDED});
}

absl::StatusOr<v1::Source*> MoneySession::Source(std::string const& name) {
  auto const found = sources_.find(name);
  if (found != sources_.end()) return &found->second;
  ASSIGN_OR_RETURN(auto source, tx_.Get<v1::Source>(name));
  CompleteMoney(source);
  RETURN_IF_ERROR(OpenAccounts({name}, {}));
  return &sources_.emplace(name, std::move(source)).first->second;
}

SourceTotals MoneySession::Totals(std::string const& source) const {
  auto const id = contract::LastPart(source);
  auto const balance = [&](v1::AccountKind kind) { return books_.At(AccountId(kind, id)).balance(); };
  return {-balance(v1::ACCOUNT_KIND_GRANTED), balance(v1::ACCOUNT_KIND_APPROVED), balance(v1::ACCOUNT_KIND_RELEASED),
          balance(v1::ACCOUNT_KIND_RESERVED)};
}

absl::Status MoneySession::LoadLines(std::vector<std::string> const& names) {
  std::set<std::string> wanted;
  for (auto const& name : names) {
    if (!lines_.contains(name)) wanted.insert(name);
  }
  if (wanted.empty()) return absl::OkStatus();
  std::vector<std::string> const list(wanted.begin(), wanted.end());
  ASSIGN_OR_RETURN(auto loaded, LoadWanted<v1::BudgetLine>(tx_, tx_.schema().Of<v1::BudgetLine>(), "budget_line", tx_.engine(),
                                                           plan_id(), IdsOf(list)));
  std::set<std::string> sources;
  for (auto& line : loaded) {
    sources.insert(line.source());
    auto const name = line.name();
    lines_.emplace(name, std::move(line));
  }
  for (auto const& name : names) {
    if (!lines_.contains(name)) return NotFound(name);
  }
  RETURN_IF_ERROR(OpenAccounts(sources, wanted));
  for (auto const& source : sources) {
    RETURN_IF_ERROR(Source(source).status());
  }
  return absl::OkStatus();
}

absl::Status MoneySession::OpenAccounts(std::set<std::string> const& sources, std::set<std::string> const& lines) {
  std::map<std::string, Balance> wanted;
  for (auto const& source : sources) {
    for (auto const kind : kSourceAccounts) wanted[AccountId(kind, contract::LastPart(source))] = {kind, source, "", 0, 0};
  }
  for (auto const& line : lines) {
    wanted[AccountId(v1::ACCOUNT_KIND_SPENT, contract::LastPart(line))] = {v1::ACCOUNT_KIND_SPENT, lines_.at(line).source(), line,
                                                                           0, 0};
  }
  std::set<std::string> ids;
  for (auto const& [account, _] : wanted) {
    if (!books_.Knows(account)) ids.insert(account);
  }
  if (ids.empty()) return absl::OkStatus();
  std::string const list = Json(ids);
  ASSIGN_OR_RETURN(auto const rows, tx_.Query(kAccounts, {plan_id(), std::string_view(list)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& balance = wanted.at(rows.Text(i, 0));
    balance.debits = rows.Int64(i, 4);
    balance.credits = rows.Int64(i, 5);
    books_.Open(rows.Text(i, 0), balance);
    ids.erase(rows.Text(i, 0));
  }
  for (auto const& id : ids) {
    books_.Open(id, wanted.at(id));
    new_accounts_.insert(id);
  }
  return absl::OkStatus();
}

absl::Status MoneySession::Use(std::string const& name, Ore reserved_change, Ore spent_change) {
  auto& line = lines_.at(name);
  Ore const before = line.reserved().minor_units() + line.spent().minor_units();
  Ore const available = line.amount().minor_units() - before;
  Ore const more = reserved_change + spent_change;
  if (more > 0 && more > available) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BEYOND_BUDGET,
                 absl::StrCat(name, " has ", ToKroner(available), " kr. left, not ", ToKroner(more), "."),
                 {{"budget_line", name},
                  {"amount", absl::StrCat(more)},
                  {"available", absl::StrCat(available)},
                  {"missing", absl::StrCat(more - available)}});
  }
  *line.mutable_reserved() = ToMoney(line.reserved().minor_units() + reserved_change);
  *line.mutable_spent() = ToMoney(line.spent().minor_units() + spent_change);
  used_lines_.insert(name);
  return absl::OkStatus();
}

absl::StatusOr<Period> MoneySession::TimeOfBudget(std::string const& extension) {
  if (extension.empty()) return plan_.own;
  auto const known = times_.find(extension);
  if (known != times_.end()) return known->second;
  ASSIGN_OR_RETURN(auto const found, tx_.Get<v1::Extension>(Sv(absl::StrCat(plan_.name, "/extensions/", extension))));
  return times_.emplace(extension, TimeOf(found, plan_.period)).first->second;
}

absl::StatusOr<bool> MoneySession::InExpenseWindow(absl::CivilDay day) {
  std::string const date = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx_.Query(kExpenseWindow, {plan_id(), std::string_view(date)}));
  return !rows.empty();
}

absl::Status MoneySession::RequireOpenPeriod(absl::CivilDay day) {
  std::string const period = PeriodName(plan_.name, day);
  if (open_periods_.contains(period)) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const rows, tx_.Query(kPeriodState, {plan_id(), contract::LastPart(period)}));
  if (!rows.empty() && rows.Int64(0, 0) == v1::PERIOD_STATE_CLOSED) {
    std::string const date = ToIsoDate(day);
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIOD_CLOSED,
                 absl::StrCat(period, " is closed; nothing is booked on ", date, " any more."),
                 {{"period", period}, {"date", date}});
  }
  if (rows.empty()) new_periods_.insert(period);
  open_periods_.insert(period);
  return absl::OkStatus();
}

absl::StatusOr<std::string> MoneySession::Book(Draft const& draft) {
  RETURN_IF_ERROR(RequireOpenPeriod(draft.date));
  ASSIGN_OR_RETURN(auto const* const entry, books_.Book(draft));
  return entry->name();
}

Move MoneySession::MoveOf(v1::AccountKind debit, v1::AccountKind credit, Ore amount, std::string const& source,
                          std::string const& line) const {
  auto const owner = [&](v1::AccountKind kind) { return contract::LastPart(kind == v1::ACCOUNT_KIND_SPENT ? line : source); };
  Move move{AccountId(debit, owner(debit)), AccountId(credit, owner(credit)), amount, source, {}};
  if (!line.empty()) {
    auto const& cell = lines_.at(line);
    move.line = {line, cell.focus_area(), cell.cost_kind(), cell.year()};
  }
  return move;
}

absl::Status MoneySession::Void(v1::Disbursement disbursement, v1::DisbursementState state, std::string const& reason) {
  CompleteMoney(disbursement);
  RETURN_IF_ERROR(LoadLines({disbursement.budget_line()}));
  auto const& source = LineAt(disbursement.budget_line()).source();
  Ore const amount = disbursement.amount().minor_units();
  Draft draft;
  draft.kind = v1::ENTRY_KIND_VOID;
  draft.date = ToCivil(disbursement.expense_date()).value_or(tx_.call().Today());
  // A reservation can outlive its month; what is given back then belongs to today.
  absl::Status const open = RequireOpenPeriod(draft.date);
  if (ReasonOf(open) == Reason(v1::ERROR_REASON_PERIOD_CLOSED).name()) {
    draft.date = tx_.call().Today();
  } else {
    RETURN_IF_ERROR(open);
  }
  draft.source = source;
  draft.cause = disbursement.name();
  draft.voucher = disbursement.voucher();
  draft.made_by = state == v1::DISBURSEMENT_STATE_EXPIRED ? disbursement.reserved_by() : tx_.call().identity().subject();
  draft.reason = reason;
  draft.moves = {MoveOf(v1::ACCOUNT_KIND_RELEASED, v1::ACCOUNT_KIND_RESERVED, amount, source, disbursement.budget_line())};
  ASSIGN_OR_RETURN(auto entry, Book(draft));
  RETURN_IF_ERROR(Use(disbursement.budget_line(), -amount, 0));
  disbursement.set_state(state);
  disbursement.set_final_entry(std::move(entry));
  voided_.push_back(std::move(disbursement));
  return absl::OkStatus();
}

absl::Status MoneySession::SaveAccounts() {
  std::int64_t const now = absl::ToUnixMicros(tx_.call().Now());
  for (auto const& [account, balance] : books_.Changed()) {
    std::string_view const id = account;
    if (!new_accounts_.contains(account)) {
      RETURN_IF_ERROR(tx_.Enqueue(kSaveAccount, {plan_id(), id, balance.debits, balance.credits}));
      continue;
    }
    bool const of_line = !balance.budget_line.empty();
    RETURN_IF_ERROR(
        tx_.Enqueue(kNewAccount, {plan_id(), id, static_cast<std::int64_t>(balance.kind), contract::LastPart(balance.source),
                                  of_line ? storage::Bind(contract::LastPart(balance.budget_line)) : storage::Bind(nullptr),
                                  balance.debits, balance.credits, now}));
  }
  for (auto const& [key, totals] : books_.days()) {
    std::string const day = ToIsoDate(key.second);
    RETURN_IF_ERROR(
        tx_.Enqueue(kSaveDay, {plan_id(), std::string_view(key.first), std::string_view(day), totals.debits, totals.credits}));
  }
  return absl::OkStatus();
}

absl::Status MoneySession::SaveJournal() {
  std::int64_t const now = absl::ToUnixMicros(tx_.call().Now());
  for (auto const& period : new_periods_) {
    RETURN_IF_ERROR(tx_.Enqueue(kNewPeriod, {plan_id(), contract::LastPart(period), now}));
  }
  std::vector<v1::JournalEntry> entries = books_.entries();
  std::vector<v1::Posting> postings;
  for (auto& entry : entries) {
    for (auto& posting : *entry.mutable_postings()) postings.push_back(std::move(posting));
    entry.clear_postings();
  }
  // A few travel with what follows; many are faster in few statements.
  if (entries.size() <= 4) {
    for (auto& entry : entries) {
      RETURN_IF_ERROR(tx_.Insert(entry));
    }
    for (auto& posting : postings) {
      RETURN_IF_ERROR(tx_.Insert(posting));
    }
  } else {
    RETURN_IF_ERROR(tx_.InsertMany(entries));
    RETURN_IF_ERROR(tx_.InsertMany(postings));
  }
  auto const& head = books_.head();
  RETURN_IF_ERROR(tx_.Enqueue(kSaveLedger, {plan_id(), head.sequence, std::string_view(head.hash), head.book_time_micros}));
  v1::EntriesBooked event;
  event.set_first_sequence(entries.front().sequence());
  event.set_last_sequence(head.sequence);
  event.set_last_hash(head.hash);
  return tx_.Append(event, plan_.name, plan_.name);
}

absl::Status MoneySession::SaveLines() {
  std::int64_t const now = absl::ToUnixMicros(tx_.call().Now());
  for (auto const& name : used_lines_) {
    auto const& line = lines_.at(name);
    RETURN_IF_ERROR(tx_.Enqueue(
        kSaveLine, {plan_id(), contract::LastPart(name), line.reserved().minor_units(), line.spent().minor_units(), now}));
  }
  return absl::OkStatus();
}

absl::Status MoneySession::SaveSources() {
  for (auto& [name, source] : sources_) {
    if (FollowsFromTotals(source.state()) && source.contribution() != v1::CONTRIBUTION_IN_KIND_HOURS) {
      auto const state = StateByTotals(Totals(name));
      if (state != source.state()) touched_.insert(name);
      source.set_state(state);
    }
    if (!touched_.contains(name)) continue;
    RETURN_IF_ERROR(tx_.Update(source));
    SetTotals(source, Totals(name));
    v1::SourceChanged event;
    *event.mutable_source() = source;
    RETURN_IF_ERROR(tx_.Append(event, name, plan_.name));
  }
  return absl::OkStatus();
}

absl::Status MoneySession::Save() {
  if (!books_.entries().empty()) {
    RETURN_IF_ERROR(SaveAccounts());
    RETURN_IF_ERROR(SaveJournal());
    RETURN_IF_ERROR(SaveLines());
  }
  for (auto& disbursement : voided_) {
    RETURN_IF_ERROR(tx_.Update(disbursement));
  }
  return SaveSources();
}

absl::StatusOr<std::vector<v1::Source>> LoadSources(ReadTransaction& tx, std::string_view plan) {
  return LoadOfPlan<v1::Source>(tx, plan);
}

absl::StatusOr<std::vector<v1::BudgetLine>> LoadBudgetLines(ReadTransaction& tx, std::string_view plan) {
  return LoadOfPlan<v1::BudgetLine>(tx, plan);
}

absl::StatusOr<std::vector<v1::Extension>> LoadExtensions(ReadTransaction& tx, std::string_view plan) {
  return LoadOfPlan<v1::Extension>(tx, plan);
}

absl::StatusOr<std::map<std::string, SourceTotals>> LoadTotals(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kTotals, {PlanIdOf(plan)}));
  std::map<std::string, SourceTotals> totals;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& of_source = totals[absl::StrCat(Av(PlanOf(plan)), "/sources/", rows.Text(i, 0))];
    Ore const balance = rows.Int64(i, 2) - rows.Int64(i, 3);
    switch (rows.Int64(i, 1)) {
      case v1::ACCOUNT_KIND_GRANTED:
        of_source.granted = -balance;
        break;
      case v1::ACCOUNT_KIND_APPROVED:
        of_source.approved = balance;
        break;
      case v1::ACCOUNT_KIND_RELEASED:
        of_source.released = balance;
        break;
      default:
        of_source.reserved = balance;
    }
  }
  return totals;
}

absl::StatusOr<std::vector<v1::Disbursement>> LoadDisbursements(ReadTransaction& tx, std::string_view plan,
                                                                std::vector<std::string> const& names) {
  ASSIGN_OR_RETURN(auto loaded, LoadWanted<v1::Disbursement>(tx, tx.schema().Of<v1::Disbursement>(), "disbursement", tx.engine(),
                                                             PlanIdOf(plan), IdsOf(names)));
  std::map<std::string, v1::Disbursement*> by_name;
  for (auto& disbursement : loaded) by_name[disbursement.name()] = &disbursement;
  std::vector<v1::Disbursement> ordered;
  for (auto const& name : names) {
    auto const found = by_name.find(name);
    if (found == by_name.end()) return NotFound(name);
    ordered.push_back(std::move(*found->second));
  }
  return ordered;
}

absl::StatusOr<std::vector<v1::JournalEntry>> LoadEntries(ReadTransaction& tx, std::string_view plan, std::int64_t first,
                                                          std::int64_t limit) {
  auto const from = EntryName("", first);
  auto const until = EntryName("", first + limit);
  auto const load = [&](storage::Table const& table, std::string_view order) {
    return tx.Query(
        Statement(Statement::Dynamic{absl::StrCat("funding.stretch_of_", table.name()),
                                     absl::StrCat("SELECT ", table.Select(), " FROM ", table.name(),
                                                  " WHERE plan = $1 AND entry >= $2 AND entry < $3 ORDER BY ", Av(order))}),
        {PlanIdOf(plan), contract::LastPart(from), contract::LastPart(until)});
  };
  auto const& entry_table = tx.schema().Of<v1::JournalEntry>();
  auto const& posting_table = tx.schema().Of<v1::Posting>();
  ASSIGN_OR_RETURN(auto const entry_rows, load(entry_table, "plan, entry"));
  ASSIGN_OR_RETURN(auto const posting_rows, load(posting_table, "plan, entry, posting"));
  auto entries = ReadAll<v1::JournalEntry>(entry_table, entry_rows);
  auto postings = ReadAll<v1::Posting>(posting_table, posting_rows);
  std::size_t next = 0;
  for (auto& entry : entries) {
    std::string const prefix = entry.name() + "/";
    for (; next < postings.size() && postings[next].name().starts_with(prefix); ++next) {
      *entry.add_postings() = std::move(postings[next]);
    }
  }
  return entries;
}

}  // namespace helhed::funding
