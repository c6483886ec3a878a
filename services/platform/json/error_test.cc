#include "services/platform/json/error.h"

#include <gtest/gtest.h>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::json {
namespace {

TEST(ErrorJson, IsAip193WithItsDetails) {
  auto const status =
      Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH, "read \"again\"", {{"resource", "a/b"}});
  EXPECT_EQ(ErrorJson(status, HttpStatus(status.code())),
            R"({"error":{"code":409,"message":"read \"again\"","status":"ABORTED","details":[)"
            R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ETAG_MISMATCH","domain":"helhed.dk",)"
            R"("metadata":{"resource":"a/b"}}]}})");
}

TEST(HttpStatus, IsThatOfGoogleRpcCode) {
  int const expected[] = {200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401};
  for (int code = 0; code <= 16; ++code) EXPECT_EQ(HttpStatus(static_cast<absl::StatusCode>(code)), expected[code]) << code;
}

}  // namespace
}  // namespace helhed::json
