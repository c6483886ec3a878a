#pragma once

#include <absl/status/statusor.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/budget.pb.h"
#include "helhed/funding/v1/extension.pb.h"
#include "helhed/funding/v1/ledger.pb.h"
#include "helhed/funding/v1/plan.pb.h"
#include "helhed/funding/v1/source.pb.h"
#include "services/funding/domain/books.h"
#include "services/funding/domain/source_life.h"
#include "services/platform/base/civil.h"
#include "services/platform/service/store.h"

// One act on the money of a plan: it has the plan's ledger alone until its transaction ends, loads what it touches, books, and
// saves everything at once.
namespace helhed::funding {

// The plan whose money it is.
struct MoneyPlan {
  std::string name;
  v1::PlanState state = v1::PLAN_STATE_UNSPECIFIED;
  Period period;
  // The time that the plan's own budget is for: `period` as it was before any extension (M9).
  Period own;
  std::string regulation;  // name
};

class MoneySession {
 public:
  // Takes the plan's ledger and holds the plan; reservations that have run out by now are given back first. NOT_FOUND when there
  // is no such plan. With `sweep` false they are left: for acts that need no money.
  static absl::StatusOr<std::unique_ptr<MoneySession>> Open(WriteTransaction& tx, std::string_view plan, bool sweep = true);

  MoneyPlan const& plan() const { return plan_; }
  // FAILED_PRECONDITION PLAN_NOT_OPEN unless the plan is in one of the states.
  absl::Status RequireState(std::initializer_list<v1::PlanState> states) const;
  // The plan has not come to its end: its sources and budget can be worked on.
  absl::Status RequireAlive() const;
  // The plan is approved and its money is in use.
  absl::Status RequireRunning() const;

  // The source, with its accounts open; loaded once. NOT_FOUND. Valid as long as the session.
  absl::StatusOr<v1::Source*> Source(std::string const& name);
  // What the books say of a source that was loaded.
  SourceTotals Totals(std::string const& source) const;
  // Saves the source with the session although no booking changes its state.
  void Touch(std::string const& source) { touched_.insert(source); }

  // Loads lines of the budget with their accounts and sources. NOT_FOUND for the first that is not there.
  absl::Status LoadLines(std::vector<std::string> const& names);
  v1::BudgetLine const& LineAt(std::string const& name) const { return lines_.at(name); }
  // Changes what is reserved and spent of a line. FAILED_PRECONDITION BEYOND_BUDGET.
  absl::Status Use(std::string const& line, Ore reserved_change, Ore spent_change);

  // The time that the budget of an extension is for, or the plan's own where `extension` is empty (M9). NOT_FOUND.
  absl::StatusOr<Period> TimeOfBudget(std::string const& extension);
  // Whether expenses may be dated on the day although the plan does not run then.
  absl::StatusOr<bool> InExpenseWindow(absl::CivilDay day);
  // FAILED_PRECONDITION PERIOD_CLOSED when the month of the day is closed.
  absl::Status RequireOpenPeriod(absl::CivilDay day);
  // Books an entry; see Books::Book. FAILED_PRECONDITION PERIOD_CLOSED.
  absl::StatusOr<std::string> Book(Draft const& draft);
  // A move between accounts of a source; SPENT is the account of `line`.
  Move MoveOf(v1::AccountKind debit, v1::AccountKind credit, Ore amount, std::string const& source,
              std::string const& line = "") const;

  // Gives a reservation back, as VOIDED or EXPIRED, and changes the disbursement accordingly; it is saved with the session.
  absl::Status Void(v1::Disbursement disbursement, v1::DisbursementState state, std::string const& reason);

  // Writes what was booked and changed, with one event for the entries. Sources follow their books.
  absl::Status Save();
  // Disbursements that Save() has written.
  std::vector<v1::Disbursement> const& voided() const { return voided_; }

 private:
  MoneySession(WriteTransaction& tx, MoneyPlan plan, Head head);
  // Whether there was anything that had run out.
  absl::StatusOr<bool> Sweep();
  absl::Status OpenAccounts(std::set<std::string> const& sources, std::set<std::string> const& lines);
  absl::Status SaveAccounts();
  absl::Status SaveJournal();
  absl::Status SaveLines();
  absl::Status SaveSources();
  std::string_view plan_id() const;

  WriteTransaction& tx_;
  MoneyPlan plan_;
  Books books_;
  std::map<std::string, v1::Source> sources_;
  std::set<std::string> touched_;
  std::map<std::string, v1::BudgetLine> lines_;
  std::set<std::string> used_lines_;
  std::map<std::string, Period> times_;
  std::set<std::string> new_accounts_;
  std::set<std::string> open_periods_;
  std::set<std::string> new_periods_;
  std::vector<v1::Disbursement> voided_;
};

// OK when `made_by` is not the caller; otherwise PERMISSION_DENIED FOUR_EYES_NEEDED (M10).
absl::Status RequireFourEyes(CallContext const& call, std::string_view resource, std::string_view made_by);
// FAILED_PRECONDITION ALREADY_DECIDED.
absl::Status AlreadyDecided(std::string_view resource, std::string_view state);

// What was released, reserved and paid.
void SetTotals(v1::Source& source, SourceTotals const& totals);

// Every amount of the message is set and in the one currency: what the tables do not hold.
void CompleteMoney(google::protobuf::Message& message);
template <typename M>
M WithMoney(M message) {
  CompleteMoney(message);
  return message;
}

// Everything of a plan that a report or a check needs. Sources as stored, in the order of their names.
absl::StatusOr<std::vector<v1::Source>> LoadSources(ReadTransaction& tx, std::string_view plan);
absl::StatusOr<std::vector<v1::BudgetLine>> LoadBudgetLines(ReadTransaction& tx, std::string_view plan);
absl::StatusOr<std::vector<v1::Extension>> LoadExtensions(ReadTransaction& tx, std::string_view plan);
// By source.
absl::StatusOr<std::map<std::string, SourceTotals>> LoadTotals(ReadTransaction& tx, std::string_view plan);
// Disbursements by name, in the order of `names`; NOT_FOUND for the first that is not there.
absl::StatusOr<std::vector<v1::Disbursement>> LoadDisbursements(ReadTransaction& tx, std::string_view plan,
                                                                std::vector<std::string> const& names);
// Entries with their postings, `limit` from `first` on.
absl::StatusOr<std::vector<v1::JournalEntry>> LoadEntries(ReadTransaction& tx, std::string_view plan, std::int64_t first,
                                                          std::int64_t limit);

}  // namespace helhed::funding
