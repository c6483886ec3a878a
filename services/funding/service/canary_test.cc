#include "services/platform/testing/canary.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <string>

#include "services/funding/funding.h"
#include "services/funding/testing/money_fixture.h"

// Plans and money are nobody's data, and yet callers will put names into fields that are not meant for them: reasons, references,
// notes. They leave the service only in the resource that they were stored in.
namespace helhed::funding::testing {
namespace {

constexpr std::string_view kCanary = "kanariefugl";

class CanaryTest : public MoneyTest {};

// What has the form of a resource's name is an identifier: NOT_FOUND would say nothing without it.
TEST_P(CanaryTest, NoTextOfARequestIsRepeatedInLogsMetricsOrErrors) {
  auto const text = absl::StrCat(Av(kCanary), " gul 010190 1234");
  auto const identity = As("operator", "");
  int asked = 0;
  for (auto const& service : FundingDefinition().services) {
    for (auto const* method : contract::MethodsOf(service)) {
      auto const request = helhed::testing::RequestOf(*method);
      helhed::testing::ForEachText(*request, text, [&] {
        auto const bytes = request->SerializeAsString();
        IncomingCall call;
        call.path = method->path();
        call.request = bytes;
        call.identity = identity;
        auto const status = instance().pipeline().Run(call).status();
        EXPECT_EQ(status.ToString(absl::StatusToStringMode::kWithEverything).find(kCanary), std::string::npos) << method->path();
        for (auto const& [_, value] : MetadataOf(status)) EXPECT_EQ(value.find(kCanary), std::string::npos) << method->path();
        ++asked;
      });
    }
  }
  EXPECT_GT(asked, 300);
  EXPECT_EQ(LogText().find(kCanary), std::string::npos);
  EXPECT_EQ(metrics().Expose().find(kCanary), std::string::npos);
  EXPECT_FALSE(LogText().empty());
}

HELHED_BOTH_ENGINES(CanaryTest);

}  // namespace
}  // namespace helhed::funding::testing
