#include "gateway/http/frame_meter.h"

#include <algorithm>

namespace helhed::gateway::http {
namespace {

constexpr unsigned kData = 0;
constexpr unsigned kHeaders = 1;
constexpr unsigned kContinuation = 9;
constexpr unsigned kEndStream = 0x1;
constexpr unsigned kEndHeaders = 0x4;
constexpr unsigned kAck = 0x1;
constexpr unsigned kReset = 3;
constexpr unsigned kSettings = 4;
constexpr std::size_t kTiny = 64;

}  // namespace

std::size_t FrameMeter::Take(std::string_view bytes) {
  cheap_ = 0;
  auto const preface = std::min(preface_left_, bytes.size());
  preface_left_ -= preface;
  bytes.remove_prefix(preface);
  while (!bytes.empty()) {
    if (!in_payload_) {
      header_[header_size_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (header_size_ == kHeaderSize) Begin();
      continue;
    }
    auto const count = std::min(payload_left_, bytes.size());
    payload_left_ -= count;
    bytes.remove_prefix(count);
    if (payload_left_ == 0) End();
  }
  return cheap_;
}

void FrameMeter::Begin() {
  header_size_ = 0;
  in_payload_ = true;
  payload_left_ = std::size_t{header_[0]} << 16 | std::size_t{header_[1]} << 8 | header_[2];
  unsigned const type = header_[3];
  unsigned const flags = header_[4];
  if (type == kHeaders || type == kContinuation) in_head_ = true;
  bool const carries = type == kHeaders || (type == kData && (payload_left_ >= kTiny || (flags & kEndStream) != 0)) ||
                       (type == kSettings && (flags & kAck) != 0) || type == kReset;
  if (!carries) ++cheap_;
  if (payload_left_ == 0) End();
}

void FrameMeter::End() {
  in_payload_ = false;
  begun_ = true;
  unsigned const type = header_[3];
  if ((type == kHeaders || type == kContinuation) && (header_[4] & kEndHeaders) != 0) in_head_ = false;
}

}  // namespace helhed::gateway::http
