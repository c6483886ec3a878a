#include "services/platform/contract/fields.h"

#include <absl/strings/str_cat.h>
#include <google/api/resource.pb.h>

#include <algorithm>

namespace helhed::contract {
namespace {

using google::protobuf::FieldDescriptor;

// A path is the caller's own text: it is repeated only where it cannot be more than a name.
bool IsPlain(std::string_view path) {
  constexpr std::size_t path_bytes_max = 200;
  return !path.empty() && path.size() <= path_bytes_max && std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '*';
  });
}

}  // namespace

bool HasBehavior(FieldDescriptor const& field, google::api::FieldBehavior behavior) {
  for (int i = 0; i < field.options().ExtensionSize(google::api::field_behavior); ++i) {
    if (field.options().GetExtension(google::api::field_behavior, i) == behavior) return true;
  }
  return false;
}

std::string EnumPrefix(google::protobuf::EnumDescriptor const& type) {
  constexpr std::string_view first = "UNSPECIFIED";
  auto const& name = type.value(0)->name();
  return name.ends_with(first) ? name.substr(0, name.size() - first.size()) : "";
}

std::string EnumText(google::protobuf::EnumDescriptor const& type, int number) {
  auto const* const value = type.FindValueByNumber(number);
  return value == nullptr ? "" : value->name().substr(EnumPrefix(type).size());
}

bool IsProtected(FieldDescriptor const& field) {
  return HasBehavior(field, google::api::OUTPUT_ONLY) || HasBehavior(field, google::api::IMMUTABLE) ||
         HasBehavior(field, google::api::IDENTIFIER) ||
         (field.name() == "etag" && field.containing_type()->options().HasExtension(google::api::resource));
}

std::vector<FieldDescriptor const*> FieldsAlong(google::protobuf::Descriptor const& type, std::string_view path) {
  std::vector<FieldDescriptor const*> fields;
  auto const* level = &type;
  for (std::size_t begin = 0; begin <= path.size();) {
    auto const end = std::min(path.find('.', begin), path.size());
    auto const* const field = level == nullptr ? nullptr : level->FindFieldByName(std::string(path.substr(begin, end - begin)));
    if (field == nullptr) return {};
    fields.push_back(field);
    level = field->is_repeated() ? nullptr : field->message_type();
    begin = end + 1;
  }
  return fields;
}

std::vector<FieldViolation> MaskFaults(google::protobuf::FieldMask const& mask, google::protobuf::Descriptor const& resource,
                                       std::string_view field) {
  std::vector<FieldViolation> faults;
  for (int i = 0; i < mask.paths_size(); ++i) {
    auto const& path = mask.paths(i);
    if (path == "*") {
      if (mask.paths_size() == 1) continue;
      faults.push_back({absl::StrCat(Av(field), ".paths[", i, "]"), "`*` must stand alone"});
    } else if (FieldsAlong(resource, path).empty()) {
      auto const named = IsPlain(path) ? absl::StrCat("`", path, "`") : std::string("this path");
      faults.push_back({absl::StrCat(Av(field), ".paths[", i, "]"), absl::StrCat(named, " is not a field of ", resource.name())});
    }
  }
  return faults;
}

}  // namespace helhed::contract
