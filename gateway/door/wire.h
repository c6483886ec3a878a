#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Protocol buffers by hand (protobuf.dev/programming-guides/encoding), for the few messages of gRPC's own services: their
// generated code is compiled into grpc++ as well, and two copies of it in one process abort. Not for others.
namespace helhed::gateway::door {

struct WireField {
  std::uint32_t number = 0;
  std::uint64_t value = 0;  // of a number
  std::string_view bytes;   // of a text or a message
};

// The fields of a message in order; false when the bytes are no message.
bool ReadWire(std::string_view message, std::vector<WireField>& fields);

// Appends a field.
void AppendWire(std::uint32_t number, std::string_view bytes, std::string& message);
void AppendWire(std::uint32_t number, std::uint64_t value, std::string& message);

}  // namespace helhed::gateway::door
