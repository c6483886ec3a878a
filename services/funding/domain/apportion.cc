#include "services/funding/domain/apportion.h"

#include <absl/numeric/int128.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace helhed::funding {
namespace {

absl::Status CheckWeights(Ore total, std::vector<Part> const& parts) {
  std::vector<FieldViolation> violations;
  if (total < 0) violations.push_back({"amount.minor_units", "must not be negative"});
  if (parts.empty()) violations.push_back({"weights", "must name at least one department"});
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].weight < 0) violations.push_back({absl::StrCat("weights[", i, "].weight"), "must not be negative"});
    if (i > 0 && parts[i].key == parts[i - 1].key) violations.push_back({"weights", "must not name a department twice"});
    if (__builtin_add_overflow(sum, parts[i].weight, &sum)) {
      violations.push_back({"weights", "must not sum to more than 64 bits hold"});
      break;
    }
  }
  if (violations.empty() && sum == 0) violations.push_back({"weights", "must not all be 0"});
  return violations.empty() ? absl::OkStatus() : BadRequest(std::move(violations));
}

}  // namespace

absl::StatusOr<Split> Apportion(Ore total, std::span<Weight const> weights) {
  Split split;
  for (auto const& weight : weights) split.parts.push_back({weight.key, weight.weight, 0, 0, false});
  std::sort(split.parts.begin(), split.parts.end(), [](Part const& a, Part const& b) { return a.key < b.key; });
  RETURN_IF_ERROR(CheckWeights(total, split.parts));
  for (auto const& part : split.parts) split.weights += part.weight;

  for (auto& part : split.parts) {
    // 128 bits: an amount and a weight of 64 bits each.
    absl::int128 const product = absl::int128(total) * part.weight;
    part.amount = static_cast<Ore>(product / split.weights);
    part.remainder = static_cast<std::int64_t>(product % split.weights);
    split.floors += part.amount;
  }
  split.residual_units = total - split.floors;

  std::vector<Part*> by_remainder;
  for (auto& part : split.parts) by_remainder.push_back(&part);
  // Stable, so that the lower key comes first among equal remainders.
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [](Part const* a, Part const* b) { return a->remainder > b->remainder; });
  for (std::int64_t i = 0; i < split.residual_units; ++i) {
    Part& part = *by_remainder[static_cast<std::size_t>(i)];
    ++part.amount;
    part.got_residual = true;
    split.least_remainder_served = part.remainder;
  }
  return split;
}

}  // namespace helhed::funding
