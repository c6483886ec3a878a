#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "services/platform/base/strings.h"

// What reading and writing ask about a type, worked out once. Not for others.
namespace helhed::json {

// Types whose JSON is not an object of their fields.
enum class Kind { kPlain, kTimestamp, kDuration, kFieldMask, kWrapper, kAny, kStruct, kValue, kListValue };

struct FieldPlan {
  google::protobuf::FieldDescriptor const* field = nullptr;
  // `"displayName":`
  std::string key;
};

struct TypePlan {
  Kind kind = Kind::kPlain;
  std::vector<FieldPlan> fields;
  // By both names.
  std::unordered_map<std::string, google::protobuf::FieldDescriptor const*, StringHash, std::equal_to<>> by_name;
};

// Kept as long as the process, so `type` must live as long. Safe from any thread.
TypePlan const& PlanOf(google::protobuf::Descriptor const& type);

}  // namespace helhed::json
