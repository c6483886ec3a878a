#include <absl/strings/str_cat.h>

#include <utility>

#include "helhed/funding/v1/coverage.pb.h"
#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/decision_life.h"
#include "services/funding/domain/plan_life.h"
#include "services/funding/service/decision_service.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

static_assert(v1::DECISION_STATE_ANNULLED == 12);
Statement const kStandingDecision("funding.standing_decision",
                                  "SELECT decision FROM decisions WHERE plan = $1 AND covered_department = $2 AND state <> 12");
Statement const kKnownTurnout(
    "funding.turnout_of_households",
    "SELECT t.household, t.channel, t.vote_count FROM json_each($3) AS wanted JOIN decision_turnout t "
    "ON t.plan = $1 AND t.decision = $2 AND t.household = wanted.value",
    "SELECT t.household, t.channel, t.vote_count FROM json_array_elements_text(CAST($3 AS JSON)) AS wanted (value) "
    "JOIN decision_turnout t ON t.plan = $1 AND t.decision = $2 AND t.household = wanted.value");
Statement const kAddTurnout("funding.add_turnout",
                            "INSERT INTO decision_turnout (plan, decision, household, channel, vote_count) "
                            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (plan, decision, household) "
                            "DO UPDATE SET vote_count = decision_turnout.vote_count + excluded.vote_count");
Statement const kDropTurnout("funding.drop_turnout", "DELETE FROM decision_turnout WHERE plan = $1 AND decision = $2");
Statement const kUsed("funding.used_votes",
                      "SELECT channel, COUNT(*) AS households, CAST(SUM(vote_count) AS BIGINT) AS votes FROM decision_turnout "
                      "WHERE plan = $1 AND decision = $2 GROUP BY channel");

// Leaves out the messages that hold nothing: the store keeps their fields as zeros.
void Tidy(v1::Decision& decision) {
  auto const* const reflection = v1::Decision::GetReflection();
  for (auto const* const name : {"paper_tally", "digital_tally", "ballot_tally", "department_override", "material", "minutes"}) {
    auto const* const field = v1::Decision::descriptor()->FindFieldByName(name);
    if (reflection->HasField(decision, field) && reflection->GetMessage(decision, field).ByteSizeLong() == 0) {
      reflection->ClearField(&decision, field);
    }
  }
}

absl::StatusOr<v1::Decision> Load(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto decision, tx.Get<v1::Decision>(name));
  Tidy(decision);
  return decision;
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Decision const& decision, v1::DecisionState from) {
  v1::DecisionChanged event;
  event.set_decision(decision.name());
  event.set_covered_department(decision.covered_department());
  event.set_from_state(from);
  event.set_state(decision.state());
  event.set_replaced_by(decision.replaced_by());
  return tx.Append(event, decision.name(), PlanOf(decision.name()));
}

absl::Status CheckPlanState(v1::Plan const& plan, std::initializer_list<v1::PlanState> needed) {
  std::string names;
  for (auto const state : needed) {
    if (plan.state() == state) return absl::OkStatus();
    absl::StrAppend(&names, names.empty() ? "" : ", ", NameOf(state));
  }
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PLAN_STATE,
               Sv(absl::StrCat(plan.name(), " is ", NameOf(plan.state()), "; the act needs ", names)),
               {{"plan", plan.name()}, {"state", NameOf(plan.state())}, {"needed", names}});
}

// Decisions and their turnout are changed by whoever has the plan's row.
absl::StatusOr<v1::Plan> LockedPlan(WriteTransaction& tx, std::string_view name) {
  RETURN_IF_ERROR(LockPlan(tx, name));
  return LoadPlan(tx, PlanOf(name));
}

absl::StatusOr<Used> LoadUsed(ReadTransaction& tx, std::string_view decision) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kUsed, {PlanIdOf(decision), contract::LastPart(decision)}));
  Used used;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    used.household_count += rows.Int64(row, 1);
    auto const channel = static_cast<v1::VoteChannel>(rows.Int64(row, 0));
    (channel == v1::VOTE_CHANNEL_PAPER     ? used.paper
     : channel == v1::VOTE_CHANNEL_DIGITAL ? used.digital
                                           : used.ballot) = rows.Int64(row, 2);
  }
  return used;
}

absl::StatusOr<std::vector<Turnout>> LoadTurnout(ReadTransaction& tx, v1::RegisterTurnoutRequest const& request) {
  std::vector<std::string> households;
  for (auto const& given : request.households()) households.push_back(given.household());
  auto const list = JsonArray(households);
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kKnownTurnout, {PlanIdOf(request.name()), contract::LastPart(request.name()), list}));
  std::vector<Turnout> known;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    known.push_back({rows.Text(row, 0), static_cast<v1::VoteChannel>(rows.Int64(row, 1)), rows.Int64(row, 2)});
  }
  return known;
}

// V2, as far as it is seen here: a household is of the department's organisation. Who of it may vote is the register's to say.
absl::Status CheckOwn(v1::RegisterTurnoutRequest const& request, std::string_view organisation) {
  for (int i = 0; i < request.households_size(); ++i) {
    if (contract::Covers(organisation, request.households(i).household())) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOUSEHOLD_FOREIGN,
                 "a household votes in its own department", {{"decision", request.name()}, {"index", absl::StrCat(i)}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Decision> DecisionService::Do(CallContext const& call, std::string const& name, std::string const& etag,
                                                 Change change) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Decision> {
    ASSIGN_OR_RETURN(auto const plan, LockedPlan(tx, name));
    ASSIGN_OR_RETURN(auto decision, Load(tx, name));
    RETURN_IF_ERROR(storage::CheckEtag(etag, decision.etag(), name));
    RETURN_IF_ERROR(CheckPlanState(plan, {v1::PLAN_STATE_LOCAL_DECISION}));
    ASSIGN_OR_RETURN(auto const regulation, LoadRegulation(tx, plan.regulation()));
    auto const from = decision.state();
    RETURN_IF_ERROR(change(tx, regulation.voting(), decision));
    RETURN_IF_ERROR(tx.Update(decision));
    RETURN_IF_ERROR(AppendChanged(tx, decision, from));
    return decision;
  });
}

absl::StatusOr<v1::Decision> DecisionService::GetDecision(CallContext const& call, v1::GetDecisionRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return Load(tx, request.name()); });
}

absl::StatusOr<v1::ListDecisionsResponse> DecisionService::ListDecisions(CallContext const& call,
                                                                         v1::ListDecisionsRequest const& request) {
  ASSIGN_OR_RETURN(auto response, ListBelowPlan<v1::ListDecisionsResponse>(store_, call, request, "decisions t"));
  for (auto& decision : *response.mutable_decisions()) Tidy(decision);
  return response;
}

absl::StatusOr<v1::Decision> DecisionService::CreateDecision(CallContext const& call, v1::CreateDecisionRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Decision> {
    ASSIGN_OR_RETURN(auto const plan, LockedPlan(tx, request.parent()));
    RETURN_IF_ERROR(CheckPlanState(plan, {v1::PLAN_STATE_DRAFTING, v1::PLAN_STATE_LOCAL_DECISION}));
    v1::Decision decision = request.decision();
    decision.set_name(absl::StrCat(plan.name(), "/decisions/", IdOr(call, request.decision_id())));
    decision.set_state(v1::DECISION_STATE_NOT_CALLED);
    ASSIGN_OR_RETURN(auto const covered, tx.Get<v1::CoveredDepartment>(decision.covered_department()));
    if (PlanOf(covered.name()) != plan.name() || covered.state() != v1::COVERAGE_STATE_COVERED) {
      return BadRequest({{"decision.covered_department", "must be a department that this plan goes on with"}});
    }
    ASSIGN_OR_RETURN(auto const standing,
                     tx.Query(kStandingDecision, {contract::LastPart(plan.name()), contract::LastPart(covered.name())}));
    if (!standing.empty()) {
      return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_DECISION_STANDS, "a department has one decision at a time",
                   {{"resource", absl::StrCat(plan.name(), "/decisions/", standing.Text(0, 0))}});
    }
    RETURN_IF_ERROR(tx.Insert(decision));
    RETURN_IF_ERROR(AppendChanged(tx, decision, v1::DECISION_STATE_UNSPECIFIED));
    return decision;
  });
}

absl::StatusOr<v1::Decision> DecisionService::CallMeeting(CallContext const& call, v1::CallMeetingRequest const& request) {
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& /*tx*/, v1::VotingRules const& rules, v1::Decision& decision) {
              return Call(request, rules, call.Today(), decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::SendMaterial(CallContext const& call, v1::SendMaterialRequest const& request) {
  RETURN_IF_ERROR(RequireHash(request.material(), "material"));
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& /*tx*/, v1::VotingRules const& rules, v1::Decision& decision) {
              return Send(request, rules, call.Today(), decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::HoldMeeting(CallContext const& call, v1::HoldMeetingRequest const& request) {
  RETURN_IF_ERROR(RequireHash(request.minutes(), "minutes"));
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& /*tx*/, v1::VotingRules const& /*rules*/, v1::Decision& decision) {
              return Hold(request, call.Today(), decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::RegisterTurnout(CallContext const& call,
                                                              v1::RegisterTurnoutRequest const& request) {
  return Do(
      call, request.name(), request.etag(),
      [&](WriteTransaction& tx, v1::VotingRules const& rules, v1::Decision& decision) -> absl::Status {
        ASSIGN_OR_RETURN(auto const covered, tx.Get<v1::CoveredDepartment>(decision.covered_department()));
        RETURN_IF_ERROR(CheckOwn(request, contract::ParentOf(covered.department())));
        ASSIGN_OR_RETURN(auto const known, LoadTurnout(tx, request));
        RETURN_IF_ERROR(CheckTurnout(decision, request, known, rules));
        for (auto const& given : request.households()) {
          RETURN_IF_ERROR(tx.Enqueue(
              kAddTurnout, {PlanIdOf(decision.name()), contract::LastPart(decision.name()), std::string_view(given.household()),
                            static_cast<std::int64_t>(request.channel()), std::int64_t{given.vote_count()}}));
        }
        return absl::OkStatus();
      });
}

absl::StatusOr<v1::Decision> DecisionService::OpenDigitalWindow(CallContext const& call,
                                                                v1::OpenDigitalWindowRequest const& request) {
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& /*tx*/, v1::VotingRules const& rules, v1::Decision& decision) {
              return OpenDigital(request, rules, decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::RequestBallot(CallContext const& call, v1::RequestBallotRequest const& request) {
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& tx, v1::VotingRules const& rules, v1::Decision& decision) -> absl::Status {
              RETURN_IF_ERROR(Demand(request, rules, decision));
              // All households are asked anew, also those that voted at the meeting.
              return tx.Enqueue(kDropTurnout, {PlanIdOf(decision.name()), contract::LastPart(decision.name())});
            });
}

absl::StatusOr<v1::Decision> DecisionService::OpenBallot(CallContext const& call, v1::OpenBallotRequest const& request) {
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& /*tx*/, v1::VotingRules const& /*rules*/, v1::Decision& decision) {
              return helhed::funding::OpenBallot(request, decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::CountVotes(CallContext const& call, v1::CountVotesRequest const& request) {
  // Asked before the transaction, which must not wait for another service. Neither department nor day change once the meeting is
  // held.
  struct Asked {
    std::string department;
    v1::Decision decision;
  };
  ASSIGN_OR_RETURN(auto const asked, store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<Asked> {
    ASSIGN_OR_RETURN(auto decision, Load(tx, request.name()));
    ASSIGN_OR_RETURN(auto const covered, tx.Get<v1::CoveredDepartment>(decision.covered_department()));
    return Asked{covered.department(), std::move(decision)};
  }));
  Eligible eligible;
  if (OpenChannel(asked.decision) != v1::VOTE_CHANNEL_UNSPECIFIED) {
    auto const day = ToCivil(asked.decision.meeting_date()).value_or(call.Today());
    ASSIGN_OR_RETURN(eligible, residents_.EligibleOn(asked.department, day, call));
  }
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& tx, v1::VotingRules const& /*rules*/, v1::Decision& decision) -> absl::Status {
              ASSIGN_OR_RETURN(auto const used, LoadUsed(tx, decision.name()));
              return Count(request, used, eligible, call.Today(), decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::OverrideDecision(CallContext const& call,
                                                               v1::OverrideDecisionRequest const& request) {
  return Do(call, request.name(), request.etag(),
            [&](WriteTransaction& /*tx*/, v1::VotingRules const& /*rules*/, v1::Decision& decision) {
              return Override(request, call.Today(), decision);
            });
}

absl::StatusOr<v1::Decision> DecisionService::ConfirmRejection(CallContext const& call,
                                                               v1::ConfirmRejectionRequest const& request) {
  return Do(
      call, request.name(), request.etag(),
      [&](WriteTransaction& /*tx*/, v1::VotingRules const& /*rules*/, v1::Decision& decision) { return Confirm(decision); });
}

absl::StatusOr<v1::Decision> DecisionService::AnnulDecision(CallContext const& call, v1::AnnulDecisionRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Decision> {
    ASSIGN_OR_RETURN(auto const plan, LockedPlan(tx, request.name()));
    ASSIGN_OR_RETURN(auto decision, Load(tx, request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), decision.etag(), decision.name()));
    RETURN_IF_ERROR(CheckPlanState(plan, {v1::PLAN_STATE_LOCAL_DECISION, v1::PLAN_STATE_SUBMITTED_FINAL}));
    auto const from = decision.state();
    v1::Decision successor;
    auto const name = absl::StrCat(plan.name(), "/decisions/", IdOr(call, request.decision_id()));
    RETURN_IF_ERROR(Annul(request, name, decision, successor));
    RETURN_IF_ERROR(tx.Update(decision));
    RETURN_IF_ERROR(tx.Insert(successor));
    RETURN_IF_ERROR(AppendChanged(tx, decision, from));
    RETURN_IF_ERROR(AppendChanged(tx, successor, v1::DECISION_STATE_UNSPECIFIED));
    return successor;
  });
}

}  // namespace helhed::funding
