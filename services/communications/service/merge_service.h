#pragma once

#include <absl/status/statusor.h>

#include "helhed/communications/v1/merge_service.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/platform/crypto/key_ring.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of MergeService, one for each method of the contract, which says what they do and refuse; and the part of this
// service in what funding says about merges.
class MergeService {
 public:
  explicit MergeService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::ReportMergeResponse> ReportMerge(CallContext const& call, v1::ReportMergeRequest const& request);

  // Does this service's part of a merge that is executed or undone, and appends its receipt; and ends what was to end when it is
  // sealed. Other changes of a merge ask for nothing here. `keys` seal what stands in annexes and may be null.
  static absl::Status TakeChange(WriteTransaction& tx, funding::v1::PlanMergeChanged const& change, crypto::KeyRing const* keys);

 private:
  Store& store_;
};

}  // namespace helhed::communications
