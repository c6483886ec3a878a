#include "services/platform/identity/key.h"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace helhed::identity {

void InitSodium() {
  if (sodium_init() >= 0) return;
  std::cerr << "libsodium cannot be initialised" << std::endl;
  std::abort();
}

std::string ToBase64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

bool IsKeyId(std::string_view text) {
  constexpr std::size_t characters_max = 63;
  return !text.empty() && text.size() <= characters_max && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

absl::StatusOr<Key> ParseKey(std::string_view text) {
  auto const space = text.find(' ');
  Key key{std::string(text.substr(0, space)), std::string(32, '\0')};
  if (key.id == kPrivateKeyMark) return absl::InvalidArgumentError("is a private key where a public one belongs");
  if (space == std::string_view::npos || !IsKeyId(key.id)) {
    return absl::InvalidArgumentError("a key is `key_id base64`, the id 1 to 63 of letters, digits, `.`, `_` and `-`");
  }
  auto const encoded = text.substr(space + 1);
  std::size_t size = 0;
  char const* end = nullptr;
  auto const failed = sodium_base642bin(reinterpret_cast<unsigned char*>(key.bytes.data()), key.bytes.size(), encoded.data(),
                                        encoded.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
  if (failed != 0 || size != key.bytes.size() || end != encoded.data() + encoded.size()) {
    return absl::InvalidArgumentError("the key is not 32 bytes in base64");
  }
  return key;
}

}  // namespace helhed::identity
