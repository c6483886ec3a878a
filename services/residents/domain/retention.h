#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/erasure.pb.h"

// How long things are kept (domain.md 5.3, 8.10): by policies, which are data.
namespace helhed::residents {

// A month that is too short ends on its last day: 31 January and a month are 28 or 29 February.
absl::CivilDay AddMonths(absl::CivilDay day, int months);

// The last day for which what ended on it has been kept for `months` on `today`: AddMonths(day, months) <= today.
absl::CivilDay DueUntil(absl::CivilDay today, int months);

// Those that hold on the day for the subject, each at most once for a controller.
std::vector<v1::RetentionPolicy> PoliciesOn(std::span<v1::RetentionPolicy const> policies, v1::RetentionSubject subject,
                                            absl::CivilDay day);
// PERIODS_OVERLAP when another policy about the same subject and controller holds during a part of the period.
absl::Status CheckPolicy(v1::RetentionPolicy const& policy, std::span<v1::RetentionPolicy const> others);

// What an erasure comes to: held back, waiting for the archive where a municipality is the controller (Archives Act, BEK
// 995/2010), or done.
v1::ErasureState StateOfErasure(bool on_hold, std::string_view controller, std::string_view archive_receipt);

}  // namespace helhed::residents
