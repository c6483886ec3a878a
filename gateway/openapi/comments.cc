#include "gateway/openapi/comments.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>

#include "services/platform/base/strings.h"

namespace helhed::gateway::openapi {
namespace {

namespace pb = google::protobuf;

std::string Clean(std::string const& comment) {
  std::string clean;
  bool paragraph = false;
  for (auto const line : absl::StrSplit(comment, '\n')) {
    auto const text = absl::StripAsciiWhitespace(line);
    if (text.empty()) {
      paragraph = !clean.empty();
      continue;
    }
    absl::StrAppend(&clean, paragraph ? "\n\n" : clean.empty() ? "" : " ", text);
    paragraph = false;
  }
  return clean;
}

template <typename Descriptor>
std::string Leading(Descriptor const* descriptor) {
  pb::SourceLocation location;
  if (descriptor == nullptr || !descriptor->GetSourceLocation(&location)) return "";
  return Clean(location.leading_comments);
}

bool LooksLikeName(std::string const& text) {
  return text.find('/') != std::string::npos && text.find_first_of("{}*: ") == std::string::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Comments const>> Comments::Make(std::string_view descriptor_set) {
  pb::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size()))) {
    return absl::InvalidArgumentError("this is no FileDescriptorSet");
  }
  auto comments = std::make_unique<Comments>();
  for (auto const& proto : set.file()) {
    auto const* const file = comments->pool_.BuildFile(proto);
    if (file == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("the descriptor set lacks what ", proto.name(), " imports"));
    comments->Collect(*file);
  }
  std::sort(comments->names_.begin(), comments->names_.end());
  return std::unique_ptr<Comments const>(std::move(comments));
}

void Comments::Collect(pb::FileDescriptor const& file) {
  if (!file.package().starts_with("helhed.")) return;
  for (int i = 0; i < file.message_type_count(); ++i) {
    auto const& type = *file.message_type(i);
    CollectPatterns(type);
    for (int j = 0; j < type.field_count(); ++j) {
      for (auto& text : Backquoted(Leading(type.field(j)))) {
        if (LooksLikeName(text)) names_.push_back(std::move(text));
      }
    }
  }
}

void Comments::CollectPatterns(pb::Descriptor const& type) {
  if (!type.options().HasExtension(google::api::resource)) return;
  for (auto const& pattern : type.options().GetExtension(google::api::resource).pattern()) {
    std::vector<std::string> const segments = absl::StrSplit(pattern, '/');
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
      auto const& next = segments[i + 1];
      if (next.starts_with('{')) variables_.emplace(segments[i], next.substr(1, next.size() - 2));
    }
  }
}

std::string Comments::Of(pb::ServiceDescriptor const& service) const {
  return Leading(pool_.FindServiceByName(service.full_name()));
}
std::string Comments::Of(pb::MethodDescriptor const& method) const { return Leading(pool_.FindMethodByName(method.full_name())); }
std::string Comments::Of(pb::Descriptor const& type) const { return Leading(pool_.FindMessageTypeByName(type.full_name())); }
std::string Comments::Of(pb::FieldDescriptor const& field) const { return Leading(pool_.FindFieldByName(field.full_name())); }
std::string Comments::Of(pb::EnumDescriptor const& type) const { return Leading(pool_.FindEnumTypeByName(type.full_name())); }
std::string Comments::Of(pb::EnumValueDescriptor const& value) const {
  // Its full name stands beside its type's, where two enums of a message could have the same.
  auto const* const type = pool_.FindEnumTypeByName(value.type()->full_name());
  return type == nullptr ? "" : Leading(type->FindValueByName(value.name()));
}

std::string FirstSentence(std::string_view comment) {
  std::string sentence;
  std::vector<absl::string_view> const words = absl::StrSplit(Av(comment), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  for (auto const word : words) {
    absl::StrAppend(&sentence, sentence.empty() ? "" : " ", word);
    if (Sv(word).ends_with('.')) break;
  }
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::vector<std::string> Backquoted(std::string_view comment) {
  std::vector<std::string> const parts = absl::StrSplit(Av(comment), '`');
  std::vector<std::string> texts;
  for (std::size_t i = 1; i + 1 < parts.size(); i += 2) {
    if (!parts[i].empty()) texts.push_back(parts[i]);
  }
  return texts;
}

}  // namespace helhed::gateway::openapi
