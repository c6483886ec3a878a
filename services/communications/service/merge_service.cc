#include "services/communications/service/merge_service.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "services/communications/domain/plan_merge.h"
#include "services/communications/service/names.h"
#include "services/communications/service/plan_carry.h"
#include "services/platform/base/civil.h"
#include "services/platform/service/requests.h"

namespace helhed::communications {
namespace {

namespace cv1 = common::v1;
namespace fv1 = funding::v1;

Merging MergingOf(fv1::PlanMergeChanged const& change) {
  Merging merging;
  merging.successor = std::string(contract::LastPart(PlanOf(change.merge())));
  merging.merge = std::string(contract::LastPart(change.merge()));
  for (auto const& predecessor : change.predecessors()) merging.predecessors.emplace_back(contract::LastPart(predecessor));
  std::sort(merging.predecessors.begin(), merging.predecessors.end());
  merging.effective = ToCivil(change.effective_date()).value_or(absl::CivilDay::max());
  std::vector<cv1::MergeDecision> const decisions(change.decisions().begin(), change.decisions().end());
  merging.not_carried = NotCarried(decisions);
  merging.ending = Ending(decisions);
  return merging;
}

absl::Status Acknowledge(WriteTransaction& tx, fv1::PlanMergeChanged const& change, cv1::MergeStep step, std::int64_t count) {
  cv1::MergeReceipt receipt;
  receipt.set_merge(change.merge());
  receipt.set_service("communications");
  receipt.set_step(step);
  receipt.set_carried_count(count);
  return tx.Append(receipt, change.merge(), PlanOf(change.merge()));
}

}  // namespace

void MergeService::Register(Router& router) {
  router.On("helhed.communications.v1.MergeService", "ReportMerge", this, &MergeService::ReportMerge);
}

absl::StatusOr<v1::ReportMergeResponse> MergeService::ReportMerge(CallContext const& call,
                                                                  v1::ReportMergeRequest const& request) {
  RETURN_IF_ERROR(RequireGrantedOn(call, request.predecessors()));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ReportMergeResponse> {
    MergeFacts facts;
    ASSIGN_OR_RETURN(facts.templates, TemplatesGoingOn(tx, contract::LastPart(request.plan())));
    for (auto const& plan : request.predecessors()) {
      auto const id = contract::LastPart(plan);
      ASSIGN_OR_RETURN(auto const templates, TemplatesGoingOn(tx, id));
      facts.templates.insert(facts.templates.end(), templates.begin(), templates.end());
      ASSIGN_OR_RETURN(auto const incidents, OpenIncidents(tx, id));
      facts.incidents.insert(facts.incidents.end(), incidents.begin(), incidents.end());
      ASSIGN_OR_RETURN(auto const campaigns, CampaignsOnTheirWay(tx, id));
      facts.campaigns.insert(facts.campaigns.end(), campaigns.begin(), campaigns.end());
    }
    v1::ReportMergeResponse response;
    for (auto& finding : FindMergeConflicts(facts)) *response.add_findings() = std::move(finding);
    return response;
  });
}

absl::Status MergeService::TakeChange(WriteTransaction& tx, fv1::PlanMergeChanged const& change, crypto::KeyRing const* keys) {
  switch (change.state()) {
    case fv1::PLAN_MERGE_STATE_EXECUTING: {
      ASSIGN_OR_RETURN(auto const count, CarryOver(tx, MergingOf(change), keys));
      return Acknowledge(tx, change, cv1::MERGE_STEP_EXECUTE, count);
    }
    case fv1::PLAN_MERGE_STATE_UNDOING: {
      ASSIGN_OR_RETURN(auto const count, CarryBack(tx, MergingOf(change), keys));
      return Acknowledge(tx, change, cv1::MERGE_STEP_UNDO, count);
    }
    case fv1::PLAN_MERGE_STATE_SEALED:
      return EndCampaigns(tx, MergingOf(change));
    default:
      return absl::OkStatus();
  }
}

}  // namespace helhed::communications
