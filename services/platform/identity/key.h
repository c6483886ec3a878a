#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

// Keys as text. Not for others.
namespace helhed::identity {

// What is signed: this, then the serialized Identity (identity.proto).
inline constexpr std::string_view kContext = "helhed-identity-v1\n";

// Begins the line of a private key, so that nobody takes it for a public one.
inline constexpr std::string_view kPrivateKeyMark = "helhed-private-key";

struct Key {
  std::string id;
  std::string bytes;
};

// Makes libsodium ready; aborts when it cannot be.
void InitSodium();

std::string ToBase64(std::string_view bytes);

// `key_id base64` of 32 bytes. The error says what is wrong and repeats nothing of the key.
absl::StatusOr<Key> ParseKey(std::string_view text);

// 1 to 63 characters of [A-Za-z0-9._-].
bool IsKeyId(std::string_view text);

}  // namespace helhed::identity
