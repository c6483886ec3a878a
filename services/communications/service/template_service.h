#pragma once

#include <absl/status/statusor.h>

#include <string_view>

#include "helhed/communications/v1/template_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of TemplateService, one for each method of the contract, which says what they do and refuse.
class TemplateService {
 public:
  explicit TemplateService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::Template> GetTemplate(CallContext const& call, v1::GetTemplateRequest const& request);
  absl::StatusOr<v1::ListTemplatesResponse> ListTemplates(CallContext const& call, v1::ListTemplatesRequest const& request);
  absl::StatusOr<v1::Template> CreateTemplate(CallContext const& call, v1::CreateTemplateRequest const& request);
  absl::StatusOr<v1::Template> UpdateTemplate(CallContext const& call, v1::UpdateTemplateRequest const& request);
  absl::StatusOr<v1::TemplateVersion> GetTemplateVersion(CallContext const& call, v1::GetTemplateVersionRequest const& request);
  absl::StatusOr<v1::ListTemplateVersionsResponse> ListTemplateVersions(CallContext const& call,
                                                                        v1::ListTemplateVersionsRequest const& request);
  absl::StatusOr<v1::TemplateVersion> CreateTemplateVersion(CallContext const& call,
                                                            v1::CreateTemplateVersionRequest const& request);
  absl::StatusOr<v1::RenderedText> PreviewTemplateVersion(CallContext const& call,
                                                          v1::PreviewTemplateVersionRequest const& request);

 private:
  Store& store_;
};

// The version with its parameters and texts, or NOT_FOUND.
absl::StatusOr<v1::TemplateVersion> LoadTemplateVersion(ReadTransaction& tx, std::string_view name);

}  // namespace helhed::communications
