#pragma once

#include <algorithm>
#include <string_view>

namespace helhed::residents {

// ASCII digits alone: a key or number with another script's digits is another key.
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool AreDigits(std::string_view text) { return std::all_of(text.begin(), text.end(), IsDigit); }

}  // namespace helhed::residents
