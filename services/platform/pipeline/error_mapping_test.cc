#include "services/platform/pipeline/error_mapping.h"

#include <absl/strings/cord.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;
using Code = absl::StatusCode;

class ErrorMapping : public ::testing::Test {
 protected:
  MappedError Map(absl::Status status) { return MapError(std::move(status), clock_, random_); }
  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SeededRandom random_{1};
};

TEST_F(ErrorMapping, HidesFaultsBehindAReference) {
  for (auto const& status :
       {absl::InternalError("secret path"), absl::UnknownError("secret path"), absl::DataLossError("secret path"),
        absl::InvalidArgumentError("secret path"), absl::FailedPreconditionError("secret path"),
        absl::UnimplementedError("secret path"), absl::PermissionDeniedError("secret path"),
        absl::UnauthenticatedError("secret path"), absl::OutOfRangeError("secret path"),
        Error(Code::kInternal, common::v1::ERROR_REASON_INTERNAL, "secret path", {{"why", "secret"}})}) {
    auto const mapped = Map(status);
    EXPECT_THAT(mapped.status, StatusIs(Code::kInternal, "INTERNAL"));
    EXPECT_THAT(std::string(mapped.status.message()), Not(HasSubstr("secret")));
    EXPECT_TRUE(IsUuid(mapped.reference));
    EXPECT_THAT(std::string(mapped.status.message()), HasSubstr(mapped.reference));
    EXPECT_EQ(MetadataOf(mapped.status), (ErrorMetadata{{"reference", mapped.reference}}));
    EXPECT_THAT(mapped.original, HasSubstr("secret path"));
  }
}

TEST_F(ErrorMapping, GivesReasonsToThoseWithout) {
  struct Case {
    Code code;
    std::string reason;
    bool retry;
  };
  for (auto const& c : {Case{Code::kCancelled, "CANCELLED", false}, Case{Code::kDeadlineExceeded, "DEADLINE_EXCEEDED", false},
                        Case{Code::kNotFound, "RESOURCE_NOT_FOUND", false}, Case{Code::kAlreadyExists, "RESOURCE_EXISTS", false},
                        Case{Code::kAborted, "CONFLICT", false}, Case{Code::kResourceExhausted, "OVERLOADED", true},
                        Case{Code::kUnavailable, "STORE_UNAVAILABLE", true}}) {
    auto const mapped = Map(absl::Status(c.code, "table people"));
    EXPECT_THAT(mapped.status, StatusIs(c.code, c.reason));
    EXPECT_EQ(RetryDelayOf(mapped.status).has_value(), c.retry) << c.reason;
    EXPECT_THAT(std::string(mapped.status.message()), Not(HasSubstr("people")));
    EXPECT_THAT(mapped.original, HasSubstr("table people"));
    EXPECT_EQ(mapped.reference, "");
  }
}

TEST_F(ErrorMapping, LeavesErrorsWithReasonsAsTheyAre) {
  auto const status = Error(Code::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH, "Read again.", {{"etag", "1"}});
  auto const mapped = Map(status);
  EXPECT_EQ(mapped.status, status);
  EXPECT_EQ(mapped.original, "");
  auto const bad = BadRequest({{"name", "is required"}});
  EXPECT_EQ(Map(bad).status, bad);
}

TEST_F(ErrorMapping, AddsARetryDelayWhereTryingAgainCanHelp) {
  auto const overloaded = Error(Code::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED, "Full.");
  EXPECT_TRUE(RetryDelayOf(Map(overloaded).status).has_value());
  auto const chosen = WithRetryDelay(overloaded, std::chrono::milliseconds(7));
  EXPECT_EQ(RetryDelayOf(Map(chosen).status), std::chrono::milliseconds(7));
  EXPECT_EQ(RetryDelayOf(Map(WithRetryDelay(absl::UnavailableError("x"), std::chrono::milliseconds(7))).status),
            std::chrono::milliseconds(7));
  auto const large = Error(Code::kResourceExhausted, common::v1::ERROR_REASON_REQUEST_TOO_LARGE, "Too large.");
  EXPECT_EQ(RetryDelayOf(Map(large).status), std::nullopt);
}

TEST_F(ErrorMapping, KeepsInnerPayloadsInside) {
  auto status = Error(Code::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS, "There is one.");
  status.SetPayload("type.helhed.dk/storage.constraint", absl::Cord("people.cpr"));
  auto const mapped = Map(status);
  EXPECT_THAT(mapped.status, StatusIs(Code::kAlreadyExists, "RESOURCE_EXISTS"));
  EXPECT_EQ(mapped.status.GetPayload("type.helhed.dk/storage.constraint"), absl::nullopt);
}

}  // namespace
}  // namespace helhed
