#include "services/communications/service/household_ends.h"

#include <gmock/gmock.h>

#include "helhed/residents/v1/erasure_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/communications/testing/told.h"
#include "services/platform/service/requests.h"

namespace helhed::communications::testing {
namespace {

namespace rv1 = residents::v1;

class HouseholdEndsTest : public ToldTest {
 protected:
  // Takes in what the register says.
  void Say(google::protobuf::Message const& what) {
    events::v1::Event event;
    event.mutable_data()->PackFrom(what);
    auto& store = instance().store();
    EXPECT_THAT(store.Apply(OwnContext("communications", store.parts(), {}),
                            [&](WriteTransaction& tx) { return HouseholdEnds::TakeEvent(tx, event); }),
                IsOk());
  }
  // That the household lives somewhere until a day, if any.
  void SayUntil(std::string const& household, std::string const& day) {
    rv1::HouseholdChanged changed;
    changed.mutable_household()->set_name("organisations/9001/households/" + household);
    *changed.mutable_household()->mutable_occupation()->mutable_start_date() = Date("2120-01-01");
    if (!day.empty()) *changed.mutable_household()->mutable_occupation()->mutable_end_date() = Date(day);
    Say(changed);
  }
  bool IsKnown(std::string const& household) {
    v1::GetHouseholdContactRequest get;
    get.set_name("organisations/9001/householdContacts/" + household);
    return Call<v1::HouseholdContact>("HouseholdContactService/GetHouseholdContact", get).ok();
  }
};

// It is 2126-03-01.
TEST_P(HouseholdEndsTest, WhatAHouseholdSaidIsForgottenOnTheDayOnWhichItHasLeft) {
  for (auto const* household : {"h1", "h2", "h3"}) Contact(household, "a@example.dk");
  SayUntil("h1", "2126-03-01");
  SayUntil("h2", "2126-03-02");
  SayUntil("h3", "2126-03-02");
  SayUntil("nobody", "2126-03-01");
  RunJob("forget-households");
  EXPECT_FALSE(IsKnown("h1"));
  EXPECT_TRUE(IsKnown("h2"));
  // It stays after all.
  SayUntil("h3", "");
  clock().Advance(absl::Hours(24));
  RunJob("forget-households");
  EXPECT_FALSE(IsKnown("h2"));
  EXPECT_TRUE(IsKnown("h3"));
}

TEST_P(HouseholdEndsTest, WhatWasAnsweredAboutItIsForgottenToo) {
  v1::CreateHouseholdContactRequest create;
  create.set_parent("organisations/9001");
  create.set_household_contact_id("h1");
  create.mutable_household_contact()->set_email("kanariefugl@example.dk");
  create.set_request_id("018f0000-0000-7000-8000-000000000002");
  EXPECT_EQ(Must<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", create).email(),
            "kanariefugl@example.dk");
  SayUntil("h1", "2126-03-01");
  RunJob("forget-households");
  EXPECT_EQ(Must<v1::HouseholdContact>("HouseholdContactService/CreateHouseholdContact", create).email(), "");
}

TEST_P(HouseholdEndsTest, AnErasureIsAnsweredOnceTheRegisterCanBeAsked) {
  std::vector<rv1::AcknowledgeErasureRequest> answers;
  bool away = true;
  residents().On<rv1::AcknowledgeErasureRequest, rv1::Erasure>(
      "/helhed.residents.v1.ErasureService/AcknowledgeErasure",
      [&](rv1::AcknowledgeErasureRequest const& request, client::CallOptions const&) -> absl::StatusOr<rv1::Erasure> {
        if (away) return absl::UnavailableError("away");
        answers.push_back(request);
        return rv1::Erasure();
      });
  rv1::ResidentErased erased;
  erased.set_resident("residents/ida");
  erased.set_erasure("residents/ida/erasures/e");
  Say(erased);
  Say(erased);
  for (auto const& job : instance().jobs()) {
    if (job.name != "answer-erasures") continue;
    EXPECT_THAT(job.run({}), StatusIs(absl::StatusCode::kUnavailable, "REGISTER_UNAVAILABLE"));
  }
  away = false;
  RunJob("answer-erasures");
  RunJob("answer-erasures");
  ASSERT_THAT(answers, ::testing::SizeIs(1));
  EXPECT_EQ(answers[0].name(), "residents/ida/erasures/e");
  EXPECT_EQ(answers[0].service(), "communications");
  EXPECT_EQ(answers[0].outcome(), rv1::ERASURE_OUTCOME_NOTHING_STORED);
}

HELHED_BOTH_ENGINES(HouseholdEndsTest);

}  // namespace
}  // namespace helhed::communications::testing
