#include "services/platform/base/status.h"

#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed {
namespace {

TEST(Error, CarriesItsReasonAcrossProcesses) {
  auto const status =
      WithRetryDelay(Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH, "stale", {{"current_etag", "x"}}),
                     std::chrono::milliseconds(1500));
  auto const copy = FromProto(ToProto(status));
  EXPECT_EQ(copy, status);
  EXPECT_EQ(ReasonOf(copy), "ETAG_MISMATCH");
  EXPECT_EQ(MetadataOf(copy).at("current_etag"), "x");
  EXPECT_EQ(RetryDelayOf(copy), std::chrono::milliseconds(1500));
}

TEST(BadRequest, KeepsEveryViolationAndAShortMessage) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 1000; ++i) violations.push_back({"requests[" + std::to_string(i) + "].dwelling", "must be set"});
  auto const status = BadRequest(violations);
  EXPECT_EQ(ViolationsOf(status).size(), 1000u);
  EXPECT_LT(status.message().size(), 1024u);
}

}  // namespace
}  // namespace helhed
