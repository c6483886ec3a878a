#include "services/platform/service/requests.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/platform/base/random.h"

namespace helhed {
namespace {

TEST(Requests, WhatAServiceDoesByItselfSaysWhoDidIt) {
  FakeClock clock(absl::FromUnixSeconds(1'700'000'000));
  SeededRandom random(1);
  Store::Parts parts;
  parts.clock = &clock;
  parts.random = &random;
  storage::Limits limits;
  limits.deadline = clock.Now() + absl::Seconds(3);
  auto const call = OwnContext("activities", parts, limits);
  EXPECT_EQ(call.identity().subject(), "services/activities");
  EXPECT_EQ(call.deadline(), limits.deadline);
  EXPECT_EQ(IdOr(call, "chosen"), "chosen");
  EXPECT_NE(IdOr(call, ""), IdOr(call, ""));
}

TEST(Requests, ListsOfIdsAreJson) {
  EXPECT_EQ(JsonArray({}), "[]");
  EXPECT_EQ(JsonArray(std::vector<std::string>{"a", "b-1"}), R"(["a","b-1"])");
}

}  // namespace
}  // namespace helhed
