#include "services/platform/contract/resource_name.h"

#include <absl/strings/str_split.h>
#include <google/api/resource.pb.h>

#include <cstdlib>
#include <iostream>
#include <unordered_map>

#include "services/platform/base/parent_name.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/pool.h"

namespace helhed::contract {
namespace {

// RFC 3986's unreserved characters: nothing that a URL would have to escape.
bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '~' ||
         c == '-';
}

bool IsValue(std::string_view segment) {
  constexpr std::size_t value_characters_max = 63;
  if (segment.empty() || segment.size() > value_characters_max) return false;
  if (segment == "-" || segment == "." || segment == "..") return false;
  return std::all_of(segment.begin(), segment.end(), IsUnreserved);
}

bool IsVariable(std::string_view segment) { return segment.starts_with('{'); }

// Takes the part before the next `/` off `rest`; `more` becomes false at the last one.
std::string_view Take(std::string_view& rest, bool& more) {
  auto const slash = rest.find('/');
  auto const part = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return part;
}

class Patterns {
 public:
  Patterns() {
    ForEachMessage([this](google::protobuf::Descriptor const& type) {
      if (type.options().HasExtension(google::api::resource)) Add(type.options().GetExtension(google::api::resource));
    });
    ForEachFile([this](google::protobuf::FileDescriptor const& file) {
      for (auto const& definition : file.options().GetRepeatedExtension(google::api::resource_definition)) Add(definition);
    });
  }

  NamePattern const* Find(std::string_view type) const {
    auto const found = by_type_.find(type);
    return found == by_type_.end() ? nullptr : &found->second;
  }

  bool FitsAny(std::string_view name) const {
    return std::any_of(by_type_.begin(), by_type_.end(), [&](auto const& entry) { return entry.second.Fits(name); });
  }

 private:
  void Add(google::api::ResourceDescriptor const& resource) {
    if (resource.pattern_size() > 0) by_type_.emplace(resource.type(), NamePattern(resource.pattern(0)));
  }

  std::unordered_map<std::string, NamePattern, StringHash, std::equal_to<>> by_type_;
};

Patterns const& AllPatterns() {
  static Patterns const& patterns = *new Patterns();
  return patterns;
}

}  // namespace

NamePattern::NamePattern(std::string_view pattern) : text_(pattern), segments_(absl::StrSplit(text_, '/')) {
  for (auto const& segment : segments_) {
    if (IsVariable(segment)) variables_.push_back(segment.substr(1, segment.size() - 2));
  }
}

bool NamePattern::Fits(std::string_view name) const {
  bool more = true;
  for (auto const& segment : segments_) {
    if (!more) return false;
    auto const part = Take(name, more);
    if (IsVariable(segment) ? !IsValue(part) : part != segment) return false;
  }
  return !more;
}

std::optional<std::vector<std::string>> NamePattern::Match(std::string_view name) const {
  if (!Fits(name)) return std::nullopt;
  std::vector<std::string> values;
  values.reserve(variables_.size());
  bool more = true;
  for (auto const& segment : segments_) {
    auto const part = Take(name, more);
    if (IsVariable(segment)) values.emplace_back(part);
  }
  return values;
}

std::string NamePattern::Make(std::vector<std::string> const& values) const {
  if (values.size() != variables_.size()) {
    std::cerr << "resource name " << text_ << ": " << variables_.size() << " values needed, got " << values.size() << std::endl;
    std::abort();
  }
  std::string name;
  auto value = values.begin();
  for (auto const& segment : segments_) {
    if (!name.empty()) name += '/';
    name += IsVariable(segment) ? *value++ : segment;
  }
  return name;
}

NamePattern const* PatternOfType(std::string_view type) { return AllPatterns().Find(type); }

bool IsResourceName(std::string_view name) { return AllPatterns().FitsAny(name); }

NamePattern const* PatternOf(google::protobuf::Descriptor const& resource) {
  if (!resource.options().HasExtension(google::api::resource)) return nullptr;
  return PatternOfType(resource.options().GetExtension(google::api::resource).type());
}

bool Covers(std::string_view scope, std::string_view name) {
  if (scope.empty()) return true;
  return name.starts_with(scope) && (name.size() == scope.size() || name[scope.size()] == '/');
}

std::string_view LastPart(std::string_view name) {
  auto const slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::string_view ParentOf(std::string_view name) { return ParentName(name); }

}  // namespace helhed::contract
