#pragma once

#include <string>
#include <string_view>

// The order in which a distributor walks: department, stairwell, floor, door.
namespace helhed::communications::paper {

// A dwelling as a stop on the route.
struct Stop {
  std::string department;  // what departments are ordered by: `9003-022`
  std::string stairwell;   // the entrance with its house number: `Remisevej 4`. Empty where the register knows none
  std::string floor;       // `1` to `99`, `st`, `kl`, `k2` to `k9`; empty for a house without floors
  std::string door;        // `tv`, `mf`, `th`, a number, or other letters; empty where there is one dwelling to a floor
  std::string dwelling;    // tells apart two dwellings that are at the same door by their data; never printed
  friend bool operator==(Stop const&, Stop const&) = default;
};

// A text whose order, byte by byte, is the route's, so that a database can keep and page through it (a column with byte order:
// BLOB, or TEXT in the C collation). Equal only for equal stops, but for the case of letters in department and stairwell.
//
// Department and stairwell go by Danish alphabet (a to z, then æ, ø, å) with the numbers in them as numbers: `Remisevej 4` is
// before `Remisevej 12`. Floors go upwards, from the lowest cellar over `st`; doors from left to right (`tv`, `mf`, `th`), then
// by number, then by their letters. What is empty is first.
std::string RouteKey(Stop const& stop);

}  // namespace helhed::communications::paper
