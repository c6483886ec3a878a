#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/common/v1/money.pb.h"
#include "services/platform/base/status.h"

// Amounts: whole øre, never rounded by accident, never overflowing unseen (M1).
namespace helhed::funding {

// Minor units of the one currency that plans are kept in.
using Ore = std::int64_t;
inline constexpr std::string_view kCurrency = "DKK";

// The most that one amount may be: ten thousand billion kroner. A thousand of them, and the sum of all that a plan can hold, is
// still far from the end of 64 bits.
inline constexpr Ore kAmountMax = 1'000'000'000'000'000;

common::v1::Money ToMoney(Ore amount);

// OUT_OF_RANGE AMOUNT_OVERFLOW when the sum does not fit 64 bits.
absl::StatusOr<Ore> Add(Ore a, Ore b);
absl::StatusOr<Ore> Sum(std::span<Ore const> amounts);

// What an amount of a request may be.
enum class Sign { kPositive, kNotNegative, kNotZero };
// Adds what is wrong with an amount to `violations`: another currency, a sign that it may not have, more than kAmountMax.
void CheckAmount(common::v1::Money const& money, std::string_view field, Sign sign, std::vector<FieldViolation>& violations);

// `310000000` -> `3100000.00`: kroner with a point and two decimals, exactly.
std::string ToKroner(Ore amount);

}  // namespace helhed::funding
