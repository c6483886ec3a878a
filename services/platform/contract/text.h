#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace helhed::contract {

// The number of Unicode code points of `text`, or nullopt when it is not well-formed UTF-8 (RFC 3629: no surrogates, no
// overlong forms, nothing above U+10FFFF).
std::optional<std::size_t> CodePoints(std::string_view text);

}  // namespace helhed::contract
