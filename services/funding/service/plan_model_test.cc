#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <set>

#include "services/funding/testing/plan_life.h"

// Random lives of plans, against a model of a few lines: what the model allows the service does, and nothing else.
namespace helhed::funding::testing {
namespace {

constexpr int kDepartments = 3;

// What a department's decision has come to.
enum class Said { kNothing, kYes, kNo, kOverridden, kStands };

struct Model {
  v1::PlanState state = v1::PLAN_STATE_IDEA;
  bool covered[kDepartments] = {};
  bool excluded[kDepartments] = {};
  Said said[kDepartments] = {};
  int decisions[kDepartments] = {};
  bool organisation[kDepartments] = {};  // each department is of an organisation of its own
  bool municipality[2] = {};             // preliminary, final
  bool fund[2] = {};
  bool strategic = false;
  bool sub = false;
  bool letter = false;

  bool InPlan(int i) const { return covered[i] && !excluded[i]; }
  bool AnyInPlan() const { return InPlan(0) || InPlan(1) || InPlan(2); }
  bool Decided() const {
    for (int i = 0; i < kDepartments; ++i) {
      if (InPlan(i) && said[i] != Said::kYes && said[i] != Said::kOverridden) return false;
    }
    return true;
  }
  bool Organisations() const {
    for (int i = 0; i < kDepartments; ++i) {
      if (InPlan(i) && !organisation[i]) return false;
    }
    return true;
  }
  bool Over() const {
    return state == v1::PLAN_STATE_REJECTED || state == v1::PLAN_STATE_CLOSED || state == v1::PLAN_STATE_WITHDRAWN;
  }
  // Everything that stands between the state and the start is there.
  bool MayStart() const {
    bool const open = AnyInPlan() && strategic && sub;
    bool const submit = open && Decided() && Organisations() && municipality[1] && letter;
    switch (state) {
      case v1::PLAN_STATE_IDEA:
      case v1::PLAN_STATE_PREQUALIFICATION_DRAFT:
      case v1::PLAN_STATE_PREQUALIFICATION_REJECTED:
        return submit && fund[1] && municipality[0] && fund[0];
      case v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED:
        return submit && fund[1] && fund[0];
      case v1::PLAN_STATE_PREQUALIFIED:
      case v1::PLAN_STATE_DRAFTING:
      case v1::PLAN_STATE_LOCAL_DECISION:
        return submit && fund[1];
      case v1::PLAN_STATE_SUBMITTED_FINAL:
        return Decided() && municipality[1] && fund[1];
      default:
        return state == v1::PLAN_STATE_APPROVED;
    }
  }
  // Takes the step if it may be taken.
  bool Take(v1::PlanTransition step) {
    auto const go = [&](v1::PlanState from, v1::PlanState to, bool ready = true) {
      if (state != from || !ready) return false;
      state = to;
      return true;
    };
    switch (step) {
      case v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION:
        return go(v1::PLAN_STATE_IDEA, v1::PLAN_STATE_PREQUALIFICATION_DRAFT) ||
               go(v1::PLAN_STATE_PREQUALIFICATION_REJECTED, v1::PLAN_STATE_PREQUALIFICATION_DRAFT);
      case v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION:
        return go(v1::PLAN_STATE_PREQUALIFICATION_DRAFT, v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED,
                  AnyInPlan() && municipality[0]);
      case v1::PLAN_TRANSITION_PREQUALIFY:
        return go(v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED, v1::PLAN_STATE_PREQUALIFIED, fund[0]);
      case v1::PLAN_TRANSITION_REJECT_PREQUALIFICATION:
        return go(v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED, v1::PLAN_STATE_PREQUALIFICATION_REJECTED);
      case v1::PLAN_TRANSITION_DRAFT:
        return go(v1::PLAN_STATE_PREQUALIFIED, v1::PLAN_STATE_DRAFTING);
      case v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION:
        return go(v1::PLAN_STATE_DRAFTING, v1::PLAN_STATE_LOCAL_DECISION, AnyInPlan() && strategic && sub);
      case v1::PLAN_TRANSITION_SUBMIT:
        return go(v1::PLAN_STATE_LOCAL_DECISION, v1::PLAN_STATE_SUBMITTED_FINAL,
                  AnyInPlan() && strategic && sub && Decided() && Organisations() && municipality[1] && letter);
      case v1::PLAN_TRANSITION_APPROVE:
        return go(v1::PLAN_STATE_SUBMITTED_FINAL, v1::PLAN_STATE_APPROVED, Decided() && municipality[1] && fund[1]);
      case v1::PLAN_TRANSITION_RETURN:
        return go(v1::PLAN_STATE_SUBMITTED_FINAL, v1::PLAN_STATE_DRAFTING);
      case v1::PLAN_TRANSITION_REJECT:
        return go(v1::PLAN_STATE_SUBMITTED_FINAL, v1::PLAN_STATE_REJECTED);
      case v1::PLAN_TRANSITION_START:
        return go(v1::PLAN_STATE_APPROVED, v1::PLAN_STATE_ACTIVE);
      case v1::PLAN_TRANSITION_BEGIN_CLOSING:
        return go(v1::PLAN_STATE_ACTIVE, v1::PLAN_STATE_CLOSING);
      case v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS:
        return go(v1::PLAN_STATE_CLOSING, v1::PLAN_STATE_ACCOUNTS_SUBMITTED);
      case v1::PLAN_TRANSITION_RECORD_AUDIT:
        return go(v1::PLAN_STATE_ACCOUNTS_SUBMITTED, v1::PLAN_STATE_AUDITED);
      case v1::PLAN_TRANSITION_FINISH:
        return go(v1::PLAN_STATE_AUDITED, v1::PLAN_STATE_CLOSED);
      case v1::PLAN_TRANSITION_PUBLISH_OVERVIEW: {
        bool const possible = state == v1::PLAN_STATE_DRAFTING || state == v1::PLAN_STATE_LOCAL_DECISION;
        letter = letter || possible;
        return possible;
      }
      default: {
        bool const possible = !Over();
        if (possible) state = v1::PLAN_STATE_WITHDRAWN;
        return possible;
      }
    }
  }
};

// The step that leads on, so that lives get somewhere.
v1::PlanTransition Onward(v1::PlanState state) {
  static std::map<v1::PlanState, v1::PlanTransition> const steps = {
      {v1::PLAN_STATE_IDEA, v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION},
      {v1::PLAN_STATE_PREQUALIFICATION_DRAFT, v1::PLAN_TRANSITION_SUBMIT_PREQUALIFICATION},
      {v1::PLAN_STATE_PREQUALIFICATION_SUBMITTED, v1::PLAN_TRANSITION_PREQUALIFY},
      {v1::PLAN_STATE_PREQUALIFICATION_REJECTED, v1::PLAN_TRANSITION_DRAFT_PREQUALIFICATION},
      {v1::PLAN_STATE_PREQUALIFIED, v1::PLAN_TRANSITION_DRAFT},
      {v1::PLAN_STATE_DRAFTING, v1::PLAN_TRANSITION_OPEN_LOCAL_DECISION},
      {v1::PLAN_STATE_LOCAL_DECISION, v1::PLAN_TRANSITION_SUBMIT},
      {v1::PLAN_STATE_SUBMITTED_FINAL, v1::PLAN_TRANSITION_APPROVE},
      {v1::PLAN_STATE_APPROVED, v1::PLAN_TRANSITION_START},
      {v1::PLAN_STATE_ACTIVE, v1::PLAN_TRANSITION_BEGIN_CLOSING},
      {v1::PLAN_STATE_CLOSING, v1::PLAN_TRANSITION_SUBMIT_ACCOUNTS},
      {v1::PLAN_STATE_ACCOUNTS_SUBMITTED, v1::PLAN_TRANSITION_RECORD_AUDIT},
      {v1::PLAN_STATE_AUDITED, v1::PLAN_TRANSITION_FINISH},
  };
  auto const found = steps.find(state);
  return found == steps.end() ? v1::PLAN_TRANSITION_START : found->second;
}

class PlanModelTest : public PlanLifeTest {
 protected:
  static std::string Organisation(int i) { return absl::StrCat("900", i + 1); }
  static std::string Covered(int i) { return Organisation(i) + "-001"; }
  std::string DecisionOf(Model const& model, int i) const { return absl::StrCat("d", i, "-", model.decisions[i]); }

  template <typename T>
  void Same(absl::StatusOr<T> const& result, bool allowed) {
    EXPECT_EQ(result.ok(), allowed) << result.status();
    if (!result.ok()) {
      EXPECT_NE(ReasonOf(result.status()), "INTERNAL") << result.status();
    }
  }

  void StepPlan(SeededRandom& random, Model& model) {
    static constexpr v1::PlanTransition kWithdraw = v1::PLAN_TRANSITION_WITHDRAW;
    if (random.Between(0, 2) > 0) {
      auto const onward = Onward(model.state);
      auto const taken = Take(plan_, onward);
      return Same(taken, model.Take(onward));
    }
    auto step = static_cast<v1::PlanTransition>(random.Between(1, v1::PLAN_TRANSITION_WITHDRAW));
    // Few are given up, else no life is long; the letter goes out often.
    if (step == kWithdraw && random.Between(0, 30) > 0) step = v1::PLAN_TRANSITION_PUBLISH_OVERVIEW;
    Same(Take(plan_, step), model.Take(step));
  }

  void StepCoverage(Model& model, int i) {
    bool const open = model.state < v1::PLAN_STATE_SUBMITTED_FINAL;
    Same(Call<v1::CoveredDepartment>("CoverageService/CreateCoveredDepartment", CoverRequest(plan_, Organisation(i), "001", 10)),
         open && !model.covered[i]);
    model.covered[i] = model.covered[i] || open;
  }

  void StepExclude(Model& model, int i) {
    v1::ExcludeCoveredDepartmentRequest request;
    request.set_name(PlanNamed(plan_) + "/coveredDepartments/" + Covered(i));
    request.set_reason("Uden afdelingen.");
    bool const possible = model.state < v1::PLAN_STATE_SUBMITTED_FINAL && model.covered[i] &&
                          (model.said[i] == Said::kNothing || model.said[i] == Said::kStands);
    Same(Call<v1::CoveredDepartment>("CoverageService/ExcludeCoveredDepartment", request), possible);
    model.excluded[i] = model.excluded[i] || possible;
  }

  void StepApproval(SeededRandom& random, Model& model) {
    bool const final = random.Between(0, 1) == 1;
    auto const stage = final ? v1::APPROVAL_STAGE_FINAL : v1::APPROVAL_STAGE_PRELIMINARY;
    int const who = static_cast<int>(random.Between(0, 4));
    bool& known = who == 0   ? model.municipality[final ? 1 : 0]
                  : who == 1 ? model.fund[final ? 1 : 0]
                             : model.organisation[who - 2];
    auto const request = who < 2
                             ? ApprovalRequest(plan_, who == 0 ? v1::PARTY_MUNICIPALITY : v1::PARTY_FUND, stage)
                             : ApprovalRequest(plan_, v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, Organisation(who - 2));
    Same(Call<v1::Approval>("DecisionService/CreateApproval", request), !known);
    known = true;
  }

  // A department decides from the call to the count.
  void StepDecision(SeededRandom& random, Model& model, int i) {
    bool const local = model.state == v1::PLAN_STATE_LOCAL_DECISION;
    // One that took the place of an annulled one while the plan was submitted.
    if (local && model.InPlan(i) && model.decisions[i] > 0 && model.said[i] == Said::kNothing) return Vote(random, model, i);
    if (!local || !model.InPlan(i) || model.decisions[i] > 0) {
      v1::CreateDecisionRequest request;
      request.set_parent(PlanNamed(plan_));
      request.mutable_decision()->set_covered_department(PlanNamed(plan_) + "/coveredDepartments/" + Covered(i));
      request.mutable_decision()->set_question("?");
      // Only drafting allows to enter what is not decided yet; that would be a decision that the model does not follow.
      if (model.state != v1::PLAN_STATE_DRAFTING) Same(Call<v1::Decision>("DecisionService/CreateDecision", request), false);
      return;
    }
    ++model.decisions[i];
    Enter(plan_, DecisionOf(model, i), Covered(i));
    Vote(random, model, i);
  }

  // A vote by one channel: those who use votes, `households` of them, each once; nobody of them votes by another channel.
  void Turn(std::string const& decision, int i, v1::VoteChannel channel, std::int64_t first, std::int64_t households) {
    std::vector<std::pair<std::string, int>> given;
    for (std::int64_t h = 0; h < households; ++h) given.emplace_back(absl::StrCat("h", first + h), 1);
    if (given.empty()) return;
    Must<v1::Decision>("DecisionService/RegisterTurnout", TurnoutRequest(plan_, decision, channel, given, Organisation(i)));
    if (first == 0) return;
    EXPECT_THAT(Call<v1::Decision>("DecisionService/RegisterTurnout",
                                   TurnoutRequest(plan_, decision, channel, {{"h0", 1}}, Organisation(i))),
                StatusIs(kPrecondition, "CHANNEL_TAKEN"));
  }

  // By paper at the meeting; by paper and then digitally; or by a ballot that asks everybody anew.
  void Vote(SeededRandom& random, Model& model, int i) {
    auto const decision = DecisionOf(model, i);
    auto const name = DecisionNamed(plan_, decision);
    auto const way = random.Between(0, 2);
    Meet(plan_, decision, way == 2 ? 1501 : 0);
    auto yes = random.Between(0, 3);
    auto no = random.Between(0, 3);
    Turn(decision, i, v1::VOTE_CHANNEL_PAPER, 0, yes + no);
    auto request = CountRequest(plan_, decision, yes, no);
    if (way == 1) {
      auto const digital_yes = random.Between(0, 3);
      auto const digital_no = random.Between(0, 3);
      v1::OpenDigitalWindowRequest open;
      open.set_name(name);
      *open.mutable_digital_end_date() = Date("2021-10-06");
      Must<v1::Decision>("DecisionService/OpenDigitalWindow", open);
      Turn(decision, i, v1::VOTE_CHANNEL_DIGITAL, yes + no, digital_yes + digital_no);
      request.mutable_digital_tally()->set_yes_count(digital_yes);
      request.mutable_digital_tally()->set_no_count(digital_no);
      yes += digital_yes;
      no += digital_no;
    }
    if (way == 2) {
      yes = random.Between(0, 3);
      no = random.Between(0, 3);
      Ballot(decision, i, yes + no);
      request.clear_paper_tally();
      request.mutable_ballot_tally()->set_yes_count(yes);
      request.mutable_ballot_tally()->set_no_count(no);
    }
    auto more = request;
    auto const* const tally = v1::CountVotesRequest::descriptor();
    for (auto const* const field : {"paper_tally", "digital_tally", "ballot_tally"}) {
      auto const* const found = tally->FindFieldByName(field);
      if (!more.GetReflection()->HasField(more, found)) continue;
      auto& counted = static_cast<v1::Tally&>(*more.GetReflection()->MutableMessage(&more, found));
      counted.set_yes_count(counted.yes_count() + 1);
    }
    EXPECT_THAT(Call<v1::Decision>("DecisionService/CountVotes", more), StatusIs(kPrecondition, "VOTES_BEYOND_TURNOUT"));
    auto const counted = Must<v1::Decision>("DecisionService/CountVotes", request);
    EXPECT_EQ(counted.state() == v1::DECISION_STATE_ADOPTED, yes > no);
    // What is decided stays, whoever counts again.
    EXPECT_THAT(Call<v1::Decision>("DecisionService/CountVotes", request), StatusIs(kPrecondition, "DECISION_STATE"));
    model.said[i] = yes > no ? Said::kYes : Said::kNo;
  }

  void Ballot(std::string const& decision, int i, std::int64_t households) {
    v1::RequestBallotRequest demand;
    demand.set_name(DecisionNamed(plan_, decision));
    demand.set_demand_basis_points(2500);
    demand.set_demander_count(10);
    Must<v1::Decision>("DecisionService/RequestBallot", demand);
    v1::OpenBallotRequest open;
    open.set_name(demand.name());
    *open.mutable_ballot_period() = Range("2021-10-05", "2021-10-20");
    Must<v1::Decision>("DecisionService/OpenBallot", open);
    Turn(decision, i, v1::VOTE_CHANNEL_BALLOT, 0, households);
  }

  void StepAfter(SeededRandom& random, Model& model, int i) {
    if (model.decisions[i] == 0) return;
    auto const name = DecisionNamed(plan_, DecisionOf(model, i));
    bool const local = model.state == v1::PLAN_STATE_LOCAL_DECISION;
    switch (random.Between(0, 2)) {
      case 0: {
        v1::OverrideDecisionRequest request;
        request.set_name(name);
        auto& act = *request.mutable_department_override();
        act.set_legal_ground(v1::LEGAL_GROUND_ALMENBOLIGLOVEN_37_4);
        act.set_reason("?");
        *act.mutable_decide_date() = Date("2021-11-01");
        *act.mutable_evidence() = Proof();
        bool const may = local && model.said[i] == Said::kNo;
        Same(Call<v1::Decision>("DecisionService/OverrideDecision", request), may);
        if (may) model.said[i] = Said::kOverridden;
        return;
      }
      case 1: {
        v1::ConfirmRejectionRequest request;
        request.set_name(name);
        bool const may = local && model.said[i] == Said::kNo;
        Same(Call<v1::Decision>("DecisionService/ConfirmRejection", request), may);
        if (may) model.said[i] = Said::kStands;
        return;
      }
      default: {
        // Annulled, and decided again at once where the plan's state lets it.
        bool const may = (local || model.state == v1::PLAN_STATE_SUBMITTED_FINAL) && model.said[i] != Said::kNothing;
        v1::AnnulDecisionRequest request;
        request.set_name(name);
        request.set_reason("?");
        request.set_decision_id(absl::StrCat("d", i, "-", model.decisions[i] + 1));
        if (model.excluded[i]) return;
        Same(Call<v1::Decision>("DecisionService/AnnulDecision", request), may);
        if (!may) return;
        ++model.decisions[i];
        model.said[i] = Said::kNothing;
        if (local) Vote(random, model, i);
      }
    }
  }

  void Step(SeededRandom& random, Model& model) {
    int const i = static_cast<int>(random.Between(0, kDepartments - 1));
    switch (random.Between(0, 11)) {
      case 0:
        return StepCoverage(model, i);
      case 1:
        return random.Between(0, 5) == 0 ? StepExclude(model, i) : StepApproval(random, model);
      case 2:
        return StepApproval(random, model);
      case 3:
        return StepDecision(random, model, i);
      case 4:
        return StepAfter(random, model, i);
      case 5: {
        bool& agreed = random.Between(0, 1) == 0 ? model.strategic : model.sub;
        if (!agreed) Agree(plan_, &agreed == &model.strategic ? "strategic" : "beskaeftigelse");
        agreed = true;
        return;
      }
      default:
        return StepPlan(random, model);
    }
  }

  std::string plan_;
};
HELHED_BOTH_ENGINES(PlanModelTest);

TEST_P(PlanModelTest, PlansLiveAsTheModelSays) {
  int number = 0;
  std::set<v1::PlanState> reached;
  ForAllSeeds(8, [&](SeededRandom& random) {
    plan_ = absl::StrCat("p", ++number);
    auto request = PlanRequest(plan_);
    request.mutable_plan()->clear_focus_areas();
    request.mutable_plan()->add_focus_areas("beskaeftigelse");
    Must<v1::Plan>("PlanService/CreatePlan", request);
    Model model;
    for (int step = 0; step < 200 && !HasFailure(); ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step, " state ", model.state));
      Step(random, model);
      reached.insert(model.state);
      if (step % 10 == 9) {
        auto const missing = Missing(plan_);
        EXPECT_EQ(missing.state(), model.state);
        EXPECT_EQ(missing.may_start(), model.MayStart()) << missing.ShortDebugString();
      }
    }
  });
  // The lives were long enough to prove something.
  EXPECT_TRUE(reached.contains(v1::PLAN_STATE_ACTIVE));
}

}  // namespace
}  // namespace helhed::funding::testing
