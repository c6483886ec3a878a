#include "services/funding/service/merge_participants.h"

#include <absl/strings/str_cat.h>

#include <string_view>
#include <utility>

#include "helhed/activities/v1/merge_service.pb.h"
#include "helhed/communications/v1/merge_service.pb.h"
#include "services/platform/contract/resource_name.h"

namespace helhed::funding {
namespace {

// Every service answers the same question with messages of its own.
template <typename Request, typename Response>
MergeParticipant Participant(std::string service, client::Peer const& peer, std::string path) {
  auto ask = [peer, path = std::move(path)](CallContext const& call, v1::PlanMerge const& merge) -> MergeParticipant::Findings {
    Request request;
    request.set_plan(std::string(contract::ParentOf(merge.name())));
    *request.mutable_predecessors() = merge.predecessors();
    auto const unavailable = [](std::string_view why) { return absl::UnavailableError(Av(why)); };
    ASSIGN_OR_RETURN(auto const response, peer.Ask<Response>(path, request, call, unavailable));
    return std::vector<common::v1::MergeFinding>(response.findings().begin(), response.findings().end());
  };
  return {std::move(service), peer, std::move(ask)};
}

}  // namespace

std::vector<MergeParticipant> MergeParticipants(client::Peer const& activities, client::Peer const& communications) {
  namespace av1 = helhed::activities::v1;
  namespace cv1 = helhed::communications::v1;
  return {Participant<av1::ReportMergeRequest, av1::ReportMergeResponse>("activities", activities,
                                                                         "/helhed.activities.v1.MergeService/ReportMerge"),
          Participant<cv1::ReportMergeRequest, cv1::ReportMergeResponse>("communications", communications,
                                                                         "/helhed.communications.v1.MergeService/ReportMerge")};
}

}  // namespace helhed::funding
