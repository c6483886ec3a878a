#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "tests/gateway/house.h"

// The reference case by a client that is made from the contract alone (src/check.ts): it plays the case through the gateway, and
// then asks for every number that the case states.
namespace helhed {
namespace {

using storage::Engine;
using testing::House;
using testing::Process;

std::vector<std::string> const kServices = {"residents", "funding", "activities", "communications"};

class StoryTest : public ::testing::Test {
 protected:
  explicit StoryTest(Engine engine = Engine::kSqlite, House::Shape shape = House::Shape::kProcesses)
      : house_(kServices, engine, shape) {}

  // The client says on standard output which scene it begins.
  Process Client() const {
    return Process({"env", "HELHED_ADDRESS=" + house_.url(), "HELHED_PROGRAM=" + testing::Binary("helhed"),
                    "HELHED_IDENTITY_KEY=" + house_.demonstration_key_file(), "NODE_EXTRA_CA_CERTS=" + house_.ca_file(), "node",
                    std::string(HELHED_STORY_DIR) + "/check.js"},
                   told_);
  }

  void AwaitScene(std::string const& scene, Process& client) const {
    while (!absl::StrContains(testing::ReadWhole(told_), scene)) {
      ASSERT_TRUE(client.Running()) << scene << " did not come: " << testing::ReadWhole(told_);
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  void ExpectItEndsWell(Process& client) const {
    EXPECT_EQ(client.Wait(), 0) << testing::ReadWhole(told_) << house_.Logs();
    std::cout << testing::ReadWhole(told_);
  }

  House house_;
  std::string told_ = house_.folder() + "/told";
};

class StoryInOneProcessTest : public StoryTest {
 protected:
  StoryInOneProcessTest() : StoryTest(Engine::kSqlite, House::Shape::kOneProcess) {}
};

// The same for the one process, in which every service dies each time.
TEST_F(StoryInOneProcessTest, ThoughItDies) {
  auto client = Client();
  for (auto const* const scene :
       {"Households", "Department meetings", "The letter with an overview", "The two plans go on", "Registrations"}) {
    AwaitScene(scene, client);
    house_.KillGateway();
    house_.StartGateway();
  }
  ExpectItEndsWell(client);
}

class StoryOnPostgresTest : public StoryTest {
 protected:
  StoryOnPostgresTest() : StoryTest(Engine::kPostgres) {}
};

// Nothing is lost and nothing is done twice when whoever works on it dies: each once, in the middle of its own scene.
TEST_F(StoryOnPostgresTest, ThoughEveryServiceAndTheGatewayDie) {
  auto client = Client();
  AwaitScene("Households", client);
  house_.KillService("residents");
  house_.StartService("residents");
  AwaitScene("Made-up people", client);
  house_.KillGateway();
  house_.StartGateway();
  AwaitScene("Department meetings", client);
  house_.KillService("funding");
  house_.StartService("funding");
  AwaitScene("The letter with an overview", client);
  house_.KillService("communications");
  house_.StartService("communications");
  AwaitScene("Registrations", client);
  house_.KillService("activities");
  house_.StartService("activities");
  ExpectItEndsWell(client);
}

}  // namespace
}  // namespace helhed
