#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <utility>

#include "helhed/activities/v1/volunteer_service.pb.h"
#include "services/activities/service/resident_consents.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// The handlers of VolunteerService, one for each method of the contract, which says what they do and refuse.
class VolunteerService {
 public:
  VolunteerService(Store& store, ResidentConsents consents) : store_(store), consents_(std::move(consents)) {}

  // Enters every handler under its method.
  void Register(Router& router);

  // volunteer_service.cc
  absl::StatusOr<v1::Volunteer> GetVolunteer(CallContext const& call, v1::GetVolunteerRequest const& request);
  absl::StatusOr<v1::ListVolunteersResponse> ListVolunteers(CallContext const& call, v1::ListVolunteersRequest const& request);
  absl::StatusOr<v1::Volunteer> CreateVolunteer(CallContext const& call, v1::CreateVolunteerRequest const& request);
  absl::StatusOr<v1::Volunteer> LeaveVolunteer(CallContext const& call, v1::LeaveVolunteerRequest const& request);
  absl::StatusOr<v1::VolunteerHours> CreateVolunteerHours(CallContext const& call,
                                                          v1::CreateVolunteerHoursRequest const& request);
  absl::StatusOr<v1::ListVolunteerHoursResponse> ListVolunteerHours(CallContext const& call,
                                                                    v1::ListVolunteerHoursRequest const& request);
  absl::StatusOr<v1::Assignment> AssignVolunteer(CallContext const& call, v1::AssignVolunteerRequest const& request);
  absl::StatusOr<v1::Assignment> UnassignVolunteer(CallContext const& call, v1::UnassignVolunteerRequest const& request);
  absl::StatusOr<v1::ListAssignmentsResponse> ListAssignments(CallContext const& call, v1::ListAssignmentsRequest const& request);

  // clearances.cc
  absl::StatusOr<v1::Clearance> GetClearance(CallContext const& call, v1::GetClearanceRequest const& request);
  absl::StatusOr<v1::Clearance> ConsentToClearance(CallContext const& call, v1::ConsentToClearanceRequest const& request);
  absl::StatusOr<v1::Clearance> RecordClearance(CallContext const& call, v1::RecordClearanceRequest const& request);
  absl::StatusOr<v1::ListRenewalsDueResponse> ListRenewalsDue(CallContext const& call, v1::ListRenewalsDueRequest const& request);
  absl::StatusOr<v1::ClearanceOrder> CreateClearanceOrder(CallContext const& call,
                                                          v1::CreateClearanceOrderRequest const& request);
  absl::StatusOr<v1::ClearanceOrder> GetClearanceOrder(CallContext const& call, v1::GetClearanceOrderRequest const& request);

 private:
  Store& store_;
  ResidentConsents consents_;
};

// The volunteer leaves on the day: takes part in nothing that is to come, and the clearance holds no more.
absl::Status EndAgreement(WriteTransaction& tx, v1::Volunteer& volunteer, google::type::Date const& day);

}  // namespace helhed::activities
