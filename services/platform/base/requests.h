#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/type/date.pb.h>

#include <optional>
#include <string_view>
#include <vector>

#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

// What handlers and rules read out of requests in the same way.
namespace helhed {

// BAD_REQUEST with what is in `violations`, or OK when that is nothing.
absl::Status Verdict(std::vector<FieldViolation> violations);

// The period, or nullopt and what is wrong with it added to `violations`.
std::optional<Period> ReadPeriod(common::v1::DateRange const& range, std::string_view field,
                                 std::vector<FieldViolation>& violations);

// The period of a stored resource, which is valid.
Period StoredPeriod(common::v1::DateRange const& range);

// The day, or BAD_REQUEST that names `field`.
absl::StatusOr<absl::CivilDay> ReadDate(google::type::Date const& date, std::string_view field);

}  // namespace helhed
