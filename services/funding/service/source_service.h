#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/empty.pb.h>

#include "helhed/funding/v1/source_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::funding {

// The handlers of SourceService, one for each method of the contract, which says what they do and refuse.
class SourceService {
 public:
  explicit SourceService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // sources.cc
  absl::StatusOr<v1::Source> GetSource(CallContext const& call, v1::GetSourceRequest const& request);
  absl::StatusOr<v1::ListSourcesResponse> ListSources(CallContext const& call, v1::ListSourcesRequest const& request);
  absl::StatusOr<v1::Source> CreateSource(CallContext const& call, v1::CreateSourceRequest const& request);
  absl::StatusOr<v1::Source> UpdateSource(CallContext const& call, v1::UpdateSourceRequest const& request);
  absl::StatusOr<google::protobuf::Empty> DeleteSource(CallContext const& call, v1::DeleteSourceRequest const& request);

  // source_acts.cc
  absl::StatusOr<v1::Source> PledgeSource(CallContext const& call, v1::PledgeSourceRequest const& request);
  absl::StatusOr<v1::Source> ApproveSource(CallContext const& call, v1::ApproveSourceRequest const& request);
  absl::StatusOr<v1::Source> LapseSource(CallContext const& call, v1::LapseSourceRequest const& request);
  absl::StatusOr<v1::Source> ReconcileSource(CallContext const& call, v1::ReconcileSourceRequest const& request);
  absl::StatusOr<v1::Source> DemandRepaymentSource(CallContext const& call, v1::DemandRepaymentSourceRequest const& request);
  absl::StatusOr<v1::Source> RepaySource(CallContext const& call, v1::RepaySourceRequest const& request);
  absl::StatusOr<v1::Source> CloseSource(CallContext const& call, v1::CloseSourceRequest const& request);

  // apportionments.cc
  absl::StatusOr<v1::Apportionment> ApportionSource(CallContext const& call, v1::ApportionSourceRequest const& request);
  absl::StatusOr<v1::Apportionment> GetApportionment(CallContext const& call, v1::GetApportionmentRequest const& request);
  absl::StatusOr<v1::ListApportionmentsResponse> ListApportionments(CallContext const& call,
                                                                    v1::ListApportionmentsRequest const& request);

  // releases.cc
  absl::StatusOr<v1::Release> GetRelease(CallContext const& call, v1::GetReleaseRequest const& request);
  absl::StatusOr<v1::ListReleasesResponse> ListReleases(CallContext const& call, v1::ListReleasesRequest const& request);
  absl::StatusOr<v1::Release> CreateRelease(CallContext const& call, v1::CreateReleaseRequest const& request);
  absl::StatusOr<v1::Release> ApproveRelease(CallContext const& call, v1::ApproveReleaseRequest const& request);
  absl::StatusOr<v1::Release> RejectRelease(CallContext const& call, v1::RejectReleaseRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::funding
