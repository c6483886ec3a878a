#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/type/date.pb.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/pipeline/call_context.h"

// What the handlers read out of requests in the same way.
namespace helhed::residents {

// `organisations/9001/dwellings/a` -> `9001`.
std::string_view OrganisationIdOf(std::string_view name);
// `organisations/9001/dwellings/a` -> `organisations/9001`.
std::string_view OrganisationOf(std::string_view name);
std::string OrganisationName(std::string_view organisation_id);
std::string DepartmentName(std::string_view organisation_id, std::string_view department_id);
std::string DwellingName(std::string_view organisation_id, std::string_view dwelling_id);
std::string HouseholdName(std::string_view organisation_id, std::string_view household_id);
std::string AdministrationName(std::string_view organisation_id, std::string_view administration_id);

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

// Whether an update whose mask is `mask` gives `path` a value of its own: it is named (or `*` stands for all), and set.
bool GivesValue(google::protobuf::FieldMask const& mask, std::string_view path, std::string const& value);

}  // namespace helhed::residents
