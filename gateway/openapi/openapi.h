#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/contract/contract.h"

// The API as OpenAPI 3.1, made of the contract alone: descriptors, options and comments. A new method needs no line here. Pure.
namespace helhed::gateway::openapi {

// What an installation says of itself. Empty texts are left out.
struct Info {
  std::string title = "Helhed";
  std::string version = "1.0.0";
  // Where the methods are, from the document: an absolute URL by https, or a path.
  std::string server_url = "/";
  // Names the environment: production, test, ...
  std::string server_description = "This installation (production)";
  // Whether only the operator's own systems reach it.
  bool internal = false;
  std::string contact_name = "The operator of this installation";
  std::string contact_url;
  std::string contact_email;
  std::string licence_name;
  std::string licence_url;
  // `https://login.example.dk/.well-known/openid-configuration`
  std::string openid_connect_url;
};

// The document, the same text for the same contract. `methods` are those that are served (their descriptors are linked);
// `descriptor_set` is a serialized FileDescriptorSet with source info that has their comments. Errors: INVALID_ARGUMENT for a
// descriptor set that cannot be read, FAILED_PRECONDITION as rest::Transcoder::Make.
absl::StatusOr<std::string> Generate(std::vector<contract::Method const*> const& methods, std::string_view descriptor_set,
                                     Info const& info);

// The contract that this program was built with, comments included: a serialized FileDescriptorSet. Also what /descriptor.binpb
// serves.
std::string_view EmbeddedDescriptors();

// A file of the page to browse and try the API. It reads /openapi.json and reaches no other host.
struct Asset {
  // `/docs`, `/docs/app.js`, `/docs/style.css`, `/favicon.ico`
  std::string_view path;
  std::string_view content_type;
  std::string_view body;
};
std::span<Asset const> Assets();

// For every asset's `content-security-policy`: nothing but what comes from the gateway itself, no inline script, no frame.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

}  // namespace helhed::gateway::openapi
