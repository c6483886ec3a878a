#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// gRPC over HTTP/2 in bytes (grpc/doc/PROTOCOL-HTTP2.md): what the gateway speaks on both sides.
namespace helhed::gateway::upstream {

inline constexpr std::size_t kPrefixBytes = 5;

// A message with its prefix: not compressed, length in four bytes.
std::string Framed(std::string_view message);

// Takes messages out of a body that comes in pieces. Compressed messages are not asked for and not accepted.
class Deframer {
 public:
  explicit Deframer(std::size_t message_bytes_max) : bytes_max_(message_bytes_max) {}

  // Appends `bytes` and hands over every message that is complete. Stops early when `take` returns false. Errors:
  // UNIMPLEMENTED (compressed), RESOURCE_EXHAUSTED REQUEST_TOO_LARGE; after one the object is of no use.
  absl::Status Feed(std::string_view bytes, std::function<bool(std::string)> const& take);

  // True between two messages: where a body may end.
  bool at_rest() const { return prefix_.empty() && !has_length_; }
  // The length of the message that is being received; 0 between two.
  std::size_t length() const { return has_length_ ? length_ : 0; }
  // How many bytes of prefixes were taken so far.
  std::size_t prefix_bytes() const { return prefix_bytes_; }

 private:
  absl::Status ReadPrefix();

  std::size_t const bytes_max_;
  std::string prefix_;
  std::string message_;
  std::size_t length_ = 0;
  std::size_t prefix_bytes_ = 0;
  bool has_length_ = false;
};

// `grpc-message`: percent-encoding of what is not printable ASCII, and of '%'. Decoding leaves alone what is not well formed.
std::string PercentEncode(std::string_view text);
std::string PercentDecode(std::string_view text);

// Values of `-bin` metadata: base64, sent without padding, taken with or without it. nullopt when it is not base64.
std::string ToBinary(std::string_view bytes);
std::optional<std::string> FromBinary(std::string_view text);

// `grpc-timeout`: at most eight digits and a unit. What is over counts as 0.
std::string ToTimeout(absl::Duration left);
std::optional<absl::Duration> FromTimeout(std::string_view text);

// The status that trailers say. `code` and `message` are `grpc-status` and `grpc-message` as they came, `details` decoded from
// base64: a google.rpc.Status, whose word goes before the message where the codes agree.
absl::Status StatusOf(std::string_view code, std::string_view message, std::string_view details);

}  // namespace helhed::gateway::upstream
