#include "services/platform/server/grpc_status.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

using ::testing::Each;
using ::testing::EndsWith;
using ::testing::Le;
using ::testing::SizeIs;

absl::Status Received(grpc::Status const& sent) {
  google::rpc::Status proto;
  EXPECT_TRUE(proto.ParseFromString(sent.error_details()));
  return FromProto(proto);
}

TEST(ToGrpc, CarriesCodeMessageAndDetails) {
  auto const status = WithRetryDelay(Error(absl::StatusCode::kNotFound, common::v1::ERROR_REASON_RESOURCE_NOT_FOUND,
                                           "There is no such plan.", {{"resource", "plans/1"}}),
                                     std::chrono::milliseconds(1500));
  auto const sent = ToGrpc(status);
  EXPECT_EQ(sent.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(sent.error_message(), "There is no such plan.");
  EXPECT_EQ(Received(sent), status);
}

TEST(ToGrpc, OkHasNoDetails) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).error_details().empty());
}

TEST(ToGrpc, CutsViolationsFromTheEndAndSaysHowManyThereWere) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 400; ++i)
    violations.push_back({absl::StrCat("requests[", i, "].dwelling"), "must be set: give its address"});
  auto const sent = ToGrpc(BadRequest(violations));
  EXPECT_LE(sent.error_details().size(), kDetailsBytesMax);
  auto const received = Received(sent);
  EXPECT_EQ(ReasonOf(received), "BAD_REQUEST");
  EXPECT_EQ(MetadataOf(received)["violations"], "400");
  auto const kept = ViolationsOf(received);
  ASSERT_GT(kept.size(), 20U);
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].field, violations[i].field);
}

TEST(ToGrpc, FewViolationsAllArriveUncounted) {
  auto const received = Received(ToGrpc(BadRequest({{"name", "must be set"}, {"etag", "must be text"}})));
  EXPECT_THAT(ViolationsOf(received), SizeIs(2));
  EXPECT_EQ(MetadataOf(received).count("violations"), 0U);
}

TEST(ToGrpc, TheReasonArrivesHoweverLargeTheRest) {
  ErrorMetadata metadata;
  for (int i = 0; i < 10; ++i) metadata[absl::StrCat("value", i)] = std::string(2000, 'x');
  auto const received =
      Received(ToGrpc(Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH, "Not so.", metadata)));
  EXPECT_EQ(ReasonOf(received), "ETAG_MISMATCH");
  EXPECT_THAT(MetadataOf(received)["value3"], EndsWith("..."));
  for (int i = 0; i < 1000; ++i) metadata[absl::StrCat("value", i)] = std::string(20, 'x');
  EXPECT_EQ(
      ReasonOf(Received(ToGrpc(Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH, "Not so.", metadata)))),
      "ETAG_MISMATCH");
}

TEST(ToGrpc, CutsALongMessageBetweenCharacters) {
  std::string message;
  for (int i = 0; i < 1000; ++i) message += "ø";
  auto const sent = ToGrpc(absl::InternalError(message));
  EXPECT_LE(sent.error_message().size() * 3, kMessageBytesMax + 6);
  EXPECT_THAT(sent.error_message(), EndsWith("ø..."));
}

TEST(ToGrpc, AlwaysFits) {
  testing::ForAllSeeds(300, [](SeededRandom& random) {
    ErrorMetadata metadata;
    for (auto i = random.Between(0, 40); i > 0; --i) {
      metadata[absl::StrCat("key", i)] = std::string(static_cast<std::size_t>(random.Between(0, 600)), 'v');
    }
    std::string text;
    for (auto i = random.Between(1, 4000); i > 0; --i) text += random.Between(0, 1) == 0 ? "a" : "å";
    auto const sent = ToGrpc(Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_CONFLICT, text, metadata));
    EXPECT_LE(sent.error_details().size(), kDetailsBytesMax);
    EXPECT_EQ(ReasonOf(Received(sent)), "CONFLICT");
  });
}

}  // namespace
}  // namespace helhed::server
