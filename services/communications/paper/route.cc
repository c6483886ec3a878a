#include "services/communications/paper/route.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::communications::paper {
namespace {

// Between the parts of a key: below every character that a part can hold.
constexpr char kEnd = '\x01';

// The Danish letters after z, small and capital, as UTF-8, with the ASCII characters that follow `z`.
constexpr std::array<std::pair<std::string_view, char>, 6> kAfterZ = {
    {{"æ", '{'}, {"Æ", '{'}, {"ø", '|'}, {"Ø", '|'}, {"å", '}'}, {"Å", '}'}}};

// A number as text that sorts by its value: how many digits, then the digits. More digits than a byte can say do not occur.
void AppendNumber(std::string_view digits, std::string& key) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  // From '1' on, so that a number is before a letter whatever its length up to 16 digits.
  key.push_back(static_cast<char>('1' + std::min<std::size_t>(digits.size(), 15)));
  key.append(digits);
}

void AppendNatural(std::string_view text, std::string& key) {
  while (!text.empty()) {
    auto const* const after_z =
        std::find_if(kAfterZ.begin(), kAfterZ.end(), [&](auto const& letter) { return text.starts_with(letter.first); });
    if (after_z != kAfterZ.end()) {
      key.push_back(after_z->second);
      text.remove_prefix(after_z->first.size());
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(text.front()))) {
      auto const digits = text.substr(0, text.find_first_not_of("0123456789"));
      AppendNumber(digits, key);
      text.remove_prefix(digits.size());
    } else {
      // A control character is no text and must not end the part.
      auto const c = static_cast<unsigned char>(text.front());
      key.push_back(c < ' ' ? ' ' : absl::ascii_tolower(c));
      text.remove_prefix(1);
    }
  }
  key.push_back(kEnd);
}

bool IsNumber(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

// Cellars from the lowest: k9 is below k2, and kl is the one below the ground floor.
void AppendFloor(std::string_view floor, std::string& key) {
  if (floor.empty()) {
    key.push_back('0');
  } else if (floor.size() == 2 && floor[0] == 'k' && floor[1] >= '2' && floor[1] <= '9') {
    key.append({'1', static_cast<char>('0' + ('9' - floor[1]))});
  } else if (floor == "kl") {
    key.push_back('2');
  } else if (floor == "st") {
    key.push_back('3');
  } else {
    key.push_back(IsNumber(floor) ? '4' : '5');
    AppendNatural(floor, key);
    return;
  }
  key.push_back(kEnd);
}

void AppendDoor(std::string_view door, std::string& key) {
  constexpr std::array<std::string_view, 4> kSides = {"", "tv", "mf", "th"};
  auto const* const side = std::find(kSides.begin(), kSides.end(), door);
  if (side != kSides.end()) {
    key.append({static_cast<char>('0' + (side - kSides.begin())), kEnd});
    return;
  }
  key.push_back(IsNumber(door) ? '4' : '5');
  AppendNatural(door, key);
}

}  // namespace

std::string RouteKey(Stop const& stop) {
  std::string key;
  AppendNatural(stop.department, key);
  AppendNatural(stop.stairwell, key);
  AppendFloor(stop.floor, key);
  AppendDoor(stop.door, key);
  key.append(stop.dwelling);
  return key;
}

}  // namespace helhed::communications::paper
