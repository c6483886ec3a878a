#pragma once

#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/platform/base/clock.h"

namespace helhed {

// Where randomness comes from, so that tests can repeat it.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t Next() = 0;
};

// The operating system's generator, safe from any thread.
class SystemRandom final : public Random {
 public:
  std::uint64_t Next() override;
};

// SplitMix64 from a seed. Not for secrets; not safe from several threads.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() override;
  // Uniform in [low, high]; needs low <= high.
  std::int64_t Between(std::int64_t low, std::int64_t high);

 private:
  std::uint64_t state_;
};

// A UUIDv7 (RFC 9562): sorts by time, canonical lower-case text.
std::string NewUuid(absl::Time now, Random& random);

// A UUIDv8 (RFC 9562) of the SHA-256 of `text`: the same text gives the same id, anywhere.
std::string UuidOf(std::string_view text);

// Canonical lower-case text of a UUID of any version.
bool IsUuid(std::string_view text);

}  // namespace helhed
