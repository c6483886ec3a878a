#include "services/platform/base/random.h"

#include <sodium.h>

#include <cstring>

namespace helhed {
namespace {

std::string Format(std::array<unsigned char, 16> const& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(digits[bytes[i] >> 4]);
    text.push_back(digits[bytes[i] & 15]);
  }
  return text;
}

void Stamp(std::array<unsigned char, 16>& bytes, unsigned version) {
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
}

}  // namespace

std::uint64_t SystemRandom::Next() {
  // libsodium reads getrandom(2) itself and needs no seeding for randombytes_buf.
  std::uint64_t value = 0;
  randombytes_buf(&value, sizeof(value));
  return value;
}

std::uint64_t SeededRandom::Next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::int64_t SeededRandom::Between(std::int64_t low, std::int64_t high) {
  auto const span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + (span == 0 ? Next() : Next() % span));
}

std::string NewUuid(absl::Time now, Random& random) {
  std::array<unsigned char, 16> bytes{};
  auto const millis = static_cast<std::uint64_t>(absl::ToUnixMillis(now));
  for (int i = 0; i < 6; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(millis >> (40 - 8 * i));
  auto const a = random.Next();
  auto const b = random.Next();
  std::memcpy(bytes.data() + 6, &a, 2);
  std::memcpy(bytes.data() + 8, &b, 8);
  Stamp(bytes, 7);
  return Format(bytes);
}

std::string UuidOf(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<unsigned char const*>(text.data()), text.size());
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), hash.data(), bytes.size());
  Stamp(bytes, 8);
  return Format(bytes);
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool const hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

}  // namespace helhed
