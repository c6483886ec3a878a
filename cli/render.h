#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

// Messages and errors as text: proto3 JSON, and what an operator reads.
namespace helhed::cli {

// A message of a linked type from its JSON. INVALID_ARGUMENT names what is wrong; unknown fields are refused.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> FromJson(google::protobuf::Descriptor const& type,
                                                                    std::string_view json);

enum class JsonLayout { kIndented, kOneLine };
// The message as proto3 JSON, default values printed. An error when it holds an Any of a type that this program does not have.
absl::StatusOr<std::string> ToJson(google::protobuf::Message const& message, JsonLayout layout);

// An empty message of a linked type.
std::unique_ptr<google::protobuf::Message> NewMessage(google::protobuf::Descriptor const& type);

// Code and reason, message, every violation on a line, metadata, when to try again.
void PrintError(std::ostream& out, absl::Status const& status);

// The same as AIP-193 JSON: {"error": {"code": 404, "message": ..., "status": "NOT_FOUND", "details": [...]}}.
std::string ErrorJson(absl::Status const& status);

}  // namespace helhed::cli
