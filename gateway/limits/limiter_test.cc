#include "gateway/limits/limiter.h"

#include <gmock/gmock.h>

#include <list>
#include <thread>

#include "gateway/limits/fields.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::limits {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using testing::IsOk;
using testing::StatusIs;

constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
absl::Time const kNow = absl::FromUnixSeconds(1'700'000'000);

class LimiterTest : public ::testing::Test {
 protected:
  Limiter& Make(Options options) {
    limiter_ = std::make_unique<Limiter>(std::move(options), clock_, metrics_);
    return *limiter_;
  }
  // A call that ends at once.
  absl::Status Ask(std::string_view key, std::int64_t cost = 1) {
    return limiter_->Admit(Client::Caller(key), cost, Kind::kCall).status;
  }
  int Admitted(std::string_view key, int calls, std::int64_t cost = 1) {
    int admitted = 0;
    for (int i = 0; i < calls; ++i) admitted += Ask(key, cost).ok() ? 1 : 0;
    return admitted;
  }

  FakeClock clock_{kNow};
  telemetry::Metrics metrics_;
  std::unique_ptr<Limiter> limiter_;
};

TEST_F(LimiterTest, GivesABurstAndThenTheRate) {
  Make({.client = {10, 30}});
  EXPECT_EQ(Admitted("a", 100), 30);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Admitted("a", 100), 10);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Admitted("a", 100), 30) << "never more than the bucket holds";
}

TEST_F(LimiterTest, CountsWhatAMethodCosts) {
  Make({.client = {10, 30}});
  EXPECT_EQ(Admitted("a", 100, 10), 3);
  clock_.Advance(absl::Milliseconds(999));
  EXPECT_EQ(Admitted("a", 1, 10), 0);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Admitted("a", 1, 10), 1);
  EXPECT_EQ(Admitted("b", 100, 0), 30) << "no cost counts as 1";
  EXPECT_EQ(Admitted("c", 2, 1000), 1) << "what costs more than the bucket holds takes all of it";
}

TEST_F(LimiterTest, SaysToTheMillisecondWhenToTryAgain) {
  Make({.client = {10, 30}});
  testing::ForAllSeeds(50, [&](SeededRandom& random) {
    auto const key = "caller-" + std::to_string(random.Next());
    auto const cost = random.Between(1, 30);
    absl::Status status;
    while ((status = Ask(key, random.Between(1, 30))).ok()) clock_.Advance(absl::Microseconds(random.Between(0, 200'000)));
    status = Ask(key, cost);
    if (status.ok()) return;
    EXPECT_THAT(status, StatusIs(kExhausted, "RATE_EXCEEDED"));
    auto const delay = RetryDelayOf(status);
    ASSERT_TRUE(delay.has_value());
    clock_.Advance(absl::FromChrono(*delay) - absl::Milliseconds(1) - absl::Microseconds(1));
    EXPECT_THAT(Ask(key, cost), StatusIs(kExhausted, "RATE_EXCEEDED")) << "a moment before";
    clock_.Advance(absl::Milliseconds(1) + absl::Microseconds(1));
    EXPECT_THAT(Ask(key, cost), IsOk());
  });
}

TEST_F(LimiterTest, ARefusedCallCostsNothing) {
  Make({.client = {10, 30}});
  EXPECT_EQ(Admitted("a", 30), 30);
  EXPECT_EQ(Admitted("a", 1000), 0);
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Admitted("a", 1000), 30);
}

TEST_F(LimiterTest, ACheckRefusesWhatWouldBeRefusedAndCostsNothing) {
  auto& limiter = Make({.forger = {10, 30}, .clients_max = 64});
  auto const stranger = Client::Forger("192.0.2.1");
  for (int i = 0; i < 1000; ++i) ASSERT_THAT(limiter.Check(stranger), IsOk());
  EXPECT_EQ(limiter.clients(), 0U);
  for (int i = 0; i < 30; ++i) {
    ASSERT_THAT(limiter.Check(stranger), IsOk());
    ASSERT_THAT(limiter.Admit(stranger, 1, Kind::kCall).status, IsOk());
  }
  auto const refused = limiter.Check(stranger);
  ASSERT_THAT(refused, StatusIs(kExhausted, "RATE_EXCEEDED"));
  EXPECT_THAT(limiter.Check(Client::Forger("192.0.2.2")), IsOk()) << "another address";
  EXPECT_THAT(limiter.Check(Client::Nobody("192.0.2.1")), IsOk()) << "what he asks besides is counted apart";
  clock_.Advance(absl::FromChrono(*RetryDelayOf(refused)));
  EXPECT_THAT(limiter.Check(stranger), IsOk());
}

TEST_F(LimiterTest, WhoComesWhenThereIsNoRoomIsCheckedWithTheCrowd) {
  auto& limiter = Make({.forger = {1, 2}, .clients_max = 1});
  auto const address = [](int i) { return Client::Forger("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250)); };
  for (int i = 0; i < 2000; ++i) limiter.Admit(address(i), 1, Kind::kCall);
  int refused = 0;
  for (int i = 2000; i < 2100; ++i) refused += limiter.Check(address(i)).ok() ? 0 : 1;
  EXPECT_EQ(refused, 100);
}

TEST_F(LimiterTest, OneClientAtSevenTimesItsShareDoesNotSlowTheOthers) {
  Make({.client = {100, 100}});
  std::array<int, 8> admitted{};
  int refused_others = 0;
  constexpr int seconds = 10;
  constexpr int ticks = seconds * 1000;
  for (int tick = 0; tick < ticks; ++tick) {
    clock_.Advance(absl::Milliseconds(1));
    // 700 a second of client 0, 100 a second of each other.
    for (int i = 0; i < 7 && tick % 10 != 0; ++i) admitted[0] += Ask("client-0").ok() ? 1 : 0;
    for (int client = 1; client < 8 && tick % 10 == 0; ++client) {
      bool const ok = Ask("client-" + std::to_string(client)).ok();
      admitted[client] += ok ? 1 : 0;
      refused_others += ok ? 0 : 1;
    }
  }
  EXPECT_EQ(refused_others, 0);
  for (int client = 1; client < 8; ++client) EXPECT_EQ(admitted[client], ticks / 10);
  EXPECT_LE(admitted[0], 100 * seconds + 100) << "its own rate and one burst";
  EXPECT_GE(admitted[0], 100 * seconds);
}

TEST_F(LimiterTest, SomeClientsGetAnotherRateAndNobodyHasItsOwn) {
  Make({.client = {1, 10}, .nobody = {1, 3}, .clients = {{"system:portal", {1, 40}}}});
  EXPECT_EQ(Admitted("system:portal", 100), 40);
  EXPECT_EQ(Admitted("other", 100), 10);
  int nobody = 0;
  for (int i = 0; i < 10; ++i) nobody += limiter_->Admit(Client::Nobody("192.0.2.1"), 1, Kind::kCall).status.ok() ? 1 : 0;
  EXPECT_EQ(nobody, 3);
  EXPECT_EQ(Admitted("192.0.2.1", 100), 10) << "a subject is never taken for an address";
}

TEST_F(LimiterTest, AddressesOfOneNetworkAreOneClient) {
  auto const key = [](std::string_view address) { return Client::Nobody(address).key(); };
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::2"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_EQ(key("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  EXPECT_EQ(key("fe80::1%eth0"), key("fe80::2"));
}

TEST_F(LimiterTest, AClockThatIsSetBackRefusesNobodyForLong) {
  Make({.client = {10, 30}});
  EXPECT_EQ(Admitted("a", 100), 30);
  clock_.Advance(-absl::Hours(5));
  EXPECT_EQ(Admitted("a", 100), 0);
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Admitted("a", 100), 30);
}

TEST_F(LimiterTest, HoldsPlacesWhileCallsRun) {
  auto& limiter = Make({.client = {1000, 1000}, .calls = {3, 100}, .streams = {1, 100}});
  std::list<Place> places;
  for (int i = 0; i < 3; ++i) {
    auto admission = limiter.Admit(Client::Caller("a"), 1, Kind::kCall);
    ASSERT_THAT(admission.status, IsOk());
    places.push_back(std::move(admission.place));
  }
  EXPECT_THAT(Ask("a"), StatusIs(kExhausted, "CLIENT_PLACES_TAKEN"));
  EXPECT_TRUE(RetryDelayOf(Ask("a")).has_value());
  EXPECT_THAT(Ask("b"), IsOk());
  auto const stream = limiter.Admit(Client::Caller("a"), 1, Kind::kStream);
  EXPECT_THAT(stream.status, IsOk()) << "streams have places of their own";
  EXPECT_THAT(limiter.Admit(Client::Caller("a"), 1, Kind::kStream).status, StatusIs(kExhausted, "CLIENT_PLACES_TAKEN"));
  auto const left = limiter.Admit(Client::Caller("a"), 1, Kind::kCall).quota.remaining;
  places.pop_front();
  auto const admission = limiter.Admit(Client::Caller("a"), 1, Kind::kCall);
  EXPECT_THAT(admission.status, IsOk());
  EXPECT_EQ(admission.quota.remaining, left - 1) << "what was refused for want of a place cost nothing";
}

TEST_F(LimiterTest, APlaceMovesAndIsFreedOnce) {
  auto& limiter = Make({.client = {1000, 1000}, .calls = {1, 10}});
  auto first = std::move(limiter.Admit(Client::Caller("a"), 1, Kind::kCall).place);
  Place second = std::move(first);
  first = Place();
  EXPECT_THAT(Ask("a"), StatusIs(kExhausted, "CLIENT_PLACES_TAKEN"));
  second.Free();
  second.Free();
  EXPECT_THAT(Ask("a"), IsOk());
  EXPECT_THAT(Ask("a"), IsOk());
}

// Seven clients ask for more whenever a call of anybody ends; the eighth has one call now and then.
TEST_F(LimiterTest, TheGreedyLeaveAPlaceForWhoComesNext) {
  testing::ForAllSeeds(3, [&](SeededRandom& random) {
    auto& limiter = Make({.client = {1'000'000'000, 1'000'000'000}, .calls = {20, 40}});
    std::vector<Place> places;
    auto const take = [&](std::int64_t client) {
      auto admission = limiter.Admit(Client::Caller("client-" + std::to_string(client)), 1, Kind::kCall);
      if (admission.status.ok()) places.push_back(std::move(admission.place));
      return admission.status.ok();
    };
    constexpr int warm_up = 100;
    for (int step = 0; step < 300; ++step) {
      if (!places.empty()) {
        std::swap(places.back(), places[random.Between(0, static_cast<std::int64_t>(places.size()) - 1)]);
        places.pop_back();
      }
      for (int i = 0; i < 10; ++i) take(random.Between(1, 7));
      if (step < warm_up) continue;
      EXPECT_GE(places.size(), 20u) << "half of the places are in use";
      EXPECT_TRUE(take(0)) << "step " << step;
      places.pop_back();
    }
  });
}

TEST_F(LimiterTest, RefusesWhenAllPlacesAreTaken) {
  auto& limiter = Make({.client = {1000, 1000}, .calls = {1, 5}});
  std::list<Place> places;
  for (int i = 0; i < 5; ++i) {
    places.push_back(std::move(limiter.Admit(Client::Caller("client-" + std::to_string(i)), 1, Kind::kCall).place));
  }
  EXPECT_THAT(Ask("another"), StatusIs(kExhausted, "PLACES_TAKEN"));
  places.pop_back();
  EXPECT_THAT(Ask("another"), IsOk());
}

TEST_F(LimiterTest, StaysBoundedAndForgetsOnlyWhoLosesNothing) {
  auto& limiter = Make({.client = {1, 10}, .clients_max = 640});
  EXPECT_EQ(Admitted("victim", 10), 10);
  for (int i = 0; i < 5'000; ++i) Admitted("stranger-" + std::to_string(i), 1);
  EXPECT_LE(limiter.clients(), 640u);
  EXPECT_EQ(Admitted("victim", 1), 0) << "an empty bucket was forgotten";
  EXPECT_EQ(Admitted("stranger-20001", 20), 0) << "who comes when there is no room shares what is left";
  clock_.Advance(absl::Seconds(11));
  EXPECT_EQ(Admitted("stranger-20002", 20), 10);
  EXPECT_LE(limiter.clients(), 640u);
}

TEST_F(LimiterTest, WhoHasACallUnderWayIsNotForgotten) {
  auto& limiter = Make({.client = {1, 10}, .calls = {1, 100'000}, .clients_max = 64});
  auto const held = limiter.Admit(Client::Caller("watcher"), 1, Kind::kCall);
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 500; ++i, clock_.Advance(absl::Seconds(20))) Admitted("stranger-" + std::to_string(i), 1);
  EXPECT_THAT(Ask("watcher"), StatusIs(kExhausted, "CLIENT_PLACES_TAKEN"));
  EXPECT_LE(limiter.clients(), 64u);
}

TEST_F(LimiterTest, IsExactForEachClientOverManyThreads) {
  auto& limiter = Make({.client = {1, 500}, .calls = {4, 1000}});
  std::atomic<int> admitted = 0;
  std::atomic<int> most = 0;
  std::atomic<int> under_way = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          auto const admission = limiter.Admit(Client::Caller("a"), 1, Kind::kCall);
          if (!admission.status.ok()) continue;
          ++admitted;
          most = std::max(most.load(), ++under_way);
          limiter.Admit(Client::Caller("b-" + std::to_string(i % 7)), 1, Kind::kStream);
          --under_way;
        }
      });
    }
  }
  EXPECT_EQ(admitted, 500);
  EXPECT_LE(most, 4);
  EXPECT_THAT(limiter.Admit(Client::Caller("c"), 1, Kind::kCall).status, IsOk()) << "all places came back";
}

TEST_F(LimiterTest, CountsWhatItRefuses) {
  Make({.client = {1, 1}});
  Admitted("a", 3);
  EXPECT_THAT(metrics_.Expose(), ::testing::HasSubstr("helhed_gateway_refused_total{reason=\"RATE_EXCEEDED\"} 2"));
}

TEST_F(LimiterTest, TellsARestCallerWhatIsLeft) {
  auto& limiter = Make({.client = {10, 35}});
  auto const admission = limiter.Admit(Client::Caller("a"), 12, Kind::kCall);
  http::Fields fields;
  AppendRateFields(admission.quota, fields);
  EXPECT_THAT(
      fields,
      ElementsAre(
          ::testing::AllOf(Field(&http::Field::name, "ratelimit-policy"), Field(&http::Field::value, "\"client\";q=35;w=4")),
          ::testing::AllOf(Field(&http::Field::name, "ratelimit"), Field(&http::Field::value, "\"client\";r=23;t=2"))));
  EXPECT_EQ(RetryAfter(admission.status), std::nullopt);
  Admitted("a", 2, 23);
  auto const refused = Ask("a", 35);
  EXPECT_EQ(RetryAfter(refused), "4") << refused;
  EXPECT_EQ(RetryAfter(WithRetryDelay(absl::UnavailableError(""), std::chrono::milliseconds(1))), "1");
}

TEST(Options, AreWhatTheConfigurationSaysOrTheirDefaults) {
  v1::LimitsConfig config;
  auto const defaults = Options::Of(config);
  EXPECT_EQ(defaults.client.per_second, 100);
  EXPECT_EQ(defaults.client.burst, 500);
  EXPECT_EQ(defaults.nobody.per_second, 10);
  EXPECT_EQ(defaults.calls.per_client, 64);
  EXPECT_EQ(defaults.streams.in_all, 20000);
  config.mutable_client()->set_per_second(7);
  config.mutable_calls()->set_in_all(9);
  config.set_clients_max(11);
  auto* const own = config.add_clients();
  own->set_client("login:x");
  own->mutable_rate()->set_burst(3);
  auto const options = Options::Of(config);
  EXPECT_EQ(options.client.per_second, 7);
  EXPECT_EQ(options.client.burst, 500);
  EXPECT_EQ(options.calls.in_all, 9);
  EXPECT_EQ(options.clients_max, 11u);
  EXPECT_EQ(options.clients.at("login:x").burst, 3);
  EXPECT_EQ(options.clients.at("login:x").per_second, 7);
}

}  // namespace
}  // namespace helhed::gateway::limits
