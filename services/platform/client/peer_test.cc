#include "services/platform/client/peer.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/random.h"
#include "services/platform/client/fake.h"
#include "services/platform/pipeline/testing/probe.h"

namespace helhed::client {
namespace {

using testing::AskFor;
using testing::IsOk;
using testing::ProbePath;
using testing::StatusIs;
using Code = absl::StatusCode;
using helhed::probe::v1::GetThingRequest;
using helhed::probe::v1::Thing;

absl::Status Away(std::string_view why) { return Error(Code::kUnavailable, common::v1::ERROR_REASON_DRAINING, why); }

class PeerTest : public ::testing::Test {
 protected:
  PeerTest() : fake_(std::make_shared<FakeChannel>()) {
    fake_->On<GetThingRequest, Thing>(ProbePath("GetThing"), [this](auto const&, auto const&) { return answer_; });
    CallContext::Parts parts;
    parts.clock = &clock_;
    parts.random = &random_;
    parts.deadline = clock_.Now() + absl::Seconds(3);
    parts.stop = stop_.get_token();
    parts.trace = telemetry::ContinueTrace("", random_);
    call_ = std::make_unique<CallContext>(std::move(parts));
  }
  absl::StatusOr<Thing> Ask(Peer const& peer) { return peer.Ask<Thing>(ProbePath("GetThing"), AskFor("houses/a"), *call_, Away); }
  Peer Residents() {
    return {fake_, [](absl::Time now) { return absl::StrCat("signed at ", absl::ToUnixSeconds(now)); }};
  }

  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SeededRandom random_{1};
  std::stop_source stop_;
  std::shared_ptr<FakeChannel> fake_;
  std::unique_ptr<CallContext> call_;
  absl::StatusOr<Thing> answer_ = Thing();
};

TEST_F(PeerTest, AsksWithWhatIsLeftOfTheCallAndItsOwnIdentity) {
  ASSERT_THAT(Ask(Residents()), IsOk());
  auto const options = fake_->asked().at(0).options;
  EXPECT_EQ(options.identity, "signed at 1700000000");
  EXPECT_EQ(options.deadline, call_->deadline());
  EXPECT_EQ(options.traceparent, call_->trace().ToHeader());
  stop_.request_stop();
  EXPECT_TRUE(options.stop.stop_requested());
}

TEST_F(PeerTest, SaysThatThereIsNobody) {
  EXPECT_FALSE(Peer());
  EXPECT_THAT(Ask(Peer()), StatusIs(Code::kUnavailable, "DRAINING"));
}

TEST_F(PeerTest, TellsItsCallerOnlyWhatConcernsTheCaller) {
  for (auto const code :
       {Code::kUnavailable, Code::kUnauthenticated, Code::kPermissionDenied, Code::kUnimplemented, Code::kInternal}) {
    answer_ = Error(code, common::v1::ERROR_REASON_INTERNAL, "Ours.");
    EXPECT_THAT(Ask(Residents()), StatusIs(Code::kUnavailable, "DRAINING")) << absl::StatusCodeToString(code);
  }
  answer_ = NotFound("houses/a");
  EXPECT_THAT(Ask(Residents()), StatusIs(Code::kNotFound, "RESOURCE_NOT_FOUND"));
}

}  // namespace
}  // namespace helhed::client
