#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/openapi/comments.h"

// Values that keep the contract's rules, taken from its comments where those name one. Not for others.
namespace helhed::gateway::openapi {

enum class Purpose { kRequest, kResponse };

class Examples {
 public:
  explicit Examples(Comments const& comments) : comments_(comments) {}

  // A message of a linked type with its fields set, as deep as is of use. In a request what only the server sets is left out.
  std::unique_ptr<google::protobuf::Message> Message(google::protobuf::Descriptor const& type, Purpose purpose) const;

  // A text that the rules of a string field take; nullopt where none could be found.
  std::optional<std::string> Text(google::protobuf::FieldDescriptor const& field) const;

  // The part of a name after a collection: `organisations` -> `9001`.
  std::string Part(std::string_view collection) const;

 private:
  void Fill(google::protobuf::Message& message, Purpose purpose, int depth) const;
  // `element` counts those of a repeated field from 0.
  void Set(google::protobuf::Message& message, google::protobuf::FieldDescriptor const& field, Purpose purpose, int depth,
           unsigned element) const;
  void SetScalar(google::protobuf::Message& message, google::protobuf::FieldDescriptor const& field, unsigned element) const;
  std::optional<std::string> Name(google::protobuf::FieldDescriptor const& field) const;

  Comments const& comments_;
};

// The shortest text that a regular expression takes, of those that have literals, classes, groups, alternatives and counts;
// nullopt for others.
std::optional<std::string> Matching(std::string_view pattern);

}  // namespace helhed::gateway::openapi
