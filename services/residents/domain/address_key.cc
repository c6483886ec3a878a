#include "services/residents/domain/address_key.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "services/residents/domain/digits.h"

namespace helhed::residents {
namespace {

// A number without leading zeros of at most `digits` digits.
bool IsNumber(std::string_view text, std::size_t digits) {
  return !text.empty() && text.size() <= digits && AreDigits(text) && text.front() != '0';
}

bool IsHouseNumber(std::string_view text) {
  if (!text.empty() && text.back() >= 'A' && text.back() <= 'Z') text.remove_suffix(1);
  return IsNumber(text, 3);
}

std::string_view WithoutPadding(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('_'), text.size()));
  return text;
}

std::string Padded(std::string_view text, std::size_t width) { return std::string(width - text.size(), '_').append(text); }

}  // namespace

bool IsFloor(std::string_view text) {
  if (text == "st" || text == "kl") return true;
  if (text.size() == 2 && text[0] == 'k') return text[1] >= '2' && text[1] <= '9';
  return IsNumber(text, 2);
}

bool IsDoor(std::string_view text) {
  if (text.empty() || text.size() > 4) return false;
  if (AreDigits(text)) return IsNumber(text, 4);
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '/' || c == '-'; });
}

std::optional<AddressKey> ParseAddressKey(std::string_view text) {
  if (text.size() != 19) return std::nullopt;
  AddressKey key{std::string(text.substr(0, 4)), std::string(text.substr(4, 4)), std::string(WithoutPadding(text.substr(8, 4))),
                 std::string(WithoutPadding(text.substr(12, 3))), std::string(WithoutPadding(text.substr(15, 4)))};
  if (!AreDigits(key.municipality) || !AreDigits(key.road) || !IsHouseNumber(key.house_number)) return std::nullopt;
  if (!key.floor.empty() && !IsFloor(key.floor)) return std::nullopt;
  if (!key.door.empty() && !IsDoor(key.door)) return std::nullopt;
  return key;
}

std::string ToText(AddressKey const& key) {
  return absl::StrCat(key.municipality, key.road, Padded(key.house_number, 4), Padded(key.floor, 3), Padded(key.door, 4));
}

void CompleteAddress(v1::Dwelling& dwelling, std::string_view field, std::vector<FieldViolation>& violations) {
  auto const add = [&](std::string_view name, std::string_view description) {
    violations.push_back({absl::StrCat(Av(field), ".", Av(name)), std::string(description)});
  };
  bool const floor_is_wrong = !dwelling.floor().empty() && !IsFloor(dwelling.floor());
  bool const door_is_wrong = !dwelling.door().empty() && !IsDoor(dwelling.door());
  if (floor_is_wrong) add("floor", "must be 1 to 99, st, kl, or k2 to k9");
  if (door_is_wrong) {
    add("door", "must be tv, mf, th, a number from 1 to 9999, or up to four of lower-case letters, digits, / and -");
  }
  if (dwelling.kvhx_key().empty()) return;

  auto const key = ParseAddressKey(dwelling.kvhx_key());
  if (!key) {
    add("kvhx_key",
        "must be a KVHX key: municipality (4 digits), road (4 digits), house number (4), floor (3) and door (4), the last three "
        "with underscores before them");
    return;
  }
  if (dwelling.floor().empty()) {
    dwelling.set_floor(key->floor);
  } else if (!floor_is_wrong && dwelling.floor() != key->floor) {
    add("floor", "must be the floor of kvhx_key, or be left out");
  }
  if (dwelling.door().empty()) {
    dwelling.set_door(key->door);
  } else if (!door_is_wrong && dwelling.door() != key->door) {
    add("door", "must be the door of kvhx_key, or be left out");
  }
}

}  // namespace helhed::residents
