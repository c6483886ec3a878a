#include "services/residents/domain/retention.h"

#include <algorithm>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

namespace helhed::residents {
namespace {

Period PeriodOf(v1::RetentionPolicy const& policy) {
  Period period{ToCivil(policy.period().start_date()).value_or(absl::CivilDay::max()), std::nullopt};
  if (policy.period().has_end_date()) period.end = ToCivil(policy.period().end_date());
  return period;
}

}  // namespace

absl::CivilDay AddMonths(absl::CivilDay day, int months) {
  absl::CivilMonth const month = absl::CivilMonth(day) + months;
  absl::CivilDay const last = absl::CivilDay(month + 1) - 1;
  return std::min(absl::CivilDay(month) + (day.day() - 1), last);
}

absl::CivilDay DueUntil(absl::CivilDay today, int months) {
  // Several days come to the same day some months later (29, 30 and 31 January in February): the last of them counts.
  auto day = AddMonths(today, -months);
  while (AddMonths(day + 1, months) <= today) ++day;
  return day;
}

std::vector<v1::RetentionPolicy> PoliciesOn(std::span<v1::RetentionPolicy const> policies, v1::RetentionSubject subject,
                                            absl::CivilDay day) {
  std::vector<v1::RetentionPolicy> found;
  for (auto const& policy : policies) {
    if (policy.subject() == subject && PeriodOf(policy).Contains(day)) found.push_back(policy);
  }
  return found;
}

absl::Status CheckPolicy(v1::RetentionPolicy const& policy, std::span<v1::RetentionPolicy const> others) {
  for (auto const& other : others) {
    bool const same = other.subject() == policy.subject() && other.controller() == policy.controller();
    if (other.name() == policy.name() || !same || !PeriodOf(other).Overlaps(PeriodOf(policy))) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIODS_OVERLAP,
                 "Another policy about the same holds during a part of the period; end it first.",
                 {{"resource", policy.name()}, {"other", other.name()}});
  }
  return absl::OkStatus();
}

v1::ErasureState StateOfErasure(bool on_hold, std::string_view controller, std::string_view archive_receipt) {
  if (on_hold) return v1::ERASURE_STATE_HELD;
  bool const is_municipal = controller.starts_with("municipalities/");
  return is_municipal && archive_receipt.empty() ? v1::ERASURE_STATE_ARCHIVE_PENDING : v1::ERASURE_STATE_ERASED;
}

}  // namespace helhed::residents
