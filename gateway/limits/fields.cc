#include "gateway/limits/fields.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "services/platform/base/status.h"

namespace helhed::gateway::limits {
namespace {

std::int64_t CeilSeconds(absl::Duration duration) { return absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))); }

}  // namespace

void AppendRateFields(Quota const& quota, http::Fields& fields) {
  auto const window = (quota.rate.burst + quota.rate.per_second - 1) / quota.rate.per_second;
  fields.push_back({"ratelimit-policy", absl::StrCat("\"client\";q=", quota.rate.burst, ";w=", window)});
  fields.push_back({"ratelimit", absl::StrCat("\"client\";r=", quota.remaining, ";t=", CeilSeconds(quota.full_in))});
}

std::optional<std::string> RetryAfter(absl::Status const& status) {
  auto const delay = RetryDelayOf(status);
  if (!delay) return std::nullopt;
  return std::to_string(std::max<std::int64_t>(1, CeilSeconds(absl::FromChrono(*delay))));
}

}  // namespace helhed::gateway::limits
