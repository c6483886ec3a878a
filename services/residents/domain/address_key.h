#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/dwelling.pb.h"
#include "services/platform/base/status.h"

// Danish addresses as far as the register needs them: the key KVHX, floors and doors.
namespace helhed::residents {

// The parts of a KVHX key. Floor and door are empty where the address has none.
struct AddressKey {
  std::string municipality;  // four digits
  std::string road;          // four digits
  std::string house_number;  // 1 to 999, with at most one letter A to Z after it: `14`, `14B`
  std::string floor;
  std::string door;
  friend bool operator==(AddressKey const&, AddressKey const&) = default;
};

// Reads a key of 19 characters as DAWA makes them: municipality and road are four digits each with leading zeros; then the house
// number with its letter (4), the floor (3) and the door (4), each with underscores before it and nothing but underscores where
// there is none. `01018005__14__2__th` is number 14, second floor, to the right; `01018005_14B_st___1` number 14B, ground floor,
// door 1; `01018005___5_______` number 5 without floor and door. nullopt when a part is not so (zeros or spaces as padding, small
// letters in the house number, large ones in floor or door).
std::optional<AddressKey> ParseAddressKey(std::string_view text);

// The text of a key whose parts are valid.
std::string ToText(AddressKey const& key);

// `1` to `99`, `st` (ground floor), `kl` (cellar), `k2` to `k9` (the cellars below it).
bool IsFloor(std::string_view text);

// One to four of lower-case letters a to z, digits, `/` and `-`; digits alone are a number from 1 to 9999 without leading zeros.
// `tv`, `mf` and `th` are the usual ones.
bool IsDoor(std::string_view text);

// Checks the key, floor and door of `dwelling`, and fills in the floor and the door that its key has and it does not. What is
// wrong is added to `violations`, with paths below `field`. A floor or door beside a key must be the key's.
void CompleteAddress(v1::Dwelling& dwelling, std::string_view field, std::vector<FieldViolation>& violations);

}  // namespace helhed::residents
