#include "services/activities/service/merge_service.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "services/activities/domain/plan_merge.h"
#include "services/activities/service/plan_carry.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/civil.h"

namespace helhed::activities {
namespace {

namespace cv1 = common::v1;
namespace fv1 = funding::v1;

absl::Status AddOfPlan(ReadTransaction& tx, std::string const& plan, std::vector<v1::Activity>& activities,
                       std::vector<v1::Volunteer>& volunteers) {
  ASSIGN_OR_RETURN(auto const goes_on, ActivitiesGoingOn(tx, contract::LastPart(plan)));
  activities.insert(activities.end(), goes_on.begin(), goes_on.end());
  ASSIGN_OR_RETURN(auto const helping, VolunteersGoingOn(tx, contract::LastPart(plan)));
  volunteers.insert(volunteers.end(), helping.begin(), helping.end());
  return absl::OkStatus();
}

Merging MergingOf(fv1::PlanMergeChanged const& change) {
  Merging merging;
  merging.successor = std::string(contract::LastPart(PlanOf(change.merge())));
  merging.merge = std::string(contract::LastPart(change.merge()));
  for (auto const& predecessor : change.predecessors()) merging.predecessors.emplace_back(contract::LastPart(predecessor));
  std::sort(merging.predecessors.begin(), merging.predecessors.end());
  merging.effective = ToCivil(change.effective_date()).value_or(absl::CivilDay::max());
  std::vector<cv1::MergeDecision> const decisions(change.decisions().begin(), change.decisions().end());
  merging.not_carried = NotCarried(decisions);
  return merging;
}

absl::Status Acknowledge(WriteTransaction& tx, fv1::PlanMergeChanged const& change, cv1::MergeStep step, std::int64_t count) {
  cv1::MergeReceipt receipt;
  receipt.set_merge(change.merge());
  receipt.set_service("activities");
  receipt.set_step(step);
  receipt.set_carried_count(count);
  return tx.Append(receipt, change.merge(), PlanOf(change.merge()));
}

}  // namespace

void MergeService::Register(Router& router) {
  router.On("helhed.activities.v1.MergeService", "ReportMerge", this, &MergeService::ReportMerge);
}

absl::StatusOr<v1::ReportMergeResponse> MergeService::ReportMerge(CallContext const& call,
                                                                  v1::ReportMergeRequest const& request) {
  RETURN_IF_ERROR(RequireGrantedOn(call, request.predecessors()));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ReportMergeResponse> {
    std::vector<v1::Activity> activities;
    std::vector<v1::Volunteer> volunteers;
    RETURN_IF_ERROR(AddOfPlan(tx, request.plan(), activities, volunteers));
    for (auto const& plan : request.predecessors()) RETURN_IF_ERROR(AddOfPlan(tx, plan, activities, volunteers));
    v1::ReportMergeResponse response;
    for (auto& finding : FindMergeConflicts(activities, volunteers)) *response.add_findings() = std::move(finding);
    return response;
  });
}

absl::Status MergeService::TakeChange(WriteTransaction& tx, fv1::PlanMergeChanged const& change) {
  if (change.state() == fv1::PLAN_MERGE_STATE_EXECUTING) {
    ASSIGN_OR_RETURN(auto const count, CarryOver(tx, MergingOf(change)));
    return Acknowledge(tx, change, cv1::MERGE_STEP_EXECUTE, count);
  }
  if (change.state() == fv1::PLAN_MERGE_STATE_UNDOING) {
    ASSIGN_OR_RETURN(auto const count, CarryBack(tx, MergingOf(change)));
    return Acknowledge(tx, change, cv1::MERGE_STEP_UNDO, count);
  }
  return absl::OkStatus();
}

}  // namespace helhed::activities
