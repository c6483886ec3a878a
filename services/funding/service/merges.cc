#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <string>
#include <utility>

#include "helhed/funding/v1/errors.pb.h"
#include "services/funding/service/merge_service.h"
#include "services/funding/service/merge_settlement.h"
#include "services/funding/service/merge_store.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"
#include "services/platform/contract/fields.h"
#include "services/platform/service/requests.h"

namespace helhed::funding {
namespace {

namespace cv1 = common::v1;

// The plan that keeps the books says itself what has to be decided, under the name of the service.
constexpr std::string_view kSelf = "funding";

absl::Status CheckMerge(v1::PlanMerge const& merge, v1::Plan const& successor) {
  std::vector<FieldViolation> violations;
  auto const effective = ToCivil(merge.effective_date());
  if (!effective || !StoredPeriod(successor.period()).Contains(*effective)) {
    violations.push_back({"plan_merge.effective_date", "must be a date of the successor's period"});
  }
  for (int i = 0; i < merge.predecessors_size(); ++i) {
    auto const& named = successor.predecessors();
    if (std::find(named.begin(), named.end(), merge.predecessors(i)) != named.end()) continue;
    violations.push_back({absl::StrCat("plan_merge.predecessors[", i, "]"), "must be a predecessor that the successor names"});
  }
  return Verdict(std::move(violations));
}

absl::Status RequireAct(v1::PlanMerge const& merge, MergeAct act) {
  if (After(merge.state(), act)) return absl::OkStatus();
  return MergeNotReady(merge, act, {});
}

// OK also for a participant that is away. One that refuses the question does not understand it: a fault of ours, not of the
// caller.
absl::Status CheckAway(std::string_view service, absl::Status const& answer) {
  if (answer.ok() || absl::IsUnavailable(answer) || absl::IsDeadlineExceeded(answer) || absl::IsCancelled(answer)) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat(Av(service), " refuses to report about a merge: ", absl::StatusCodeToString(answer.code())));
}

absl::Status RequireOffered(v1::MergeConflict const& conflict, cv1::MergeResolution resolution) {
  auto const& choices = conflict.choices();
  if (std::find(choices.begin(), choices.end(), resolution) != choices.end()) return absl::OkStatus();
  std::vector<std::string> names;
  for (auto const choice : choices) names.push_back(contract::EnumText(static_cast<cv1::MergeResolution>(choice)));
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_RESOLUTION_NOT_OFFERED,
               "the conflict offers other resolutions", {{"conflict", conflict.name()}, {"choices", absl::StrJoin(names, ", ")}});
}

}  // namespace

void MergeService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.MergeService", method, this, handler);
  };
  on("GetPlanMerge", &MergeService::GetPlanMerge);
  on("ListPlanMerges", &MergeService::ListPlanMerges);
  on("CreatePlanMerge", &MergeService::CreatePlanMerge);
  on("AssessPlanMerge", &MergeService::AssessPlanMerge);
  on("ListMergeConflicts", &MergeService::ListMergeConflicts);
  on("ResolveMergeConflict", &MergeService::ResolveMergeConflict);
  on("WithdrawPlanMerge", &MergeService::WithdrawPlanMerge);
  on("ExecutePlanMerge", &MergeService::ExecutePlanMerge);
  on("UndoPlanMerge", &MergeService::UndoPlanMerge);
  on("SealPlanMerge", &MergeService::SealPlanMerge);
}

absl::StatusOr<v1::PlanMerge> MergeService::GetPlanMerge(CallContext const& call, v1::GetPlanMergeRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadMerge(tx, request.name()); });
}

absl::StatusOr<v1::ListPlanMergesResponse> MergeService::ListPlanMerges(CallContext const& call,
                                                                        v1::ListPlanMergesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListPlanMergesResponse> {
    ASSIGN_OR_RETURN(auto response, PageBelowPlan<v1::ListPlanMergesResponse>(tx, request, "plan_merges t"));
    auto& page = *response.mutable_plan_merges();
    std::vector<v1::PlanMerge*> const merges(page.pointer_begin(), page.pointer_end());
    RETURN_IF_ERROR(CompleteMerges(tx, merges));
    return response;
  });
}

absl::StatusOr<v1::PlanMerge> MergeService::CreatePlanMerge(CallContext const& call, v1::CreatePlanMergeRequest const& request) {
  // Whose plans become one is not decided for those of others.
  RETURN_IF_ERROR(RequireGrantedOn(call, request.plan_merge().predecessors()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PlanMerge> {
    RETURN_IF_ERROR(LockPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const successor, LoadPlan(tx, request.parent()));
    v1::PlanMerge merge = request.plan_merge();
    RETURN_IF_ERROR(CheckMerge(merge, successor));
    merge.set_name(absl::StrCat(successor.name(), "/merges/", IdOr(call, request.plan_merge_id())));
    merge.set_state(v1::PLAN_MERGE_STATE_PROPOSED);
    RETURN_IF_ERROR(tx.Insert(merge));
    RETURN_IF_ERROR(StoreMergePredecessors(tx, merge));
    RETURN_IF_ERROR(SaveMerge(tx, merge, v1::PLAN_MERGE_STATE_PROPOSED));
    return merge;
  });
}

absl::StatusOr<std::vector<cv1::MergeFinding>> MergeService::OwnFindings(ReadTransaction& tx, v1::PlanMerge const& merge) const {
  ASSIGN_OR_RETURN(auto plan, LoadPlan(tx, PlanOf(merge.name())));
  ASSIGN_OR_RETURN(auto const successor, LoadCoverage(tx, std::move(plan)));
  std::vector<PlanCoverage> predecessors;
  for (auto const& name : merge.predecessors()) {
    ASSIGN_OR_RETURN(auto predecessor, LoadPlan(tx, name));
    ASSIGN_OR_RETURN(predecessors.emplace_back(), LoadCoverage(tx, std::move(predecessor)));
  }
  auto const effective = ToCivil(merge.effective_date()).value_or(absl::CivilDay::max());
  auto findings = CoverageFindings(successor, predecessors, effective);
  for (auto const& name : merge.predecessors()) {
    ASSIGN_OR_RETURN(auto const of_money, MoneyFindings(tx, money_, name));
    findings.insert(findings.end(), of_money.begin(), of_money.end());
  }
  return findings;
}

absl::StatusOr<v1::PlanMerge> MergeService::AssessPlanMerge(CallContext const& call, v1::AssessPlanMergeRequest const& request) {
  ASSIGN_OR_RETURN(auto const known, store_.Read(call, [&](ReadTransaction& tx) { return LoadMerge(tx, request.name()); }));
  std::vector<MergeParticipant::Findings> answers;
  answers.reserve(participants_.size());
  for (auto const& participant : participants_) {
    answers.push_back(participant.ask(call, known));
    RETURN_IF_ERROR(CheckAway(participant.service, answers.back().status()));
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PlanMerge> {
    ASSIGN_OR_RETURN(auto merge, LockMerge(tx, request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), merge.etag(), merge.name()));
    RETURN_IF_ERROR(RequireAct(merge, MergeAct::kDecide));
    RETURN_IF_ERROR(RequireUnapproved(tx, merge));
    ASSIGN_OR_RETURN(auto const own, OwnFindings(tx, merge));
    RETURN_IF_ERROR(ReplaceConflicts(tx, merge, kSelf, own));
    for (std::size_t i = 0; i < participants_.size(); ++i) {
      auto const& service = participants_[i].service;
      // Who does not answer has its part missing. What it said before, and what was chosen, waits for it: nothing is executed.
      RETURN_IF_ERROR(answers[i].ok() ? ReplaceConflicts(tx, merge, service, *answers[i])
                                      : StorePart(tx, merge, service, false, 0));
    }
    RETURN_IF_ERROR(SaveMerge(tx, merge, merge.state()));
    // Parts stand in rows of their own.
    return LoadMerge(tx, merge.name());
  });
}

absl::StatusOr<v1::ListMergeConflictsResponse> MergeService::ListMergeConflicts(CallContext const& call,
                                                                                v1::ListMergeConflictsRequest const& request) {
  storage::ListOptions options;
  options.from = "merge_conflicts t";
  options.alias = "t";
  options.conditions.push_back({"t.plan = ? AND t.merge = ?",
                                {std::string(PlanIdOf(request.parent())), std::string(contract::LastPart(request.parent()))}});
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListMergeConflictsResponse> {
    RETURN_IF_ERROR(tx.Get<v1::PlanMerge>(request.parent()).status());
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListMergeConflictsResponse>(request, options));
    auto& page = *response.mutable_merge_conflicts();
    std::vector<v1::MergeConflict*> const conflicts(page.pointer_begin(), page.pointer_end());
    RETURN_IF_ERROR(CompleteConflicts(tx, conflicts));
    return response;
  });
}

absl::StatusOr<v1::MergeConflict> MergeService::ResolveMergeConflict(CallContext const& call,
                                                                     v1::ResolveMergeConflictRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::MergeConflict> {
    ASSIGN_OR_RETURN(auto const merge, LockMerge(tx, contract::ParentOf(request.name())));
    ASSIGN_OR_RETURN(auto conflict, tx.Get<v1::MergeConflict>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), conflict.etag(), conflict.name()));
    RETURN_IF_ERROR(RequireAct(merge, MergeAct::kDecide));
    RETURN_IF_ERROR(RequireUnapproved(tx, merge));
    v1::MergeConflict* const one[] = {&conflict};
    RETURN_IF_ERROR(CompleteConflicts(tx, one));
    RETURN_IF_ERROR(RequireOffered(conflict, request.resolution()));
    conflict.set_resolution(request.resolution());
    conflict.set_resolver(call.identity().subject());
    RETURN_IF_ERROR(tx.Update(conflict));
    return conflict;
  });
}

absl::StatusOr<v1::PlanMerge> MergeService::WithdrawPlanMerge(CallContext const& call,
                                                              v1::WithdrawPlanMergeRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::PlanMerge> {
    ASSIGN_OR_RETURN(auto merge, LockMerge(tx, request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), merge.etag(), merge.name()));
    RETURN_IF_ERROR(RequireAct(merge, MergeAct::kWithdraw));
    RETURN_IF_ERROR(SaveMerge(tx, merge, v1::PLAN_MERGE_STATE_WITHDRAWN));
    return merge;
  });
}

}  // namespace helhed::funding
