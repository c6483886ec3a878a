#include "gateway/openapi/openapi.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <map>
#include <set>
#include <vector>

#include "gateway/openapi/comments.h"
#include "gateway/openapi/components.h"
#include "gateway/openapi/examples.h"
#include "gateway/openapi/operation.h"
#include "gateway/openapi/reasons.h"
#include "gateway/openapi/schemas.h"
#include "gateway/openapi/tree.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::openapi {
namespace {

constexpr char kDescription[] =
    "Helhed runs Danish *boligsociale helhedsplaner*: the plan and its money, who decides and how they voted, the housing it "
    "covers, what "
    "is done there and with whom, and what every household was told.\n\n"
    "Resources have names (`organisations/9001/departments/001`) that are also their paths. Lists come in pages: ask again with "
    "`pageToken` until `nextPageToken` is empty. Integers of 64 bits are strings, dates are objects in bodies and `YYYY-MM-DD` "
    "in "
    "queries. Every change takes an `Idempotency-Key`, every resource has an `etag`. Unknown parameters and fields are refused, "
    "all at "
    "once and by name. The same methods are served by gRPC on the same port; the contract is at `/descriptor.binpb`.";

Json InfoOf(Info const& info) {
  auto contact = Json::Object();
  if (!info.contact_name.empty()) contact["name"] = info.contact_name;
  if (!info.contact_url.empty()) contact["url"] = info.contact_url;
  if (!info.contact_email.empty()) contact["email"] = info.contact_email;
  auto json = Json::Object({{"title", info.title},
                            {"version", info.version},
                            {"summary", "Social master plans for housing areas"},
                            {"description", kDescription},
                            {"contact", std::move(contact)}});
  if (!info.licence_name.empty()) {
    auto licence = Json::Object({{"name", info.licence_name}});
    if (!info.licence_url.empty()) licence["url"] = info.licence_url;
    json["license"] = std::move(licence);
  }
  return json;
}

// A service's own name, after that of its package where another package has one of the same name: `activities_MergeService`.
std::map<std::string, std::string> ServiceNames(std::vector<contract::Method const*> const& methods) {
  std::map<std::string, std::set<std::string>> by_name;
  for (auto const* const method : methods) {
    by_name[method->descriptor().service()->name()].insert(method->descriptor().service()->full_name());
  }
  std::map<std::string, std::string> names;
  for (auto const& [name, services] : by_name) {
    for (auto const& service : services) {
      std::vector<std::string> const parts = absl::StrSplit(service, '.');
      names[service] = services.size() > 1 && parts.size() > 1 ? absl::StrCat(parts[1], "_", name) : name;
    }
  }
  return names;
}

// One tag a service, each once and in the order of the methods.
Json TagsOf(std::vector<contract::Method const*> const& methods, World const& world) {
  auto tags = Json::Array();
  std::set<std::string> seen;
  for (auto const* const method : methods) {
    auto const& service = *method->descriptor().service();
    if (!seen.insert(service.full_name()).second) continue;
    auto const comment = world.comments.Of(service);
    tags.Add(Json::Object(
        {{"name", world.service_names.at(service.full_name())}, {"description", comment.empty() ? service.name() : comment}}));
  }
  return tags;
}

std::string LowerCase(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

absl::StatusOr<std::string> Generate(std::vector<contract::Method const*> const& methods, std::string_view descriptor_set,
                                     Info const& info) {
  ASSIGN_OR_RETURN(auto const comments, Comments::Make(descriptor_set));
  Examples const examples(*comments);
  Schemas schemas(*comments, examples);
  auto const service_names = ServiceNames(methods);
  World const world{*comments, examples, schemas, service_names};

  auto paths = Json::Object();
  std::set<std::string> packages;
  for (auto const* const method : methods) {
    ASSIGN_OR_RETURN(auto const routes, rest::RoutesOf(*method));
    for (auto const& route : routes) {
      paths[PathOf(route.path, *comments).first][LowerCase(route.http_method)] = Operation(route, world);
    }
    packages.insert(method->descriptor().file()->package());
  }

  std::set<std::string> names;
  auto refusals = Json::Object();
  for (auto const& package : packages) {
    auto const reasons = ReasonsOf(package, *comments);
    for (auto const& name : reasons.names.items()) names.insert(name.text());
    AddRefusals(package, reasons, refusals);
  }
  auto responses = Json::Object();
  auto const used = paths.Text();
  for (auto const& [name, refusal] : refusals.members()) {
    if (used.find(absl::StrCat("/responses/", name, "\"")) != std::string::npos) responses[name] = refusal;
  }
  auto all_schemas = Json::Object();
  AddErrorSchemas(all_schemas, names);
  for (auto const& [name, schema] : schemas.components()) all_schemas[name] = schema;

  auto const server =
      Json::Object({{"url", info.server_url}, {"description", info.server_description}, {"x-internal", info.internal}});
  auto const document = Json::Object({{"openapi", "3.1.0"},
                                      {"info", InfoOf(info)},
                                      {"servers", Json::Array({server})},
                                      {"security", Security(info)},
                                      {"tags", TagsOf(methods, world)},
                                      {"paths", std::move(paths)},
                                      {"components", Json::Object({{"securitySchemes", SecuritySchemes(info)},
                                                                   {"headers", Headers()},
                                                                   {"parameters", HeaderParameters()},
                                                                   {"responses", std::move(responses)},
                                                                   {"schemas", std::move(all_schemas)}})}});
  return document.Text();
}

}  // namespace helhed::gateway::openapi
