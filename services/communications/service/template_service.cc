#include "services/communications/service/template_service.h"

#include <absl/strings/str_cat.h>

#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/template_text.h"
#include "services/communications/service/names.h"
#include "services/platform/contract/contract.h"

namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kParameters("communications.template_parameters",
                            "SELECT parameter, type, optional, description FROM template_parameters "
                            "WHERE plan = $1 AND template = $2 AND version = $3 ORDER BY position");
Statement const kStoreParameter("communications.store_template_parameter",
                                "INSERT INTO template_parameters "
                                "(plan, template, version, position, parameter, type, optional, description) "
                                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
Statement const kTexts("communications.template_texts",
                       "SELECT language, subject, body FROM template_texts "
                       "WHERE plan = $1 AND template = $2 AND version = $3 ORDER BY position");
Statement const kStoreText("communications.store_template_text",
                           "INSERT INTO template_texts (plan, template, version, position, language, subject, body) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7)");

absl::Status Complete(ReadTransaction& tx, v1::TemplateVersion& version) {
  auto const key = KeyOf<v1::TemplateVersion>(version.name());
  ASSIGN_OR_RETURN(auto const parameters, tx.Query(kParameters, {key[0], key[1], key[2]}));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    auto& parameter = *version.add_parameters();
    parameter.set_parameter(parameters.Text(i, 0));
    parameter.set_type(static_cast<v1::ParameterType>(parameters.Int64(i, 1)));
    parameter.set_optional(parameters.Bool(i, 2));
    parameter.set_description(parameters.Text(i, 3));
  }
  ASSIGN_OR_RETURN(auto const texts, tx.Query(kTexts, {key[0], key[1], key[2]}));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto& text = *version.add_texts();
    text.set_language(texts.Text(i, 0));
    text.set_subject(texts.Text(i, 1));
    text.set_body(texts.Text(i, 2));
  }
  return absl::OkStatus();
}

absl::Status StoreParts(WriteTransaction& tx, v1::TemplateVersion const& version) {
  auto const key = KeyOf<v1::TemplateVersion>(version.name());
  for (int i = 0; i < version.parameters_size(); ++i) {
    auto const& parameter = version.parameters(i);
    RETURN_IF_ERROR(tx.Enqueue(kStoreParameter,
                               {key[0], key[1], key[2], std::int64_t{i}, parameter.parameter(),
                                static_cast<std::int64_t>(parameter.type()), parameter.optional(), parameter.description()}));
  }
  for (int i = 0; i < version.texts_size(); ++i) {
    auto const& text = version.texts(i);
    RETURN_IF_ERROR(
        tx.Enqueue(kStoreText, {key[0], key[1], key[2], std::int64_t{i}, text.language(), text.subject(), text.body()}));
  }
  return absl::OkStatus();
}

}  // namespace

void TemplateService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.communications.v1.TemplateService", method, this, handler);
  };
  on("GetTemplate", &TemplateService::GetTemplate);
  on("ListTemplates", &TemplateService::ListTemplates);
  on("CreateTemplate", &TemplateService::CreateTemplate);
  on("UpdateTemplate", &TemplateService::UpdateTemplate);
  on("GetTemplateVersion", &TemplateService::GetTemplateVersion);
  on("ListTemplateVersions", &TemplateService::ListTemplateVersions);
  on("CreateTemplateVersion", &TemplateService::CreateTemplateVersion);
  on("PreviewTemplateVersion", &TemplateService::PreviewTemplateVersion);
}

absl::StatusOr<v1::TemplateVersion> LoadTemplateVersion(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto version, tx.Get<v1::TemplateVersion>(name));
  RETURN_IF_ERROR(Complete(tx, version));
  return version;
}

absl::StatusOr<v1::Template> TemplateService::GetTemplate(CallContext const& call, v1::GetTemplateRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.Get<v1::Template>(request.name()); });
}

absl::StatusOr<v1::ListTemplatesResponse> TemplateService::ListTemplates(CallContext const& call,
                                                                         v1::ListTemplatesRequest const& request) {
  return store_.Read(call,
                     [&](ReadTransaction& tx) { return PageOfPlan<v1::ListTemplatesResponse>(tx, request, "templates t"); });
}

absl::StatusOr<v1::Template> TemplateService::CreateTemplate(CallContext const& call, v1::CreateTemplateRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Template> {
    v1::Template entered = request.template_();
    entered.set_name(absl::StrCat(request.parent(), "/templates/", IdOr(call, request.template_id())));
    RETURN_IF_ERROR(tx.Insert(entered));
    return entered;
  });
}

absl::StatusOr<v1::Template> TemplateService::UpdateTemplate(CallContext const& call, v1::UpdateTemplateRequest const& request) {
  auto const& given = request.template_();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Template> {
    ASSIGN_OR_RETURN(auto current, tx.Get<v1::Template>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), current.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, current, "template"));
    RETURN_IF_ERROR(tx.Update(current));
    return current;
  });
}

absl::StatusOr<v1::TemplateVersion> TemplateService::GetTemplateVersion(CallContext const& call,
                                                                        v1::GetTemplateVersionRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadTemplateVersion(tx, request.name()); });
}

absl::StatusOr<v1::ListTemplateVersionsResponse> TemplateService::ListTemplateVersions(
    CallContext const& call, v1::ListTemplateVersionsRequest const& request) {
  auto const key = KeyOf<v1::Template>(request.parent());
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListTemplateVersionsResponse> {
    ASSIGN_OR_RETURN(auto response,
                     PageBelow<v1::ListTemplateVersionsResponse>(tx, request, "template_versions t",
                                                                 {{"t.plan = ?", {key[0]}}, {"t.template = ?", {key[1]}}}));
    for (auto& version : *response.mutable_versions()) RETURN_IF_ERROR(Complete(tx, version));
    return response;
  });
}

absl::StatusOr<v1::TemplateVersion> TemplateService::CreateTemplateVersion(CallContext const& call,
                                                                           v1::CreateTemplateVersionRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckVersion(request.template_version(), "template_version", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::TemplateVersion> {
    ASSIGN_OR_RETURN(auto owner, tx.Get<v1::Template>(request.parent()));
    owner.set_latest_version(owner.latest_version() + 1);
    RETURN_IF_ERROR(tx.Update(owner));
    v1::TemplateVersion version = request.template_version();
    version.set_name(absl::StrCat(request.parent(), "/versions/", owner.latest_version()));
    RETURN_IF_ERROR(tx.Insert(version));
    RETURN_IF_ERROR(StoreParts(tx, version));
    v1::TemplateVersionCreated event;
    event.set_template_version(version.name());
    RETURN_IF_ERROR(tx.Append(event, version.name(), PlanOf(version.name())));
    return version;
  });
}

absl::StatusOr<v1::RenderedText> TemplateService::PreviewTemplateVersion(CallContext const& call,
                                                                         v1::PreviewTemplateVersionRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::RenderedText> {
    ASSIGN_OR_RETURN(auto const version, LoadTemplateVersion(tx, request.name()));
    return Render(version, request.language(), request.arguments());
  });
}

}  // namespace helhed::communications
