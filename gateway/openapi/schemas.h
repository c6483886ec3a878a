#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "gateway/openapi/comments.h"
#include "gateway/openapi/examples.h"
#include "gateway/openapi/tree.h"

// JSON Schema of messages, by the contract's rules. Not for others.
namespace helhed::gateway::openapi {

// What a text may be at most when its field does not say.
inline constexpr int kLengthMaxDefault = 10'000;

class Schemas {
 public:
  Schemas(Comments const& comments, Examples const& examples) : comments_(comments), examples_(examples) {}

  // A reference to the schema of a message, which it adds to the components.
  Json Of(google::protobuf::Descriptor const& type);
  // The same as the body of a PATCH: nothing is required.
  Json PatchOf(google::protobuf::Descriptor const& type);
  // The same as a body of everything but `without`, which the path says.
  Json BodyOf(google::protobuf::Descriptor const& request, std::set<std::string> const& without);
  // The value of a field as it stands in a message, with its comment and limits.
  Json Field(google::protobuf::FieldDescriptor const& field);
  // The value of a field as a path or a query writes it; null when it cannot stand there.
  Json Parameter(google::protobuf::FieldDescriptor const& field);

  // All that was asked for, by name.
  std::map<std::string, Json> const& components() const { return components_; }

 private:
  Json Element(google::protobuf::FieldDescriptor const& field);
  Json Text(google::protobuf::FieldDescriptor const& field) const;
  Json Message(google::protobuf::Descriptor const& type);
  Json Enum(google::protobuf::EnumDescriptor const& type);
  Json Object(google::protobuf::Descriptor const& type, bool with_required, std::set<std::string> const& without);

  Comments const& comments_;
  Examples const& examples_;
  std::map<std::string, Json> components_;
};

}  // namespace helhed::gateway::openapi
