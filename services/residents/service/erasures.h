#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/empty.pb.h>

#include "helhed/residents/v1/erasure_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::residents {

// The handlers of ErasureService, one for each method of the contract, which says what they do and refuse.
class Erasures {
 public:
  explicit Erasures(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // erasures.cc
  absl::StatusOr<v1::Erasure> EraseResident(CallContext const& call, v1::EraseResidentRequest const& request);
  absl::StatusOr<v1::Erasure> GetErasure(CallContext const& call, v1::GetErasureRequest const& request);
  absl::StatusOr<v1::ListErasuresResponse> ListErasures(CallContext const& call, v1::ListErasuresRequest const& request);
  absl::StatusOr<v1::Erasure> AcknowledgeErasure(CallContext const& call, v1::AcknowledgeErasureRequest const& request);
  absl::StatusOr<v1::ListErasureRecipientsResponse> ListErasureRecipients(CallContext const& call,
                                                                          v1::ListErasureRecipientsRequest const& request);
  absl::StatusOr<v1::ErasureRecipient> CreateErasureRecipient(CallContext const& call,
                                                              v1::CreateErasureRecipientRequest const& request);
  absl::StatusOr<google::protobuf::Empty> DeleteErasureRecipient(CallContext const& call,
                                                                 v1::DeleteErasureRecipientRequest const& request);

  // erasure_holds.cc
  absl::StatusOr<v1::ListErasureHoldsResponse> ListErasureHolds(CallContext const& call,
                                                                v1::ListErasureHoldsRequest const& request);
  absl::StatusOr<v1::ErasureHold> CreateErasureHold(CallContext const& call, v1::CreateErasureHoldRequest const& request);
  absl::StatusOr<v1::ErasureHold> UpdateErasureHold(CallContext const& call, v1::UpdateErasureHoldRequest const& request);

  // retention.cc
  absl::StatusOr<v1::ListRetentionPoliciesResponse> ListRetentionPolicies(CallContext const& call,
                                                                          v1::ListRetentionPoliciesRequest const& request);
  absl::StatusOr<v1::RetentionPolicy> CreateRetentionPolicy(CallContext const& call,
                                                            v1::CreateRetentionPolicyRequest const& request);
  absl::StatusOr<v1::RetentionPolicy> UpdateRetentionPolicy(CallContext const& call,
                                                            v1::UpdateRetentionPolicyRequest const& request);
  absl::StatusOr<v1::RetentionRun> RunRetention(CallContext const& call, v1::RunRetentionRequest const& request);
  absl::StatusOr<v1::ListRetentionRunsResponse> ListRetentionRuns(CallContext const& call,
                                                                  v1::ListRetentionRunsRequest const& request);

  // The same as RunRetention, by the service itself; returns whether there is more to do. Nothing is reported when nothing was
  // due.
  absl::StatusOr<bool> RunRetentionJob(storage::Limits const& limits);

 private:
  Store& store_;
};

// What is asked to be erased, and by whom.
struct ErasureOrder {
  std::string resident;
  v1::ErasureGround ground;
  std::string retention_policy;
  std::string archive_receipt;
};
// Erases the person, who is locked and is there, or records what keeps that from happening; the answer says which. Without the
// receipts.
absl::StatusOr<v1::Erasure> EraseHere(WriteTransaction& tx, v1::Resident const& person, ErasureOrder const& order);

}  // namespace helhed::residents
