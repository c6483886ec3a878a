#include "services/funding/domain/decision_life.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/requests.h"

namespace helhed::funding {
namespace {

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

// The acts that each state allows, by their verbs in the contract.
std::vector<std::string> ActsOf(v1::DecisionState state) {
  switch (state) {
    case v1::DECISION_STATE_NOT_CALLED:
      return {"callMeeting"};
    case v1::DECISION_STATE_CALLED:
      return {"sendMaterial"};
    case v1::DECISION_STATE_MATERIAL_SENT:
      return {"holdMeeting"};
    case v1::DECISION_STATE_MEETING_HELD:
      return {"registerTurnout", "openDigitalWindow", "requestBallot", "countVotes"};
    case v1::DECISION_STATE_DIGITAL_WINDOW_OPEN:
      return {"registerTurnout", "countVotes"};
    case v1::DECISION_STATE_BALLOT_REQUESTED:
      return {"openBallot"};
    case v1::DECISION_STATE_BALLOT_OPEN:
      return {"registerTurnout", "countVotes"};
    case v1::DECISION_STATE_ADOPTED:
      return {"annul"};
    case v1::DECISION_STATE_REJECTED:
      return {"override", "confirmRejection", "annul"};
    case v1::DECISION_STATE_OVERRIDDEN:
    case v1::DECISION_STATE_STANDS_REJECTED:
      return {"annul"};
    default:
      return {};
  }
}

absl::Status Allow(v1::Decision const& decision, std::string_view act) {
  auto const acts = ActsOf(decision.state());
  if (std::find(acts.begin(), acts.end(), act) != acts.end()) return absl::OkStatus();
  auto const allowed = absl::StrJoin(acts, ", ");
  return Error(kPrecondition, v1::ERROR_REASON_DECISION_STATE,
               Sv(absl::StrCat(decision.name(), " is ", NameOf(decision.state()),
                               ", which allows: ", allowed.empty() ? "nothing" : allowed)),
               {{"decision", decision.name()}, {"state", NameOf(decision.state())}, {"allowed", allowed}});
}

// The day, which must exist and not be later than `latest`.
std::optional<absl::CivilDay> ReadDay(google::type::Date const& date, std::string_view field, absl::CivilDay latest,
                                      std::vector<FieldViolation>& violations) {
  auto const day = ToCivil(date);
  if (!day) {
    violations.push_back({std::string(field), "must be an existing date with year, month and day"});
  } else if (*day > latest) {
    violations.push_back({std::string(field), "must not be later than today: what is to come is not registered"});
  } else {
    return day;
  }
  return std::nullopt;
}

absl::CivilDay DayOf(google::type::Date const& stored) { return ToCivil(stored).value_or(absl::CivilDay::min()); }

absl::Status TooShort(v1::Decision const& decision, absl::CivilDay from, absl::CivilDay meeting, std::int64_t days_least) {
  return Error(kPrecondition, v1::ERROR_REASON_NOTICE_TOO_SHORT,
               Sv(absl::StrCat("from ", ToIsoDate(from), " to the meeting on ", ToIsoDate(meeting), " there are ", meeting - from,
                               " days; the regulation asks for ", days_least)),
               {{"decision", decision.name()},
                {"days", absl::StrCat(meeting - from)},
                {"days_least", absl::StrCat(days_least)},
                {"meeting_date_least", ToIsoDate(from + days_least)}});
}

std::int64_t VotesIn(v1::Tally const& tally) { return tally.yes_count() + tally.no_count() + tally.blank_count(); }

std::string_view Words(v1::VoteChannel channel) {
  switch (channel) {
    case v1::VOTE_CHANNEL_PAPER:
      return "paper";
    case v1::VOTE_CHANNEL_DIGITAL:
      return "digital";
    default:
      return "ballot";
  }
}

absl::Status CheckUsed(v1::Tally const& tally, std::int64_t used, v1::VoteChannel channel) {
  if (VotesIn(tally) <= used) return absl::OkStatus();
  return Error(kPrecondition, v1::ERROR_REASON_VOTES_BEYOND_TURNOUT,
               Sv(absl::StrCat(VotesIn(tally), " votes were counted by the channel ", Av(Words(channel)), " and ", used,
                               " registered as used")),
               {{"channel", std::string(Words(channel))},
                {"counted", absl::StrCat(VotesIn(tally))},
                {"used", absl::StrCat(used)},
                {"excess", absl::StrCat(VotesIn(tally) - used)}});
}

absl::Status CheckEligible(Used const& used, Eligible const& eligible) {
  std::int64_t const votes = used.paper + used.digital + used.ballot;
  if (votes <= eligible.vote_count && used.household_count <= eligible.household_count) return absl::OkStatus();
  return Error(kPrecondition, v1::ERROR_REASON_VOTES_BEYOND_REGISTER,
               Sv(absl::StrCat(used.household_count, " households have used ", votes, " votes; on the day of the meeting ",
                               eligible.household_count, " households had ", eligible.vote_count)),
               {{"households", absl::StrCat(used.household_count)},
                {"households_eligible", absl::StrCat(eligible.household_count)},
                {"votes", absl::StrCat(votes)},
                {"votes_eligible", absl::StrCat(eligible.vote_count)},
                {"excess", absl::StrCat(votes > eligible.vote_count ? votes - eligible.vote_count : 0)}});
}

absl::Status StillOpen(v1::Decision const& decision, absl::CivilDay end) {
  return Error(kPrecondition, v1::ERROR_REASON_VOTING_OPEN,
               Sv(absl::StrCat("votes may be given until ", ToIsoDate(end - 1), "; count from ", ToIsoDate(end), " on")),
               {{"decision", decision.name()}, {"count_date_least", ToIsoDate(end)}});
}

// The channels whose votes a decision counts: the ballot alone, or the meeting with the digital vote if there was one.
absl::Status CheckTallies(v1::CountVotesRequest const& request, v1::Decision const& decision) {
  std::vector<FieldViolation> violations;
  bool const ballot = decision.state() == v1::DECISION_STATE_BALLOT_OPEN;
  bool const digital = decision.state() == v1::DECISION_STATE_DIGITAL_WINDOW_OPEN;
  auto const want = [&](bool wanted, bool given, char const* field) {
    if (wanted != given) violations.push_back({field, wanted ? "must be set" : "must be absent: there was no such vote"});
  };
  want(!ballot, request.has_paper_tally(), "paper_tally");
  want(digital, request.has_digital_tally(), "digital_tally");
  want(ballot, request.has_ballot_tally(), "ballot_tally");
  return Verdict(std::move(violations));
}

}  // namespace

std::string NameOf(v1::DecisionState state) {
  return v1::DecisionState_Name(state).substr(std::string_view("DECISION_STATE_").size());
}

v1::VoteChannel OpenChannel(v1::Decision const& decision) {
  switch (decision.state()) {
    case v1::DECISION_STATE_MEETING_HELD:
      return v1::VOTE_CHANNEL_PAPER;
    case v1::DECISION_STATE_DIGITAL_WINDOW_OPEN:
      return v1::VOTE_CHANNEL_DIGITAL;
    case v1::DECISION_STATE_BALLOT_OPEN:
      return v1::VOTE_CHANNEL_BALLOT;
    default:
      return v1::VOTE_CHANNEL_UNSPECIFIED;
  }
}

absl::Status Call(v1::CallMeetingRequest const& request, v1::VotingRules const& rules, absl::CivilDay today,
                  v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "callMeeting"));
  std::vector<FieldViolation> violations;
  auto const call = ReadDay(request.call_date(), "call_date", today, violations);
  auto const meeting = ReadDay(request.meeting_date(), "meeting_date", absl::CivilDay::max(), violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  if (*meeting - *call < rules.meeting_notice_days()) return TooShort(decision, *call, *meeting, rules.meeting_notice_days());
  decision.set_state(v1::DECISION_STATE_CALLED);
  decision.set_meeting_kind(request.meeting_kind());
  *decision.mutable_call_date() = request.call_date();
  *decision.mutable_meeting_date() = request.meeting_date();
  decision.set_agenda(request.agenda());
  decision.set_proxy_exemption(request.proxy_exemption());
  return absl::OkStatus();
}

absl::Status Send(v1::SendMaterialRequest const& request, v1::VotingRules const& rules, absl::CivilDay today,
                  v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "sendMaterial"));
  std::vector<FieldViolation> violations;
  auto const sent = ReadDay(request.material_date(), "material_date", today, violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const meeting = DayOf(decision.meeting_date());
  if (meeting - *sent < rules.material_notice_days()) return TooShort(decision, *sent, meeting, rules.material_notice_days());
  decision.set_state(v1::DECISION_STATE_MATERIAL_SENT);
  *decision.mutable_material_date() = request.material_date();
  *decision.mutable_material() = request.material();
  return absl::OkStatus();
}

absl::Status Hold(v1::HoldMeetingRequest const& request, absl::CivilDay today, v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "holdMeeting"));
  if (auto const meeting = DayOf(decision.meeting_date()); meeting > today) return StillOpen(decision, meeting);
  decision.set_state(v1::DECISION_STATE_MEETING_HELD);
  decision.set_attending_voter_count(request.attending_voter_count());
  decision.set_rent_increase_basis_points(request.rent_increase_basis_points());
  *decision.mutable_minutes() = request.minutes();
  return absl::OkStatus();
}

absl::Status OpenDigital(v1::OpenDigitalWindowRequest const& request, v1::VotingRules const& rules, v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "openDigitalWindow"));
  std::vector<FieldViolation> violations;
  auto const end = ReadDay(request.digital_end_date(), "digital_end_date", absl::CivilDay::max(), violations);
  auto const meeting = DayOf(decision.meeting_date());
  if (end && *end <= meeting) violations.push_back({"digital_end_date", "must be later than the meeting"});
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  // The days after the meeting: a window of seven days ends before the eighth.
  auto const days = *end - meeting - 1;
  if (days > rules.digital_window_days_max()) {
    return Error(kPrecondition, v1::ERROR_REASON_DIGITAL_WINDOW_TOO_LONG,
                 Sv(absl::StrCat("a digital vote of ", days, " days after the meeting; the regulation allows ",
                                 rules.digital_window_days_max())),
                 {{"decision", decision.name()},
                  {"days", absl::StrCat(days)},
                  {"days_max", absl::StrCat(rules.digital_window_days_max())}});
  }
  decision.set_state(v1::DECISION_STATE_DIGITAL_WINDOW_OPEN);
  *decision.mutable_digital_end_date() = request.digital_end_date();
  return absl::OkStatus();
}

absl::Status Demand(v1::RequestBallotRequest const& request, v1::VotingRules const& rules, v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "requestBallot"));
  std::vector<FieldViolation> violations;
  if (request.demand_basis_points() > rules.ballot_demand_basis_points_max()) {
    violations.push_back({"demand_basis_points", absl::StrCat("must not be more than ", rules.ballot_demand_basis_points_max(),
                                                              ": statutes may not ask for more")});
  }
  if (request.demander_count() > decision.attending_voter_count()) {
    violations.push_back({"demander_count", "must not be more than attended the meeting"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  bool const rent = decision.rent_increase_basis_points() > rules.ballot_rent_increase_basis_points();
  bool const enough = request.demander_count() * 10000 >= decision.attending_voter_count() * request.demand_basis_points();
  if (!rent || !enough) {
    return Error(kPrecondition, v1::ERROR_REASON_BALLOT_NOT_DUE,
                 rent ? "too few of those who attended demanded a ballot" : "the rent rises too little for a ballot",
                 {{"decision", decision.name()},
                  {"rent_increase_basis_points", absl::StrCat(decision.rent_increase_basis_points())},
                  {"rent_increase_basis_points_above", absl::StrCat(rules.ballot_rent_increase_basis_points())},
                  {"demander_count", absl::StrCat(request.demander_count())},
                  {"attending_voter_count", absl::StrCat(decision.attending_voter_count())}});
  }
  decision.set_state(v1::DECISION_STATE_BALLOT_REQUESTED);
  return absl::OkStatus();
}

absl::Status OpenBallot(v1::OpenBallotRequest const& request, v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "openBallot"));
  ASSIGN_OR_RETURN(auto const period, ToPeriod(request.ballot_period(), "ballot_period"));
  std::vector<FieldViolation> violations;
  if (!period.end) violations.push_back({"ballot_period.end_date", "must be set"});
  if (period.start < DayOf(decision.meeting_date())) {
    violations.push_back({"ballot_period.start_date", "must not be before the meeting"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  decision.set_state(v1::DECISION_STATE_BALLOT_OPEN);
  *decision.mutable_ballot_period() = request.ballot_period();
  return absl::OkStatus();
}

absl::Status CheckTurnout(v1::Decision const& decision, v1::RegisterTurnoutRequest const& request, std::span<Turnout const> known,
                          v1::VotingRules const& rules) {
  RETURN_IF_ERROR(Allow(decision, "registerTurnout"));
  if (request.channel() != OpenChannel(decision)) {
    return BadRequest({{"channel", absl::StrCat("must be ", v1::VoteChannel_Name(OpenChannel(decision)),
                                                ": that is how votes are given now")}});
  }
  std::map<std::string, Turnout> by_household;
  for (auto const& row : known) by_household[row.household] = row;
  for (int i = 0; i < request.households_size(); ++i) {
    auto const& given = request.households(i);
    ErrorMetadata where{{"decision", decision.name()}, {"index", absl::StrCat(i)}};
    if (given.by_proxy() && decision.proxy_exemption().empty()) {
      return Error(kPrecondition, v1::ERROR_REASON_PROXY_NOT_ALLOWED,
                   "votes are given in person: the meeting was not called with an exemption", std::move(where));
    }
    auto& so_far = by_household[given.household()];
    if (so_far.channel != v1::VOTE_CHANNEL_UNSPECIFIED && so_far.channel != request.channel()) {
      where["channel"] = Words(so_far.channel);
      return Error(kPrecondition, v1::ERROR_REASON_CHANNEL_TAKEN, "a household votes by one channel, and this one has",
                   std::move(where));
    }
    so_far.channel = request.channel();
    so_far.vote_count += given.vote_count();
    if (so_far.vote_count > rules.votes_per_household()) {
      where["votes"] = absl::StrCat(so_far.vote_count);
      where["votes_max"] = absl::StrCat(rules.votes_per_household());
      return Error(kPrecondition, v1::ERROR_REASON_VOTES_EXCEEDED, "a household has so many votes, whatever its size",
                   std::move(where));
    }
  }
  return absl::OkStatus();
}

absl::Status Count(v1::CountVotesRequest const& request, Used const& used, Eligible const& eligible, absl::CivilDay today,
                   v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "countVotes"));
  RETURN_IF_ERROR(CheckTallies(request, decision));
  bool const ballot = decision.state() == v1::DECISION_STATE_BALLOT_OPEN;
  if (ballot && today < DayOf(decision.ballot_period().end_date())) {
    return StillOpen(decision, DayOf(decision.ballot_period().end_date()));
  }
  if (request.has_digital_tally() && today < DayOf(decision.digital_end_date())) {
    return StillOpen(decision, DayOf(decision.digital_end_date()));
  }
  RETURN_IF_ERROR(CheckUsed(request.paper_tally(), used.paper, v1::VOTE_CHANNEL_PAPER));
  RETURN_IF_ERROR(CheckUsed(request.digital_tally(), used.digital, v1::VOTE_CHANNEL_DIGITAL));
  RETURN_IF_ERROR(CheckUsed(request.ballot_tally(), used.ballot, v1::VOTE_CHANNEL_BALLOT));
  RETURN_IF_ERROR(CheckEligible(used, eligible));
  std::int64_t yes = 0;
  std::int64_t no = 0;
  for (auto const* const tally : {&request.paper_tally(), &request.digital_tally(), &request.ballot_tally()}) {
    yes += tally->yes_count();
    no += tally->no_count();
  }
  if (request.has_paper_tally()) *decision.mutable_paper_tally() = request.paper_tally();
  if (request.has_digital_tally()) *decision.mutable_digital_tally() = request.digital_tally();
  if (request.has_ballot_tally()) *decision.mutable_ballot_tally() = request.ballot_tally();
  decision.set_eligible_household_count(eligible.household_count);
  decision.set_eligible_vote_count(eligible.vote_count);
  *decision.mutable_count_date() = ToProtoDate(today);
  decision.set_state(yes > no ? v1::DECISION_STATE_ADOPTED : v1::DECISION_STATE_REJECTED);
  return absl::OkStatus();
}

absl::Status Override(v1::OverrideDecisionRequest const& request, absl::CivilDay today, v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "override"));
  auto const& act = request.department_override();
  std::vector<FieldViolation> violations;
  auto const decided = ReadDay(act.decide_date(), "department_override.decide_date", today, violations);
  if (decided && *decided < DayOf(decision.meeting_date())) {
    violations.push_back({"department_override.decide_date", "must not be before the department's meeting"});
  }
  if (act.legal_ground() == v1::LEGAL_GROUND_UNSPECIFIED) {
    violations.push_back({"department_override.legal_ground", "must be a ground that the law gives"});
  }
  if (act.evidence().sha256().empty()) violations.push_back({"department_override.evidence.sha256", "must be set"});
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  decision.set_state(v1::DECISION_STATE_OVERRIDDEN);
  *decision.mutable_department_override() = act;
  return absl::OkStatus();
}

absl::Status Confirm(v1::Decision& decision) {
  RETURN_IF_ERROR(Allow(decision, "confirmRejection"));
  decision.set_state(v1::DECISION_STATE_STANDS_REJECTED);
  return absl::OkStatus();
}

absl::Status Annul(v1::AnnulDecisionRequest const& request, std::string_view new_name, v1::Decision& decision,
                   v1::Decision& successor) {
  RETURN_IF_ERROR(Allow(decision, "annul"));
  successor.Clear();
  successor.set_name(std::string(new_name));
  successor.set_covered_department(decision.covered_department());
  successor.set_question(decision.question());
  if (decision.has_due_date()) *successor.mutable_due_date() = decision.due_date();
  successor.set_state(v1::DECISION_STATE_NOT_CALLED);
  successor.set_replaces(decision.name());
  decision.set_state(v1::DECISION_STATE_ANNULLED);
  decision.set_annul_reason(request.reason());
  decision.set_replaced_by(successor.name());
  return absl::OkStatus();
}

}  // namespace helhed::funding
