#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "services/funding/testing/plan_life.h"

namespace helhed::funding::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class DecisionsTest : public PlanLifeTest {
 protected:
  // A decision whose meeting was held.
  void Held(std::int64_t rent_increase_basis_points = 0, std::string const& proxy_exemption = "") {
    InLocalDecision("a");
    Enter("a", "d", "9001-001");
    Meet("a", "d", rent_increase_basis_points, proxy_exemption);
  }
  void Voted(v1::VoteChannel channel, std::vector<std::pair<std::string, int>> const& households) {
    Must<v1::Decision>("DecisionService/RegisterTurnout", TurnoutRequest("a", "d", channel, households));
  }
  Refusal VoteRefused(v1::VoteChannel channel, std::vector<std::pair<std::string, int>> const& households,
                      std::string_view reason) {
    return Refused<v1::Decision>("DecisionService/RegisterTurnout", TurnoutRequest("a", "d", channel, households), kPrecondition,
                                 reason);
  }
  v1::Decision Count(std::int64_t yes, std::int64_t no) {
    return Must<v1::Decision>("DecisionService/CountVotes", CountRequest("a", "d", yes, no));
  }
  v1::OverrideDecisionRequest OverrideRequest() {
    v1::OverrideDecisionRequest request;
    request.set_name(DecisionNamed("a", "d"));
    auto& act = *request.mutable_department_override();
    act.set_legal_ground(v1::LEGAL_GROUND_ALMENBOLIGLOVEN_37_4);
    act.set_reason("Planen kan ikke undvære afdelingen.");
    *act.mutable_decide_date() = Date("2021-11-01");
    *act.mutable_evidence() = Proof();
    return request;
  }
  // Whether the database takes the statement. Nothing is kept either way.
  bool Takes(std::string const& sql) {
    storage::Statement const statement(storage::Statement::Dynamic{"test.bad", sql});
    bool taken = false;
    auto const attempt = [&](storage::WriteTransaction& tx) -> absl::Status {
      auto const changed = tx.Execute(statement, {});
      taken = changed.ok() && *changed > 0;
      last_ = changed.status();
      return absl::CancelledError("nothing is kept");
    };
    database().Write({}, attempt).IgnoreError();
    return taken;
  }

  absl::Status last_;
};
HELHED_BOTH_ENGINES(DecisionsTest);

TEST_P(DecisionsTest, ADepartmentDecides) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 2}, {"h2", 1}});
  auto const counted = Count(2, 1);
  EXPECT_EQ(counted.state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(counted.eligible_vote_count(), 200);
  EXPECT_EQ(counted.eligible_household_count(), 100);
  EXPECT_THAT(GetDecision("a", "d"), EqualsProto(counted));
  auto const event = LastEvent<v1::DecisionChanged>("plans/a/decisions/d");
  EXPECT_EQ(event.state(), v1::DECISION_STATE_ADOPTED);
  EXPECT_EQ(event.from_state(), v1::DECISION_STATE_MEETING_HELD);
}

TEST_P(DecisionsTest, TheRegisterIsAskedForTheDayOfTheMeeting) {
  Held();
  Count(0, 0);
  residents::v1::CountEligibleVotesRequest request;
  ASSERT_TRUE(request.ParseFromString(residents().asked().back().request));
  EXPECT_EQ(request.parent(), "organisations/9001/departments/001");
  EXPECT_EQ(ToCivil(request.meeting_date()), absl::CivilDay(2021, 10, 1));
  EXPECT_EQ(residents().asked().back().options.identity, "signed");
}

// V1
TEST_P(DecisionsTest, AHouseholdHasTwoVotesWhateverItsSize) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 1}});
  EXPECT_EQ(VoteRefused(v1::VOTE_CHANNEL_PAPER, {{"h2", 1}, {"h1", 2}}, "VOTES_EXCEEDED").metadata.at("index"), "1");
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 1}});
  VoteRefused(v1::VOTE_CHANNEL_PAPER, {{"h1", 1}}, "VOTES_EXCEEDED");
}

// V2
TEST_P(DecisionsTest, OnlyWhoMayVoteOnTheDayOfTheMeetingCounts) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 2}, {"h2", 1}});
  SetEligible(2, 2);
  EXPECT_EQ(
      Refused<v1::Decision>("DecisionService/CountVotes", CountRequest("a", "d", 2, 1), kPrecondition, "VOTES_BEYOND_REGISTER")
          .metadata.at("excess"),
      "1");
  SetEligible(1, 3);
  Refused<v1::Decision>("DecisionService/CountVotes", CountRequest("a", "d", 2, 1), kPrecondition, "VOTES_BEYOND_REGISTER");
  SetEligible(2, 3);
  Count(2, 1);
}

// V2
TEST_P(DecisionsTest, AHouseholdOfAnotherOrganisationDoesNotVote) {
  Held();
  Refused<v1::Decision>("DecisionService/RegisterTurnout", TurnoutRequest("a", "d", v1::VOTE_CHANNEL_PAPER, {{"h1", 1}}, "9002"),
                        kPrecondition, "HOUSEHOLD_FOREIGN");
}

TEST_P(DecisionsTest, NoMoreVotesAreCountedThanWereUsed) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 2}});
  EXPECT_EQ(
      Refused<v1::Decision>("DecisionService/CountVotes", CountRequest("a", "d", 2, 1), kPrecondition, "VOTES_BEYOND_TURNOUT")
          .metadata.at("excess"),
      "1");
}

// V3
TEST_P(DecisionsTest, NobodyVotesForAnotherUnlessTheMeetingIsExempted) {
  Held();
  auto request = TurnoutRequest("a", "d", v1::VOTE_CHANNEL_PAPER, {{"h1", 1}});
  request.mutable_households(0)->set_by_proxy(true);
  Refused<v1::Decision>("DecisionService/RegisterTurnout", request, kPrecondition, "PROXY_NOT_ALLOWED");
}

TEST_P(DecisionsTest, AnExemptedMeetingTakesProxies) {
  Held(0, "Lov om midlertidige regler, 2020");
  auto request = TurnoutRequest("a", "d", v1::VOTE_CHANNEL_PAPER, {{"h1", 1}});
  request.mutable_households(0)->set_by_proxy(true);
  Must<v1::Decision>("DecisionService/RegisterTurnout", request);
}

// V4
TEST_P(DecisionsTest, AHouseholdVotesByOneChannel) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 1}});
  v1::OpenDigitalWindowRequest open;
  open.set_name(DecisionNamed("a", "d"));
  *open.mutable_digital_end_date() = Date("2021-10-10");
  Refused<v1::Decision>("DecisionService/OpenDigitalWindow", open, kPrecondition, "DIGITAL_WINDOW_TOO_LONG");
  *open.mutable_digital_end_date() = Date("2021-10-09");
  Must<v1::Decision>("DecisionService/OpenDigitalWindow", open);
  VoteRefused(v1::VOTE_CHANNEL_DIGITAL, {{"h1", 1}}, "CHANNEL_TAKEN");
  Voted(v1::VOTE_CHANNEL_DIGITAL, {{"h2", 2}});
  auto count = CountRequest("a", "d", 0, 1);
  count.mutable_digital_tally()->set_yes_count(2);
  EXPECT_EQ(Must<v1::Decision>("DecisionService/CountVotes", count).state(), v1::DECISION_STATE_ADOPTED);
}

// V5
TEST_P(DecisionsTest, ATieIsANo) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 2}});
  EXPECT_EQ(Count(1, 1).state(), v1::DECISION_STATE_REJECTED);
}

// V5
TEST_P(DecisionsTest, TheDatabaseItselfKnowsWhatAdoptedMeans) {
  Held();
  storage::Statement const adopt(storage::Statement::Dynamic{"test.adopt", "UPDATE decisions SET state = 8 WHERE plan = 'a'"});
  auto const status = database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(adopt, {}).status(); });
  EXPECT_EQ(status.code(), kPrecondition) << status;
}

// 8.3: who is called later than the meeting, is sent the material after it, or has evidence of another length than a hash has, is
// not stored, whatever code there is in between.
TEST_P(DecisionsTest, TheDatabaseItselfKnowsTheOrderOfTheStepsAndTheirEvidence) {
  Held();
  EXPECT_TRUE(Takes("UPDATE decisions SET material_date = meeting_date, call_date = meeting_date")) << last_;
  EXPECT_FALSE(Takes("UPDATE decisions SET material_date = '2021-10-02'"));
  EXPECT_FALSE(Takes("UPDATE decisions SET call_date = '2021-10-02'"));
  EXPECT_FALSE(Takes("UPDATE decisions SET digital_end_date = meeting_date"));
  EXPECT_TRUE(Takes("UPDATE decisions SET digital_end_date = '2021-10-09'")) << last_;
  EXPECT_FALSE(Takes("UPDATE decisions SET ballot_period_start_date = '2021-10-09', ballot_period_end_date = '2021-10-09'"));
  for (auto const* const evidence : {"material", "minutes", "department_override_evidence"}) {
    auto const set = absl::StrCat("UPDATE decisions SET ", evidence, "_sha256 = ");
    EXPECT_TRUE(Takes(absl::StrCat(set, "'", std::string(64, 'a'), "'"))) << last_;
    EXPECT_FALSE(Takes(absl::StrCat(set, "'", std::string(63, 'a'), "'"))) << evidence;
  }
  auto const approvals = [](std::size_t length) {
    return absl::StrCat("UPDATE approvals SET evidence_sha256 = '", std::string(length, 'a'), "'");
  };
  EXPECT_TRUE(Takes(approvals(64))) << last_;
  EXPECT_FALSE(Takes(approvals(63)));
}

// V4, V7 and V8.
TEST_P(DecisionsTest, TheDatabaseItselfKnowsOneChannelOneDecisionAndTheGroundOfTheLaw) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 1}});
  EXPECT_FALSE(
      Takes("INSERT INTO decision_turnout (plan, decision, household, channel, vote_count) "
            "SELECT plan, decision, household, 2, 1 FROM decision_turnout"));
  EXPECT_FALSE(Takes("UPDATE decision_turnout SET vote_count = 0"));
  EXPECT_FALSE(Takes("UPDATE decision_turnout SET channel = 4"));
  EXPECT_FALSE(Takes("UPDATE decisions SET state = 10"));
  EXPECT_TRUE(Takes("UPDATE decisions SET state = 10, department_override_legal_ground = 1")) << last_;
  Count(0, 1);
  v1::AnnulDecisionRequest annul;
  annul.set_name(DecisionNamed("a", "d"));
  annul.set_reason("Indkaldelsen nåede ikke ud.");
  annul.set_decision_id("e");
  Must<v1::Decision>("DecisionService/AnnulDecision", annul);
  EXPECT_FALSE(Takes("UPDATE decisions SET state = 9 WHERE decision = 'd'")) << "a department has one decision at a time";
}

// V6: nothing is stored by which a vote could be brought together with a household.
TEST_P(DecisionsTest, WhatWasVotedIsNotKeptWithWhoVoted) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 1}, {"h2", 1}});
  Count(1, 1);
  storage::Statement const all(storage::Statement::Dynamic{"test.turnout", "SELECT * FROM decision_turnout"});
  ASSERT_THAT(database().Read({},
                              [&](storage::ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
                                EXPECT_EQ(rows.size(), 2U);
                                EXPECT_THAT(rows.columns(),
                                            ElementsAre("plan", "decision", "household", "channel", "vote_count"));
                                return absl::OkStatus();
                              }),
              IsOk());
  // Nor does what others are told name a household.
  for (auto const& event : Events()) EXPECT_THAT(event.ShortDebugString(), Not(HasSubstr("households/")));
}

// V7
TEST_P(DecisionsTest, AResultStaysAndAnnulmentMakesANewDecision) {
  Held();
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 2}});
  auto const counted = Count(2, 0);
  Refused<v1::Decision>("DecisionService/CountVotes", CountRequest("a", "d", 0, 2), kPrecondition, "DECISION_STATE");
  VoteRefused(v1::VOTE_CHANNEL_PAPER, {{"h2", 2}}, "DECISION_STATE");
  v1::AnnulDecisionRequest annul;
  annul.set_name(counted.name());
  annul.set_reason("Indkaldelsen nåede ikke ud.");
  annul.set_decision_id("e");
  auto const successor = Must<v1::Decision>("DecisionService/AnnulDecision", annul);
  EXPECT_EQ(successor.name(), "plans/a/decisions/e");
  EXPECT_EQ(successor.replaces(), counted.name());
  auto const annulled = GetDecision("a", "d");
  EXPECT_EQ(annulled.state(), v1::DECISION_STATE_ANNULLED);
  EXPECT_THAT(annulled.paper_tally(), EqualsProto(counted.paper_tally()));
  Refused<v1::Decision>("DecisionService/AnnulDecision", annul, kPrecondition, "DECISION_STATE");
  Meet("a", "e");
}

// V8
TEST_P(DecisionsTest, TheSupremeBodyDecidesAfterANoOnly) {
  Held();
  Refused<v1::Decision>("DecisionService/OverrideDecision", OverrideRequest(), kPrecondition, "DECISION_STATE");
  Count(0, 0);
  auto without = OverrideRequest();
  without.mutable_department_override()->clear_legal_ground();
  Refused<v1::Decision>("DecisionService/OverrideDecision", without, kInvalid, "BAD_REQUEST");
  auto const overridden = Must<v1::Decision>("DecisionService/OverrideDecision", OverrideRequest());
  EXPECT_EQ(overridden.state(), v1::DECISION_STATE_OVERRIDDEN);
  EXPECT_THAT(GetDecision("a", "d").department_override(), EqualsProto(OverrideRequest().department_override()));
}

// V10
TEST_P(DecisionsTest, ABallotAsksEveryHouseholdAnew) {
  Held(1501);
  Voted(v1::VOTE_CHANNEL_PAPER, {{"h1", 2}});
  v1::RequestBallotRequest request;
  request.set_name(DecisionNamed("a", "d"));
  request.set_demander_count(9);
  request.set_demand_basis_points(2500);
  Refused<v1::Decision>("DecisionService/RequestBallot", request, kPrecondition, "BALLOT_NOT_DUE");
  request.set_demander_count(10);
  Must<v1::Decision>("DecisionService/RequestBallot", request);
  v1::OpenBallotRequest open;
  open.set_name(request.name());
  *open.mutable_ballot_period() = Range("2021-10-10", "2021-10-20");
  Must<v1::Decision>("DecisionService/OpenBallot", open);
  Voted(v1::VOTE_CHANNEL_BALLOT, {{"h1", 2}, {"h2", 1}});
  v1::CountVotesRequest count;
  count.set_name(request.name());
  count.mutable_ballot_tally()->set_yes_count(3);
  EXPECT_EQ(Must<v1::Decision>("DecisionService/CountVotes", count).state(), v1::DECISION_STATE_ADOPTED);
}

TEST_P(DecisionsTest, ABallotNeedsALargeRiseOfTheRent) {
  Held(1500);
  v1::RequestBallotRequest request;
  request.set_name(DecisionNamed("a", "d"));
  request.set_demander_count(40);
  request.set_demand_basis_points(2500);
  EXPECT_EQ(Refused<v1::Decision>("DecisionService/RequestBallot", request, kPrecondition, "BALLOT_NOT_DUE")
                .metadata.at("rent_increase_basis_points"),
            "1500");
}

TEST_P(DecisionsTest, NothingIsCountedWhileTheRegisterIsAway) {
  Held();
  residents().On<residents::v1::CountEligibleVotesRequest, residents::v1::CountEligibleVotesResponse>(
      "/helhed.residents.v1.ResidentDemocracyService/CountEligibleVotes",
      [](residents::v1::CountEligibleVotesRequest const&, client::CallOptions const&)
          -> absl::StatusOr<residents::v1::CountEligibleVotesResponse> { return absl::UnavailableError("away"); });
  Refused<v1::Decision>("DecisionService/CountVotes", CountRequest("a", "d", 0, 0), absl::StatusCode::kUnavailable,
                        "REGISTER_UNAVAILABLE");
}

TEST_P(DecisionsTest, ADepartmentHasOneDecisionAtATime) {
  Held();
  v1::CreateDecisionRequest request;
  request.set_parent("plans/a");
  request.mutable_decision()->set_covered_department("plans/a/coveredDepartments/9001-001");
  request.mutable_decision()->set_question("En gang til?");
  EXPECT_EQ(Refused<v1::Decision>("DecisionService/CreateDecision", request, kExists, "DECISION_STANDS").metadata.at("resource"),
            "plans/a/decisions/d");
}

TEST_P(DecisionsTest, DecisionsAreTakenWhileThePlanIsInLocalDecision) {
  Plan("b");
  Cover("b", "9001", "001", 1);
  v1::CreateDecisionRequest request;
  request.set_parent("plans/b");
  request.mutable_decision()->set_covered_department("plans/b/coveredDepartments/9001-001");
  request.mutable_decision()->set_question("For tidligt?");
  EXPECT_EQ(Refused<v1::Decision>("DecisionService/CreateDecision", request, kPrecondition, "PLAN_STATE").metadata.at("needed"),
            "DRAFTING, LOCAL_DECISION");
}

TEST_P(DecisionsTest, AnApprovalStandsUntilItIsAnnulled) {
  Plan("a");
  auto request = ApprovalRequest("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_PRELIMINARY);
  auto const approval = Must<v1::Approval>("DecisionService/CreateApproval", request);
  Refused<v1::Approval>("DecisionService/CreateApproval", request, kExists, "DECISION_STANDS");
  v1::AnnulApprovalRequest annul;
  annul.set_name(approval.name());
  annul.set_reason("Forkert sag.");
  EXPECT_EQ(Must<v1::Approval>("DecisionService/AnnulApproval", annul).state(), v1::APPROVAL_STATE_ANNULLED);
  Refused<v1::Approval>("DecisionService/AnnulApproval", annul, kPrecondition, "DECISION_STATE");
  Must<v1::Approval>("DecisionService/CreateApproval", request);
}

TEST_P(DecisionsTest, APartyEntersAndAnnulsItsOwnApprovalsOnly) {
  Plan("a");
  auto const fund = As("fund", "plans/a", "lbf");
  auto const municipality = As("municipality", "plans/a", "kk");
  auto const organisation = As({{"housing-organisation", "plans/a"}, {"housing-organisation", "organisations/9001"}}, "3b");
  auto const refused = [&](v1::CreateApprovalRequest const& request, std::string const& identity) {
    return Refused<v1::Approval>("DecisionService/CreateApproval", request, absl::StatusCode::kPermissionDenied, "NOT_OF_PARTY",
                                 identity);
  };
  auto const of_municipality = ApprovalRequest("a", v1::PARTY_MUNICIPALITY, v1::APPROVAL_STAGE_FINAL);
  EXPECT_EQ(refused(of_municipality, fund).metadata.at("party"), "MUNICIPALITY");
  refused(ApprovalRequest("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL), municipality);
  auto const of_other = ApprovalRequest("a", v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "9002");
  EXPECT_EQ(refused(of_other, organisation).metadata.at("organisation"), "organisations/9002");
  refused(ApprovalRequest("a", v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "9001"), municipality);
  Refused<v1::Approval>("DecisionService/CreateApproval", of_municipality, absl::StatusCode::kPermissionDenied,
                        "PERMISSION_MISSING", As("plan-leader", "plans/a"));
  Must<v1::Approval>("DecisionService/CreateApproval",
                     ApprovalRequest("a", v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL, "9001"), organisation);
  Must<v1::Approval>("DecisionService/CreateApproval", ApprovalRequest("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL), fund);
  v1::AnnulApprovalRequest annul;
  annul.set_name(Must<v1::Approval>("DecisionService/CreateApproval", of_municipality, municipality).name());
  annul.set_reason("Forkert sag.");
  Refused<v1::Approval>("DecisionService/AnnulApproval", annul, absl::StatusCode::kPermissionDenied, "NOT_OF_PARTY", fund);
  Must<v1::Approval>("DecisionService/AnnulApproval", annul, municipality);
}

TEST_P(DecisionsTest, AnApprovalIsOfAPartyWithProofAndNotOfTomorrow) {
  Plan("a");
  auto request = ApprovalRequest("a", v1::PARTY_ORGANISATION, v1::APPROVAL_STAGE_FINAL);
  request.mutable_approval()->mutable_evidence()->clear_sha256();
  *request.mutable_approval()->mutable_decide_date() = Date("2126-03-02");
  EXPECT_THAT(Refused<v1::Approval>("DecisionService/CreateApproval", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("approval.organisation", "approval.decide_date", "approval.evidence.sha256"));
  request = ApprovalRequest("a", v1::PARTY_EXTERNAL, v1::APPROVAL_STAGE_FINAL);
  EXPECT_THAT(Refused<v1::Approval>("DecisionService/CreateApproval", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("approval.party"));
  request = ApprovalRequest("a", v1::PARTY_FUND, v1::APPROVAL_STAGE_FINAL, "", "plans/b/extensions/e");
  Refused<v1::Approval>("DecisionService/CreateApproval", request, kInvalid, "BAD_REQUEST");
}

}  // namespace
}  // namespace helhed::funding::testing
