#include <gmock/gmock.h>

#include "services/communications/testing/fixture.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TemplatesTest : public CommunicationsTest {
 protected:
  absl::StatusOr<v1::RenderedText> Preview(std::string const& version, std::string const& language, std::string const& start) {
    v1::PreviewTemplateVersionRequest request;
    request.set_name(version);
    request.set_language(language);
    auto& argument = *request.add_arguments();
    argument.set_parameter("start");
    argument.set_value(start);
    return Call<v1::RenderedText>("TemplateService/PreviewTemplateVersion", request);
  }
};

TEST_P(TemplatesTest, VersionsAreNumberedAndNeverChange) {
  auto const first = Letter();
  EXPECT_EQ(first, "plans/amager/templates/brev/versions/1");
  v1::CreateTemplateVersionRequest request;
  request.set_parent("plans/amager/templates/brev");
  auto& text = *request.mutable_template_version()->add_texts();
  text.set_language("da");
  text.set_subject("Nyt");
  text.set_body("Andet");
  auto const second = Must<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", request);
  EXPECT_EQ(second.name(), "plans/amager/templates/brev/versions/2");
  EXPECT_EQ(LastEvent<v1::TemplateVersionCreated>(second.name()).template_version(), second.name());

  v1::GetTemplateVersionRequest get;
  get.set_name(first);
  auto const stored = Must<v1::TemplateVersion>("TemplateService/GetTemplateVersion", get);
  EXPECT_EQ(stored.texts_size(), 2);
  EXPECT_EQ(stored.texts(0).subject(), "Vandet lukkes");
  EXPECT_EQ(stored.parameters(0).parameter(), "start");
  v1::ListTemplateVersionsRequest list;
  list.set_parent("plans/amager/templates/brev");
  EXPECT_THAT(ListedIn(Must<v1::ListTemplateVersionsResponse>("TemplateService/ListTemplateVersions", list)),
              ElementsAre("1", "2"));
  v1::GetTemplateRequest owner;
  owner.set_name("plans/amager/templates/brev");
  EXPECT_EQ(Must<v1::Template>("TemplateService/GetTemplate", owner).latest_version(), 2);
}

TEST_P(TemplatesTest, ArePreviewedInEachLanguage) {
  auto const version = Letter();
  auto const danish = Preview(version, "da", "2126-05-04");
  ASSERT_THAT(danish, IsOk());
  EXPECT_EQ(danish->plain_text(), "Vandet lukkes\n\nDet sker den 4. maj 2126.\n");
  EXPECT_THAT(danish->html(), HasSubstr("<h2>Vandet lukkes</h2>\n<p>Det sker den 4. maj 2126.</p>"));
  EXPECT_THAT(Preview(version, "ar", "2126-05-04")->html(), HasSubstr("<div lang=\"ar\" dir=\"auto\">"));
}

TEST_P(TemplatesTest, RefuseWhatDoesNotFit) {
  auto const version = Letter();
  EXPECT_THAT(Preview(version, "so", "2126-05-04"), StatusIs(kInvalid, "LANGUAGE_MISSING"));
  auto const refused = Preview(version, "da", "<b>");
  EXPECT_THAT(refused, StatusIs(kInvalid, "PARAMETERS_INVALID"));
  EXPECT_EQ(MetadataOf(refused.status()).at("mistyped"), "start");

  v1::CreateTemplateVersionRequest request;
  request.set_parent("plans/amager/templates/brev");
  auto& text = *request.mutable_template_version()->add_texts();
  text.set_language("en");
  text.set_subject("One\nBcc: all");
  text.set_body("{{nobody}}");
  auto const refusal = Refused<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(refusal.fields,
              ElementsAre("template_version.texts[0].subject", "template_version.texts[0].body", "template_version.texts"));
}

HELHED_BOTH_ENGINES(TemplatesTest);

}  // namespace
}  // namespace helhed::communications::testing
