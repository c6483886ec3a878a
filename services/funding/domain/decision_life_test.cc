#include "services/funding/domain/decision_life.h"

#include <gmock/gmock.h>

#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using ::testing::ElementsAre;
using testing::EqualsProto;
using testing::ForAllSeeds;
using testing::IsOk;
using testing::StatusIs;

constexpr absl::CivilDay kMeeting(2021, 10, 1);
constexpr absl::CivilDay kToday(2021, 12, 1);
constexpr char kHash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

v1::VotingRules Rules() {
  v1::VotingRules rules;
  rules.set_meeting_notice_days(28);
  rules.set_material_notice_days(14);
  rules.set_votes_per_household(2);
  rules.set_digital_window_days_max(7);
  rules.set_ballot_rent_increase_basis_points(1500);
  rules.set_ballot_demand_basis_points_max(2500);
  return rules;
}

v1::Decision Decision(v1::DecisionState state) {
  v1::Decision decision;
  decision.set_name("plans/a/decisions/d");
  decision.set_covered_department("plans/a/coveredDepartments/9001-001");
  decision.set_question("Skal afdelingen være med?");
  decision.set_state(state);
  *decision.mutable_meeting_date() = ToProtoDate(kMeeting);
  decision.set_attending_voter_count(40);
  return decision;
}

v1::CallMeetingRequest CallOn(absl::CivilDay day) {
  v1::CallMeetingRequest request;
  request.set_meeting_kind(v1::MEETING_KIND_ORDINARY);
  *request.mutable_call_date() = ToProtoDate(day);
  *request.mutable_meeting_date() = ToProtoDate(kMeeting);
  return request;
}

v1::RegisterTurnoutRequest Voted(v1::VoteChannel channel, std::vector<std::pair<std::string, int>> const& households) {
  v1::RegisterTurnoutRequest request;
  request.set_channel(channel);
  for (auto const& [household, votes] : households) {
    auto& given = *request.add_households();
    given.set_household(household);
    given.set_vote_count(votes);
  }
  return request;
}

v1::CountVotesRequest Paper(std::int64_t yes, std::int64_t no, std::int64_t blank = 0) {
  v1::CountVotesRequest request;
  request.mutable_paper_tally()->set_yes_count(yes);
  request.mutable_paper_tally()->set_no_count(no);
  request.mutable_paper_tally()->set_blank_count(blank);
  return request;
}

constexpr Eligible kMany{.household_count = 5000, .vote_count = 10000};
constexpr Used kUsed{.household_count = 500, .paper = 1000, .digital = 1000, .ballot = 1000};

v1::OverrideDecisionRequest OverrideOn(absl::CivilDay day) {
  v1::OverrideDecisionRequest request;
  auto& act = *request.mutable_department_override();
  act.set_legal_ground(v1::LEGAL_GROUND_ALMENBOLIGLOVEN_37_4);
  act.set_reason("Planen kan ikke undvære afdelingen.");
  *act.mutable_decide_date() = ToProtoDate(day);
  act.mutable_evidence()->set_sha256(kHash);
  return request;
}

TEST(Call, IsEarlyEnough) {
  auto decision = Decision(v1::DECISION_STATE_NOT_CALLED);
  auto const late = Call(CallOn(kMeeting - 27), Rules(), kToday, decision);
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kFailedPrecondition, "NOTICE_TOO_SHORT"));
  EXPECT_EQ(MetadataOf(late).at("days"), "27");
  EXPECT_EQ(decision.state(), v1::DECISION_STATE_NOT_CALLED);
  EXPECT_THAT(Call(CallOn(kMeeting - 28), Rules(), kToday, decision), IsOk());
  EXPECT_EQ(decision.state(), v1::DECISION_STATE_CALLED);
}

TEST(Send, IsEarlyEnough) {
  auto decision = Decision(v1::DECISION_STATE_CALLED);
  v1::SendMaterialRequest request;
  *request.mutable_material_date() = ToProtoDate(kMeeting - 13);
  EXPECT_THAT(Send(request, Rules(), kToday, decision), StatusIs(absl::StatusCode::kFailedPrecondition, "NOTICE_TOO_SHORT"));
  *request.mutable_material_date() = ToProtoDate(kMeeting - 14);
  EXPECT_THAT(Send(request, Rules(), kToday, decision), IsOk());
}

TEST(Hold, WaitsForItsDay) {
  auto decision = Decision(v1::DECISION_STATE_MATERIAL_SENT);
  EXPECT_THAT(Hold({}, kMeeting - 1, decision), StatusIs(absl::StatusCode::kFailedPrecondition, "VOTING_OPEN"));
  EXPECT_THAT(Hold({}, kMeeting, decision), IsOk());
}

TEST(OpenDigital, IsNotLongerThanTheRegulationAllows) {
  auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
  v1::OpenDigitalWindowRequest request;
  *request.mutable_digital_end_date() = ToProtoDate(kMeeting + 9);
  auto const status = OpenDigital(request, Rules(), decision);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "DIGITAL_WINDOW_TOO_LONG"));
  EXPECT_EQ(MetadataOf(status).at("days"), "8");
  *request.mutable_digital_end_date() = ToProtoDate(kMeeting + 8);
  EXPECT_THAT(OpenDigital(request, Rules(), decision), IsOk());
}

// V1
TEST(CheckTurnout, AHouseholdHasTwoVotesWhateverItsSize) {
  auto const decision = Decision(v1::DECISION_STATE_MEETING_HELD);
  auto const check = [&](auto const& request, std::vector<Turnout> const& known) {
    return CheckTurnout(decision, request, known, Rules());
  };
  EXPECT_THAT(check(Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 2}}), {}), IsOk());
  EXPECT_THAT(check(Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 1}, {"h", 1}, {"g", 2}}), {}), IsOk());
  EXPECT_THAT(check(Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 3}}), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "VOTES_EXCEEDED"));
  EXPECT_THAT(check(Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 1}, {"g", 1}, {"h", 2}}), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "VOTES_EXCEEDED"));
  auto const again = check(Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 1}}), {{"h", v1::VOTE_CHANNEL_PAPER, 2}});
  EXPECT_THAT(again, StatusIs(absl::StatusCode::kFailedPrecondition, "VOTES_EXCEEDED"));
  EXPECT_EQ(MetadataOf(again).at("votes_max"), "2");
}

// V3
TEST(CheckTurnout, NobodyVotesForAnotherUnlessTheMeetingIsExempted) {
  auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
  auto request = Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 1}});
  request.mutable_households(0)->set_by_proxy(true);
  EXPECT_THAT(CheckTurnout(decision, request, {}, Rules()), StatusIs(absl::StatusCode::kFailedPrecondition, "PROXY_NOT_ALLOWED"));
  decision.set_proxy_exemption("lov om midlertidig fravigelse, 2020");
  EXPECT_THAT(CheckTurnout(decision, request, {}, Rules()), IsOk());
}

// V4
TEST(CheckTurnout, AHouseholdVotesByOneChannel) {
  auto const decision = Decision(v1::DECISION_STATE_DIGITAL_WINDOW_OPEN);
  std::vector<Turnout> const known = {{"h", v1::VOTE_CHANNEL_PAPER, 1}};
  EXPECT_THAT(CheckTurnout(decision, Voted(v1::VOTE_CHANNEL_DIGITAL, {{"g", 1}}), known, Rules()), IsOk());
  auto const status = CheckTurnout(decision, Voted(v1::VOTE_CHANNEL_DIGITAL, {{"g", 1}, {"h", 1}}), known, Rules());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "CHANNEL_TAKEN"));
  EXPECT_EQ(MetadataOf(status).at("index"), "1");
}

TEST(CheckTurnout, OnlyTheChannelThatIsOpen) {
  EXPECT_THAT(CheckTurnout(Decision(v1::DECISION_STATE_MEETING_HELD), Voted(v1::VOTE_CHANNEL_BALLOT, {{"h", 1}}), {}, Rules()),
              StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(CheckTurnout(Decision(v1::DECISION_STATE_CALLED), Voted(v1::VOTE_CHANNEL_PAPER, {{"h", 1}}), {}, Rules()),
              StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
}

// V5
TEST(Count, IsAdoptedWhenMoreAreForThanAgainst) {
  for (auto const& [yes, no, blank, adopted] : std::vector<std::tuple<int, int, int, bool>>{
           {10, 9, 0, true}, {10, 10, 0, false}, {9, 10, 0, false}, {1, 0, 400, true}, {0, 0, 5, false}}) {
    auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
    ASSERT_THAT(Count(Paper(yes, no, blank), kUsed, kMany, kToday, decision), IsOk());
    EXPECT_EQ(decision.state() == v1::DECISION_STATE_ADOPTED, adopted) << yes << ":" << no << ":" << blank;
  }
}

TEST(Count, PaperAndDigitalVotesAreOneResult) {
  auto decision = Decision(v1::DECISION_STATE_DIGITAL_WINDOW_OPEN);
  *decision.mutable_digital_end_date() = ToProtoDate(kMeeting + 8);
  auto request = Paper(3, 5);
  request.mutable_digital_tally()->set_yes_count(4);
  request.mutable_digital_tally()->set_no_count(1);
  EXPECT_THAT(Count(request, kUsed, kMany, kMeeting + 7, decision),
              StatusIs(absl::StatusCode::kFailedPrecondition, "VOTING_OPEN"));
  EXPECT_THAT(Count(request, kUsed, kMany, kMeeting + 8, decision), IsOk());
  EXPECT_EQ(decision.state(), v1::DECISION_STATE_ADOPTED);
}

TEST(Count, TalliesAreThoseOfTheVotesThatThereWere) {
  auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
  auto request = Paper(1, 0);
  request.mutable_ballot_tally()->set_yes_count(1);
  EXPECT_THAT(Count(request, kUsed, kMany, kToday, decision), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

TEST(Count, NoMoreVotesThanWereUsed) {
  auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
  auto const before = decision;
  Used const used{.household_count = 5, .paper = 9};
  auto const status = Count(Paper(5, 4, 1), used, kMany, kToday, decision);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "VOTES_BEYOND_TURNOUT"));
  EXPECT_EQ(MetadataOf(status).at("excess"), "1");
  EXPECT_THAT(decision, EqualsProto(before));
  EXPECT_THAT(Count(Paper(5, 4), used, kMany, kToday, decision), IsOk());
}

// V2
TEST(Count, NoMoreThanTheRegisterSaysMayVote) {
  Used const used{.household_count = 5, .paper = 9};
  for (auto const& [households, votes, allowed] :
       std::vector<std::tuple<int, int, bool>>{{5, 9, true}, {4, 9, false}, {5, 8, false}, {0, 0, false}}) {
    auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
    auto const status = Count(Paper(5, 4), used, {.household_count = households, .vote_count = votes}, kToday, decision);
    if (allowed) {
      EXPECT_THAT(status, IsOk());
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "VOTES_BEYOND_REGISTER")) << households << " " << votes;
    }
  }
}

// V7
TEST(Decision, AResultIsNeverChanged) {
  for (auto const state : {v1::DECISION_STATE_ADOPTED, v1::DECISION_STATE_OVERRIDDEN, v1::DECISION_STATE_STANDS_REJECTED,
                           v1::DECISION_STATE_ANNULLED}) {
    auto decision = Decision(state);
    auto const before = decision;
    EXPECT_THAT(Call(CallOn(kMeeting - 28), Rules(), kToday, decision),
                StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(Send({}, Rules(), kToday, decision), StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(Hold({}, kToday, decision), StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(OpenDigital({}, Rules(), decision), StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(Demand({}, Rules(), decision), StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(OpenBallot({}, decision), StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(Count(Paper(1, 0), kUsed, kMany, kToday, decision),
                StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(Confirm(decision), StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
    EXPECT_THAT(decision, EqualsProto(before));
  }
}

// V7
TEST(Annul, MakesANewDecisionAndKeepsTheOldResult) {
  auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
  ASSERT_THAT(Count(Paper(5, 4), kUsed, kMany, kToday, decision), IsOk());
  v1::AnnulDecisionRequest request;
  request.set_reason("Indkaldelsen nåede ikke ud.");
  v1::Decision successor;
  ASSERT_THAT(Annul(request, "plans/a/decisions/e", decision, successor), IsOk());
  EXPECT_EQ(decision.state(), v1::DECISION_STATE_ANNULLED);
  EXPECT_EQ(decision.paper_tally().yes_count(), 5);
  EXPECT_EQ(decision.replaced_by(), "plans/a/decisions/e");
  EXPECT_EQ(successor.state(), v1::DECISION_STATE_NOT_CALLED);
  EXPECT_EQ(successor.replaces(), decision.name());
  EXPECT_FALSE(successor.has_paper_tally());
  EXPECT_THAT(Annul(request, "plans/a/decisions/f", decision, successor),
              StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE"));
}

// V8
TEST(Override, OnlyAfterANo) {
  for (int i = 1; i <= v1::DecisionState_MAX; ++i) {
    auto decision = Decision(static_cast<v1::DecisionState>(i));
    auto const status = Override(OverrideOn(kMeeting), kToday, decision);
    if (i == v1::DECISION_STATE_REJECTED) {
      EXPECT_THAT(status, IsOk());
      EXPECT_EQ(decision.state(), v1::DECISION_STATE_OVERRIDDEN);
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "DECISION_STATE")) << i;
    }
  }
}

// V8
TEST(Override, HasItsGroundItsDayAndItsProof) {
  auto decision = Decision(v1::DECISION_STATE_REJECTED);
  auto const fields = [](absl::Status const& status) {
    std::vector<std::string> names;
    for (auto const& violation : ViolationsOf(status)) names.push_back(violation.field);
    return names;
  };
  auto request = OverrideOn(kMeeting - 1);
  request.mutable_department_override()->clear_evidence();
  request.mutable_department_override()->clear_legal_ground();
  EXPECT_THAT(
      fields(Override(request, kToday, decision)),
      ElementsAre("department_override.decide_date", "department_override.legal_ground", "department_override.evidence.sha256"));
  EXPECT_THAT(fields(Override(OverrideOn(kToday + 1), kToday, decision)), ElementsAre("department_override.decide_date"));
}

// V10
TEST(Demand, ABallotIsForALargeRiseOfTheRentAndEnoughOfThoseWhoAttended) {
  auto const demand = [](std::int64_t rent, std::int64_t demanders, std::int64_t share) {
    auto decision = Decision(v1::DECISION_STATE_MEETING_HELD);
    decision.set_rent_increase_basis_points(rent);
    v1::RequestBallotRequest request;
    request.set_demander_count(demanders);
    request.set_demand_basis_points(share);
    return Demand(request, Rules(), decision);
  };
  EXPECT_THAT(demand(1501, 10, 2500), IsOk());
  EXPECT_THAT(demand(1500, 10, 2500), StatusIs(absl::StatusCode::kFailedPrecondition, "BALLOT_NOT_DUE"));
  EXPECT_THAT(demand(1501, 9, 2500), StatusIs(absl::StatusCode::kFailedPrecondition, "BALLOT_NOT_DUE"));
  EXPECT_THAT(demand(1501, 4, 1000), IsOk());
  EXPECT_THAT(demand(1501, 40, 2501), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(demand(1501, 41, 2500), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

TEST(Ballot, IsHeldAfterTheMeetingAndCountedWhenItIsOver) {
  auto decision = Decision(v1::DECISION_STATE_BALLOT_REQUESTED);
  v1::OpenBallotRequest request;
  *request.mutable_ballot_period() = ToProtoRange({kMeeting - 1, kMeeting + 10});
  EXPECT_THAT(OpenBallot(request, decision), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  *request.mutable_ballot_period() = ToProtoRange({kMeeting, kMeeting + 10});
  ASSERT_THAT(OpenBallot(request, decision), IsOk());
  v1::CountVotesRequest count;
  count.mutable_ballot_tally()->set_no_count(1);
  EXPECT_THAT(Count(count, kUsed, kMany, kMeeting + 9, decision), StatusIs(absl::StatusCode::kFailedPrecondition, "VOTING_OPEN"));
  EXPECT_THAT(Count(count, kUsed, kMany, kMeeting + 10, decision), IsOk());
  EXPECT_EQ(decision.state(), v1::DECISION_STATE_REJECTED);
}

// V6: nothing that says what was voted has a place for who voted.
TEST(Tally, LeadsToNobody) {
  EXPECT_EQ(v1::Tally::descriptor()->field_count(), 3);
  auto const* const turnout = v1::HouseholdTurnout::descriptor();
  for (int i = 0; i < turnout->field_count(); ++i) {
    EXPECT_THAT(turnout->field(i)->name(), ::testing::AnyOf("household", "vote_count", "by_proxy"));
  }
}

TEST(CheckTurnout, WhateverIsRegisteredInWhateverOrderNobodyGetsMoreThanTwo) {
  ForAllSeeds(300, [](SeededRandom& random) {
    auto const decision = Decision(v1::DECISION_STATE_MEETING_HELD);
    std::map<std::string, std::int64_t> model;
    std::vector<Turnout> known;
    for (int step = 0; step < 30; ++step) {
      auto const household = absl::StrCat("h", random.Between(0, 5));
      auto const votes = random.Between(1, 3);
      auto const status =
          CheckTurnout(decision, Voted(v1::VOTE_CHANNEL_PAPER, {{household, static_cast<int>(votes)}}), known, Rules());
      ASSERT_EQ(status.ok(), model[household] + votes <= 2);
      if (!status.ok()) continue;
      model[household] += votes;
      known.clear();
      for (auto const& [name, count] : model) {
        if (count > 0) known.push_back({name, v1::VOTE_CHANNEL_PAPER, count});
      }
    }
  });
}

}  // namespace
}  // namespace helhed::funding
