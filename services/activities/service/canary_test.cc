#include "services/platform/testing/canary.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <string>

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

// Whatever field a caller writes it into, and whether or not it is taken. What has the form of a resource's name is an
// identifier: NOT_FOUND would say nothing without it.
TEST_P(CanaryTest, NoTextOfARequestIsRepeatedInLogsMetricsOrErrors) {
  auto const text = absl::StrCat(Av(kCanary), " gul 010190 1234");
  auto const identity = As("operator", "");
  int asked = 0;
  for (auto const& service : ActivitiesDefinition().services) {
    for (auto const* method : contract::MethodsOf(service)) {
      auto const request = helhed::testing::RequestOf(*method);
      helhed::testing::ForEachText(*request, text, [&] {
        auto const bytes = request->SerializeAsString();
        IncomingCall call;
        call.path = method->path();
        call.request = bytes;
        call.identity = identity;
        ExpectSilent(instance().pipeline().Run(call).status());
        ++asked;
      });
    }
  }
  EXPECT_GT(asked, 200);
  EXPECT_EQ(LogText().find(kCanary), std::string::npos);
  EXPECT_EQ(metrics().Expose().find(kCanary), std::string::npos);
  EXPECT_FALSE(LogText().empty());
}

HELHED_BOTH_ENGINES(CanaryTest);

}  // namespace
}  // namespace helhed::activities::testing
