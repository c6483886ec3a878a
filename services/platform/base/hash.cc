#include "services/platform/base/hash.h"

#include <sodium.h>

#include <array>

namespace helhed {

std::string Sha256Hex(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<unsigned char const*>(text.data()), text.size());
  std::string hex;
  hex.reserve(2 * hash.size());
  for (unsigned char const byte : hash) {
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 15]);
  }
  return hex;
}

}  // namespace helhed
