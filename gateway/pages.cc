#include "gateway/pages.h"

#include <string_view>
#include <utility>

#include "gateway/openapi/openapi.h"
#include "services/platform/base/status.h"

namespace helhed::gateway {

absl::StatusOr<std::map<std::string, door::Page, std::less<>>> MakePages(door::Catalogue const& catalogue,
                                                                         std::string const& issuer) {
  openapi::Info info;
  if (!issuer.empty()) info.openid_connect_url = issuer + "/.well-known/openid-configuration";
  ASSIGN_OR_RETURN(auto document, openapi::Generate(catalogue.methods(), openapi::EmbeddedDescriptors(), info));
  std::map<std::string, door::Page, std::less<>> pages;
  pages.emplace("/openapi.json", door::Page{"application/json", std::move(document), ""});
  pages.emplace("/descriptor.binpb", door::Page{"application/x-protobuf", std::string(openapi::EmbeddedDescriptors()), ""});
  for (auto const& asset : openapi::Assets()) {
    pages.emplace(asset.path, door::Page{std::string(asset.content_type), std::string(asset.body),
                                         std::string(openapi::kContentSecurityPolicy)});
  }
  return pages;
}

}  // namespace helhed::gateway
