#pragma once

#include <string>
#include <string_view>

namespace helhed {

// SHA-256 (FIPS 180-4) of `text`, as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view text);

}  // namespace helhed
