#include "services/communications/domain/delivery.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::communications {
namespace {

using helhed::testing::ForAllSeeds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);
DeliveryRule const kRule = {3, absl::Seconds(60), absl::Minutes(3), absl::Hours(72)};

v1::Campaign CampaignOf(v1::ChannelChoice choice, bool statutory) {
  v1::Campaign campaign;
  campaign.set_channel_choice(choice);
  campaign.set_statutory(statutory);
  return campaign;
}

void Cancel(v1::Campaign& campaign, std::vector<Attempt>& attempts, absl::Time now) {
  campaign.set_state(v1::CAMPAIGN_STATE_CANCELLED);
  for (auto const channel : {v1::CHANNEL_PAPER, v1::CHANNEL_EMAIL}) {
    if (auto after = After(attempts, channel, {Happening::kCancelled, now}, campaign, kRule)) attempts = *std::move(after);
  }
}

std::vector<Attempt> Must(std::optional<std::vector<Attempt>> attempts) {
  EXPECT_TRUE(attempts.has_value());
  return attempts.value_or(std::vector<Attempt>());
}

// Domain rule C2.
TEST(Delivery, IsByPaperWhereNothingDigitalIsKnown) {
  for (auto const choice : {v1::CHANNEL_CHOICE_DIGITAL_FIRST, v1::CHANNEL_CHOICE_PAPER, v1::CHANNEL_CHOICE_EVERY}) {
    for (bool const statutory : {false, true}) {
      EXPECT_THAT(ChannelsFor(CampaignOf(choice, statutory), {}), ElementsAre(v1::CHANNEL_PAPER));
    }
    EXPECT_THAT(ChannelsFor(CampaignOf(choice, false), {.has_email = true, .declined = true}), IsEmpty());
    EXPECT_FALSE(ChannelsFor(CampaignOf(choice, true), {.has_email = true, .declined = true}).empty());
  }
  EXPECT_THAT(ChannelsFor(CampaignOf(v1::CHANNEL_CHOICE_DIGITAL_FIRST, true), {.has_email = true}),
              ElementsAre(v1::CHANNEL_EMAIL));
  EXPECT_THAT(ChannelsFor(CampaignOf(v1::CHANNEL_CHOICE_EVERY, true), {.has_email = true}),
              ElementsAre(v1::CHANNEL_PAPER, v1::CHANNEL_EMAIL));
  EXPECT_THAT(ChannelsFor(CampaignOf(v1::CHANNEL_CHOICE_PAPER, false), {.has_email = true}), ElementsAre(v1::CHANNEL_PAPER));
}

// A letter is on its way to the household as well: nobody has to confirm the mail.
TEST(Delivery, NobodyWaitsForAWordAboutOneOfSeveral) {
  auto const campaign = CampaignOf(v1::CHANNEL_CHOICE_EVERY, true);
  auto const attempts = Must(After({NewAttempt(v1::CHANNEL_PAPER, kNow), NewAttempt(v1::CHANNEL_EMAIL, kNow)}, v1::CHANNEL_EMAIL,
                                   {Happening::kAccepted, kNow}, campaign, kRule));
  EXPECT_FALSE(attempts[1].due_time.has_value());
  EXPECT_EQ(OutcomeOf(attempts, true), v1::RECIPIENT_OUTCOME_WAITING);
}

// What nobody has sent has not arrived, whoever says so; and where a law asks for a message, a mail that nobody confirmed has
// reached nobody.
TEST(Delivery, ArrivesOnlyAfterItWasAccepted) {
  auto const campaign = CampaignOf(v1::CHANNEL_CHOICE_DIGITAL_FIRST, true);
  EXPECT_FALSE(After({NewAttempt(v1::CHANNEL_EMAIL, kNow)}, v1::CHANNEL_EMAIL, {Happening::kDelivered, kNow}, campaign, kRule));
  std::vector<Attempt> attempts = {{.channel = v1::CHANNEL_EMAIL, .state = v1::DELIVERY_STATE_ACCEPTED}};
  EXPECT_EQ(OutcomeOf(attempts, false), v1::RECIPIENT_OUTCOME_PRESUMED);
  EXPECT_EQ(OutcomeOf(attempts, true), v1::RECIPIENT_OUTCOME_UNREACHED);
}

TEST(DeliveryRule, WaitsNoLessThanAtFirst) {
  v1::DeliveryRule rule;
  rule.set_backoff_first_seconds(60);
  std::vector<FieldViolation> violations;
  for (int const most : {60, 61}) {
    rule.set_backoff_max_seconds(most);
    CheckDeliveryRule(rule, violations);
    EXPECT_THAT(violations, IsEmpty());
  }
  rule.set_backoff_max_seconds(59);
  CheckDeliveryRule(rule, violations);
  EXPECT_EQ(violations.size(), 1U);
}

TEST(Delivery, AcceptedIsNotDelivered) {
  auto const campaign = CampaignOf(v1::CHANNEL_CHOICE_DIGITAL_FIRST, true);
  auto attempts =
      Must(After({NewAttempt(v1::CHANNEL_EMAIL, kNow)}, v1::CHANNEL_EMAIL, {Happening::kAccepted, kNow}, campaign, kRule));
  EXPECT_EQ(OutcomeOf(attempts, true), v1::RECIPIENT_OUTCOME_WAITING);
  EXPECT_EQ(attempts[0].due_time, kNow + absl::Hours(72));
  EXPECT_FALSE(After(attempts, v1::CHANNEL_EMAIL, {Happening::kUnconfirmed, kNow + absl::Hours(71)}, campaign, kRule));
  auto const late = kNow + absl::Hours(72);
  auto const letter = Must(After(attempts, v1::CHANNEL_EMAIL, {Happening::kUnconfirmed, late}, campaign, kRule));
  EXPECT_EQ(letter[0].state, v1::DELIVERY_STATE_FELL_BACK);
  EXPECT_EQ(letter[1].channel, v1::CHANNEL_PAPER);
  EXPECT_EQ(OutcomeOf(letter, true), v1::RECIPIENT_OUTCOME_WAITING);

  auto const offer = CampaignOf(v1::CHANNEL_CHOICE_DIGITAL_FIRST, false);
  EXPECT_EQ(OutcomeOf(Must(After(attempts, v1::CHANNEL_EMAIL, {Happening::kUnconfirmed, late}, offer, kRule)), false),
            v1::RECIPIENT_OUTCOME_PRESUMED);
  EXPECT_EQ(OutcomeOf(Must(After(letter, v1::CHANNEL_EMAIL, {Happening::kDelivered, late}, campaign, kRule)), true),
            v1::RECIPIENT_OUTCOME_REACHED);
}

TEST(Delivery, IsTriedAgainLaterAndLaterAndThenOnPaper) {
  auto const campaign = CampaignOf(v1::CHANNEL_CHOICE_DIGITAL_FIRST, false);
  Happened const failed{Happening::kFailedNow, kNow, v1::DELIVERY_FAILURE_CARRIER_BUSY};
  auto attempts = Must(After({NewAttempt(v1::CHANNEL_EMAIL, kNow)}, v1::CHANNEL_EMAIL, failed, campaign, kRule));
  EXPECT_EQ(attempts[0].due_time, kNow + absl::Seconds(60));
  attempts = Must(After(attempts, v1::CHANNEL_EMAIL, failed, campaign, kRule));
  EXPECT_EQ(attempts[0].due_time, kNow + absl::Seconds(120));
  attempts = Must(After(attempts, v1::CHANNEL_EMAIL, failed, campaign, kRule));
  EXPECT_EQ(attempts[0].state, v1::DELIVERY_STATE_FELL_BACK);
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[1].state, v1::DELIVERY_STATE_QUEUED);
  EXPECT_EQ(Backoff(9, kRule), absl::Minutes(3));
}

TEST(Delivery, OfALetterEndsWithTheDistributorsWord) {
  auto const campaign = CampaignOf(v1::CHANNEL_CHOICE_PAPER, true);
  Happened const printed{.what = Happening::kAccepted, .at = kNow, .print_run = "r1"};
  auto const attempts = Must(After({NewAttempt(v1::CHANNEL_PAPER, kNow)}, v1::CHANNEL_PAPER, printed, campaign, kRule));
  EXPECT_FALSE(attempts[0].due_time);
  EXPECT_EQ(OutcomeOf(attempts, true), v1::RECIPIENT_OUTCOME_WAITING);
  Happened const shut{Happening::kFailedNow, kNow, v1::DELIVERY_FAILURE_NO_ACCESS};
  auto const again = Must(After(attempts, v1::CHANNEL_PAPER, shut, campaign, kRule));
  EXPECT_EQ(again[0].print_run, "");
  EXPECT_EQ(OutcomeOf(again, true), v1::RECIPIENT_OUTCOME_WAITING);
  Happened const gone{Happening::kFailed, kNow, v1::DELIVERY_FAILURE_VACANT};
  EXPECT_EQ(OutcomeOf(Must(After(attempts, v1::CHANNEL_PAPER, gone, campaign, kRule)), true), v1::RECIPIENT_OUTCOME_UNREACHED);
}

// Whatever happens in whatever order: no channel comes twice, nobody is given up while something is under way, and who was
// reached stays so.
TEST(Delivery, WhateverHappensNoChannelComesTwiceAndNobodyIsForgotten) {
  ForAllSeeds(2000, [](SeededRandom& random) {
    auto const choice = static_cast<v1::ChannelChoice>(1 + random.Next() % 3);
    auto campaign = CampaignOf(choice, random.Next() % 2 == 0);
    // Somewhere on the way it may be cancelled: what waits then is withdrawn.
    auto const cancelled_at = random.Between(0, 59);
    std::vector<Attempt> attempts;
    for (auto const channel : ChannelsFor(campaign, {.has_email = random.Next() % 2 == 0})) {
      attempts.push_back(NewAttempt(channel, kNow));
    }
    bool reached = false;
    for (int i = 0; i < 30; ++i) {
      if (i == cancelled_at) Cancel(campaign, attempts, kNow + absl::Hours(100 * i));
      auto const channel = static_cast<v1::Channel>(1 + random.Next() % 2);
      Happened const happened{static_cast<Happening>(random.Next() % 6), kNow + absl::Hours(100 * i)};
      if (auto after = After(attempts, channel, happened, campaign, kRule)) attempts = *std::move(after);
      ASSERT_FALSE(attempts.empty());
      ASSERT_LE(attempts.size(), 2U);
      if (attempts.size() == 2) {
        ASSERT_NE(attempts[0].channel, attempts[1].channel);
      }
      auto const outcome = OutcomeOf(attempts, campaign.statutory());
      if (reached) {
        ASSERT_EQ(outcome, v1::RECIPIENT_OUTCOME_REACHED);
      }
      reached = outcome == v1::RECIPIENT_OUTCOME_REACHED;
      for (auto const& attempt : attempts) {
        bool const waits = IsWaiting(attempt);
        ASSERT_FALSE(waits && campaign.state() == v1::CAMPAIGN_STATE_CANCELLED) << "nobody would ever do anything for it";
        if (waits && !reached) {
          ASSERT_EQ(outcome, v1::RECIPIENT_OUTCOME_WAITING);
        }
        if (waits && attempt.channel == v1::CHANNEL_EMAIL) {
          ASSERT_TRUE(attempt.due_time.has_value());
        }
      }
    }
  });
}

TEST(Delivery, StairwellsAreRoadAndNumber) {
  EXPECT_EQ(StairwellOf("Remisevej 14, 2. th, 2300 København S"), "Remisevej 14");
  EXPECT_EQ(StairwellOf("Remisevej 14"), "Remisevej 14");
}

}  // namespace
}  // namespace helhed::communications
