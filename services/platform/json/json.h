#pragma once

#include <absl/status/status.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/status.h"

// Messages as proto3 JSON (protobuf.dev/programming-guides/json), read strictly: what a caller meant and what is stored are the
// same, or he is told. Types must be linked into the process.
namespace helhed::json {

// How deep objects and arrays may lie in each other.
inline constexpr int kDepthMax = 64;
// More violations than these are not looked for in one request.
inline constexpr std::size_t kViolationsMax = 100;

using Violations = std::vector<FieldViolation>;

// Reads `text`, one JSON object, into `message`. Names of fields may be those of the contract or their lowerCamelCase; numbers of
// 64 bits may be strings; enum values may be numbers; bytes may be of either alphabet (RFC 4648); `null` leaves a field unset.
// Every rule that is broken is added to `violations`, and what breaks it is left out: an unknown field, a name that occurs twice
// (also once in either form), two fields of a oneof, a null in a list, an integer with a fraction or out of range, a text that is
// not UTF-8, more than kDepthMax levels. `at` is the path of `message` in the request, put before the names. When `given` is not
// null it gets the paths (of the contract's names, from `message`) that the text says something about, as a field mask needs
// them: an object of one message is gone into; lists, maps, well-known types and values such as a date are not.
void Read(std::string_view text, google::protobuf::Message& message, std::string_view at, Violations& violations,
          std::vector<std::string>* given = nullptr);

// The same for a whole request: INVALID_ARGUMENT BAD_REQUEST with every violation.
absl::Status Read(std::string_view text, google::protobuf::Message& message);

// Sets a field from a text that stands outside of JSON: a path or a query. Adds to a repeated field. Takes scalars and the types
// whose JSON is a string (Timestamp, Duration, FieldMask, wrappers), and besides google.type.Date as `2026-01-31`. What is wrong
// is added to `violations` under `at`.
void ReadText(std::string_view text, google::protobuf::Message& message, google::protobuf::FieldDescriptor const& field,
              std::string_view at, Violations& violations);
// Whether ReadText takes such a field.
bool TakesText(google::protobuf::FieldDescriptor const& field);

// Adds an entry to a map field whose values are scalars.
void ReadMapText(std::string_view key, std::string_view text, google::protobuf::Message& message,
                 google::protobuf::FieldDescriptor const& field, std::string_view at, Violations& violations);

// Where a mask that follows a text stops although the field is one message: its type is a value of its own.
bool IsValueType(google::protobuf::Descriptor const& type);

// Whether the JSON of a type is not an object of its fields (Timestamp, Struct, wrappers, ...); false for nullptr.
bool IsWellKnown(google::protobuf::Descriptor const* type);

// The field that JSON calls `name`, in either form; nullptr when `type` has none.
google::protobuf::FieldDescriptor const* FindField(google::protobuf::Descriptor const& type, std::string_view name);

// A caller's word, where it is short and cannot be more than a name; else empty. Other words of his are not repeated.
std::string_view SafeName(std::string_view word);

// The message as JSON: fields in the contract's order, names in lowerCamelCase, values that are 0 or empty printed, 64 bits as
// strings, enum values by name, keys of maps sorted. An Any of a type that is not linked, or deeper than kDepthMax, keeps its
// bytes:
// {"@type": ..., "value": base64}.
std::string Write(google::protobuf::Message const& message);
// The value of one field as JSON, `null` when it is a message and unset.
std::string WriteField(google::protobuf::Message const& message, google::protobuf::FieldDescriptor const& field);
// A text as a JSON string.
std::string Quote(std::string_view text);

}  // namespace helhed::json
