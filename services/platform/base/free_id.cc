#include "services/platform/base/free_id.h"

#include <absl/strings/str_cat.h>

#include "services/platform/base/strings.h"

namespace helhed {
namespace {

// What the contract allows a last part.
constexpr std::size_t kIdMax = 63;

}  // namespace

std::string FreeId(std::string_view id, std::string_view suffix, IdSet& taken) {
  std::string free(id);
  for (int number = 1; !taken.insert(free).second; ++number) {
    auto const whole = number == 1 ? absl::StrCat("-", Av(suffix)) : absl::StrCat("-", Av(suffix), "-", number);
    // A tail that is cut would not tell one number from the next.
    auto const tail = whole.size() > kIdMax / 2 ? absl::StrCat("-", number) : whole;
    free = absl::StrCat(Av(id.substr(0, kIdMax - tail.size())), tail);
  }
  return free;
}

}  // namespace helhed
