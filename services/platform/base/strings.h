#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace helhed {

// Debian builds Abseil so that absl::string_view is a type of its own, which neither converts to std::string_view nor from it.
// Our interfaces use std::string_view; these two cross the border.
inline absl::string_view Av(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view Sv(absl::string_view s) { return {s.data(), s.size()}; }

// Lets maps with std::string keys be searched by std::string_view without making a string.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

}  // namespace helhed
