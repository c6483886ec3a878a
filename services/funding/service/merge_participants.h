#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "helhed/funding/v1/merge.pb.h"
#include "services/platform/client/peer.h"
#include "services/platform/pipeline/call_context.h"

// The other services that keep something of plans, and so have a part in every merge: they say what has to be decided, and leave
// a receipt in their own log for what they have done.
namespace helhed::funding {

struct MergeParticipant {
  using Findings = absl::StatusOr<std::vector<common::v1::MergeFinding>>;
  // `activities`.
  std::string service;
  client::Peer peer;
  // Asks it, not within a write.
  std::function<Findings(CallContext const& call, v1::PlanMerge const& merge)> ask;
};

// Each may be nobody: its part is missing then, and no merge is executed.
std::vector<MergeParticipant> MergeParticipants(client::Peer const& activities, client::Peer const& communications);

}  // namespace helhed::funding
