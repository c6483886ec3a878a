#include "services/platform/pipeline/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/pipeline/testing/probe.h"

namespace helhed {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::kProbe;
using testing::ProbePath;
using namespace helhed::probe::v1;  // NOLINT(google-build-using-namespace): the messages of the test's contract

struct Wrong {
  absl::StatusOr<Thing> Get(CallContext const&, GetThingRequest const&) { return Thing(); }
  absl::StatusOr<GetThingRequest> Other(CallContext const&, Thing const&) { return GetThingRequest(); }
};

TEST(Router, FindsByPath) {
  testing::Probe const probe;
  ASSERT_NE(probe.router.Find(ProbePath("GetThing")), nullptr);
  EXPECT_EQ(probe.router.Find(ProbePath("GetThing"))->method->name(), "GetThing");
  EXPECT_EQ(probe.router.Find(ProbePath("GetNothing")), nullptr);
  EXPECT_EQ(probe.router.Find(""), nullptr);
  EXPECT_EQ(probe.router.entries().size(), 8U);
}

TEST(Router, NamesEveryMethodWithoutAHandlerAndEveryHandlerWithoutAMethod) {
  Router router;
  Wrong wrong;
  router.Serve(kProbe);
  router.Serve("helhed.probe.v1.NoService");
  router.On(kProbe, "GetThing", &wrong, &Wrong::Get);
  router.On(kProbe, "GetNothing", &wrong, &Wrong::Get);
  auto const status = router.Check();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("ListThings has no handler"), HasSubstr("GetNothing is no method of the contract"),
                    HasSubstr("NoService is no service of the contract")));
}

TEST(Router, NamesHandlersThatDoNotFitTheirMethod) {
  Router router;
  Wrong wrong;
  router.On(kProbe, "GetThing", &wrong, &Wrong::Get);
  router.On(kProbe, "GetThing", &wrong, &Wrong::Get);
  router.On(kProbe, "FindThing", &wrong, &Wrong::Other);
  router.On(kProbe, "WatchThings", &wrong, &Wrong::Get);
  EXPECT_THAT(std::string(router.Check().message()),
              AllOf(HasSubstr("GetThing has two handlers"), HasSubstr("GetThing belongs to a service that is not declared"),
                    HasSubstr("FindThing takes helhed.probe.v1.GetThingRequest"), HasSubstr("WatchThings is a stream")));
}

}  // namespace
}  // namespace helhed
