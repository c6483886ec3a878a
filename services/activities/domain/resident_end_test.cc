#include "services/activities/domain/resident_end.h"

#include <gtest/gtest.h>

namespace helhed::activities {
namespace {

constexpr v1::RegistrationState kWaiting[] = {v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT, v1::REGISTRATION_STATE_WAITLISTED,
                                              v1::REGISTRATION_STATE_OFFERED};
constexpr v1::RegistrationState kPast[] = {v1::REGISTRATION_STATE_EXPIRED, v1::REGISTRATION_STATE_CANCELLED,
                                           v1::REGISTRATION_STATE_ATTENDED, v1::REGISTRATION_STATE_NO_SHOW};
constexpr auto kConfirmed = v1::REGISTRATION_STATE_CONFIRMED;

// P7.
TEST(AfterErasure, LeavesNoNameAndNoSeatThatOthersCouldTake) {
  for (auto const state : kWaiting) EXPECT_EQ(AfterErasure(state, v1::ACTIVITY_STATE_RUNNING), Fate::kCancelled);
  for (auto const state : kPast) EXPECT_EQ(AfterErasure(state, v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP), Fate::kUnnamed);
  for (auto const open : {v1::ACTIVITY_STATE_OPEN_FOR_SIGNUP, v1::ACTIVITY_STATE_FULL, v1::ACTIVITY_STATE_PAUSED}) {
    EXPECT_EQ(AfterErasure(kConfirmed, open), Fate::kCancelled);
  }
  for (auto const begun : {v1::ACTIVITY_STATE_RUNNING, v1::ACTIVITY_STATE_COMPLETED, v1::ACTIVITY_STATE_REPORTED}) {
    EXPECT_EQ(AfterErasure(kConfirmed, begun), Fate::kUnnamed) << "it is counted still";
  }
}

// P4, 8.9.
TEST(AfterConsent, EndsWhatIsToComeAndLeavesWhatWas) {
  for (auto const state : kWaiting) {
    EXPECT_EQ(AfterConsent(state, v1::ACTIVITY_STATE_FULL, false), Fate::kCancelled);
    EXPECT_EQ(AfterConsent(state, v1::ACTIVITY_STATE_COMPLETED, false), Fate::kStays);
  }
  for (auto const state : kPast) EXPECT_EQ(AfterConsent(state, v1::ACTIVITY_STATE_RUNNING, false), Fate::kStays);
  EXPECT_EQ(AfterConsent(kConfirmed, v1::ACTIVITY_STATE_FULL, false), Fate::kUnnamed) << "nobody loses a seat by it";
  EXPECT_EQ(AfterConsent(kConfirmed, v1::ACTIVITY_STATE_RUNNING, false), Fate::kUnnamed);
  EXPECT_EQ(AfterConsent(kConfirmed, v1::ACTIVITY_STATE_COMPLETED, false), Fate::kStays);
  auto const awaits = v1::REGISTRATION_STATE_AWAITING_GUARDIAN_CONSENT;
  EXPECT_EQ(AfterConsent(awaits, v1::ACTIVITY_STATE_FULL, true), Fate::kStays) << "it goes on waiting";
  EXPECT_EQ(AfterConsent(v1::REGISTRATION_STATE_OFFERED, v1::ACTIVITY_STATE_FULL, true), Fate::kCancelled);
}

}  // namespace
}  // namespace helhed::activities
