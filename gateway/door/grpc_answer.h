#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "gateway/http/exchange.h"

// How gRPC says how a call ended. Not for others.
namespace helhed::gateway::door {

// `application/grpc` and `application/grpc+proto`, with parameters or not.
bool IsGrpc(std::string_view content_type);

// The head of an answer with messages.
http::Fields GrpcHead();

// grpc-status, grpc-message and grpc-status-details-bin. `details` are those that came from the service, if they did; otherwise
// they are made of the status. What would not fit into a caller's limit of headers (8 KiB) is cut, the reason last.
http::Fields GrpcTrailers(absl::Status const& status, std::string_view details);

}  // namespace helhed::gateway::door
