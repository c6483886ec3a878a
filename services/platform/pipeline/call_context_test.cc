#include "services/platform/pipeline/call_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed {
namespace {

using testing::IsOk;
using testing::StatusIs;

class CallContextTest : public ::testing::Test {
 protected:
  CallContext::Parts Parts() {
    CallContext::Parts parts;
    parts.clock = &clock_;
    parts.random = &random_;
    return parts;
  }
  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SeededRandom random_{1};
};

TEST_F(CallContextTest, EndsWhenTheTimeIsUpOrTheCallerIsGone) {
  std::stop_source stop;
  auto parts = Parts();
  parts.deadline = clock_.Now() + absl::Seconds(1);
  parts.stop = stop.get_token();
  CallContext const call(parts);
  EXPECT_THAT(call.Check(), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(call.Check(), StatusIs(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED"));
  stop.request_stop();
  EXPECT_THAT(call.Check(), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
}

TEST_F(CallContextTest, GrantsWhatLiesWithinAScope) {
  auto parts = Parts();
  parts.scopes = {"houses/a", "houses/b/things/1"};
  CallContext const call(parts);
  EXPECT_FALSE(call.may_everywhere());
  EXPECT_THAT(call.RequireAny({"houses/ab"}, "persons/1"), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_TRUE(call.scope_was_required());
  EXPECT_FALSE(call.scope_was_granted());
  EXPECT_EQ(MetadataOf(call.RequireAny({}, "persons/1")), (ErrorMetadata{{"resource", "persons/1"}}));
  EXPECT_THAT(call.RequireAny({"houses/c", "houses/b/things/1"}, "persons/1"), IsOk());
  EXPECT_TRUE(call.scope_was_granted());
}

TEST_F(CallContextTest, EverywhereCoversEverything) {
  auto parts = Parts();
  parts.scopes = {""};
  CallContext const call(parts);
  EXPECT_TRUE(call.may_everywhere());
  EXPECT_THAT(call.RequireAny({"houses/a"}, "houses/a"), IsOk());
}

TEST_F(CallContextTest, WithoutGrantsNothingIsGranted) {
  CallContext const call(Parts());
  EXPECT_THAT(call.RequireAny({"", "houses/a"}, "houses/a"), StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
}

}  // namespace
}  // namespace helhed
