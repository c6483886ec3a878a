#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/decision.pb.h"
#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/funding/v1/regulation.pb.h"
#include "services/platform/base/status.h"

// How a department decides (domain.md 8.3 and the rules V1 to V10 of section 9; almenboligloven § 37). Each function takes one
// act: it changes the decision, or says why the act is refused and changes nothing. Dates of acts are not later than `today`.
//
// All refuse an act out of turn with FAILED_PRECONDITION DECISION_STATE, and bad input with BAD_REQUEST.
namespace helhed::funding {

// Errors: FAILED_PRECONDITION NOTICE_TOO_SHORT.
absl::Status Call(v1::CallMeetingRequest const& request, v1::VotingRules const& rules, absl::CivilDay today,
                  v1::Decision& decision);
// Errors: FAILED_PRECONDITION NOTICE_TOO_SHORT.
absl::Status Send(v1::SendMaterialRequest const& request, v1::VotingRules const& rules, absl::CivilDay today,
                  v1::Decision& decision);
absl::Status Hold(v1::HoldMeetingRequest const& request, absl::CivilDay today, v1::Decision& decision);
// Errors: FAILED_PRECONDITION DIGITAL_WINDOW_TOO_LONG.
absl::Status OpenDigital(v1::OpenDigitalWindowRequest const& request, v1::VotingRules const& rules, v1::Decision& decision);
// V10. What was voted at the meeting does not count then. Errors: FAILED_PRECONDITION BALLOT_NOT_DUE (the rent rises too little,
// or too few demanded it).
absl::Status Demand(v1::RequestBallotRequest const& request, v1::VotingRules const& rules, v1::Decision& decision);
absl::Status OpenBallot(v1::OpenBallotRequest const& request, v1::Decision& decision);

// What one household has used so far.
struct Turnout {
  std::string household;
  v1::VoteChannel channel = v1::VOTE_CHANNEL_UNSPECIFIED;
  std::int64_t vote_count = 0;
};

// Checks what households are said to have used against what they had used before. `known` holds the rows of these households.
// Errors, each FAILED_PRECONDITION and naming the place in the request, never the household:
//   VOTES_EXCEEDED     V1: more than a household has
//   PROXY_NOT_ALLOWED  V3: by proxy at a meeting that is not exempted
//   CHANNEL_TAKEN      V4: the household has voted by another channel
absl::Status CheckTurnout(v1::Decision const& decision, v1::RegisterTurnoutRequest const& request, std::span<Turnout const> known,
                          v1::VotingRules const& rules);

// What the register says of the department on the day of the meeting.
struct Eligible {
  std::int64_t household_count = 0;
  std::int64_t vote_count = 0;
};
// What was registered as used, by channel.
struct Used {
  std::int64_t household_count = 0;
  std::int64_t paper = 0;
  std::int64_t digital = 0;
  std::int64_t ballot = 0;
};

// Counts: ADOPTED when more votes are for than against, REJECTED otherwise (V5). Errors, each FAILED_PRECONDITION:
//   VOTES_BEYOND_TURNOUT   more votes by a channel than were registered as used
//   VOTES_BEYOND_REGISTER  V2: more households or votes than may vote
//   VOTING_OPEN            the digital vote or the ballot has not ended
absl::Status Count(v1::CountVotesRequest const& request, Used const& used, Eligible const& eligible, absl::CivilDay today,
                   v1::Decision& decision);

// V8: only after a no, only on a ground of the law, not before the department's meeting.
absl::Status Override(v1::OverrideDecisionRequest const& request, absl::CivilDay today, v1::Decision& decision);
absl::Status Confirm(v1::Decision& decision);
// V7: the result stays as it is; the answer is the decision that takes its place.
absl::Status Annul(v1::AnnulDecisionRequest const& request, std::string_view new_name, v1::Decision& decision,
                   v1::Decision& successor);

// The channel that votes are given by in the decision's state; UNSPECIFIED when none is open.
v1::VoteChannel OpenChannel(v1::Decision const& decision);

// `MEETING_HELD`: the value's name without its enum's.
std::string NameOf(v1::DecisionState state);

}  // namespace helhed::funding
