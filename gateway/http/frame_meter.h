#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace helhed::gateway::http {

// Follows the frames of an HTTP/2 connection from the outside (RFC 9113, 4.1). nghttp2 tells nothing of what it ignores: header
// blocks of refused streams, unknown types. What must be limited is counted before it gets there.
class FrameMeter {
 public:
  // Takes what the peer sent, the preface first. Returns how many frames began in it that carry nothing to work on: an empty or
  // tiny DATA is as cheap to send, and as dear to take, as a PING. Resets are counted by themselves.
  std::size_t Take(std::string_view bytes);

  // The first frame is complete, which proves the peer to be alive and to speak HTTP/2.
  bool begun() const { return begun_; }
  // A header block has begun and is not complete, or a frame's own nine bytes are not.
  bool in_head() const { return in_head_ || header_size_ > 0; }

 private:
  static constexpr std::size_t kHeaderSize = 9;
  void Begin();
  void End();

  std::size_t preface_left_ = 24;
  std::array<unsigned char, kHeaderSize> header_{};
  std::size_t header_size_ = 0;
  std::size_t payload_left_ = 0;
  bool in_payload_ = false;
  bool begun_ = false;
  bool in_head_ = false;
  std::size_t cheap_ = 0;
};

}  // namespace helhed::gateway::http
