#include <absl/strings/str_split.h>
#include <google/api/annotations.pb.h>
#include <google/api/resource.pb.h>

#include <algorithm>

#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "tests/contract/checker.h"

namespace helhed::tests {
namespace {

using google::api::HttpRule;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using policy::v1::MethodPolicy;

struct Binding {
  std::string verb;
  std::string path;
  std::string body;
};

Binding BindingOf(HttpRule const& rule) {
  switch (rule.pattern_case()) {
    case HttpRule::kGet:
      return {"GET", rule.get(), rule.body()};
    case HttpRule::kPut:
      return {"PUT", rule.put(), rule.body()};
    case HttpRule::kPost:
      return {"POST", rule.post(), rule.body()};
    case HttpRule::kDelete:
      return {"DELETE", rule.delete_(), rule.body()};
    case HttpRule::kPatch:
      return {"PATCH", rule.patch(), rule.body()};
    default:
      return {};
  }
}

std::vector<Binding> BindingsOf(MethodDescriptor const& method) {
  std::vector<Binding> bindings;
  if (!method.options().HasExtension(google::api::http)) return bindings;
  auto const& rule = method.options().GetExtension(google::api::http);
  bindings.push_back(BindingOf(rule));
  for (auto const& additional : rule.additional_bindings()) bindings.push_back(BindingOf(additional));
  return bindings;
}

struct Template {
  std::vector<std::string> variables;
  // The path with every variable replaced by what it stands for: two templates that are equal then take the same paths.
  std::string shape;
};

Template Parse(std::string const& path) {
  Template parsed;
  for (std::size_t at = 0; at < path.size();) {
    auto const end = path[at] == '{' ? path.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      parsed.shape += path[at++];
      continue;
    }
    auto const inside = path.substr(at + 1, end - at - 1);
    auto const equals = inside.find('=');
    parsed.variables.push_back(inside.substr(0, equals));
    parsed.shape += equals == std::string::npos ? "*" : inside.substr(equals + 1);
    at = end + 1;
  }
  return parsed;
}

bool IsString(FieldDescriptor const* field) {
  return field != nullptr && field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated();
}

// The singular string at the end of a path of fields, or nullptr.
FieldDescriptor const* StringAt(Descriptor const& request, std::string const& path) {
  auto const fields = contract::FieldsAlong(request, path);
  return fields.empty() || !IsString(fields.back()) ? nullptr : fields.back();
}

bool IsPrivate(FieldDescriptor const& field) { return contract::DataClassOf(field) >= policy::v1::DATA_CLASS_PERSONAL; }

// The private fields of `type` that are none of `elsewhere`, at any depth. `seen` lets types that hold themselves come to an end.
void FindPrivate(Descriptor const& type, std::set<FieldDescriptor const*> const& elsewhere, std::set<Descriptor const*>& seen,
                 std::vector<FieldDescriptor const*>& found) {
  if (!seen.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    auto const* const field = type.field(i);
    if (elsewhere.contains(field)) continue;
    if (IsPrivate(*field)) {
      found.push_back(field);
    } else if (field->message_type() != nullptr) {
      FindPrivate(*field->message_type(), elsewhere, seen, found);
    }
  }
}

bool Carries(policy::v1::Role const& role, std::string const& permission) {
  return std::any_of(role.permissions().begin(), role.permissions().end(), [&](std::string const& carried) {
    return carried.ends_with('*') ? permission.starts_with(carried.substr(0, carried.size() - 1)) : carried == permission;
  });
}

MethodPolicy const& PolicyOf(MethodDescriptor const& method) { return method.options().GetExtension(policy::v1::method); }

}  // namespace

void Checker::CheckServices(google::protobuf::FileDescriptor const& file) {
  for (int i = 0; i < file.service_count(); ++i) {
    CheckComment(*file.service(i));
    for (int j = 0; j < file.service(i)->method_count(); ++j) CheckMethod(*file.service(i)->method(j));
  }
}

void Checker::CheckMethod(MethodDescriptor const& method) {
  CheckComment(method);
  if (method.client_streaming()) Add(method, "streams from the caller are not supported");
  CheckHttp(method);
  if (!method.options().HasExtension(policy::v1::method)) return Add(method, "has no policy (helhed.policy.v1.method)");
  CheckPolicy(method);
  if (PolicyOf(method).effect() != policy::v1::EFFECT_READ) CheckMutation(method);
  if (method.name().starts_with("List")) CheckList(method);
  if (method.name().starts_with("Update")) CheckUpdate(method);
}

void Checker::CheckPolicy(MethodDescriptor const& method) {
  auto const& policy = PolicyOf(method);
  CheckPermission(method, policy.permission());
  bool const is_read = policy.effect() == policy::v1::EFFECT_READ;
  if (policy.effect() == policy::v1::EFFECT_UNSPECIFIED) Add(method, "its policy has no effect");
  if (!is_read && policy.audit() != policy::v1::AUDIT_LEVEL_METADATA && policy.audit() != policy::v1::AUDIT_LEVEL_REQUEST) {
    Add(method, "changes something and is not audited");
  }
  bool const names_none = policy.scope() == policy::v1::SCOPE_GLOBAL || policy.scope() == policy::v1::SCOPE_FILTERED;
  if (policy.resource().empty() && !names_none && !policy.public_())
    Add(method, "its policy names no resource, which its scope needs");
  if (!policy.resource().empty() && StringAt(*method.input_type(), policy.resource()) == nullptr) {
    Add(method, Sv(absl::StrCat("its policy's resource `", policy.resource(), "` is no string of the request")));
  }
  for (auto const& binding : BindingsOf(method)) {
    // A read whose request holds private values cannot be a GET, whose path and query are logged everywhere: it is a custom
    // method by POST (AIP-136).
    auto const last = binding.path.substr(binding.path.rfind('/') + 1);
    bool const is_custom = last.find(':', last.find('}') == std::string::npos ? 0 : last.find('}')) != std::string::npos;
    bool const is_custom_read = is_read && binding.verb == "POST" && is_custom && binding.body == "*";
    if (is_read != (binding.verb == "GET") && !is_custom_read)
      Add(method, Sv(absl::StrCat("GET is for EFFECT_READ and only that, not ", binding.verb)));
  }
}

void Checker::CheckPermission(MethodDescriptor const& method, std::string const& permission) {
  if (PolicyOf(method).public_() && permission.empty()) return;
  std::vector<std::string> const parts = absl::StrSplit(permission, '.');
  std::vector<std::string> const package = absl::StrSplit(method.service()->file()->package(), '.');
  std::set<std::string> collections;
  for (auto const& binding : BindingsOf(method)) {
    for (auto const part : absl::StrSplit(Parse(binding.path).shape, absl::ByAnyChar("/:"))) collections.emplace(part);
  }
  bool const is_word = parts.size() == 3 && !parts[2].empty() && std::all_of(parts[2].begin(), parts[2].end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                       });
  if (!is_word || package.size() < 2 || parts[0] != package[1] || !collections.contains(parts[1])) {
    Add(method, Sv(absl::StrCat("its permission `", permission,
                                "` is not `<service>.<plural>.<verb>` of its package and a collection of its path")));
  }
  if (std::none_of(roles_.roles().begin(), roles_.roles().end(), [&](auto const& role) { return Carries(role, permission); })) {
    Add(method, Sv(absl::StrCat("no role of the policy file carries `", permission, "`")));
  }
}

void Checker::CheckHttp(MethodDescriptor const& method) {
  auto const bindings = BindingsOf(method);
  if (bindings.empty()) return Add(method, "has no google.api.http rule");
  for (auto const& binding : bindings) {
    if (binding.path.empty()) {
      Add(method, "its google.api.http rule has no path");
      continue;
    }
    auto const parsed = Parse(binding.path);
    auto const [other, is_first] = bindings_.emplace(absl::StrCat(binding.verb, " ", parsed.shape), method.full_name());
    if (!is_first) Add(method, Sv(absl::StrCat("takes the same ", binding.verb, " ", parsed.shape, " as ", other->second)));
    bool const bodiless = binding.verb == "GET" || binding.verb == "DELETE";
    if (bodiless && !binding.body.empty()) Add(method, Sv(absl::StrCat(binding.verb, " has no body")));
    if (!binding.body.empty() && binding.body != "*" && method.input_type()->FindFieldByName(binding.body) == nullptr) {
      Add(method, Sv(absl::StrCat("its body `", binding.body, "` is no field of the request")));
    }
    std::set<FieldDescriptor const*> in_path;
    for (auto const& variable : parsed.variables) {
      auto const* const field = StringAt(*method.input_type(), variable);
      if (field == nullptr) {
        Add(method, Sv(absl::StrCat("the variable `", variable, "` of its path is no string of the request")));
        continue;
      }
      in_path.insert(field);
      if (IsPrivate(*field)) Add(*field, "is PERSONAL or more private and stands in the path of " + method.full_name());
    }
    CheckQuery(method, binding.body, in_path);
  }
}

void Checker::CheckQuery(MethodDescriptor const& method, std::string const& body, std::set<FieldDescriptor const*> elsewhere) {
  if (body == "*") return;
  if (auto const* const field = method.input_type()->FindFieldByName(body); field != nullptr) elsewhere.insert(field);
  std::set<Descriptor const*> seen;
  std::vector<FieldDescriptor const*> found;
  FindPrivate(*method.input_type(), elsewhere, seen, found);
  for (auto const* const field : found)
    Add(*field, "is PERSONAL or more private and stands in the query of " + method.full_name());
}

void Checker::CheckMutation(MethodDescriptor const& method) {
  auto const* const id = method.input_type()->FindFieldByName("request_id");
  if (!IsString(id) || !id->options().GetExtension(policy::v1::field).rules().uuid()) {
    Add(method, "changes something and its request has no `string request_id` with the rule uuid (AIP-155)");
  }
  auto const* const only = method.input_type()->FindFieldByName("validate_only");
  if (only == nullptr || only->is_repeated() || only->type() != FieldDescriptor::TYPE_BOOL) {
    Add(method, "changes something and its request has no `bool validate_only` (AIP-163)");
  }
}

void Checker::CheckList(MethodDescriptor const& method) {
  auto const& request = *method.input_type();
  auto const& response = *method.output_type();
  auto const* const size = request.FindFieldByName("page_size");
  if (size == nullptr || size->is_repeated() || size->type() != FieldDescriptor::TYPE_INT32) {
    Add(method, "lists and its request has no `int32 page_size` (AIP-158)");
  }
  for (auto const* const name : {"page_token", "filter", "order_by"}) {
    if (!IsString(request.FindFieldByName(name))) {
      Add(method, Sv(absl::StrCat("lists and its request has no `string ", name, "` (AIP-132, 158, 160)")));
    }
  }
  if (!IsString(response.FindFieldByName("next_page_token"))) {
    Add(method, "lists and its response has no `string next_page_token` (AIP-158)");
  }
  std::vector<FieldDescriptor const*> repeated;
  for (int i = 0; i < response.field_count(); ++i) {
    if (response.field(i)->is_repeated()) repeated.push_back(response.field(i));
  }
  bool const is_one = repeated.size() == 1 && repeated[0]->message_type() != nullptr &&
                      repeated[0]->message_type()->options().HasExtension(google::api::resource);
  if (!is_one) Add(method, "lists and its response has not exactly one repeated field, of a resource (AIP-132)");
}

void Checker::CheckUpdate(MethodDescriptor const& method) {
  auto const& request = *method.input_type();
  auto const* const mask = request.FindFieldByName("update_mask");
  if (mask == nullptr || mask->is_repeated() || mask->message_type() == nullptr ||
      mask->message_type()->full_name() != "google.protobuf.FieldMask") {
    Add(method, "updates and its request has no `google.protobuf.FieldMask update_mask` (AIP-134)");
  }
  bool has_resource = false;
  for (int i = 0; i < request.field_count(); ++i) {
    auto const& field = *request.field(i);
    has_resource = has_resource || (!field.is_repeated() && field.message_type() == method.output_type() &&
                                    method.output_type()->options().HasExtension(google::api::resource));
  }
  if (!has_resource) Add(method, "updates and its request has no field of the resource that it answers with (AIP-134)");
}

}  // namespace helhed::tests
