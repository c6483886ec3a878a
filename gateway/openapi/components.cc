#include "gateway/openapi/components.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <map>

#include "services/platform/base/strings.h"

namespace helhed::gateway::openapi {
namespace {

Json Header(char const* description, char const* example, int length_max = 200) {
  return Json::Object({{"description", description},
                       {"schema", Json::Object({{"type", "string"}, {"maxLength", length_max}, {"pattern", "^[ -~]*$"}})},
                       {"example", example}});
}

Json HeaderParameter(char const* name, char const* description, Json schema, char const* example) {
  return Json::Object({{"name", name},
                       {"in", "header"},
                       {"required", false},
                       {"description", description},
                       {"schema", std::move(schema)},
                       {"example", example}});
}

Json TagSchema() { return Json::Object({{"type", "string"}, {"pattern", "^[ -~]*$"}, {"maxLength", 1000}}); }

Json String(int length_max, char const* description) {
  return Json::Object({{"type", "string"}, {"maxLength", length_max}, {"description", description}});
}

Json ArrayOf(Json items, char const* description) {
  return Json::Object({{"type", "array"}, {"items", std::move(items)}, {"maxItems", 1000}, {"description", description}});
}

// What a refusal means, whoever makes it.
std::map<int, char const*> const& Meanings() {
  static auto const& meanings = *new std::map<int, char const*>{
      {400, "The request breaks rules, or the state of things does not allow it."},
      {401, "Nobody is signed in, or the token is not accepted."},
      {403, "No grant of the caller carries the permission for the resource."},
      {404, "There is no such resource, or the caller may not know of it."},
      {405, "The path does not take this HTTP method."},
      {406, "The answer has none of the forms that `Accept` takes."},
      {409, "It exists already, or has been changed in between."},
      {413, "The body is too large."},
      {415, "The body is of a media type that is not read here."},
      {429, "Too much at once; `Retry-After` says when to try again."},
      {500, "A fault on our side. Its reference also stands in the log."},
      {501, "Not served here."},
      {503, "Not reachable at present; `Retry-After` says when to try again."},
      {504, "It took longer than the caller or the method allows."},
  };
  return meanings;
}

}  // namespace

Json Headers() {
  return Json::Object({
      {"RateLimit", Header("What is left of the caller's limit, and when it is full again "
                           "(draft-ietf-httpapi-ratelimit-headers).",
                           "\"client\";r=497;t=1")},
      {"RateLimit-Policy",
       Header("The caller's limit: what may be asked at once, and how long it takes to fill again.", "\"client\";q=500;w=5")},
      {"X-Request-Id", Header("Names the call in logs and support.", "0190a000-0000-7000-8000-000000000001")},
      {"Access-Control-Allow-Origin",
       Header("The origin of the page that asks, where the installation is configured to let it.", "https://portal.example.dk")},
      {"ETag", Header("The state of what is sent: for `If-None-Match`, and of a resource for `If-Match`.",
                      "\"3f2a;9c1f0d2b7a665544\"", 1000)},
      {"Retry-After", Header("When to try again, in seconds.", "2", 10)},
      {"WWW-Authenticate", Header("How to say who one is (RFC 6750).", "Bearer realm=\"helhed\"")},
      {"Allow", Header("The HTTP methods that the path takes.", "GET, HEAD, OPTIONS")},
  });
}

Json HeadersOf(int http_status, bool with_etag) {
  auto headers = Json::Object();
  for (auto const* const name : {"RateLimit", "RateLimit-Policy", "X-Request-Id", "Access-Control-Allow-Origin"}) {
    headers[name] = Json::Ref("headers", name);
  }
  if (with_etag) headers["ETag"] = Json::Ref("headers", "ETag");
  if (http_status == 401) headers["WWW-Authenticate"] = Json::Ref("headers", "WWW-Authenticate");
  if (http_status == 405) headers["Allow"] = Json::Ref("headers", "Allow");
  if (http_status == 429 || http_status == 503) headers["Retry-After"] = Json::Ref("headers", "Retry-After");
  return headers;
}

Json HeaderParameters() {
  auto const uuid = Json::Object({{"type", "string"}, {"format", "uuid"}, {"maxLength", 38}});
  return Json::Object({
      {"IdempotencyKey",
       HeaderParameter(
           "Idempotency-Key",
           "A UUID of the caller's choice, the same as `requestId`: repeating the call with it returns the first answer "
           "(AIP-155).",
           uuid, "0190a000-0000-7000-8000-000000000001")},
      {"IfMatch",
       HeaderParameter("If-Match", "The `ETag` that the change is based on; another state of the resource is refused with 409.",
                       TagSchema(), "\"3f2a;9c1f0d2b7a665544\"")},
      {"IfNoneMatch", HeaderParameter("If-None-Match", "The `ETag` of what the caller has; 304 when it is still so.", TagSchema(),
                                      "\"3f2a;9c1f0d2b7a665544\"")},
      {"LastEventId", HeaderParameter("Last-Event-ID",
                                      "The `id` of the last event that was received; the stream goes on after it. A browser's "
                                      "EventSource sends it by itself.",
                                      TagSchema(), "c2VxPTQy")},
  });
}

Json SecuritySchemes(Info const& info) {
  auto schemes = Json::Object({
      {"bearer",
       Json::Object({{"type", "http"},
                     {"scheme", "bearer"},
                     {"bearerFormat", "JWT"},
                     {"description",
                      "An access token of a configured OpenID Connect issuer, verified after RFC8725: issuer, audience, "
                      "times, type and algorithm are checked, nothing unsigned is accepted."}})},
      {"mutualTLS", Json::Object({{"type", "mutualTLS"},
                                  {"description", "A client certificate, for systems: known by its subject alternative name."}})},
  });
  if (!info.openid_connect_url.empty()) {
    schemes["openIdConnect"] = Json::Object({{"type", "openIdConnect"},
                                             {"openIdConnectUrl", info.openid_connect_url},
                                             {"description", "The issuer of access tokens."}});
  }
  return schemes;
}

Json Security(Info const& info) {
  auto security = Json::Array({Json::Object({{"bearer", Json::Array()}}), Json::Object({{"mutualTLS", Json::Array()}})});
  if (!info.openid_connect_url.empty()) security.Add(Json::Object({{"openIdConnect", Json::Array()}}));
  return security;
}

void AddErrorSchemas(Json& schemas, std::set<std::string> const& reasons) {
  auto names = Json::Array();
  for (auto const& reason : reasons) names.Add(reason);
  schemas["ErrorReason"] = Json::Object(
      {{"type", "string"}, {"enum", std::move(names)}, {"description", "Why a call was refused: `reason` of ErrorInfo."}});
  auto violation = Json::Object({{"type", "object"}});
  violation["properties"] = Json::Object({{"field", String(300, "The path of the field, in the contract's names.")},
                                          {"description", String(1000, "What is wrong, and what would be right.")}});
  schemas["ErrorDetail"] = Json::Object(
      {{"type", "object"},
       {"description",
        "One of google.rpc's details, as `@type` says: ErrorInfo with `reason`, `domain` and `metadata`; BadRequest with "
        "every one of `fieldViolations`; RetryInfo with `retryDelay`."},
       {"required", Json::Array({"@type"})},
       {"properties",
        Json::Object(
            {{"@type", String(200, "The type of the detail.")},
             {"reason", Json::Ref("schemas", "ErrorReason")},
             {"domain", String(100, "Whose reason it is: `helhed.dk`, or that of a service.")},
             {"metadata", Json::Object({{"type", "object"},
                                        {"additionalProperties", Json::Object({{"type", "string"}, {"maxLength", 2000}})},
                                        {"maxProperties", 50},
                                        {"description", "Every value that the message holds, by name."}})},
             {"fieldViolations", ArrayOf(std::move(violation), "Every rule that the request breaks.")},
             {"retryDelay", Json::Object({{"type", "string"}, {"pattern", "^[0-9.]+s$"}, {"maxLength", 24}})}})}});
  auto const code = Json::Object(
      {{"type", "integer"}, {"format", "int32"}, {"minimum", 400}, {"maximum", 599}, {"description", "The HTTP status."}});
  auto error = Json::Object({{"type", "object"}, {"required", Json::Array({"code", "message", "status", "details"})}});
  error["properties"] = Json::Object({{"code", code},
                                      {"message", String(2000, "For the developer who calls.")},
                                      {"status", String(30, "The canonical code: `NOT_FOUND`.")},
                                      {"details", ArrayOf(Json::Ref("schemas", "ErrorDetail"), "What a program goes by.")}});
  schemas["Error"] = Json::Object({{"type", "object"},
                                   {"description", "An error (AIP-193)."},
                                   {"required", Json::Array({"error"})},
                                   {"properties", Json::Object({{"error", std::move(error)}})}});
}

std::string RefusalName(std::string_view package, int http_status) {
  return absl::StrCat(absl::StripPrefix(Av(package), "helhed."), ".", http_status);
}

void AddRefusals(std::string const& package, Reasons const& reasons, Json& responses) {
  for (auto const& [http_status, meaning] : Meanings()) {
    auto const lines = reasons.lines.find(http_status);
    auto const description =
        absl::StrCat(meaning, lines == reasons.lines.end() ? "" : "\n", lines == reasons.lines.end() ? "" : lines->second);
    responses[RefusalName(package, http_status)] = Json::Object(
        {{"description", description},
         {"headers", HeadersOf(http_status, false)},
         {"content", Json::Object({{"application/json", Json::Object({{"schema", Json::Ref("schemas", "Error")}})}})}});
  }
}

}  // namespace helhed::gateway::openapi
