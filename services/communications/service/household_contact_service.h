#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/empty.pb.h>

#include "helhed/communications/v1/household_contact_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of HouseholdContactService, one for each method of the contract, which says what they do and refuse. What a
// household said leaves this service by these methods only: no event, error or log holds it.
class HouseholdContactService {
 public:
  explicit HouseholdContactService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::HouseholdContact> GetHouseholdContact(CallContext const& call,
                                                           v1::GetHouseholdContactRequest const& request);
  absl::StatusOr<v1::ListHouseholdContactsResponse> ListHouseholdContacts(CallContext const& call,
                                                                          v1::ListHouseholdContactsRequest const& request);
  absl::StatusOr<v1::HouseholdContact> CreateHouseholdContact(CallContext const& call,
                                                              v1::CreateHouseholdContactRequest const& request);
  absl::StatusOr<v1::HouseholdContact> UpdateHouseholdContact(CallContext const& call,
                                                              v1::UpdateHouseholdContactRequest const& request);
  absl::StatusOr<google::protobuf::Empty> DeleteHouseholdContact(CallContext const& call,
                                                                 v1::DeleteHouseholdContactRequest const& request);

 private:
  Store& store_;
};

}  // namespace helhed::communications
