#include <gmock/gmock.h>

#include "helhed/activities/v1/volunteer_service.pb.h"
#include "services/activities/testing/fixture.h"

// People stand in this service as references only, and those leave it only in answers to who may ask: no event and no refusal
// says who registered, proposed, helps or came.
namespace helhed::activities::testing {
namespace {

constexpr std::string_view kCanary = "kanariefugl";

class CanaryTest : public ActivitiesTest {
 protected:
  void ExpectSilent(absl::Status const& status) {
    EXPECT_EQ(status.ToString().find(kCanary), std::string::npos) << status;
    for (auto const& [_, value] : MetadataOf(status)) EXPECT_EQ(value.find(kCanary), std::string::npos);
  }
};

TEST_P(CanaryTest, NoEventAndNoRefusalSaysWho) {
  auto const activity = Open("a", 1).name();
  auto const person = std::string(kCanary);
  auto const seat = Must<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, person));
  EXPECT_EQ(seat.resident(), "residents/" + person) << "who may ask is told";
  ExpectSilent(Call<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, person)).status());
  SetVerdict("residents/" + person + "2", residents::v1::CONSENT_VERDICT_WITHDRAWN);
  ExpectSilent(
      Call<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity, person + "2")).status());

  v1::CreateProposalRequest proposal;
  proposal.set_parent("plans/amager");
  proposal.mutable_proposal()->set_display_name("Et kor");
  proposal.mutable_proposal()->set_description("Sang");
  proposal.mutable_proposal()->set_proposer_kind(v1::PROPOSER_KIND_RESIDENT);
  proposal.mutable_proposal()->set_resident("residents/" + person);
  Must<v1::Proposal>("ActivityService/CreateProposal", proposal);

  v1::CreateVolunteerRequest volunteer;
  volunteer.set_parent("plans/amager");
  volunteer.mutable_volunteer()->set_resident("residents/" + person);
  volunteer.mutable_volunteer()->set_tasks(person);
  *volunteer.mutable_volunteer()->mutable_start_date() = Date("2126-01-01");
  Must<v1::Volunteer>("VolunteerService/CreateVolunteer", volunteer);
  ExpectSilent(Call<v1::Volunteer>("VolunteerService/CreateVolunteer", volunteer).status());

  auto const session = Must<v1::Session>("SessionService/CreateSession", SessionRequest(activity, "2126-03-01T17:00"));
  v1::RecordAttendanceRequest record;
  record.set_parent(session.name());
  auto& mark = *record.add_marks();
  mark.set_mark_id("018f0000-0000-7000-8000-000000000001");
  mark.set_registration(seat.name().substr(seat.name().rfind('/') + 1));
  mark.set_presence(v1::PRESENCE_PRESENT);
  mark.set_note(person);
  Must<v1::RecordAttendanceResponse>("AttendanceService/RecordAttendance", record);

  for (auto const& event : Events()) {
    EXPECT_EQ(event.SerializeAsString().find(kCanary), std::string::npos) << event.type();
  }
}

HELHED_BOTH_ENGINES(CanaryTest);

}  // namespace
}  // namespace helhed::activities::testing
