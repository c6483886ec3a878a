#pragma once

#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

// Instants: google.protobuf.Timestamp in the contract, absl::Time in code, microseconds in the store.
namespace helhed {

inline absl::Time TimeOf(google::protobuf::Timestamp const& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

// To the microsecond; of 1970 or later.
inline google::protobuf::Timestamp Stamp(absl::Time time) {
  auto const micros = absl::ToUnixMicros(time);
  google::protobuf::Timestamp stamp;
  stamp.set_seconds(micros / 1'000'000);
  stamp.set_nanos(static_cast<int>(micros % 1'000'000) * 1'000);
  return stamp;
}

// `2026-09-01T15:00:00Z`, for errors.
inline std::string Rfc3339(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

}  // namespace helhed
