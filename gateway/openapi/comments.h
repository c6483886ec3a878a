#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The comments of the contract: generated code has none, so they come from a descriptor set with source info. Not for others.
namespace helhed::gateway::openapi {

class Comments {
 public:
  // Errors: INVALID_ARGUMENT when the bytes are no FileDescriptorSet, or one that does not hold all it imports.
  static absl::StatusOr<std::unique_ptr<Comments const>> Make(std::string_view descriptor_set);

  // What stands before the element, paragraphs divided by an empty line; empty where nothing does.
  std::string Of(google::protobuf::ServiceDescriptor const& service) const;
  std::string Of(google::protobuf::MethodDescriptor const& method) const;
  std::string Of(google::protobuf::Descriptor const& type) const;
  std::string Of(google::protobuf::FieldDescriptor const& field) const;
  std::string Of(google::protobuf::EnumDescriptor const& type) const;
  std::string Of(google::protobuf::EnumValueDescriptor const& value) const;

  // Texts in backquotes anywhere in the contract's comments that look like resource names (`organisations/9001`), sorted.
  std::vector<std::string> const& names() const { return names_; }
  // `organisations` -> `organisation`: what the patterns of resources call the part after a collection.
  std::map<std::string, std::string, std::less<>> const& variables() const { return variables_; }

 private:
  void Collect(google::protobuf::FileDescriptor const& file);
  void CollectPatterns(google::protobuf::Descriptor const& type);

  google::protobuf::DescriptorPool pool_;
  std::vector<std::string> names_;
  std::map<std::string, std::string, std::less<>> variables_;
};

// The first sentence of a comment without its full stop.
std::string FirstSentence(std::string_view comment);

// The texts in backquotes.
std::vector<std::string> Backquoted(std::string_view comment);

}  // namespace helhed::gateway::openapi
