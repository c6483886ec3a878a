#include "services/residents/domain/numbers.h"

#include <algorithm>
#include <array>

namespace helhed::residents {
namespace {

bool AreDigits(std::string_view text, std::size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool IsOrganisationNumber(std::string_view text) { return AreDigits(text, 4); }

bool IsDepartmentNumber(std::string_view text) { return AreDigits(text, 3) && text != "000"; }

bool IsCvrNumber(std::string_view text) {
  constexpr std::array<int, 8> kWeights = {2, 7, 6, 5, 4, 3, 2, 1};
  if (!AreDigits(text, kWeights.size()) || text.front() == '0') return false;
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += kWeights[i] * (text[i] - '0');
  return sum % 11 == 0;
}

}  // namespace helhed::residents
