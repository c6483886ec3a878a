#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Resource names after AIP-122, by the patterns of google.api.resource.
namespace helhed::contract {

// A pattern such as `organisations/{organisation}/departments/{department}`.
class NamePattern {
 public:
  explicit NamePattern(std::string_view pattern);

  std::string const& text() const { return text_; }
  // `organisation`, `department`, in order: also the names of the key columns.
  std::vector<std::string> const& variables() const { return variables_; }

  // The values of the variables, or nullopt when `name` does not fit. A value is 1 to 63 characters of [A-Za-z0-9._~-] and not
  // `-` alone, `.` or `..`.
  std::optional<std::vector<std::string>> Match(std::string_view name) const;
  // The same question without the values.
  bool Fits(std::string_view name) const;
  // The name of these values, as many as there are variables; aborts on another number. They are not checked.
  std::string Make(std::vector<std::string> const& values) const;

 private:
  std::string text_;
  std::vector<std::string> segments_;
  std::vector<std::string> variables_;
};

// The pattern of a resource type (`helhed.dk/Department`), or of a resource message; nullptr when the contract has none.
NamePattern const* PatternOfType(std::string_view type);
NamePattern const* PatternOf(google::protobuf::Descriptor const& resource);

// Whether `name` fits the pattern of any resource of the contract. What does not may be anything, a person's data by mistake
// included, and is not repeated to anyone.
bool IsResourceName(std::string_view name);

// True when `name` is `scope` itself or below it. The empty scope covers everything; `plans/a` does not cover `plans/ab`.
bool Covers(std::string_view scope, std::string_view name);

// The last part of a name: `organisations/9001/departments/001` -> `001`.
std::string_view LastPart(std::string_view name);
// What comes before its collection: `organisations/9001/departments/001` -> `organisations/9001`; empty for a top-level name.
std::string_view ParentOf(std::string_view name);

}  // namespace helhed::contract
