#include "services/funding/merging.h"

#include <absl/strings/str_cat.h>

#include <string>
#include <utility>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "services/funding/service/merge_service.h"
#include "services/platform/server/follow.h"

namespace helhed::funding {
namespace {

absl::Status TakeEvent(WriteTransaction& tx, events::v1::Event const& event) {
  common::v1::MergeReceipt receipt;
  if (!event.data().UnpackTo(&receipt)) return absl::OkStatus();
  return MergeService::TakeReceipt(tx, receipt);
}

struct Handlers {
  Handlers(server::Environment const& environment, std::shared_ptr<MoneyGate const> its_money,
           std::vector<MergeParticipant> const& participants)
      : money(std::move(its_money)), merges(environment.store, *money, participants) {
    for (auto const& participant : participants) {
      server::Follow(environment, participant.peer, participant.service, {common::v1::MergeReceipt::descriptor()->full_name()},
                     TakeEvent);
    }
  }

  std::shared_ptr<MoneyGate const> money;
  MergeService merges;
};

}  // namespace

void AddMerging(server::Definition& definition) {
  definition.services.emplace_back("helhed.funding.v1.MergeService");
  definition.resources.push_back({v1::PlanMerge::descriptor(), "plan_merges", {}});
  definition.resources.push_back({v1::MergeConflict::descriptor(), "merge_conflicts", {}});
}

std::shared_ptr<void> RegisterMerging(server::Environment const& environment, Router& router,
                                      std::shared_ptr<MoneyGate const> money, MergingPeers const& peers) {
  auto handlers =
      std::make_shared<Handlers>(environment, std::move(money), MergeParticipants(peers.activities, peers.communications));
  handlers->merges.Register(router);
  return handlers;
}

}  // namespace helhed::funding
