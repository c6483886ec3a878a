#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/template.pb.h"
#include "services/communications/domain/plain_text.h"
#include "services/platform/base/status.h"

// Templates: what may stand in them, and what they look like filled in.
namespace helhed::communications {

using Arguments = google::protobuf::RepeatedPtrField<v1::TemplateArgument>;

// Adds what is wrong with a new version: no Danish text, a language or parameter that comes twice, a text that names a parameter
// which is not declared, characters that have no place in it. `field` names the version in the request.
void CheckVersion(v1::TemplateVersion const& version, std::string_view field, std::vector<FieldViolation>& violations);

// Whether the arguments fit the version's parameters. Errors: INVALID_ARGUMENT PARAMETERS_INVALID, which names everything that is
// wrong and repeats nothing of it.
absl::Status CheckArguments(v1::TemplateVersion const& version, Arguments const& arguments);

// Errors: INVALID_ARGUMENT LANGUAGE_MISSING when the version says nothing in one of the languages.
absl::Status CheckLanguages(v1::TemplateVersion const& version, google::protobuf::RepeatedPtrField<std::string> const& languages);

// What the version says in a language, filled in: what is a heading is what the template says is one. No argument can become
// a heading or a paragraph, for it is put into the text after that was taken apart. The errors of CheckArguments and
// CheckLanguages.
absl::StatusOr<std::vector<Paragraph>> RenderParagraphs(v1::TemplateVersion const& version, std::string_view language,
                                                        Arguments const& arguments);

// The same with its subject, as plain text and as HTML. No argument can become markup, a header of a mail or a parameter in
// turn either: it is one line, and HTML is escaped.
absl::StatusOr<v1::RenderedText> Render(v1::TemplateVersion const& version, std::string_view language,
                                        Arguments const& arguments);

// `1. marts 2126` in Danish, `1 March 2126` in English, `2126-03-01` in other languages.
std::string WriteDate(absl::CivilDay day, std::string_view language);

}  // namespace helhed::communications
