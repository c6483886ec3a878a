#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "gateway/rest/template.h"
#include "services/platform/contract/contract.h"

// One HTTP rule of a method, worked out at start. For this part and gateway/openapi.
namespace helhed::gateway::rest {

using FieldPath = std::vector<google::protobuf::FieldDescriptor const*>;

struct Route {
  enum class Body { kNone, kWhole, kField };

  contract::Method const* method = nullptr;
  int binding = 0;
  // `GET`
  std::string http_method;
  Template path;
  // The fields of the path's variables, in the same order.
  std::vector<FieldPath> variables;
  Body body = Body::kNone;
  google::protobuf::FieldDescriptor const* body_field = nullptr;
  // Whether the body, or the answer, is a google.api.HttpBody: bytes of any media type instead of JSON.
  bool raw_body = false;
  bool raw_answer = false;
  // The one field of the response that is the answer; nullptr when all of it is.
  google::protobuf::FieldDescriptor const* response_field = nullptr;
  google::protobuf::Message const* request = nullptr;
  google::protobuf::Message const* response = nullptr;
  // Fields of the request that header fields lead to; nullptr or empty where it has none.
  google::protobuf::FieldDescriptor const* request_id = nullptr;
  google::protobuf::FieldDescriptor const* cursor = nullptr;
  google::protobuf::FieldDescriptor const* update_mask = nullptr;
  FieldPath etag;
  // Fields of the response: what a resource's ETag is made of, and where a stream goes on.
  google::protobuf::FieldDescriptor const* response_etag = nullptr;
  google::protobuf::FieldDescriptor const* response_cursor = nullptr;

  bool is_get() const { return http_method == "GET"; }
  bool is_stream() const { return method->is_server_stream(); }
};

// The routes of a method: its rule and its additional bindings; none when it has no rule. Errors: FAILED_PRECONDITION that names
// the method and what cannot be served.
absl::StatusOr<std::vector<Route>> RoutesOf(contract::Method const& method);

}  // namespace helhed::gateway::rest
