#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "services/platform/client/channel.h"
#include "services/platform/client/late_door.h"
#include "services/platform/pipeline/testing/probe.h"

namespace helhed::client {
namespace {

using testing::AskFor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::ProbePath;
using testing::StatusIs;
using Code = absl::StatusCode;
using namespace helhed::probe::v1;  // NOLINT(google-build-using-namespace): the messages of the test's contract

class InProcess : public ::testing::Test {
 protected:
  CallOptions Options() const {
    CallOptions options;
    options.identity = probe_.Identity("");
    options.stop = stop_.get_token();
    return options;
  }
  // Watches and collects titles, until `last` or the end.
  absl::Status Watch(CallOptions const& options, std::string const& last = "") {
    return channel_->Stream(*contract::FindMethod(ProbePath("WatchThings")), "", options, [&](std::string_view bytes) {
      Thing thing;
      EXPECT_TRUE(thing.ParseFromString(std::string(bytes)));
      titles_.push_back(thing.title());
      return thing.title() != last;
    });
  }

  testing::Probe probe_;
  std::stop_source stop_;
  std::vector<std::string> titles_;
  std::unique_ptr<Channel> channel_ = ConnectInProcess(*probe_.pipeline);
};

TEST_F(InProcess, PassesEverythingOn) {
  auto options = Options();
  options.deadline = probe_.clock.Now() + absl::Seconds(1);
  options.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    EXPECT_EQ(call.deadline(), options.deadline);
    EXPECT_EQ(call.trace().trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(call.identity().subject(), "subject-1");
    return absl::OkStatus();
  };
  auto const thing = Invoke<Thing>(*channel_, ProbePath("GetThing"), AskFor("houses/a"), options);
  ASSERT_THAT(thing, IsOk());
  EXPECT_EQ(thing->name(), "houses/a");
}

TEST_F(InProcess, AnswersWithTheServicesError) {
  EXPECT_THAT(Invoke<Thing>(*channel_, ProbePath("GetThing"), AskFor("houses/a"), CallOptions()),
              StatusIs(Code::kUnauthenticated, "IDENTITY_MISSING"));
  EXPECT_THAT(Watch(CallOptions()), StatusIs(Code::kUnauthenticated, "IDENTITY_MISSING"));
}

TEST_F(InProcess, StreamsUntilTheEnd) {
  probe_.handlers.stream->Push({{"a", "b"}, ServerStream::State::kMore});
  probe_.handlers.stream->Push({{"c"}, ServerStream::State::kDone});
  EXPECT_THAT(Watch(Options()), IsOk());
  EXPECT_THAT(titles_, ElementsAre("a", "b", "c"));
  EXPECT_TRUE(probe_.handlers.stream->gone);
}

TEST_F(InProcess, StreamsUntilTheCallerHasEnough) {
  probe_.handlers.stream->Push({{"a", "b", "c"}, ServerStream::State::kMore});
  EXPECT_THAT(Watch(Options(), "b"), IsOk());
  EXPECT_THAT(titles_, ElementsAre("a", "b"));
}

TEST_F(InProcess, WakesWhenThereIsNews) {
  std::thread writer([&] {
    // Only once the caller waits for it.
    while (true) {
      std::lock_guard const lock(probe_.handlers.stream->mutex);
      if (probe_.handlers.stream->wake) break;
    }
    probe_.handlers.stream->Push({{"a"}, ServerStream::State::kDone});
  });
  EXPECT_THAT(Watch(Options()), IsOk());
  writer.join();
  EXPECT_THAT(titles_, ElementsAre("a"));
}

TEST_F(InProcess, EndsAWaitWhenTheCallerGoes) {
  std::thread leaver([&] {
    while (true) {
      std::lock_guard const lock(probe_.handlers.stream->mutex);
      if (probe_.handlers.stream->wake) break;
    }
    stop_.request_stop();
  });
  EXPECT_THAT(Watch(Options()), StatusIs(Code::kCancelled, "CANCELLED"));
  leaver.join();
}

TEST_F(InProcess, EndsAStreamWithItsErrorAfterWhatCameBefore) {
  probe_.handlers.stream->Push({{"a"}, absl::InternalError("the secret cause")});
  auto const status = Watch(Options());
  EXPECT_THAT(status, StatusIs(Code::kInternal, "INTERNAL"));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr("secret")));
  EXPECT_THAT(titles_, ElementsAre("a"));
}

// Services that share a process are made one after the other and ask each other all the same.
TEST_F(InProcess, ADoorThatIsOpenedLateAnswersFromThenOnUntilItIsClosed) {
  LateDoor door;
  auto const way = door.Connect();
  auto const ask = [&] { return Invoke<Thing>(*way, ProbePath("GetThing"), AskFor("houses/a"), Options()).status(); };
  EXPECT_THAT(ask(), StatusIs(Code::kUnavailable, "DRAINING"));
  door.Open(*probe_.pipeline);
  EXPECT_THAT(ask(), IsOk());
  door.Close();
  EXPECT_THAT(ask(), StatusIs(Code::kUnavailable, "DRAINING"));
}

TEST_F(InProcess, ADoorIsClosedWhenTheLastCallHasEnded) {
  LateDoor door;
  door.Open(*probe_.pipeline);
  std::atomic<bool> ended = false;
  std::jthread closing;
  probe_.handlers.act = [&](CallContext const&, auto const&) {
    closing = std::jthread([&] {
      door.Close();
      EXPECT_TRUE(ended);
    });
    // Time enough for a door that does not wait.
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    ended = true;
    return absl::OkStatus();
  };
  EXPECT_THAT(Invoke<Thing>(*door.Connect(), ProbePath("GetThing"), AskFor("houses/a"), Options()), IsOk());
}

// A handler may ask a service that asks this one: the second call of a thread must neither be what the door waits for first nor
// be let in when somebody waits to close it.
TEST_F(InProcess, ADoorThatIsBeingClosedLetsNobodyInNotEvenWhoIsInside) {
  LateDoor door;
  door.Open(*probe_.pipeline);
  auto const way = door.Connect();
  auto const ask = [&] { return Invoke<Thing>(*way, ProbePath("GetThing"), AskFor("houses/a"), Options()).status(); };
  std::jthread closing;
  bool inside = false;
  absl::Status last;
  probe_.handlers.act = [&](CallContext const&, auto const&) {
    if (std::exchange(inside, true)) return absl::OkStatus();
    closing = std::jthread([&] { door.Close(); });
    // A few thousand calls take longer than a thread to start.
    for (int i = 0; i < 20'000 && last.ok(); ++i) last = ask();
    return absl::OkStatus();
  };
  EXPECT_THAT(ask(), IsOk());
  EXPECT_THAT(last, StatusIs(Code::kUnavailable, "DRAINING"));
}

}  // namespace
}  // namespace helhed::client
