#include <absl/strings/str_format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "services/funding/testing/money_fixture.h"

// Random lives of money against a model as one would keep it on paper: approved, released and taken back, reserved, paid, given
// up and run out, moved between focus areas, months closed, and the plan extended with money of its own. Both engines run the
// same seeds, so they also agree with each other.
namespace helhed::funding::testing {
namespace {

// The last source is that of an extension, of 2026.
constexpr int kSources = 3;
constexpr int kExtension = kSources - 1;
constexpr int kLinesEach = 2;
constexpr Ore kAmount = 1000;

struct Model {
  struct Source {
    bool entered = false;
    bool approved = false;
    Ore unreleased = 0;
    Ore free = 0;
  };
  struct Line {
    Ore amount = kAmount / kLinesEach;
    Ore reserved = 0;
    Ore spent = 0;
    Ore left() const { return amount - reserved - spent; }
  };
  struct Disbursement {
    int line;
    Ore amount;
    int by;
    absl::Time expires;
    std::string entry = {};  // once posted
    bool open = true;
    bool reversed = false;
  };
  struct Release {
    int source;
    Ore amount;
    int by;
    std::string entry = {};  // once approved
    bool open = true;
    bool reversed = false;
  };
  // Between the two lines of a source, which are in different focus areas.
  struct Reallocation {
    int from;
    Ore amount;
    int by;
    bool open = true;
  };
  Source sources[kSources];
  Line lines[kSources * kLinesEach];
  std::map<std::string, Disbursement> disbursements;
  std::map<std::string, Release> releases;
  std::map<std::string, Reallocation> reallocations;
  std::set<int> closed;  // months

  static int SourceOf(int line) { return line / kLinesEach; }

  void Sweep(absl::Time now) {
    for (auto& [_, one] : disbursements) {
      if (one.open && one.expires <= now) GiveBack(one);
    }
  }
  void GiveBack(Disbursement& one) {
    lines[one.line].reserved -= one.amount;
    sources[SourceOf(one.line)].free += one.amount;
    one.open = false;
  }
  bool CanReserve(int line, Ore amount, int month) {
    auto const& source = sources[SourceOf(line)];
    return kAmount - source.unreleased > 0 && source.approved && amount <= source.free && amount <= lines[line].left() &&
           !closed.contains(month);
  }
  // What is reserved and paid stays where it is.
  bool CanMove(int from, Ore amount) const { return sources[SourceOf(from)].entered && amount <= lines[from].left(); }
  static int Other(int line) { return line ^ 1; }
};

class MoneyModelTest : public MoneyTest {
 protected:
  std::string As(int person) { return FundingTest::As("plan-leader", "plans/p", person == 0 ? "anna" : "bo"); }
  static std::string Id(int source) { return absl::StrCat("s", source); }
  static int Pick(SeededRandom& random, int count) { return static_cast<int>(random.Between(0, count - 1)); }

  template <typename T>
  static void Same(absl::StatusOr<T> const& result, bool expected, std::string_view what) {
    EXPECT_EQ(result.ok(), expected) << what << ": " << result.status();
  }

  // The year of a line: the plan's sources pay for 2022 and 2023, the extension's for 2026.
  static int Year(int line) { return Model::SourceOf(line) == kExtension ? 2026 : 2022 + line % kLinesEach; }
  static Cell CellOf(Model const& model, int line) {
    return {line % kLinesEach == 0 ? "beskaeftigelse" : "uddannelse-livschancer", Id(Model::SourceOf(line)), Year(line),
            model.lines[line].amount};
  }
  // The budget as the model has it.
  void StoreBudget(Model const& model) {
    std::vector<Cell> cells;
    for (int line = 0; line < kSources * kLinesEach; ++line) {
      if (model.sources[Model::SourceOf(line)].entered) cells.push_back(CellOf(model, line));
    }
    Budget(cells);
    for (int line = 0; line < kSources * kLinesEach; ++line) {
      if (!model.sources[Model::SourceOf(line)].entered || lines_.contains(line)) continue;
      auto const cell = CellOf(model, line);
      lines_[line] = LineOf(cell.focus_area, cell.source, cell.year);
    }
  }
  // A line that is not there is named like none.
  std::string LineId(int line) const { return lines_.contains(line) ? lines_.at(line) : "9999"; }

  void Enter(Model& model) {
    RunningPlan();
    for (int source = 0; source < kExtension; ++source) {
      Source(Id(source), v1::SOURCE_KIND_MUNICIPALITY, kAmount);
      Pledge(Id(source));
      model.sources[source].entered = true;
    }
    StoreBudget(model);
  }

  // A year more, with a source of its own.
  void StepExtend(Model& model) {
    if (model.sources[kExtension].entered) return;
    anna_ = As(0);
    ProposeExtension("e", "2027-01-01", kAmount);
    auto request = SourceRequest(Id(kExtension), v1::SOURCE_KIND_MUNICIPALITY, kAmount);
    request.mutable_source()->set_extension("e");
    Must<v1::Source>("SourceService/CreateSource", request, As(0));
    Pledge(Id(kExtension));
    model.Sweep(clock().Now());
    model.sources[kExtension].entered = true;
    StoreBudget(model);
    ApplyExtension("e");
  }

  void StepReallocate(SeededRandom& random, Model& model, int person) {
    model.Sweep(clock().Now());
    int const from = Pick(random, kSources * kLinesEach);
    Ore const amount = random.Between(1, kAmount / 2);
    v1::CreateReallocationRequest request;
    request.set_parent("plans/p");
    request.mutable_reallocation()->set_reason("?");
    if (random.Between(0, 3) > 0) request.mutable_reallocation()->set_approval_reference("LBF 7");
    for (auto const& [line, change] : {std::pair(from, -amount), std::pair(Model::Other(from), amount)}) {
      auto const cell = CellOf(model, line);
      auto& move = *request.mutable_reallocation()->add_moves();
      move.set_focus_area(cell.focus_area);
      move.set_cost_kind("wages");
      move.set_source(SourceName(cell.source));
      move.set_year(cell.year);
      *move.mutable_change() = Dkk(change);
    }
    auto const result = Call<v1::Reallocation>("BudgetService/CreateReallocation", request, As(person));
    Same(result, model.CanMove(from, amount), "reallocate");
    if (result.ok()) model.reallocations[result->name()] = {from, amount, person};
  }

  void StepApproveReallocation(SeededRandom& random, Model& model, int person) {
    if (model.reallocations.empty()) return;
    model.Sweep(clock().Now());
    auto& [name, one] = *std::next(model.reallocations.begin(), Pick(random, static_cast<int>(model.reallocations.size())));
    v1::ApproveReallocationRequest request;
    request.set_name(name);
    request.set_approval_reference("LBF 8");
    bool const can = one.open && one.by != person && model.CanMove(one.from, one.amount);
    Same(Call<v1::Reallocation>("BudgetService/ApproveReallocation", request, As(person)), can, "approve reallocation");
    if (!can) return;
    one.open = false;
    model.lines[one.from].amount -= one.amount;
    model.lines[Model::Other(one.from)].amount += one.amount;
  }

  void StepRelease(SeededRandom& random, Model& model, int person) {
    int const source = Pick(random, kSources);
    Ore const amount = random.Between(1, kAmount);
    auto const result = Call<v1::Release>("SourceService/CreateRelease", ReleaseRequest(Id(source), amount), As(person));
    Same(result, model.sources[source].approved && amount <= model.sources[source].unreleased, "release");
    if (result.ok()) model.releases[result->name()] = {source, amount, person};
  }

  void StepDecide(SeededRandom& random, Model& model, int person) {
    if (model.releases.empty()) return;
    auto& [name, release] = *std::next(model.releases.begin(), Pick(random, static_cast<int>(model.releases.size())));
    v1::ApproveReleaseRequest request;
    request.set_name(name);
    auto const result = Call<v1::Release>("SourceService/ApproveRelease", request, As(person));
    auto& source = model.sources[release.source];
    // Releases are dated in January 2022.
    bool const can = release.open && release.by != person && release.amount <= source.unreleased && !model.closed.contains(1);
    Same(result, can, "approve release");
    if (!can) return;
    if (!result.ok()) return;
    source.unreleased -= release.amount;
    source.free += release.amount;
    release.open = false;
    release.entry = result->entry();
  }

  // A release is taken back as far as it is free.
  void StepTakeBack(SeededRandom& random, Model& model, int person) {
    if (model.releases.empty()) return;
    auto& [name, release] = *std::next(model.releases.begin(), Pick(random, static_cast<int>(model.releases.size())));
    if (release.entry.empty()) return;
    model.Sweep(clock().Now());
    auto& source = model.sources[release.source];
    bool const can = !release.reversed && release.by != person && release.amount <= source.free;
    Same(Reverse(release.entry, person), can, "take back");
    if (!can) return;
    release.reversed = true;
    source.unreleased += release.amount;
    source.free -= release.amount;
  }

  absl::StatusOr<v1::JournalEntry> Reverse(std::string const& entry, int person) {
    v1::ReverseEntryRequest request;
    request.set_name(entry);
    request.set_reason("wrong");
    *request.mutable_voucher() = Proof();
    return Call<v1::JournalEntry>("LedgerService/ReverseEntry", request, As(person));
  }

  void StepReserve(SeededRandom& random, Model& model, int person) {
    model.Sweep(clock().Now());
    int const line = Pick(random, kSources * kLinesEach);
    int const month = Pick(random, 12) + 1;
    Ore const amount = random.Between(1, kAmount / 4);
    // Now and then in the year of another line, which is not the plan's time, or not this line's.
    bool const strays = random.Between(0, 9) == 0;
    int const year = strays ? 2026 + 2022 - Year(line) : Year(line);
    auto request = DisbursementRequest(LineId(line), amount, absl::StrFormat("%d-%02d-15", year, month));
    absl::Time const expires = clock().Now() + absl::Hours(random.Between(1, 100));
    request.mutable_disbursement()->mutable_expire_time()->set_seconds(absl::ToUnixSeconds(expires));
    auto const result = Call<v1::Disbursement>("LedgerService/CreateDisbursement", request, As(person));
    bool const can = !strays && model.CanReserve(line, amount, Month(line, month));
    Same(result, can, "reserve");
    if (!can || !result.ok()) return;
    model.lines[line].reserved += amount;
    model.sources[Model::SourceOf(line)].free -= amount;
    model.disbursements[result->name()] = {line, amount, person, expires};
    months_[result->name()] = Month(line, month);
  }
  // Numbered from January 2022 on.
  static int Month(int line, int month) { return (Year(line) - 2022) * 12 + month; }

  // Posts one or all of the open ones at once.
  void StepPost(SeededRandom& random, Model& model, int person) {
    model.Sweep(clock().Now());
    std::vector<std::string> names;
    for (auto const& [name, _] : model.disbursements) {
      if (random.Between(0, 2) == 0) names.push_back(name);
    }
    if (names.empty()) return;
    bool can = true;
    for (auto const& name : names) {
      auto const& one = model.disbursements.at(name);
      can = can && one.open && one.by != person && !model.closed.contains(months_.at(name));
    }
    v1::BatchPostDisbursementsRequest request;
    request.set_parent("plans/p");
    for (auto const& name : names) request.add_names(name);
    auto const result = Call<v1::BatchPostDisbursementsResponse>("LedgerService/BatchPostDisbursements", request, As(person));
    Same(result, can, "post");
    if (!can || !result.ok()) return;
    for (auto const& posted : result->disbursements()) {
      auto& one = model.disbursements.at(posted.name());
      one.open = false;
      one.entry = posted.final_entry();
      model.lines[one.line].reserved -= one.amount;
      model.lines[one.line].spent += one.amount;
    }
  }

  void StepOne(SeededRandom& random, Model& model, int person) {
    if (model.disbursements.empty()) return;
    model.Sweep(clock().Now());
    auto& [name, one] = *std::next(model.disbursements.begin(), Pick(random, static_cast<int>(model.disbursements.size())));
    if (random.Between(0, 1) == 0) {
      v1::VoidDisbursementRequest request;
      request.set_name(name);
      request.set_reason("given up");
      Same(Call<v1::Disbursement>("LedgerService/VoidDisbursement", request, As(person)), one.open, "void");
      if (one.open) model.GiveBack(one);
      return;
    }
    // Part of what is reserved.
    Ore const amount = random.Between(1, one.amount + 1);
    v1::PostDisbursementRequest request;
    request.set_name(name);
    *request.mutable_amount() = Dkk(amount);
    bool const can = one.open && one.by != person && amount <= one.amount && !model.closed.contains(months_.at(name));
    auto const result = Call<v1::Disbursement>("LedgerService/PostDisbursement", request, As(person));
    Same(result, can, "post one");
    if (!can || !result.ok()) return;
    model.GiveBack(one);
    one.entry = result->final_entry();
    one.amount = amount;
    model.lines[one.line].spent += amount;
    model.sources[Model::SourceOf(one.line)].free -= amount;
  }

  void StepReverse(SeededRandom& random, Model& model, int person) {
    if (model.disbursements.empty()) return;
    auto& [name, one] = *std::next(model.disbursements.begin(), Pick(random, static_cast<int>(model.disbursements.size())));
    if (one.entry.empty()) return;
    model.Sweep(clock().Now());
    bool const can = !one.reversed && one.by != person;
    Same(Reverse(one.entry, person), can, "reverse");
    if (!can) return;
    one.reversed = true;
    model.lines[one.line].spent -= one.amount;
    model.sources[Model::SourceOf(one.line)].free += one.amount;
  }

  void StepClose(SeededRandom& random, Model& model) {
    int const month = Pick(random, 60) + 1;
    v1::RequestPeriodClosingRequest ask;
    ask.set_name(absl::StrFormat("plans/p/periods/%d-%02d", 2022 + (month - 1) / 12, (month - 1) % 12 + 1));
    if (!Call<v1::AccountingPeriod>("LedgerService/RequestPeriodClosing", ask, As(0)).ok()) return;
    v1::ClosePeriodRequest close;
    close.set_name(ask.name());
    Same(Call<v1::AccountingPeriod>("LedgerService/ClosePeriod", close, As(1)), true, "close");
    model.closed.insert(month);
  }

  void Step(SeededRandom& random, Model& model) {
    int const person = Pick(random, 2);
    switch (random.Between(0, 15)) {
      case 0: {
        int const source = Pick(random, kSources);
        auto const result =
            Call<v1::Source>("SourceService/ApproveSource", ActRequest<v1::ApproveSourceRequest>(Id(source)), As(person));
        Same(result, model.sources[source].entered && !model.sources[source].approved, "approve");
        if (result.ok()) model.sources[source] = {true, true, kAmount, 0};
        return;
      }
      case 1:
        return StepRelease(random, model, person);
      case 2:
        return StepDecide(random, model, person);
      case 3:
      case 4:
      case 5:
        return StepReserve(random, model, person);
      case 6:
        return StepPost(random, model, person);
      case 7:
      case 8:
        return StepOne(random, model, person);
      case 9:
        return StepReverse(random, model, person);
      case 10:
        return StepReallocate(random, model, person);
      case 11:
        return StepApproveReallocation(random, model, person);
      case 12:
        if (random.Between(0, 5) == 0) StepExtend(model);
        return;
      case 13:
        return StepTakeBack(random, model, person);
      case 14:
        return clock().Advance(absl::Minutes(random.Between(1, 600)));
      default:
        if (random.Between(0, 3) == 0) StepClose(random, model);
    }
  }

  void Compare(Model& model) {
    // The same budget once more changes nothing, but what has run out is given back.
    model.Sweep(clock().Now());
    anna_ = As(0);
    StoreBudget(model);
    auto balances = CheckBooks();
    for (int source = 0; source < kSources; ++source) {
      auto const& expected = model.sources[source];
      EXPECT_EQ(balances["approved." + Id(source)], expected.unreleased);
      EXPECT_EQ(balances["released." + Id(source)], expected.free);
      EXPECT_EQ(balances["granted." + Id(source)], expected.approved ? -kAmount : 0);
      // M2: the budget is what the source gives, whatever was moved.
      Ore budgeted = 0;
      for (int line = 0; line < kLinesEach; ++line) budgeted += model.lines[source * kLinesEach + line].amount;
      EXPECT_EQ(budgeted, kAmount);
    }
    for (int line = 0; line < kSources * kLinesEach; ++line) {
      if (!model.sources[Model::SourceOf(line)].entered) continue;
      auto const stored = Line(LineId(line));
      EXPECT_EQ(stored.amount().minor_units(), model.lines[line].amount);
      EXPECT_EQ(stored.reserved().minor_units(), model.lines[line].reserved);
      EXPECT_EQ(stored.spent().minor_units(), model.lines[line].spent);
      EXPECT_EQ(balances["spent." + LineId(line)], model.lines[line].spent);
    }
  }

  // A life of 400 acts, compared every now and then.
  void Live(std::uint64_t seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SeededRandom random(seed);
    Model model;
    Enter(model);
    for (int step = 0; step < 400 && !HasFailure(); ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      Step(random, model);
      if (step % 40 == 39) Compare(model);
    }
    // Long enough to prove something.
    EXPECT_TRUE(model.sources[kExtension].entered);
    auto const any = [](auto const& all, auto const& holds) {
      return std::any_of(all.begin(), all.end(), [&](auto const& one) { return holds(one.second); });
    };
    EXPECT_TRUE(any(model.disbursements, [](auto const& one) { return !one.entry.empty(); }));
    EXPECT_TRUE(any(model.reallocations, [](auto const& one) { return !one.open; }));
  }

  std::map<int, std::string> lines_;
  std::map<std::string, int> months_;
};
HELHED_BOTH_ENGINES(MoneyModelTest);

// A database each, because what is booked is never removed.
TEST_P(MoneyModelTest, BooksAlwaysBalanceAndAgreeWithTheModel) { Live(11); }
TEST_P(MoneyModelTest, InAnotherLifeToo) { Live(12); }
TEST_P(MoneyModelTest, InAThirdLifeToo) { Live(13); }
TEST_P(MoneyModelTest, InAFourthLifeToo) { Live(14); }

}  // namespace
}  // namespace helhed::funding::testing
