#include "cli/methods.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "cli/descriptors.h"
#include "services/platform/base/strings.h"

namespace helhed::cli {
namespace {

namespace pb = google::protobuf;

// The contract with comments: a pool of its own, because the generated one has none.
struct Documented {
  pb::DescriptorPool pool;
  std::vector<pb::FileDescriptor const*> files;
};

// protoc writes down every field's name in JSON, also where it is what one expects; printed that would be noise.
void ClearJsonNames(pb::DescriptorProto& type) {
  for (auto& field : *type.mutable_field()) field.clear_json_name();
  for (auto& nested : *type.mutable_nested_type()) ClearJsonNames(nested);
}

Documented const& Contract() {
  static auto const* const documented = [] {
    auto* const made = new Documented;
    pb::FileDescriptorSet set;
    auto const bytes = EmbeddedDescriptors();
    if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) std::abort();
    for (auto& file : *set.mutable_file()) {
      for (auto& type : *file.mutable_message_type()) ClearJsonNames(type);
      auto const* const built = made->pool.BuildFile(file);
      if (built == nullptr) std::abort();
      made->files.push_back(built);
    }
    return made;
  }();
  return *documented;
}

bool IsOurs(pb::FileDescriptor const& file) { return file.name().starts_with("helhed/"); }

template <typename Visit>
void ForEachMethod(Visit&& visit) {
  for (auto const* const file : Contract().files) {
    for (int s = 0; IsOurs(*file) && s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) visit(*file->service(s)->method(m));
    }
  }
}

void AddMessages(pb::Descriptor const& type, std::vector<std::string>& names) {
  if (type.options().map_entry()) return;
  names.push_back(type.full_name());
  for (int i = 0; i < type.nested_type_count(); ++i) AddMessages(*type.nested_type(i), names);
  for (int i = 0; i < type.enum_type_count(); ++i) names.push_back(type.enum_type(i)->full_name());
}

std::vector<std::string> MethodNames() {
  std::vector<std::string> names;
  ForEachMethod([&](pb::MethodDescriptor const& method) { names.push_back(method.full_name()); });
  return names;
}

// The full names of everything that can be described.
std::vector<std::string> Names() {
  auto names = MethodNames();
  for (auto const* const file : Contract().files) {
    for (int i = 0; IsOurs(*file) && i < file->service_count(); ++i) names.push_back(file->service(i)->full_name());
    for (int i = 0; i < file->message_type_count(); ++i) AddMessages(*file->message_type(i), names);
    for (int i = 0; i < file->enum_type_count(); ++i) names.push_back(file->enum_type(i)->full_name());
  }
  return names;
}

bool Means(std::string_view wanted, std::string_view full_name) {
  return full_name == wanted || (full_name.ends_with(wanted) && full_name[full_name.size() - wanted.size() - 1] == '.');
}

// The one of `names` that `name` means.
absl::StatusOr<std::string> Resolve(std::string_view name, std::vector<std::string> const& names, std::string_view kind) {
  auto wanted = absl::StrReplaceAll(Av(name), {{"/", "."}});
  if (wanted.starts_with('.')) wanted.erase(0, 1);
  std::vector<std::string> candidates;
  std::vector<std::string> similar;
  for (auto const& full_name : names) {
    if (wanted == full_name) return full_name;
    if (!wanted.empty() && Means(wanted, full_name)) candidates.push_back(full_name);
    bool const near = absl::AsciiStrToLower(full_name).find(absl::AsciiStrToLower(wanted)) != std::string::npos;
    if (!wanted.empty() && near) similar.push_back(full_name);
  }
  if (candidates.size() == 1) return candidates.front();
  std::string message = absl::StrCat(candidates.empty() ? "no " : "several have the name of the ", Av(kind), " '", Av(name), "'");
  if (candidates.empty()) candidates = std::move(similar);
  if (!candidates.empty()) absl::StrAppend(&message, "; it could be\n  ", absl::StrJoin(candidates, "\n  "));
  return absl::InvalidArgumentError(message);
}

// The shortest end of a full name that only it has among `names`.
std::string Shortest(std::string const& full_name, std::vector<std::string> const& names) {
  for (auto dot = full_name.rfind('.'); dot != std::string::npos && dot > 0; dot = full_name.rfind('.', dot - 1)) {
    auto const end = full_name.substr(dot + 1);
    if (std::count_if(names.begin(), names.end(), [&](auto const& other) { return Means(end, other); }) == 1) return end;
  }
  return full_name;
}

std::string FirstSentence(std::string const& comment) {
  std::vector<std::string> const words = absl::StrSplit(comment, absl::ByAnyChar(" \n"), absl::SkipWhitespace());
  std::string sentence;
  for (auto const& word : words) {
    absl::StrAppend(&sentence, sentence.empty() ? "" : " ", word);
    if (word.ends_with('.')) break;
  }
  return sentence;
}

}  // namespace

std::vector<contract::Method const*> AllMethods() {
  std::vector<contract::Method const*> methods;
  ForEachMethod([&](pb::MethodDescriptor const& method) {
    auto const path = absl::StrCat("/", method.service()->full_name(), "/", method.name());
    if (auto const* const found = contract::FindMethod(path)) methods.push_back(found);
  });
  return methods;
}

absl::StatusOr<contract::Method const*> ResolveMethod(std::string_view name) {
  ASSIGN_OR_RETURN(auto const full_name, Resolve(name, MethodNames(), "method"));
  auto const dot = full_name.rfind('.');
  auto const* const method = contract::FindMethod(absl::StrCat("/", full_name.substr(0, dot), "/", full_name.substr(dot + 1)));
  if (method == nullptr) return absl::InternalError(absl::StrCat(full_name, " is not linked into this program"));
  return method;
}

std::string ShortName(contract::Method const& method) { return Shortest(method.descriptor().full_name(), MethodNames()); }

std::string Summary(contract::Method const& method) {
  pb::SourceLocation location;
  auto const* const documented = Contract().pool.FindMethodByName(method.descriptor().full_name());
  if (documented == nullptr || !documented->GetSourceLocation(&location)) return "";
  return FirstSentence(location.leading_comments);
}

absl::StatusOr<std::string> Describe(std::string_view name) {
  ASSIGN_OR_RETURN(auto const full_name, Resolve(name, Names(), "method, message, enum or service"));
  pb::DebugStringOptions options;
  options.include_comments = true;
  auto const& pool = Contract().pool;
  auto const text = [&](auto const* descriptor) {
    return absl::StrCat("// ", descriptor->full_name(), " (", descriptor->file()->name(), ")\n",
                        descriptor->DebugStringWithOptions(options));
  };
  if (auto const* const message = pool.FindMessageTypeByName(full_name)) return text(message);
  if (auto const* const enumeration = pool.FindEnumTypeByName(full_name)) return text(enumeration);
  if (auto const* const service = pool.FindServiceByName(full_name)) return service->DebugStringWithOptions(options);
  auto const* const method = pool.FindMethodByName(full_name);
  auto const file = absl::StrCat("// ", full_name, " (", method->file()->name(), ")\n");
  return absl::StrCat(file, method->DebugStringWithOptions(options), "\n", text(method->input_type()), "\n",
                      text(method->output_type()));
}

std::vector<std::string> DescribableNames() {
  auto const names = Names();
  std::vector<std::string> shortest;
  for (auto const& name : names) shortest.push_back(Shortest(name, names));
  return shortest;
}

}  // namespace helhed::cli
