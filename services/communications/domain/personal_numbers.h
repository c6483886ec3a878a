#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Numbers of persons in free text, found before it is stored (domain notes, 5.4).
namespace helhed::communications {

enum class PersonalNumber { kCpr, kTelephone };

struct Finding {
  PersonalNumber kind;
  // In code points: where it begins, from 0, and how long it is.
  std::size_t offset = 0;
  std::size_t length = 0;
};

// Everything in `text`, which is UTF-8, that looks like one, in order. Digits of any script that Danes are likely to meet (ASCII,
// full width, Arabic) and any one space, dot, slash or dash between groups count, because people write so.
//
//   CPR        ten digits, six and four, or day, month, year and four, where the day (also 60 higher, as in replacement numbers)
//   and
//              the month exist. The check digit is not looked at: numbers without one are given out since 2007 (cpr.dk).
//   telephone  eight digits, not beginning with 0 or 1 (the Danish numbering plan), together, in twos, in fours or as 2-3-3;
//   after
//              +45 or 0045 as well; and after any other `+`, seven to fifteen.
//
// A date (2026-11-23), a time, an amount and a house number are none.
std::vector<Finding> FindPersonalNumbers(std::string_view text);

// A text of a request, and the path of its field.
struct CheckedText {
  std::string_view field;
  std::string_view text;
};

// INVALID_ARGUMENT PERSONAL_DATA_SUSPECTED that says where, and repeats nothing. What looks like a telephone number passes when
// `confirmed`; what looks like a CPR number never does.
absl::Status RefusePersonalNumbers(std::span<CheckedText const> texts, bool confirmed);

}  // namespace helhed::communications
