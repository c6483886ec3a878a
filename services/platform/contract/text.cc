#include "services/platform/contract/text.h"

#include <cstdint>
#include <cstring>

namespace helhed::contract {
namespace {

// The length of the well-formed sequence at the start of `text`, 0 where there is none (Unicode 15, table 3-7).
std::size_t SequenceBytes(std::string_view text) {
  auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto const in = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  auto const tail = [&](std::size_t i) { return in(i, 0x80, 0xBF); };
  if (byte(0) < 0x80) return 1;
  if (in(0, 0xC2, 0xDF)) return tail(1) ? 2 : 0;
  if (in(0, 0xE0, 0xEF)) {
    bool const second = byte(0) == 0xE0 ? in(1, 0xA0, 0xBF) : byte(0) == 0xED ? in(1, 0x80, 0x9F) : tail(1);
    return second && tail(2) ? 3 : 0;
  }
  if (in(0, 0xF0, 0xF4)) {
    bool const second = byte(0) == 0xF0 ? in(1, 0x90, 0xBF) : byte(0) == 0xF4 ? in(1, 0x80, 0x8F) : tail(1);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<std::size_t> CodePoints(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    // Nearly all text is ASCII: eight characters at a time.
    std::uint64_t word = 0;
    if (text.size() >= sizeof(word)) {
      std::memcpy(&word, text.data(), sizeof(word));
      if ((word & 0x8080808080808080U) == 0) {
        count += sizeof(word);
        text.remove_prefix(sizeof(word));
        continue;
      }
    }
    auto const bytes = SequenceBytes(text);
    if (bytes == 0) return std::nullopt;
    ++count;
    text.remove_prefix(bytes);
  }
  return count;
}

}  // namespace helhed::contract
