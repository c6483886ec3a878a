#include "services/residents/domain/cpr_number.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "services/platform/base/strings.h"
#include "services/residents/domain/digits.h"

namespace helhed::residents {
namespace {

constexpr std::size_t kDigits = 10;
constexpr std::size_t kDateDigits = 6;
constexpr int kReplacementDay = 60;

int TwoDigits(std::string_view digits, std::size_t at) { return (digits[at] - '0') * 10 + (digits[at + 1] - '0'); }

int FullYear(int year, char seventh) {
  if (seventh <= '3') return 1900 + year;
  if (seventh == '4' || seventh == '9') return (year <= 36 ? 2000 : 1900) + year;
  return (year <= 57 ? 2000 : 1800) + year;
}

}  // namespace

std::optional<CprNumber> ParseCprNumber(std::string_view text) {
  std::string digits(text);
  if (digits.size() == kDigits + 1 && digits[kDateDigits] == '-') digits.erase(kDateDigits, 1);
  if (digits.size() != kDigits || !std::all_of(digits.begin(), digits.end(), IsDigit)) return std::nullopt;
  int const given_day = TwoDigits(digits, 0);
  int const day = given_day > kReplacementDay ? given_day - kReplacementDay : given_day;
  int const month = TwoDigits(digits, 2);
  int const year = FullYear(TwoDigits(digits, 4), digits[kDateDigits]);
  absl::CivilDay const date(year, month, day);
  // CivilDay carries what is too much over into the next month.
  if (date.year() != year || date.month() != month || date.day() != day) return std::nullopt;
  return CprNumber{std::move(digits), date};
}

std::string MaskCprNumber(CprNumber const& number) { return number.digits.substr(0, kDateDigits) + "-****"; }

std::string WriteCprNumber(std::string_view digits) {
  return absl::StrCat(Av(digits.substr(0, kDateDigits)), "-", Av(digits.substr(kDateDigits)));
}

bool HoldsCprNumber(std::string_view text) {
  auto const digits_from = [&](std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && IsDigit(text[end])) ++end;
    return end - at;
  };
  for (std::size_t at = 0; at < text.size();) {
    auto const count = digits_from(at);
    if (count == kDigits) return true;
    auto const next = at + count;
    bool const joined = count == kDateDigits && next < text.size() && (text[next] == '-' || text[next] == ' ');
    if (joined && digits_from(next + 1) == kDigits - kDateDigits) return true;
    at = next + 1;
  }
  return false;
}

}  // namespace helhed::residents
