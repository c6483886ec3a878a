#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <cstdlib>
#include <iostream>
#include <unordered_map>

#include "services/platform/base/strings.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/pool.h"

namespace helhed::contract {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

[[noreturn]] void Die(google::protobuf::MethodDescriptor const& method, std::string_view fault) {
  std::cerr << "contract: " << method.full_name() << ": " << fault << std::endl;
  std::abort();
}

FieldDescriptor const* SingularField(google::protobuf::Descriptor const& type, std::string const& name,
                                     FieldDescriptor::CppType cpp_type) {
  auto const* const field = type.FindFieldByName(name);
  return field != nullptr && !field->is_repeated() && field->cpp_type() == cpp_type ? field : nullptr;
}

std::vector<FieldDescriptor const*> ResourcePath(google::protobuf::MethodDescriptor const& method, std::string const& path) {
  std::vector<FieldDescriptor const*> fields;
  if (path.empty()) return fields;
  auto const* type = method.input_type();
  for (auto const& name : absl::StrSplit(path, '.')) {
    auto const* const field = type == nullptr ? nullptr : type->FindFieldByName(std::string(name));
    if (field == nullptr || field->is_repeated()) Die(method, "the policy's resource " + path + " is not a field of the request");
    fields.push_back(field);
    type = field->message_type();
  }
  if (fields.back()->cpp_type() != FieldDescriptor::CPPTYPE_STRING)
    Die(method, "the policy's resource " + path + " is no string");
  return fields;
}

class Registry {
 public:
  Registry() {
    ForEachFile([this](google::protobuf::FileDescriptor const& file) {
      for (int i = 0; i < file.service_count(); ++i) Add(*file.service(i));
    });
  }

  Method const* Find(std::string_view path) const {
    auto const found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : found->second;
  }

  std::vector<Method const*> All() const {
    std::vector<Method const*> all;
    for (auto const& method : methods_) all.push_back(method.get());
    return all;
  }

  std::vector<Method const*> Of(std::string_view service) const {
    auto const found = by_service_.find(service);
    return found == by_service_.end() ? std::vector<Method const*>() : found->second;
  }

 private:
  template <typename Value>
  using ByName = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

  void Add(google::protobuf::ServiceDescriptor const& service) {
    for (int i = 0; i < service.method_count(); ++i) {
      methods_.push_back(std::make_unique<Method>(service.method(i)));
      by_path_.emplace(methods_.back()->path(), methods_.back().get());
      by_service_[service.full_name()].push_back(methods_.back().get());
    }
  }

  std::vector<std::unique_ptr<Method>> methods_;
  ByName<Method const*> by_path_;
  ByName<std::vector<Method const*>> by_service_;
};

Registry const& TheRegistry() {
  static Registry const& registry = *new Registry();
  return registry;
}

}  // namespace

Method::Method(google::protobuf::MethodDescriptor const* descriptor)
    : descriptor_(descriptor),
      policy_(descriptor->options().GetExtension(policy::v1::method)),
      path_(absl::StrCat("/", descriptor->service()->full_name(), "/", descriptor->name())),
      resource_path_(ResourcePath(*descriptor, policy_.resource())),
      request_id_(SingularField(*descriptor->input_type(), "request_id", FieldDescriptor::CPPTYPE_STRING)),
      validate_only_(SingularField(*descriptor->input_type(), "validate_only", FieldDescriptor::CPPTYPE_BOOL)) {
  if (!descriptor->options().HasExtension(policy::v1::method)) Die(*descriptor, "has no policy (helhed.policy.v1.method)");
  constexpr std::size_t request_bytes_max_default = std::size_t{256} * 1024;
  request_bytes_max_ =
      policy_.request_bytes_max() > 0 ? static_cast<std::size_t>(policy_.request_bytes_max()) : request_bytes_max_default;
  timeout_ = policy_.has_timeout() ? absl::Seconds(policy_.timeout().seconds()) + absl::Nanoseconds(policy_.timeout().nanos())
                                   : absl::Seconds(10);
}

std::string Method::Resource(Message const& request) const {
  if (resource_path_.empty()) return "";
  Message const* message = &request;
  for (std::size_t i = 0; i + 1 < resource_path_.size(); ++i) {
    message = &message->GetReflection()->GetMessage(*message, resource_path_[i]);
  }
  return message->GetReflection()->GetString(*message, resource_path_.back());
}

std::string Method::RequestId(Message const& request) const {
  return request_id_ == nullptr ? "" : request.GetReflection()->GetString(request, request_id_);
}

bool Method::ValidateOnly(Message const& request) const {
  return validate_only_ != nullptr && request.GetReflection()->GetBool(request, validate_only_);
}

Method const* FindMethod(std::string_view path) { return TheRegistry().Find(path); }

std::vector<Method const*> AllMethods() { return TheRegistry().All(); }

std::vector<Method const*> MethodsOf(std::string_view service) { return TheRegistry().Of(service); }

}  // namespace helhed::contract
