#include "gateway/rest/route.h"

#include <absl/strings/str_cat.h>
#include <google/api/annotations.pb.h>
#include <google/api/http.pb.h>

#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::rest {
namespace {

namespace pb = google::protobuf;
using google::api::HttpRule;
using pb::FieldDescriptor;

absl::Status Cannot(contract::Method const& method, std::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat("the HTTP rule of ", method.path(), " cannot be served: ", Av(what)));
}

std::pair<std::string, std::string> PatternOf(HttpRule const& rule) {
  switch (rule.pattern_case()) {
    case HttpRule::kGet:
      return {"GET", rule.get()};
    case HttpRule::kPut:
      return {"PUT", rule.put()};
    case HttpRule::kPost:
      return {"POST", rule.post()};
    case HttpRule::kDelete:
      return {"DELETE", rule.delete_()};
    case HttpRule::kPatch:
      return {"PATCH", rule.patch()};
    default:
      return {};
  }
}

FieldDescriptor const* TextField(pb::Descriptor const& type, char const* name) {
  auto const* const field = type.FindFieldByName(name);
  return field != nullptr && !field->is_repeated() && field->type() == FieldDescriptor::TYPE_STRING ? field : nullptr;
}

// The fields of a variable: singular messages, and at their end a scalar.
FieldPath FieldsOf(pb::Descriptor const& type, std::string_view path) {
  FieldPath fields;
  auto const* level = &type;
  for (std::size_t begin = 0; begin <= path.size();) {
    auto const end = std::min(path.find('.', begin), path.size());
    auto const* const field = level == nullptr ? nullptr : level->FindFieldByName(std::string(path.substr(begin, end - begin)));
    if (field == nullptr || field->is_repeated()) return {};
    fields.push_back(field);
    level = field->message_type();
    begin = end + 1;
  }
  return level == nullptr ? fields : FieldPath();
}

bool IsRaw(pb::Descriptor const* type) { return type != nullptr && type->full_name() == "google.api.HttpBody"; }

absl::Status SetBody(HttpRule const& rule, Route& route) {
  if (rule.body().empty()) return absl::OkStatus();
  if (route.http_method == "GET" || route.http_method == "DELETE") return Cannot(*route.method, "GET and DELETE have no body");
  route.body = rule.body() == "*" ? Route::Body::kWhole : Route::Body::kField;
  if (route.body == Route::Body::kWhole) {
    bool const nowhere = IsRaw(route.method->descriptor().input_type());
    return nowhere ? Cannot(*route.method, "a request that is bytes needs a field for them") : absl::OkStatus();
  }
  route.body_field = route.method->descriptor().input_type()->FindFieldByName(rule.body());
  if (route.body_field == nullptr || route.body_field->is_repeated() || route.body_field->message_type() == nullptr) {
    return Cannot(*route.method, "its body is no message in a field of the request");
  }
  route.raw_body = IsRaw(route.body_field->message_type());
  return absl::OkStatus();
}

absl::Status SetResponse(HttpRule const& rule, Route& route) {
  auto const& type = *route.method->descriptor().output_type();
  if (!rule.response_body().empty()) {
    route.response_field = type.FindFieldByName(rule.response_body());
    if (route.response_field == nullptr) return Cannot(*route.method, "its response_body is no field of the response");
  }
  bool const is_part = route.response_field != nullptr;
  route.raw_answer = is_part ? !route.response_field->is_repeated() && IsRaw(route.response_field->message_type()) : IsRaw(&type);
  if (!is_part) route.response_etag = TextField(type, "etag");
  route.response_cursor = TextField(type, "next_cursor");
  if (route.response_cursor == nullptr) route.response_cursor = TextField(type, "cursor");
  return absl::OkStatus();
}

// The fields of the request that are filled from header fields.
void SetHeaderFields(Route& route) {
  auto const& type = *route.method->descriptor().input_type();
  route.request_id = TextField(type, "request_id");
  if (route.is_stream()) route.cursor = TextField(type, "cursor");
  auto const* const mask = type.FindFieldByName("update_mask");
  if (route.http_method == "PATCH" && route.body_field != nullptr && mask != nullptr && mask->message_type() != nullptr &&
      !mask->is_repeated() && mask->message_type()->full_name() == "google.protobuf.FieldMask") {
    route.update_mask = mask;
  }
  if (auto const* const own = TextField(type, "etag")) {
    route.etag = {own};
  } else if (route.body_field != nullptr && route.http_method != "POST") {
    if (auto const* const etag = TextField(*route.body_field->message_type(), "etag")) route.etag = {route.body_field, etag};
  }
}

absl::StatusOr<Route> RouteOf(contract::Method const& method, HttpRule const& rule, int binding) {
  Route route;
  route.method = &method;
  route.binding = binding;
  auto const [http_method, path] = PatternOf(rule);
  route.http_method = http_method;
  if (http_method.empty()) return Cannot(method, "only GET, POST, PUT, PATCH and DELETE are known here");
  auto parsed = ParseTemplate(path);
  if (!parsed.ok()) return Cannot(method, Sv(parsed.status().message()));
  route.path = *std::move(parsed);
  for (auto const& variable : route.path.variables) {
    auto fields = FieldsOf(*method.descriptor().input_type(), variable.field);
    if (fields.empty())
      return Cannot(method, Sv(absl::StrCat("its variable ", variable.field, " is no single value of the request")));
    route.variables.push_back(std::move(fields));
  }
  RETURN_IF_ERROR(SetBody(rule, route));
  RETURN_IF_ERROR(SetResponse(rule, route));
  auto* const factory = pb::MessageFactory::generated_factory();
  route.request = factory->GetPrototype(method.descriptor().input_type());
  route.response = factory->GetPrototype(method.descriptor().output_type());
  SetHeaderFields(route);
  return route;
}

}  // namespace

absl::StatusOr<std::vector<Route>> RoutesOf(contract::Method const& method) {
  std::vector<Route> routes;
  if (!method.descriptor().options().HasExtension(google::api::http)) return routes;
  if (method.descriptor().client_streaming()) return Cannot(method, "it streams from the caller");
  auto const& rule = method.descriptor().options().GetExtension(google::api::http);
  ASSIGN_OR_RETURN(auto first, RouteOf(method, rule, 0));
  routes.push_back(std::move(first));
  for (auto const& additional : rule.additional_bindings()) {
    // AIP-127: a caller must find the same body behind every path, and one level of bindings.
    if (additional.additional_bindings_size() > 0) return Cannot(method, "an additional binding has additional bindings");
    if (additional.body() != rule.body() || additional.response_body() != rule.response_body()) {
      return Cannot(method, "its bindings have different bodies");
    }
    ASSIGN_OR_RETURN(auto next, RouteOf(method, additional, static_cast<int>(routes.size())));
    routes.push_back(std::move(next));
  }
  return routes;
}

}  // namespace helhed::gateway::rest
