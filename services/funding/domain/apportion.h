#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <vector>

#include "services/funding/domain/money.h"

namespace helhed::funding {

// What a part is proportional to, and whose it is. Keys are compared as text: departments by name, so by LBF number.
struct Weight {
  std::string key;
  std::int64_t weight = 0;
};

struct Part {
  std::string key;
  std::int64_t weight = 0;
  Ore amount = 0;
  // `total * weight mod weights`, in parts of an øre divided by `weights`.
  std::int64_t remainder = 0;
  bool got_residual = false;
};

// The parts, by key, and what proves them.
struct Split {
  std::vector<Part> parts;
  std::int64_t weights = 0;
  Ore floors = 0;
  std::int64_t residual_units = 0;
  std::int64_t least_remainder_served = 0;
};

// Splits `total` in proportion to `weights` so that the parts sum to `total` exactly (M8).
//
// Method: largest remainder (Hamilton). Every part first gets the floor of its exact share; the minor units that are left go one
// each to the largest remainders. Equal remainders are decided by the lower key, so the result does not depend on the order of
// `weights`, equal weights differ by one minor unit at most, and a larger weight never gets less than a smaller one.
//
// Errors: INVALID_ARGUMENT BAD_REQUEST when `weights` is empty, a weight is negative, all are zero, a key occurs twice, their sum
// does not fit 64 bits, or `total` is negative.
absl::StatusOr<Split> Apportion(Ore total, std::span<Weight const> weights);

}  // namespace helhed::funding
