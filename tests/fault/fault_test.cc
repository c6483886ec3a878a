#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "helhed/gateway/v1/event_feed_service.pb.h"
#include "services/platform/base/random.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "tests/fault/load.h"
#include "tests/fault/wire.h"
#include "tests/gateway/house.h"

// Callers of all services, while processes are killed and held and the wires between them cut: what was answered is there
// afterwards, once, and the feed of events agrees.
namespace helhed::testing {
namespace {

namespace gv1 = gateway::v1;

// What the command line says; both are printed, so that a run can be had again.
std::uint64_t seed = 2026;
std::int64_t seconds = 6;

// A plan that runs, as its own acts would have made it.
storage::Statement const kPlan(
    "test.running_plan",
    "INSERT INTO plans (plan, display_name, display_name_sort, regulation, state, period_start_date, "
    "period_end_date, municipality_code, budget_total_currency_code, budget_total_minor_units, "
    "budget_precision, revision, create_time, update_time) VALUES ('p', 'Amagerplanen', $1, '2019-26', 11, "
    "'2022-01-01', '2026-01-01', '0101', 'DKK', 0, 1, 1, 0, 0)");
storage::Statement const kFocusArea(
    "test.focus_area", "INSERT INTO plan_focus_areas (plan, position, focus_area) VALUES ('p', 0, 'beskaeftigelse')");

std::vector<std::string> const kServices = {"residents", "funding", "activities", "communications"};

// A feed as a reader takes it in who asks again and again: by service, the ids of its events.
class Reader {
 public:
  // One page. False when there is no more for now and every service answered.
  bool Read(Caller& caller) {
    gv1::ReadFeedRequest request;
    request.set_cursor(cursor_);
    request.set_page_size(500);
    auto const page = caller.Insist<gv1::ReadFeedResponse>("/helhed.gateway.v1.EventFeedService/ReadFeed", request);
    if (!page.ok()) return false;
    cursor_ = page->next_cursor();
    for (auto const& event : page->events()) {
      ids_[event.source()].push_back(event.id());
      events_.push_back(event);
    }
    return !page->at_end() || !page->missing().empty() || !page->events().empty();
  }
  void ReadToEnd(Caller& caller) {
    auto const until = absl::Now() + absl::Minutes(2);
    while (Read(caller)) ASSERT_LT(absl::Now(), until) << "the feed does not end, or a service stays away";
  }

  std::map<std::string, std::vector<std::string>> const& ids() const { return ids_; }
  Feed const& events() const { return events_; }

 private:
  std::string cursor_;
  std::map<std::string, std::vector<std::string>> ids_;
  Feed events_;
};

class FaultTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  void SetUp() override {
    std::cout << "fault_test --seed=" << seed << " --seconds=" << seconds << std::endl;
    house_.emplace(kServices, GetParam(), House::Shape::kProcesses,
                   [this](std::string const& from, std::string const& to, int port) { return WireOf(from, to, port).port(); });
    MakePlan();
    door_ = {.address = absl::StrCat("localhost:", house_->port()),
             .ca_file = house_->ca_file(),
             .anna = house_->DemonstrationToken({"operator"}, "anna"),
             .bo = house_->DemonstrationToken({"operator"}, "bo")};
    parts_.emplace_back("payments", Payments());
    parts_.emplace_back("seats", Seats());
    parts_.emplace_back("households", Households());
    parts_.emplace_back("letters", Letters());
  }
  void TearDown() override {
    if (HasFailure() && house_) std::cerr << house_->Logs();
  }

  // A house that is started again goes the same way.
  Wire& WireOf(std::string const& from, std::string const& to, int port) {
    auto& wire = wires_[{from, to}];
    if (wire == nullptr) wire = std::make_unique<Wire>(port);
    return *wire;
  }

  void MakePlan() {
    house_->KillService("funding");
    std::byte const sort{'a'};
    ASSERT_THAT(house_->OpenStore("funding")->Write({},
                                                    [&](storage::WriteTransaction& tx) -> absl::Status {
                                                      RETURN_IF_ERROR(tx.Execute(kPlan, {storage::Bytes(&sort, 1)}).status());
                                                      return tx.Execute(kFocusArea, {}).status();
                                                    }),
                IsOk());
    house_->StartService("funding");
  }

  Caller NewCaller(std::string name) const { return {door_, std::move(name)}; }

  void StartLoad(std::vector<std::jthread>& threads, std::atomic<bool> const& running) {
    std::uint64_t number = seed;
    for (auto& [name, part] : parts_) {
      for (int i = 0; i < part->callers(); ++i) {
        threads.emplace_back([this, part = part.get(), name = absl::StrCat(name, i), number = ++number, &running] {
          auto caller = NewCaller(name);
          SeededRandom random(number);
          part->Run(caller, random, running);
        });
      }
    }
  }

  // Kills a process and starts it again, or holds one for a while.
  void DisturbProcesses(absl::Time until) {
    SeededRandom random(seed * 3 + 1);
    while (absl::Now() < until) {
      absl::SleepFor(absl::Milliseconds(random.Between(50, 500)));
      auto const which = static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(kServices.size())));
      bool const kill = random.Between(0, 1) == 0;
      if (which == kServices.size()) {
        house_->KillGateway();
        house_->StartGateway();
      } else if (kill) {
        house_->KillService(kServices[which]);
        house_->StartService(kServices[which]);
      } else {
        house_->HoldService(kServices[which]);
        absl::SleepFor(absl::Milliseconds(random.Between(50, 2000)));
        house_->FreeService(kServices[which]);
      }
      ++disturbances_;
    }
  }

  // Cuts a wire for a while, or lets nothing come through it.
  void DisturbWires(absl::Time until) {
    SeededRandom random(seed * 3 + 2);
    std::vector<Wire*> wires;
    for (auto const& [ends, wire] : wires_) wires.push_back(wire.get());
    while (absl::Now() < until) {
      absl::SleepFor(absl::Milliseconds(random.Between(20, 300)));
      auto& wire = *wires[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(wires.size()) - 1))];
      wire.Set(random.Between(0, 1) == 0 ? Wire::State::kCut : Wire::State::kSilent);
      absl::SleepFor(absl::Milliseconds(random.Between(10, 1500)));
      wire.Set(Wire::State::kPassing);
      ++disturbances_;
    }
  }

  // Load, a reader of the feed and the faults; then, with everything whole again, what was begun is ended.
  void RunAll(Caller& caller, Reader& reader) {
    std::atomic<bool> running = true;
    std::vector<std::jthread> threads;
    StartLoad(threads, running);
    threads.emplace_back([&] {
      auto follower = NewCaller("follower");
      while (running) {
        if (!reader.Read(follower)) absl::SleepFor(absl::Milliseconds(50));
      }
    });
    auto const until = absl::Now() + absl::Seconds(seconds);
    std::jthread wires([&] { DisturbWires(until); });
    DisturbProcesses(until);
    wires.join();
    running = false;
    threads.clear();
    reader.ReadToEnd(caller);
  }

  std::map<std::pair<std::string, std::string>, std::unique_ptr<Wire>> wires_;
  std::optional<House> house_;
  Caller::Door door_;
  std::vector<std::pair<std::string, std::unique_ptr<Part>>> parts_;
  std::atomic<int> disturbances_ = 0;
};

TEST_P(FaultTest, WhatWasAnsweredIsThereOnceWhateverBreaks) {
  auto caller = NewCaller("test");
  for (auto const name : {"households", "letters", "payments", "seats"}) {
    for (auto& [each, part] : parts_) {
      if (each == name) part->Prepare(caller);
    }
  }
  ASSERT_FALSE(HasFailure());
  Reader reader;
  RunAll(caller, reader);
  std::cout << disturbances_ << " faults; answered:";
  for (auto const& [name, part] : parts_) {
    std::cout << " " << part->answered() << " " << name;
    EXPECT_GT(part->answered(), 0U) << name;
  }
  std::cout << std::endl;
  EXPECT_GT(disturbances_, 0);

  // Who read while things broke has read what who reads now reads: in order, no event lost, none twice.
  Reader again;
  again.ReadToEnd(caller);
  for (auto const& [service, read] : reader.ids()) {
    auto const& there = again.ids().at(service);
    auto const [in_one, in_other] = std::mismatch(read.begin(), read.end(), there.begin(), there.end());
    // What a service did by itself since may follow.
    EXPECT_EQ(in_one, read.end()) << service << ": another event than the log's at " << in_one - read.begin() << " of "
                                  << read.size() << ", where the log has " << there.size();
    EXPECT_EQ(std::set<std::string>(there.begin(), there.end()).size(), there.size()) << service << " tells an event twice";
  }
  for (auto& [name, part] : parts_) {
    SCOPED_TRACE(name);
    part->Check(caller, again.events());
  }
}

HELHED_BOTH_ENGINES(FaultTest);

}  // namespace
}  // namespace helhed::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    std::string_view argument(argv[i]);
    auto const number = [&](std::string_view name, auto& value) {
      return argument.starts_with(name) && absl::SimpleAtoi(helhed::Av(argument.substr(name.size())), &value);
    };
    if (number("--seed=", helhed::testing::seed) || number("--seconds=", helhed::testing::seconds)) continue;
    std::cerr << "fault_test [--seed=NUMBER] [--seconds=NUMBER]" << std::endl;
    return 2;
  }
  return RUN_ALL_TESTS();
}
