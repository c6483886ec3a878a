#include "services/funding/domain/money.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "helhed/funding/v1/errors.pb.h"

namespace helhed::funding {

common::v1::Money ToMoney(Ore amount) {
  common::v1::Money money;
  money.set_currency_code(std::string(kCurrency));
  money.set_minor_units(amount);
  return money;
}

absl::StatusOr<Ore> Add(Ore a, Ore b) {
  Ore sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return Error(absl::StatusCode::kOutOfRange, v1::ERROR_REASON_AMOUNT_OVERFLOW,
               "The sum of these amounts is too large to be kept.", {{"a", absl::StrCat(a)}, {"b", absl::StrCat(b)}});
}

absl::StatusOr<Ore> Sum(std::span<Ore const> amounts) {
  Ore sum = 0;
  for (Ore const amount : amounts) {
    ASSIGN_OR_RETURN(sum, Add(sum, amount));
  }
  return sum;
}

void CheckAmount(common::v1::Money const& money, std::string_view field, Sign sign, std::vector<FieldViolation>& violations) {
  Ore const amount = money.minor_units();
  if (money.currency_code() != kCurrency) {
    violations.push_back({absl::StrCat(Av(field), ".currency_code"), absl::StrCat("must be ", Av(kCurrency))});
  }
  std::string const units = absl::StrCat(Av(field), ".minor_units");
  if (sign == Sign::kPositive && amount <= 0) violations.push_back({units, "must be more than 0"});
  if (sign == Sign::kNotNegative && amount < 0) violations.push_back({units, "must not be negative"});
  if (sign == Sign::kNotZero && amount == 0) violations.push_back({units, "must not be 0"});
  if (amount > kAmountMax || amount < -kAmountMax) {
    violations.push_back({units, absl::StrCat("must not be more than ", kAmountMax, " either way")});
  }
}

std::string ToKroner(Ore amount) {
  // The magnitude is taken unsigned, because the least int64 has no positive counterpart.
  auto const magnitude = amount < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  return absl::StrFormat("%s%d.%02d", amount < 0 ? "-" : "", magnitude / 100, magnitude % 100);
}

}  // namespace helhed::funding
