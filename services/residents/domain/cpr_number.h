#pragma once

#include <absl/time/civil_time.h>

#include <optional>
#include <string>
#include <string_view>

// Numbers of the central person register (CPR).
namespace helhed::residents {

struct CprNumber {
  std::string digits;  // ten
  absl::CivilDay birth_date;
};

// `0101901234`, `010190-1234`; nullopt when no such number was ever given out: not ten digits, or a day that does not exist. The
// century follows from the seventh digit: 0-3 is 19xx; 4 and 9 are 20xx up to the year 36 and 19xx from 37 on; 5-8 are 20xx up to
// 57 and 18xx from 58 on (cpr.dk, "Opbygning af CPR-nummeret").
//
// Modulus 11 is not looked at: numbers that fail it are given out since October 2007, most of them for 1 January (cpr.dk,
// "Personnumre uden kontrolciffer"). Replacement numbers (erstatnings-CPR), made by authorities for those who have none, have a
// day that is 60 higher.
std::optional<CprNumber> ParseCprNumber(std::string_view text);

// `010190-****`.
std::string MaskCprNumber(CprNumber const& number);
// `010190-1234`.
std::string WriteCprNumber(std::string_view digits);

// Whether anything in `text` looks like one: six digits and four, together or with a hyphen or a space between, no digit beside.
bool HoldsCprNumber(std::string_view text);

}  // namespace helhed::residents
