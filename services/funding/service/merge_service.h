#pragma once

#include <absl/status/statusor.h>

#include <string_view>
#include <utility>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "helhed/funding/v1/merge_service.pb.h"
#include "services/funding/service/merge_participants.h"
#include "services/funding/service/money_gate.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of MergeService, one for each method of the contract, which says what they do and refuse; and what follows when
// another service has done its part.
class MergeService {
 public:
  MergeService(Store& store, MoneyGate const& money, std::vector<MergeParticipant> participants)
      : store_(store), money_(money), participants_(std::move(participants)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // merges.cc
  absl::StatusOr<v1::PlanMerge> GetPlanMerge(CallContext const& call, v1::GetPlanMergeRequest const& request);
  absl::StatusOr<v1::ListPlanMergesResponse> ListPlanMerges(CallContext const& call, v1::ListPlanMergesRequest const& request);
  absl::StatusOr<v1::PlanMerge> CreatePlanMerge(CallContext const& call, v1::CreatePlanMergeRequest const& request);
  absl::StatusOr<v1::PlanMerge> AssessPlanMerge(CallContext const& call, v1::AssessPlanMergeRequest const& request);
  absl::StatusOr<v1::ListMergeConflictsResponse> ListMergeConflicts(CallContext const& call,
                                                                    v1::ListMergeConflictsRequest const& request);
  absl::StatusOr<v1::MergeConflict> ResolveMergeConflict(CallContext const& call, v1::ResolveMergeConflictRequest const& request);
  absl::StatusOr<v1::PlanMerge> WithdrawPlanMerge(CallContext const& call, v1::WithdrawPlanMergeRequest const& request);

  // merge_steps.cc
  absl::StatusOr<v1::PlanMerge> ExecutePlanMerge(CallContext const& call, v1::ExecutePlanMergeRequest const& request);
  absl::StatusOr<v1::PlanMerge> UndoPlanMerge(CallContext const& call, v1::UndoPlanMergeRequest const& request);
  absl::StatusOr<v1::PlanMerge> SealPlanMerge(CallContext const& call, v1::SealPlanMergeRequest const& request);

  // A service has done its part: `receipt` is in its log. When it is the last one the step is finished. A merge that is not
  // there, or that does not wait for it, stays as it is.
  static absl::Status TakeReceipt(WriteTransaction& tx, common::v1::MergeReceipt const& receipt);

 private:
  // What this service itself has found: merges.cc.
  absl::StatusOr<std::vector<common::v1::MergeFinding>> OwnFindings(ReadTransaction& tx, v1::PlanMerge const& merge) const;

  Store& store_;
  MoneyGate const& money_;
  std::vector<MergeParticipant> participants_;
};

}  // namespace helhed::funding
