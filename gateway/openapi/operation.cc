#include "gateway/openapi/operation.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/api/field_behavior.pb.h>

#include <algorithm>
#include <set>

#include "gateway/openapi/components.h"
#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/fields.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::openapi {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;
using Kind = rest::Segment::Kind;

// How deep messages are gone into for parameters of a query: `size.widthMm`.
constexpr std::size_t kQueryDepthMax = 3;

std::string NameOf(rest::FieldPath const& path) {
  std::string name;
  for (auto const* const field : path) absl::StrAppend(&name, name.empty() ? "" : ".", field->json_name());
  return name;
}

class Maker {
 public:
  Maker(rest::Route const& route, World const& world) : route_(route), world_(world) {}

  Json Run() {
    auto const& method = *route_.method;
    auto operation = Json::Object();
    auto const comment = world_.comments.Of(method.descriptor());
    auto const summary = FirstSentence(comment);
    auto const& service = world_.service_names.at(method.descriptor().service()->full_name());
    operation["operationId"] =
        absl::StrCat(service, "_", method.name(), route_.binding == 0 ? "" : absl::StrCat("_", route_.binding + 1));
    operation["summary"] = summary.empty() ? method.name() : summary;
    operation["description"] = Description(comment);
    operation["tags"] = Json::Array({service});
    AddPolicy(operation);
    if (auto parameters = Parameters(); !parameters.empty()) operation["parameters"] = std::move(parameters);
    if (route_.body != rest::Route::Body::kNone) operation["requestBody"] = RequestBody();
    operation["responses"] = Responses();
    return operation;
  }

 private:
  policy::v1::MethodPolicy const& policy() const { return route_.method->policy(); }

  std::string Description(std::string const& comment) const {
    auto text = comment.empty() ? route_.method->name() + "." : comment;
    if (policy().public_()) {
      absl::StrAppend(&text, "\n\nOpen to all.");
    } else {
      absl::StrAppend(&text, "\n\nNeeds the permission `", policy().permission(), "`.");
    }
    absl::StrAppend(&text, " At most ", route_.method->request_bytes_max(), " bytes on the wire and ",
                    absl::FormatDuration(route_.method->timeout()), ". By gRPC: `", route_.method->path(), "`.");
    return text;
  }

  void AddPolicy(Json& operation) const {
    if (!policy().permission().empty()) operation["x-permission"] = policy().permission();
    operation["x-effect"] = contract::EnumText(policy().effect());
    operation["x-cost"] = std::max(policy().cost(), 1);
    if (policy().public_()) operation["security"] = Json::Array();
  }

  Json Parameters() {
    auto parameters = Json::Array();
    AddPathParameters(parameters);
    if (route_.body != rest::Route::Body::kWhole) {
      rest::FieldPath path;
      AddQuery(*route_.method->descriptor().input_type(), path, parameters);
    }
    bool const is_read = route_.method->is_read();
    if (route_.request_id != nullptr && !is_read) parameters.Add(Json::Ref("parameters", "IdempotencyKey"));
    if (!route_.etag.empty()) parameters.Add(Json::Ref("parameters", "IfMatch"));
    if (route_.is_get() && !route_.is_stream()) parameters.Add(Json::Ref("parameters", "IfNoneMatch"));
    if (route_.cursor != nullptr) parameters.Add(Json::Ref("parameters", "LastEventId"));
    return parameters;
  }

  void AddPathParameters(Json& parameters) {
    std::string of;
    for (auto const& variable : route_.path.variables) absl::StrAppend(&of, of.empty() ? "`" : ", `", variable.field, "`");
    for (auto const& [name, collection] : PathOf(route_.path, world_.comments).second) {
      bool const is_rest = collection == "**";
      auto schema = Json::Object({{"type", "string"},
                                  {"minLength", is_rest ? 0 : 1},
                                  {"maxLength", is_rest ? 1000 : 63},
                                  {"pattern", is_rest ? "^[A-Za-z0-9._~/-]*$" : "^[A-Za-z0-9._~-]+$"}});
      parameters.Add(
          Json::Object({{"name", name},
                        {"in", "path"},
                        {"required", true},
                        {"description", absl::StrCat("Part of the request's ", of, ".", is_rest ? " May hold slashes." : "")},
                        {"schema", std::move(schema)},
                        {"example", is_rest ? "a" : world_.examples.Part(collection)}}));
    }
  }

  bool InPath(rest::FieldPath const& path) const {
    return std::find(route_.variables.begin(), route_.variables.end(), path) != route_.variables.end();
  }

  void AddQuery(pb::Descriptor const& type, rest::FieldPath& path, Json& parameters) {
    for (int i = 0; i < type.field_count(); ++i) {
      auto const& field = *type.field(i);
      path.push_back(&field);
      if (path.front() != route_.body_field && !InPath(path) && !contract::HasBehavior(field, google::api::OUTPUT_ONLY)) {
        auto schema = world_.schemas.Parameter(field);
        auto const* const inner = field.message_type();
        if (!schema.is_null()) {
          parameters.Add(QueryParameter(path, std::move(schema)));
        } else if (inner != nullptr && !field.is_repeated() && !json::IsWellKnown(inner) && path.size() < kQueryDepthMax) {
          AddQuery(*inner, path, parameters);
        }
      }
      path.pop_back();
    }
  }

  Json QueryParameter(rest::FieldPath const& path, Json schema) const {
    auto const& field = *path.back();
    bool const required = path.size() == 1 && contract::HasBehavior(field, google::api::REQUIRED);
    auto parameter = Json::Object({{"name", NameOf(path)}, {"in", "query"}, {"required", required}});
    auto const comment = world_.comments.Of(field);
    parameter["description"] = comment.empty() ? field.name() : comment;
    if (field.is_map()) parameter["style"] = "deepObject";
    if (field.is_map() || field.is_repeated()) parameter["explode"] = true;
    parameter["schema"] = std::move(schema);
    return parameter;
  }

  // google.api.HttpBody: what its bytes are, the method's comment says.
  static Json Bytes() {
    auto schema = Json::Object({{"type", "string"}, {"format", "binary"}, {"maxLength", 1'000'000'000}});
    return Json::Object({{"*/*", Json::Object({{"schema", std::move(schema)}})}});
  }

  Json RequestBody() {
    if (route_.raw_body)
      return Json::Object({{"description", "The bytes, with their media type."}, {"required", true}, {"content", Bytes()}});
    auto const& request = *route_.method->descriptor().input_type();
    auto const example = world_.examples.Message(request, Purpose::kRequest);
    std::set<std::string> in_path;
    for (auto const& variable : route_.variables) {
      if (variable.size() == 1) in_path.insert(variable.front()->name());
    }
    Json schema;
    Json value;
    std::string description = "The whole request but what the path says. Unknown fields are refused.";
    if (route_.body == rest::Route::Body::kWhole) {
      schema = world_.schemas.BodyOf(request, in_path);
      for (auto const& name : in_path) example->GetReflection()->ClearField(example.get(), request.FindFieldByName(name));
      value = WithoutUnset(*example);
    } else {
      auto const& type = *route_.body_field->message_type();
      schema = route_.http_method == "PATCH" ? world_.schemas.PatchOf(type) : world_.schemas.Of(type);
      auto* const body = example->GetReflection()->MutableMessage(example.get(), route_.body_field);
      ClearName(*body);
      value = WithoutUnset(*body);
      description = absl::StrCat("The request's `", route_.body_field->json_name(), "`. Unknown fields are refused.");
    }
    auto media = Json::Object({{"schema", std::move(schema)}});
    if (!value.empty()) media["example"] = std::move(value);
    bool const required = route_.body_field != nullptr && contract::HasBehavior(*route_.body_field, google::api::REQUIRED);
    return Json::Object({{"description", description},
                         {"required", required},
                         {"content", Json::Object({{"application/json", std::move(media)}})}});
  }

  // The path says it, or the server.
  static void ClearName(pb::Message& resource) {
    auto const* const name = resource.GetDescriptor()->FindFieldByName("name");
    if (name != nullptr) resource.GetReflection()->ClearField(&resource, name);
  }

  // An example shows what is set; that the rest may be left out, the schema says.
  static Json WithoutUnset(pb::Message const& message) {
    auto shown = Json::Object();
    std::vector<FieldDescriptor const*> set;
    message.GetReflection()->ListFields(message, &set);
    std::sort(set.begin(), set.end(), [](auto const* a, auto const* b) { return a->index() < b->index(); });
    for (auto const* const field : set) shown[field->json_name()] = ValueWithoutUnset(message, *field);
    return shown;
  }

  static Json ValueWithoutUnset(pb::Message const& message, FieldDescriptor const& field) {
    auto const& reflection = *message.GetReflection();
    bool const plain = field.message_type() != nullptr && !field.is_map() && !json::IsWellKnown(field.message_type());
    if (!plain) return Json::Raw(json::WriteField(message, field));
    if (!field.is_repeated()) return WithoutUnset(reflection.GetMessage(message, &field));
    auto items = Json::Array();
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      items.Add(WithoutUnset(reflection.GetRepeatedMessage(message, &field, i)));
    }
    return items;
  }

  Json Responses() {
    auto responses = Json::Object({{"200", Success()}});
    auto const package = route_.method->descriptor().file()->package();
    if (route_.is_get() && !route_.is_stream()) {
      responses["304"] =
          Json::Object({{"description", "It is still what `If-None-Match` says."}, {"headers", HeadersOf(304, true)}});
    }
    bool const has_body = route_.body != rest::Route::Body::kNone;
    std::vector<int> refusals = {400};
    if (!policy().public_()) refusals.insert(refusals.end(), {401, 403});
    refusals.insert(refusals.end(), {404, 405, 406});
    if (!route_.method->is_read()) refusals.push_back(409);
    if (has_body) refusals.insert(refusals.end(), {413, 415});
    refusals.insert(refusals.end(), {429, 500, 501, 503, 504});
    for (int const status : refusals) responses[absl::StrCat(status)] = Json::Ref("responses", RefusalName(package, status));
    return responses;
  }

  Json Success() {
    auto const& type = *route_.method->descriptor().output_type();
    auto response =
        Json::Object({{"description", SuccessText(type)}, {"headers", HeadersOf(200, route_.is_get() && !route_.is_stream())}});
    if (route_.raw_answer) {
      response["content"] = Bytes();
      return response;
    }
    auto content = Json::Object();
    auto const example = world_.examples.Message(type, Purpose::kResponse);
    if (route_.is_stream()) {
      auto line =
          Json::Object({{"type", "object"}, {"description", "One line: a message, or the error that the stream ends with."}});
      line["properties"] = Json::Object({{"result", world_.schemas.Of(type)}, {"error", Json::Object({{"type", "object"}})}});
      content["application/x-ndjson"] = Json::Object({{"schema", std::move(line)}});
      auto const events = Json::Object({{"type", "string"},
                                        {"maxLength", 1'000'000'000},
                                        {"format", "event-stream"},
                                        {"description",
                                         "Server-Sent Events: `data` is the message as JSON, `id` where to go on; an event "
                                         "`error` is how the stream ends badly; a comment `: ping` is a sign of life."}});
      content["text/event-stream"] = Json::Object({{"schema", events}, {"x-event-data", world_.schemas.Of(type)}});
    } else if (route_.response_field != nullptr) {
      content["application/json"] = Json::Object({{"schema", world_.schemas.Field(*route_.response_field)}});
    } else {
      content["application/json"] = Json::Object({{"schema", world_.schemas.Of(type)}, {"example", WithoutUnset(*example)}});
    }
    response["content"] = std::move(content);
    return response;
  }

  std::string SuccessText(pb::Descriptor const& type) const {
    if (type.full_name() == "google.protobuf.Empty") return "Done; an empty object.";
    if (route_.raw_answer) return "Bytes, with their media type.";
    if (route_.is_stream()) return "A stream, a line or an event for each message, until the caller leaves.";
    auto const comment = FirstSentence(world_.comments.Of(type));
    return absl::StrCat(comment.empty() ? type.name() : comment, ".");
  }

  rest::Route const& route_;
  World const& world_;
};

}  // namespace

std::pair<std::string, std::vector<std::pair<std::string, std::string>>> PathOf(rest::Template const& path,
                                                                                Comments const& comments) {
  std::string text;
  std::vector<std::pair<std::string, std::string>> variables;
  std::string collection;
  for (auto const& segment : path.segments) {
    text.push_back('/');
    if (segment.kind == Kind::kLiteral) {
      text += collection = segment.text;
      continue;
    }
    auto const found = comments.variables().find(collection);
    auto name = segment.kind == Kind::kRest           ? "rest"
                : found != comments.variables().end() ? found->second
                                                      : absl::StrCat(collection, "_id");
    auto const is_taken = [&](auto const& other) { return other.first == name; };
    if (std::any_of(variables.begin(), variables.end(), is_taken)) name = absl::StrCat(name, variables.size() + 1);
    absl::StrAppend(&text, "{", name, "}");
    variables.emplace_back(name, segment.kind == Kind::kRest ? "**" : collection);
  }
  if (!path.verb.empty()) absl::StrAppend(&text, ":", path.verb);
  return {text, variables};
}

Json Operation(rest::Route const& route, World const& world) { return Maker(route, world).Run(); }

}  // namespace helhed::gateway::openapi
