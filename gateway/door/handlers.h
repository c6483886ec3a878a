#pragma once

#include <memory>

#include "gateway/door/visit.h"

// Who serves a request, by what it is. Not for others.
namespace helhed::gateway::door {

std::unique_ptr<http::Handler> HandleGrpc(Desk& desk, http::RequestHead head, http::Exchange& exchange);
std::unique_ptr<http::Handler> HandleRest(Desk& desk, http::RequestHead head, http::Exchange& exchange);
std::unique_ptr<http::Handler> HandlePage(Desk& desk, http::RequestHead head, http::Exchange& exchange, Page const& page);
// An answer that is known already.
std::unique_ptr<http::Handler> HandleFixed(Desk& desk, http::RequestHead head, http::Exchange& exchange, rest::Answer answer,
                                           absl::Status const& status);
// grpc.health.v1.Health and, when it is allowed, grpc.reflection.v1 and v1alpha; nullptr when the path is none of theirs.
std::unique_ptr<http::Handler> HandleGrpcExtras(Desk& desk, http::RequestHead& head, http::Exchange& exchange);

}  // namespace helhed::gateway::door
