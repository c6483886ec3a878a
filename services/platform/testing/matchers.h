#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdint>
#include <string>

#include "services/platform/base/random.h"
#include "services/platform/base/status.h"

// Matchers that print what they saw.
namespace helhed::testing {

inline absl::Status const& StatusIn(absl::Status const& status) { return status; }
template <typename T>
absl::Status const& StatusIn(absl::StatusOr<T> const& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusIn(arg).ToString();
  return StatusIn(arg).ok();
}

// StatusIs(absl::StatusCode::kAborted, "ETAG_MISMATCH"): the code and the reason of the ErrorInfo.
MATCHER_P2(StatusIs, code, reason, "") {
  *result_listener << StatusIn(arg).ToString() << " reason " << ReasonOf(StatusIn(arg));
  return StatusIn(arg).code() == code && ReasonOf(StatusIn(arg)) == reason;
}

MATCHER_P(StatusCodeIs, code, "") {
  *result_listener << StatusIn(arg).ToString();
  return StatusIn(arg).code() == code;
}

// EqualsProto(expected): field by field, printing the difference.
MATCHER_P(EqualsProto, expected, "") {
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  bool const equal = differencer.Compare(expected, arg);
  *result_listener << difference;
  return equal;
}

// Runs a property for many seeds and says which one failed: ForAllSeeds(1000, [](SeededRandom& random) { ... }).
template <typename Property>
void ForAllSeeds(std::uint64_t count, Property&& property) {
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    property(random);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace helhed::testing
