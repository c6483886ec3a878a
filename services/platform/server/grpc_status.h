#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

#include <cstddef>

namespace helhed::server {

// The room for an error in a call's trailing metadata. A peer's default limit is 8 KiB for all of it, counted as encoded: base64
// for the details (four bytes for three) and percent-encoding for the message, which leaves this much for the two.
inline constexpr std::size_t kDetailsBytesMax = 5 * 1024;
inline constexpr std::size_t kMessageBytesMax = 768;

// An error as gRPC sends it: code, message and `grpc-status-details-bin`. What is larger than the room above is cut: first the
// violations of a BadRequest from the end (`violations` in the ErrorInfo's metadata then says how many there were), then every
// detail but the ErrorInfo, then values of its metadata. The reason always arrives.
// Texts are UTF-8, as protobuf demands.
grpc::Status ToGrpc(absl::Status const& status);

}  // namespace helhed::server
