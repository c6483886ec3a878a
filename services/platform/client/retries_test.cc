#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/client/channel.h"
#include "services/platform/client/fake.h"
#include "services/platform/pipeline/testing/probe.h"

namespace helhed::client {
namespace {

using testing::AskFor;
using ::testing::Each;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::ProbePath;
using ::testing::SizeIs;
using testing::StatusIs;
using Code = absl::StatusCode;
using namespace helhed::probe::v1;  // NOLINT(google-build-using-namespace): the messages of the test's contract

absl::Status Draining() { return Error(Code::kUnavailable, common::v1::ERROR_REASON_DRAINING, "Going."); }
absl::Status Full() { return Error(Code::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED, "Full."); }

class Retries : public ::testing::Test {
 protected:
  Retries() {
    auto fake = std::make_unique<FakeChannel>();
    fake_ = fake.get();
    fake_->On<GetThingRequest, Thing>(ProbePath("GetThing"), [this](auto const&, auto const&) { return Answer(); });
    fake_->On<UpdateThingRequest, Thing>(ProbePath("UpdateThing"), [this](auto const&, auto const&) { return Answer(); });
    fake_->OnStream<ListThingsRequest, Thing>(ProbePath("WatchThings"), [this](auto const&, auto const& send) {
      if (first_message_) send(Thing());
      return Answer().status();
    });
    RetryOptions options;
    options.sleep = [this](absl::Duration time, std::stop_token const&) {
      waits_.push_back(time);
      if (stop_while_waiting_) stop_.request_stop();
    };
    channel_ = WithRetries(std::move(fake), std::move(options), random_);
    options_.stop = stop_.get_token();
  }

  absl::StatusOr<Thing> Answer() {
    if (failures_ == 0) return Thing();
    --failures_;
    return failure_;
  }
  absl::StatusOr<Thing> Get() { return Invoke<Thing>(*channel_, ProbePath("GetThing"), AskFor("houses/a"), options_); }
  absl::StatusOr<Thing> Update(std::string const& request_id) {
    UpdateThingRequest request;
    request.mutable_thing()->set_name("houses/a");
    request.set_request_id(request_id);
    return Invoke<Thing>(*channel_, ProbePath("UpdateThing"), request, options_);
  }
  absl::Status Watch() {
    return channel_->Stream(*contract::FindMethod(ProbePath("WatchThings")), "", options_, [](auto) { return true; });
  }

  SeededRandom random_{1};
  FakeChannel* fake_;
  int failures_ = 0;
  absl::Status failure_ = Draining();
  bool first_message_ = false;
  bool stop_while_waiting_ = false;
  std::vector<absl::Duration> waits_;
  std::stop_source stop_;
  CallOptions options_;
  std::unique_ptr<Channel> channel_;
};

TEST_F(Retries, AsksAgainWithGrowingJitteredPauses) {
  failures_ = 4;
  EXPECT_THAT(Get(), IsOk());
  ASSERT_THAT(waits_, SizeIs(4));
  auto full = absl::Milliseconds(50);
  for (auto const wait : waits_) {
    EXPECT_GE(wait, full / 2);
    EXPECT_LE(wait, full);
    full *= 2;
  }
}

TEST_F(Retries, GivesUpAfterItsAttempts) {
  failures_ = 100;
  EXPECT_THAT(Get(), StatusIs(Code::kUnavailable, "DRAINING"));
  EXPECT_THAT(fake_->asked(), SizeIs(5));
}

TEST_F(Retries, RepeatsWritesOnlyWithARequestId) {
  failures_ = 1;
  EXPECT_THAT(Update(""), StatusIs(Code::kUnavailable, "DRAINING"));
  EXPECT_THAT(fake_->asked(), SizeIs(1));
  failures_ = 1;
  EXPECT_THAT(Update("0190a8f0-0000-7000-8000-000000000001"), IsOk());
  EXPECT_THAT(fake_->asked(), SizeIs(3));
}

TEST_F(Retries, WaitsAsLongAsTheServiceAsks) {
  failures_ = 1;
  failure_ = WithRetryDelay(Full(), std::chrono::seconds(7));
  EXPECT_THAT(Get(), IsOk());
  EXPECT_THAT(waits_, Each(absl::Seconds(7)));
}

TEST_F(Retries, TakesOtherErrorsForTheLastWord) {
  for (auto const& failure : {Full(), NotFound("houses/a"), absl::AbortedError("x"), absl::InternalError("x"),
                              absl::DeadlineExceededError("x"), absl::CancelledError("x")}) {
    failures_ = 1;
    failure_ = failure;
    EXPECT_EQ(Get().status(), failure);
  }
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(Retries, DoesNotWaitBeyondTheDeadline) {
  failures_ = 1;
  failure_ = WithRetryDelay(Draining(), std::chrono::hours(1));
  options_.deadline = absl::Now() + absl::Minutes(30);
  EXPECT_THAT(Get(), StatusIs(Code::kUnavailable, "DRAINING"));
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(Retries, StopsWhenTheCallerGoes) {
  failures_ = 2;
  stop_while_waiting_ = true;
  EXPECT_THAT(Get(), StatusIs(Code::kCancelled, "CANCELLED"));
  EXPECT_THAT(fake_->asked(), SizeIs(1));
}

TEST_F(Retries, RepeatsAStreamOnlyBeforeItsFirstMessage) {
  failures_ = 2;
  EXPECT_THAT(Watch(), IsOk());
  EXPECT_THAT(fake_->asked(), SizeIs(3));
  failures_ = 1;
  first_message_ = true;
  EXPECT_THAT(Watch(), StatusIs(Code::kUnavailable, "DRAINING"));
  EXPECT_THAT(fake_->asked(), SizeIs(4));
}

TEST_F(Retries, TheFakeRefusesWhatTheContractRefuses) {
  EXPECT_THAT(Invoke<Thing>(*channel_, ProbePath("GetThing"), AskFor("Not a name"), options_),
              StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
}

TEST(FakeDeathTest, FakesOnlyWhatTheContractHas) {
  FakeChannel fake;
  auto const answer = [](GetThingRequest const&, CallOptions const&) -> absl::StatusOr<Thing> { return Thing(); };
  EXPECT_DEATH((fake.On<GetThingRequest, Thing>(ProbePath("GetNothing"), answer)), "no method of the contract");
  EXPECT_DEATH((fake.On<GetThingRequest, Thing>(ProbePath("UpdateThing"), answer)), "no method of the contract");
}

}  // namespace
}  // namespace helhed::client
