#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/type/date.pb.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helhed/common/v1/date_range.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/pipeline/call_context.h"

// What the handlers read out of requests in the same way.
namespace helhed::funding {

// `plans/amagerplanen/sources/lbf` -> `amagerplanen`.
std::string_view PlanIdOf(std::string_view name);
// `plans/amagerplanen/sources/lbf` -> `plans/amagerplanen`.
std::string_view PlanOf(std::string_view name);
std::string PlanName(std::string_view plan_id);

// The last part of a resource's name: the caller's choice, or a new UUIDv7.
std::string IdOr(CallContext const& call, std::string const& chosen);

// BAD_REQUEST with what is in `violations`, or OK when that is nothing.
absl::Status Verdict(std::vector<FieldViolation> violations);

// The period, or nullopt and what is wrong with it added to `violations`.
std::optional<Period> ReadPeriod(common::v1::DateRange const& range, std::string_view field,
                                 std::vector<FieldViolation>& violations);

// The period of a stored resource, which is valid.
Period StoredPeriod(common::v1::DateRange const& range);

// The day, or BAD_REQUEST that names `field`.
absl::StatusOr<absl::CivilDay> ReadDate(google::type::Date const& date, std::string_view field);

// The date to answer for: the request's, or today.
template <typename Request>
absl::StatusOr<absl::CivilDay> AsOf(CallContext const& call, Request const& request) {
  if (!request.has_as_of_date()) return call.Today();
  return ReadDate(request.as_of_date(), "as_of_date");
}

// A JSON array of the texts, which must need no escaping: identifiers, UUIDs. What statements take lists as.
std::string JsonArray(std::vector<std::string> const& texts);

}  // namespace helhed::funding
