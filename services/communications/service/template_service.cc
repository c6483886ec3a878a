#include "services/communications/service/template_service.h"

#include <absl/strings/str_cat.h>

#include "helhed/communications/v1/events.pb.h"
#include "services/communications/domain/template_text.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/platform/contract/contract.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// $3 is a JSON array of versions of the template.
Statement const kParameters("communications.template_parameters",
                            "SELECT version, parameter, type, optional, description FROM template_parameters WHERE plan = $1 "
                            "AND template = $2 AND version IN (SELECT wanted.value FROM json_each($3) AS wanted) "
                            "ORDER BY version, position",
                            "SELECT version, parameter, type, optional, description FROM template_parameters WHERE plan = $1 "
                            "AND template = $2 AND version = ANY (ARRAY(SELECT json_array_elements_text(CAST($3 AS JSON)))) "
                            "ORDER BY version, position");
Statement const kStoreParameter("communications.store_template_parameter",
                                "INSERT INTO template_parameters "
                                "(plan, template, version, position, parameter, type, optional, description) "
                                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
Statement const kTexts("communications.template_texts",
                       "SELECT version, language, subject, body FROM template_texts WHERE plan = $1 AND template = $2 "
                       "AND version IN (SELECT wanted.value FROM json_each($3) AS wanted) ORDER BY version, position",
                       "SELECT version, language, subject, body FROM template_texts WHERE plan = $1 AND template = $2 "
                       "AND version = ANY (ARRAY(SELECT json_array_elements_text(CAST($3 AS JSON)))) ORDER BY version, position");
Statement const kStoreText("communications.store_template_text",
                           "INSERT INTO template_texts (plan, template, version, position, language, subject, body) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7)");

// Sets what does not stand in the versions' own rows. `owner` is the key of their template.
absl::Status Complete(ReadTransaction& tx, std::vector<std::string> const& owner, ById<v1::TemplateVersion> const& versions) {
  auto const ids = IdsOf(versions);
  ASSIGN_OR_RETURN(auto const parameters, tx.Query(kParameters, {owner[0], owner[1], std::string_view(ids)}));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    auto& parameter = *versions.at(parameters.Text(i, 0))->add_parameters();
    parameter.set_parameter(parameters.Text(i, 1));
    parameter.set_type(static_cast<v1::ParameterType>(parameters.Int64(i, 2)));
    parameter.set_optional(parameters.Bool(i, 3));
    parameter.set_description(parameters.Text(i, 4));
  }
  ASSIGN_OR_RETURN(auto const texts, tx.Query(kTexts, {owner[0], owner[1], std::string_view(ids)}));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto& text = *versions.at(texts.Text(i, 0))->add_texts();
    text.set_language(texts.Text(i, 1));
    text.set_subject(texts.Text(i, 2));
    text.set_body(texts.Text(i, 3));
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

// GONE_ON_ELSEWHERE when it, or its plan, has gone on in another plan.
absl::StatusOr<v1::Template> TemplateToChange(WriteTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto found, tx.Get<v1::Template>(name));
  if (found.has_move_date()) return GoneOn(name, found.successor());
  RETURN_IF_ERROR(HoldPlanHere(tx, name));
  return tx.Get<v1::Template>(name);
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
  auto const key = KeyOf<v1::TemplateVersion>(name);
  RETURN_IF_ERROR(Complete(tx, key, {{key[2], &version}}));
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
    RETURN_IF_ERROR(HoldPlanHere(tx, entered.name()));
    RETURN_IF_ERROR(tx.Insert(entered));
    return entered;
  });
}

absl::StatusOr<v1::Template> TemplateService::UpdateTemplate(CallContext const& call, v1::UpdateTemplateRequest const& request) {
  auto const& given = request.template_();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Template> {
    ASSIGN_OR_RETURN(auto current, TemplateToChange(tx, given.name()));
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
    RETURN_IF_ERROR(Complete(tx, key, ByIdOf(*response.mutable_versions())));
    return response;
  });
}

absl::StatusOr<v1::TemplateVersion> TemplateService::CreateTemplateVersion(CallContext const& call,
                                                                           v1::CreateTemplateVersionRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckVersion(request.template_version(), "template_version", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::TemplateVersion> {
    ASSIGN_OR_RETURN(auto owner, TemplateToChange(tx, request.parent()));
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
