#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "helhed/residents/v1/erasure_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/activities/service/resident_consents.h"
#include "services/activities/testing/fake_residents.h"
#include "services/funding/service/resident_democracy.h"
#include "services/funding/testing/fake_residents.h"
#include "services/platform/contract/fields.h"
#include "services/platform/service/requests.h"
#include "services/residents/testing/people.h"

// It is 1 March 2126 in the real service, which is asked as it is asked by another: through its whole pipeline, with the role of
// a service.
namespace helhed::testing {
namespace {

namespace rv1 = residents::v1;

class PeersTest : public residents::testing::PeopleTest {
 protected:
  client::Peer Real() {
    return {std::shared_ptr<client::Channel>(client::ConnectInProcess(instance().pipeline())), [this](absl::Time) {
              return As({{"service", ""}}, "services/other");
            }};
  }
  static client::Peer Fake(std::shared_ptr<client::FakeChannel> channel) {
    return {std::move(channel), [](absl::Time) { return std::string("signed"); }};
  }
  // The call that makes the other service ask.
  CallContext Call() {
    limits_.deadline = clock().Now() + absl::Seconds(20);
    return OwnContext("other", instance().store().parts(), limits_);
  }
  void Withdraw(std::string const& consent) {
    rv1::WithdrawConsentRequest request;
    request.set_name(consent);
    EXPECT_THAT(PeopleTest::Call<rv1::Consent>("ConsentService/WithdrawConsent", request), IsOk());
  }

 private:
  storage::Limits limits_;
};

// What activities does with an answer hangs on these: who may register at once, and who after a guardian's yes.
void ExpectConsent(activities::ResidentConsents const& consents, CallContext const& call, std::string const& resident,
                   std::string const& purpose, rv1::ConsentVerdict verdict, bool allowed, bool open) {
  auto const answer = consents.Ask(resident, purpose, call);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->verdict, contract::EnumText(verdict));
  EXPECT_EQ(answer->allowed, allowed) << answer->verdict;
  EXPECT_EQ(answer->open, open) << answer->verdict;
}

TEST_P(PeersTest, ConsentsAreAnsweredAlike) {
  struct Case {
    rv1::ConsentVerdict verdict;
    bool allowed;
    bool open;
  };
  std::vector<Case> const cases = {{rv1::CONSENT_VERDICT_GIVEN, true, false},
                                   {rv1::CONSENT_VERDICT_NOT_NEEDED, true, false},
                                   {rv1::CONSENT_VERDICT_NOT_ASKED, false, true},
                                   {rv1::CONSENT_VERDICT_NOT_ANSWERED, false, true},
                                   {rv1::CONSENT_VERDICT_WITHDRAWN, false, false}};
  activities::testing::FakeResidents fake;
  activities::ResidentConsents const faked(Fake(fake.channel()));
  activities::ResidentConsents const real(Real());
  for (auto const& [verdict, allowed, open] : cases) {
    auto const person = Person("Anna");
    if (verdict == rv1::CONSENT_VERDICT_GIVEN) Give(Ask(person));
    if (verdict == rv1::CONSENT_VERDICT_NOT_ANSWERED) Ask(person);
    if (verdict == rv1::CONSENT_VERDICT_WITHDRAWN) Withdraw(Give(Ask(person)).name());
    auto const* const purpose = verdict == rv1::CONSENT_VERDICT_NOT_NEEDED ? "purposes/register" : "purposes/advice";
    fake.SetVerdict(person, verdict);
    ExpectConsent(faked, Call(), person, purpose, verdict, allowed, open);
    ExpectConsent(real, Call(), person, purpose, verdict, allowed, open);
  }
}

TEST_P(PeersTest, WhoDoesNotExistIsAnsweredAlike) {
  std::string const nobody = "residents/00000000-0000-7000-8000-000000000000";
  activities::testing::FakeResidents fake;
  fake.SetUnknown(nobody);
  for (auto const& peer : {Fake(fake.channel()), Real()}) {
    auto const answer = activities::ResidentConsents(peer).Ask(nobody, "purposes/advice", Call());
    EXPECT_THAT(answer.status(), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  }
}

// What activities answers when it learns that a person was erased: with the role of a service, under a request_id, also twice.
TEST_P(PeersTest, ErasuresAreAcknowledgedAlike) {
  rv1::CreateErasureRecipientRequest recipient;
  recipient.set_erasure_recipient_id("activities");
  ASSERT_THAT(PeopleTest::Call<rv1::ErasureRecipient>("ErasureService/CreateErasureRecipient", recipient), IsOk());
  auto const person = Person("Anna");
  auto const erasure = Erase(person);
  ASSERT_THAT(erasure, IsOk());
  EXPECT_EQ(erasure->state(), rv1::ERASURE_STATE_ERASED) << "an answer is awaited";
  std::string const nobody = "residents/00000000-0000-7000-8000-000000000000";
  activities::testing::FakeResidents fake;
  fake.SetUnknown(nobody);
  auto const cannot = [](std::string_view why) { return absl::UnavailableError(Av(why)); };
  std::string_view const method = "/helhed.residents.v1.ErasureService/AcknowledgeErasure";
  for (auto const& peer : {Fake(fake.channel()), Real()}) {
    rv1::AcknowledgeErasureRequest request;
    request.set_name(erasure->name());
    request.set_service("activities");
    request.set_outcome(rv1::ERASURE_OUTCOME_ERASED);
    request.set_record_count(4);
    request.set_request_id("018f0000-0000-7000-8000-000000000001");
    for (int i = 0; i < 2; ++i) {
      auto const answer = peer.Ask<rv1::Erasure>(method, request, Call(), cannot);
      ASSERT_THAT(answer, IsOk());
      EXPECT_EQ(answer->state(), rv1::ERASURE_STATE_COMPLETE);
      ASSERT_EQ(answer->receipts_size(), 1);
      EXPECT_EQ(answer->receipts(0).service(), "activities");
      EXPECT_EQ(answer->receipts(0).record_count(), 4);
    }
    // A second answer says what came late.
    request.set_record_count(5);
    request.set_request_id("018f0000-0000-7000-8000-000000000002");
    EXPECT_THAT(peer.Ask<rv1::Erasure>(method, request, Call(), cannot), IsOk());
    request.set_name(nobody + "/erasures/e");
    request.clear_request_id();
    EXPECT_TRUE(absl::IsNotFound(peer.Ask<rv1::Erasure>(method, request, Call(), cannot).status()));
  }
}

// What activities reads of an event: the erasure and the consent by their names, and the purpose of a consent.
TEST_P(PeersTest, EventsNameWhatHasEnded) {
  auto const person = Person("Anna");
  auto const consent = Give(Ask(person));
  Withdraw(consent.name());
  auto const erasure = Erase(person);
  ASSERT_THAT(erasure, IsOk());
  std::string ended;
  std::string erased;
  for (auto const& event : Events()) {
    rv1::ConsentEnded of_consent;
    rv1::ResidentErased of_person;
    if (event.data().UnpackTo(&of_consent)) ended = of_consent.consent() + " " + of_consent.purpose();
    if (event.data().UnpackTo(&of_person)) erased = of_person.erasure();
  }
  EXPECT_EQ(ended, consent.name() + " purposes/advice");
  EXPECT_EQ(erased, erasure->name());
}

TEST_P(PeersTest, WhoMayVoteIsCountedAlike) {
  std::string const department = "organisations/9001/departments/001";
  Person("Anna");
  auto const channel = std::make_shared<client::FakeChannel>();
  funding::testing::SayEligible(*channel, 1, 2);
  for (auto const& peer : {Fake(channel), Real()}) {
    funding::ResidentDemocracy const democracy(peer);
    auto const eligible = democracy.EligibleOn(department, absl::CivilDay(2126, 2, 1), Call());
    ASSERT_THAT(eligible, IsOk());
    EXPECT_EQ(eligible->household_count, 1);
    EXPECT_EQ(eligible->vote_count, 2) << "two to a household, whatever its size (V1)";
    auto const unknown =
        democracy.EligibleOn(std::string(funding::testing::kUnknownDepartment), absl::CivilDay(2126, 2, 1), Call());
    EXPECT_THAT(unknown.status(), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  }
}

HELHED_BOTH_ENGINES(PeersTest);

}  // namespace
}  // namespace helhed::testing
