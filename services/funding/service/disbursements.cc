#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "services/funding/domain/budget_rules.h"
#include "services/funding/service/ledger_service.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"

// Payments in two steps: one reserves, another one posts. One and a thousand are the same act.
namespace helhed::funding {
namespace {

using storage::Statement;

constexpr absl::Duration kExpiry = absl::Hours(24 * 30);
constexpr absl::Duration kExpiryMax = absl::Hours(24 * 400);

// All at once, from a JSON array of triples: disbursement, entry, amount.
Statement const kPost(
    "funding.post_disbursements",
    "UPDATE disbursements SET state = 2, posted_by = $2, update_time = $3, revision = revision + 1, "
    "final_entry = json_extract(wanted.value, '$[1]'), posted_amount_minor_units = json_extract(wanted.value, '$[2]') "
    "FROM json_each($4) AS wanted WHERE plan = $1 AND disbursement = json_extract(wanted.value, '$[0]')",
    "UPDATE disbursements SET state = 2, posted_by = $2, update_time = $3, revision = revision + 1, "
    "final_entry = wanted.value ->> 1, posted_amount_minor_units = CAST(wanted.value ->> 2 AS BIGINT) "
    "FROM json_array_elements(CAST($4 AS JSON)) AS wanted (value) WHERE plan = $1 AND disbursement = wanted.value ->> 0");

std::string StateName(v1::Disbursement const& disbursement) { return contract::EnumText(disbursement.state()); }

// What is wrong with a request by itself. `field` is the path of the disbursement.
void Check(CallContext const& call, v1::Disbursement const& disbursement, std::string const& field,
           std::vector<FieldViolation>& violations) {
  CheckAmount(disbursement.amount(), field + ".amount", Sign::kPositive, violations);
  if (!disbursement.has_expire_time()) return;
  absl::Time const expiry = absl::FromUnixSeconds(disbursement.expire_time().seconds());
  if (expiry <= call.Now() || expiry > call.Now() + kExpiryMax) {
    violations.push_back({field + ".expire_time", "must be in the future, and 400 days away at most"});
  }
}

absl::Status CheckDate(MoneySession& session, v1::BudgetLine const& line, absl::CivilDay date) {
  ASSIGN_OR_RETURN(auto const* const source, session.Source(line.source()));
  ASSIGN_OR_RETURN(Period const budget, session.TimeOfBudget(source->extension()));
  ExpenseTime const time{session.plan().period, budget, !source->extension().empty(), line.year()};
  bool in_window = false;
  if (NeedsExpenseWindow(time, date)) {
    ASSIGN_OR_RETURN(in_window, session.InExpenseWindow(date));
  }
  std::string const period = ExpensePeriodMissed(time, date, in_window);
  if (period.empty()) return absl::OkStatus();
  std::string const text = ToIsoDate(date);
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DATE_OUTSIDE_PLAN,
               absl::StrCat(text, " lies outside ", period, ", when ", line.name(), " may be spent."),
               {{"date", text}, {"period", period}});
}

Draft DraftOf(v1::EntryKind kind, v1::Disbursement const& disbursement, std::string const& source) {
  Draft draft;
  draft.kind = kind;
  draft.date = ToCivil(disbursement.expense_date()).value_or(absl::CivilDay::min());
  draft.source = source;
  draft.cause = disbursement.name();
  draft.voucher = disbursement.voucher();
  draft.made_by = disbursement.reserved_by();
  return draft;
}

// Reserves what one disbursement asks for and completes it.
absl::Status Reserve(CallContext const& call, MoneySession& session, v1::Disbursement& disbursement) {
  auto const& line = session.LineAt(disbursement.budget_line());
  std::string const source = line.source();
  ASSIGN_OR_RETURN(auto const* const payer, session.Source(source));
  RETURN_IF_ERROR(CheckAct(*payer, SourceAct::kReserve, session.Totals(source)));
  disbursement.set_reserved_by(call.identity().subject());
  disbursement.set_state(v1::DISBURSEMENT_STATE_RESERVED);
  if (!disbursement.has_expire_time()) {
    disbursement.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(call.Now() + kExpiry));
  }
  auto draft = DraftOf(v1::ENTRY_KIND_RESERVATION, disbursement, source);
  RETURN_IF_ERROR(CheckDate(session, line, draft.date));
  Ore const amount = disbursement.amount().minor_units();
  RETURN_IF_ERROR(session.Use(disbursement.budget_line(), amount, 0));
  draft.moves = {
      session.MoveOf(v1::ACCOUNT_KIND_RESERVED, v1::ACCOUNT_KIND_RELEASED, amount, source, disbursement.budget_line())};
  ASSIGN_OR_RETURN(auto entry, session.Book(draft));
  disbursement.set_reservation_entry(std::move(entry));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Disbursement>> ReserveAll(WriteTransaction& tx, std::string const& plan,
                                                         std::vector<v1::Disbursement> disbursements) {
  ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, plan));
  RETURN_IF_ERROR(session->RequireRunning());
  std::vector<std::string> lines;
  for (auto const& disbursement : disbursements) {
    if (PlanOf(disbursement.budget_line()) != plan) return NotFound(disbursement.budget_line());
    lines.push_back(disbursement.budget_line());
  }
  RETURN_IF_ERROR(session->LoadLines(lines));
  for (auto& disbursement : disbursements) {
    RETURN_IF_ERROR(Reserve(tx.call(), *session, disbursement));
  }
  RETURN_IF_ERROR(session->Save());
  if (disbursements.size() == 1) {
    RETURN_IF_ERROR(tx.Insert(disbursements.front()));
  } else {
    RETURN_IF_ERROR(tx.InsertMany(disbursements));
  }
  for (auto& disbursement : disbursements) CompleteMoney(disbursement);
  return disbursements;
}

// Books a payment of `amount`; the rest of what was reserved is free again.
absl::Status Post(CallContext const& call, MoneySession& session, v1::Disbursement& disbursement, Ore amount) {
  if (disbursement.state() != v1::DISBURSEMENT_STATE_RESERVED)
    return AlreadyDecided(disbursement.name(), StateName(disbursement));
  RETURN_IF_ERROR(RequireFourEyes(call, disbursement.name(), disbursement.reserved_by()));
  Ore const reserved = disbursement.amount().minor_units();
  if (amount > reserved) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_BEYOND_RESERVED,
                 absl::StrCat(disbursement.name(), " has ", ToKroner(reserved), " kr. reserved, not ", ToKroner(amount), "."),
                 {{"disbursement", disbursement.name()}, {"amount", absl::StrCat(amount)}, {"reserved", absl::StrCat(reserved)}});
  }
  std::string const& line = disbursement.budget_line();
  std::string const source = session.LineAt(line).source();
  auto draft = DraftOf(v1::ENTRY_KIND_DISBURSEMENT, disbursement, source);
  // The plan may have been shortened since.
  RETURN_IF_ERROR(CheckDate(session, session.LineAt(line), draft.date));
  draft.approved_by = call.identity().subject();
  draft.moves.push_back(session.MoveOf(v1::ACCOUNT_KIND_SPENT, v1::ACCOUNT_KIND_RESERVED, amount, source, line));
  if (amount < reserved) {
    draft.moves.push_back(session.MoveOf(v1::ACCOUNT_KIND_RELEASED, v1::ACCOUNT_KIND_RESERVED, reserved - amount, source, line));
  }
  ASSIGN_OR_RETURN(auto entry, session.Book(draft));
  RETURN_IF_ERROR(session.Use(line, -reserved, amount));
  disbursement.set_final_entry(std::move(entry));
  *disbursement.mutable_posted_amount() = ToMoney(amount);
  return absl::OkStatus();
}

// `amount` 0 posts all that is reserved.
absl::StatusOr<std::vector<v1::Disbursement>> PostAll(WriteTransaction& tx, std::string_view plan,
                                                      std::vector<std::string> const& names, Ore amount,
                                                      std::string const& etag) {
  ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, plan));
  RETURN_IF_ERROR(session->RequireRunning());
  ASSIGN_OR_RETURN(auto disbursements, LoadDisbursements(tx, plan, names));
  RETURN_IF_ERROR(storage::CheckEtag(etag, disbursements.front().etag(), names.front()));
  std::vector<std::string> lines;
  for (auto const& disbursement : disbursements) lines.push_back(disbursement.budget_line());
  RETURN_IF_ERROR(session->LoadLines(lines));
  std::string triples = "[";
  for (auto& disbursement : disbursements) {
    RETURN_IF_ERROR(Post(tx.call(), *session, disbursement, amount == 0 ? disbursement.amount().minor_units() : amount));
    absl::StrAppend(&triples, triples.size() == 1 ? "" : ",", "[\"", Av(contract::LastPart(disbursement.name())), "\",\"",
                    Av(contract::LastPart(disbursement.final_entry())), "\",", disbursement.posted_amount().minor_units(), "]");
  }
  triples += "]";
  RETURN_IF_ERROR(session->Save());
  RETURN_IF_ERROR(tx.Enqueue(kPost, {PlanIdOf(plan), std::string_view(tx.call().identity().subject()),
                                     absl::ToUnixMicros(tx.call().Now()), std::string_view(triples)}));
  // As stored, with their new etags.
  return LoadDisbursements(tx, plan, names);
}

}  // namespace

void LedgerService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.LedgerService", method, this, handler);
  };
  on("GetDisbursement", &LedgerService::GetDisbursement);
  on("ListDisbursements", &LedgerService::ListDisbursements);
  on("CreateDisbursement", &LedgerService::CreateDisbursement);
  on("BatchCreateDisbursements", &LedgerService::BatchCreateDisbursements);
  on("PostDisbursement", &LedgerService::PostDisbursement);
  on("BatchPostDisbursements", &LedgerService::BatchPostDisbursements);
  on("VoidDisbursement", &LedgerService::VoidDisbursement);
  on("GetEntry", &LedgerService::GetEntry);
  on("ListEntries", &LedgerService::ListEntries);
  on("ReverseEntry", &LedgerService::ReverseEntry);
  on("ListPostings", &LedgerService::ListPostings);
  on("GetAccount", &LedgerService::GetAccount);
  on("ListAccounts", &LedgerService::ListAccounts);
  on("GetAccountingPeriod", &LedgerService::GetAccountingPeriod);
  on("ListAccountingPeriods", &LedgerService::ListAccountingPeriods);
  on("RequestPeriodClosing", &LedgerService::RequestPeriodClosing);
  on("ClosePeriod", &LedgerService::ClosePeriod);
  on("VerifyEntries", &LedgerService::VerifyEntries);
  on("GetExpenseWindow", &LedgerService::GetExpenseWindow);
  on("ListExpenseWindows", &LedgerService::ListExpenseWindows);
  on("CreateExpenseWindow", &LedgerService::CreateExpenseWindow);
}

absl::StatusOr<v1::Disbursement> LedgerService::GetDisbursement(CallContext const& call,
                                                                v1::GetDisbursementRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Disbursement> {
    ASSIGN_OR_RETURN(auto disbursement, tx.Get<v1::Disbursement>(request.name()));
    return WithMoney(std::move(disbursement));
  });
}

absl::StatusOr<v1::ListDisbursementsResponse> LedgerService::ListDisbursements(CallContext const& call,
                                                                               v1::ListDisbursementsRequest const& request) {
  return store_.Read(
      call, [&](ReadTransaction& tx) { return ListOfPlan<v1::ListDisbursementsResponse>(tx, request, "disbursements", "d"); });
}

absl::StatusOr<v1::Disbursement> LedgerService::CreateDisbursement(CallContext const& call,
                                                                   v1::CreateDisbursementRequest const& request) {
  std::vector<FieldViolation> violations;
  Check(call, request.disbursement(), "disbursement", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Disbursement> {
    v1::Disbursement disbursement = request.disbursement();
    disbursement.set_name(absl::StrCat(request.parent(), "/disbursements/", IdOr(call, request.disbursement_id())));
    ASSIGN_OR_RETURN(auto reserved, ReserveAll(tx, request.parent(), {std::move(disbursement)}));
    return std::move(reserved.front());
  });
}

absl::StatusOr<v1::BatchCreateDisbursementsResponse> LedgerService::BatchCreateDisbursements(
    CallContext const& call, v1::BatchCreateDisbursementsRequest const& request) {
  std::vector<FieldViolation> violations;
  std::vector<v1::Disbursement> wanted;
  for (int i = 0; i < request.requests_size(); ++i) {
    v1::CreateDisbursementRequest one = request.requests(i);
    std::string const row = absl::StrCat("requests[", i, "].");
    if (one.parent().empty()) one.set_parent(request.parent());
    for (auto& violation : ViolationsOf(contract::Validate(one))) {
      violations.push_back({row + violation.field, std::move(violation.description)});
    }
    if (one.parent() != request.parent()) violations.push_back({row + "parent", "must be that of the batch, or be left out"});
    Check(call, one.disbursement(), row + "disbursement", violations);
    wanted.push_back(one.disbursement());
    contract::ClearOutputOnly(wanted.back());
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::BatchCreateDisbursementsResponse> {
    std::vector<v1::Disbursement> disbursements = wanted;
    for (int i = 0; i < request.requests_size(); ++i) {
      disbursements[static_cast<std::size_t>(i)].set_name(
          absl::StrCat(request.parent(), "/disbursements/", IdOr(call, request.requests(i).disbursement_id())));
    }
    ASSIGN_OR_RETURN(auto reserved, ReserveAll(tx, request.parent(), std::move(disbursements)));
    v1::BatchCreateDisbursementsResponse response;
    for (auto& disbursement : reserved) *response.add_disbursements() = std::move(disbursement);
    return response;
  });
}

absl::StatusOr<v1::Disbursement> LedgerService::PostDisbursement(CallContext const& call,
                                                                 v1::PostDisbursementRequest const& request) {
  std::vector<FieldViolation> violations;
  if (request.has_amount()) CheckAmount(request.amount(), "amount", Sign::kPositive, violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Disbursement> {
    ASSIGN_OR_RETURN(auto posted,
                     PostAll(tx, PlanOf(request.name()), {request.name()}, request.amount().minor_units(), request.etag()));
    return std::move(posted.front());
  });
}

absl::StatusOr<v1::BatchPostDisbursementsResponse> LedgerService::BatchPostDisbursements(
    CallContext const& call, v1::BatchPostDisbursementsRequest const& request) {
  std::vector<std::string> const names(request.names().begin(), request.names().end());
  for (auto const& name : names) {
    if (PlanOf(name) != request.parent()) return BadRequest({{"names", "must be disbursements of the plan in parent"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::BatchPostDisbursementsResponse> {
    ASSIGN_OR_RETURN(auto posted, PostAll(tx, request.parent(), names, 0, ""));
    v1::BatchPostDisbursementsResponse response;
    for (auto& disbursement : posted) *response.add_disbursements() = std::move(disbursement);
    return response;
  });
}

absl::StatusOr<v1::Disbursement> LedgerService::VoidDisbursement(CallContext const& call,
                                                                 v1::VoidDisbursementRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Disbursement> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name()));
    ASSIGN_OR_RETURN(auto disbursement, tx.Get<v1::Disbursement>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), disbursement.etag(), request.name()));
    if (disbursement.state() != v1::DISBURSEMENT_STATE_RESERVED) return AlreadyDecided(request.name(), StateName(disbursement));
    RETURN_IF_ERROR(session->Void(std::move(disbursement), v1::DISBURSEMENT_STATE_VOIDED, request.reason()));
    RETURN_IF_ERROR(session->Save());
    return session->voided().front();
  });
}

}  // namespace helhed::funding
