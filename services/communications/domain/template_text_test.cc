#include "services/communications/domain/template_text.h"

#include <gmock/gmock.h>

#include "services/communications/domain/plain_text.h"
#include "services/platform/testing/matchers.h"

namespace helhed::communications {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

v1::TemplateVersion VersionWith(v1::ParameterType type, std::string const& body) {
  v1::TemplateVersion version;
  auto& parameter = *version.add_parameters();
  parameter.set_parameter("x");
  parameter.set_type(type);
  for (auto const* language : {"da", "en", "ar"}) {
    auto& text = *version.add_texts();
    text.set_language(language);
    text.set_subject("{{x}}");
    text.set_body(body);
  }
  return version;
}

Arguments With(std::string const& value, std::string const& parameter = "x") {
  Arguments arguments;
  auto& argument = *arguments.Add();
  argument.set_parameter(parameter);
  argument.set_value(value);
  return arguments;
}

std::string Plain(v1::ParameterType type, std::string const& value, std::string const& language = "da") {
  auto const rendered = Render(VersionWith(type, "{{x}}"), language, With(value));
  return rendered.ok() ? rendered->subject() : std::string(ReasonOf(rendered.status()));
}

TEST(TemplateText, WritesValuesAsTheLanguageDoes) {
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_DATE, "2126-02-28"), "28. februar 2126");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_DATE, "2126-02-28", "en"), "28 February 2126");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_DATE, "2126-02-28", "ar"), "2126-02-28");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_DATE, "2126-02-30"), "PARAMETERS_INVALID");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_DATE_TIME, "2126-03-01T17:05"), "1. marts 2126 kl. 17.05");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_DATE_TIME, "2126-03-01T25:05"), "PARAMETERS_INVALID");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_MONEY, "123456705"), "1.234.567,05 kr.");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_MONEY, "5", "en"), "DKK 0.05");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_MONEY, "-5"), "PARAMETERS_INVALID");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_INTEGER, "1500"), "1500");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_URI, "https://example.dk/a?b=c&d"), "https://example.dk/a?b=c&d");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_URI, "javascript:alert(1)"), "PARAMETERS_INVALID");
}

TEST(TemplateText, NoParameterBecomesMarkup) {
  auto const version = VersionWith(v1::PARAMETER_TYPE_TEXT, "# Head\n\nSee {{x}}");
  auto const rendered = Render(version, "da", With("</p><script>\"x\" & 'y'</script> {{x}}"));
  ASSERT_THAT(rendered, IsOk());
  EXPECT_THAT(rendered->html(), Not(HasSubstr("<script>")));
  EXPECT_THAT(rendered->html(), HasSubstr("&lt;/p&gt;&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/script&gt; {{x}}</p>"));
  for (auto const* value : {"a\nBcc: b", "a\n\n# b", "a\r\n", "\u202eabc", "\u2028", "\ufffe", "\uffff", "\u0085", "\x1b[0m"}) {
    EXPECT_THAT(Render(version, "da", With(value)), StatusIs(absl::StatusCode::kInvalidArgument, "PARAMETERS_INVALID"));
  }
}

TEST(TemplateText, NoLanguageBecomesMarkup) {
  auto version = VersionWith(v1::PARAMETER_TYPE_TEXT, "{{x}}");
  version.mutable_texts(0)->set_language("\"><script>");
  auto const rendered = Render(version, "\"><script>", With("1"));
  ASSERT_THAT(rendered, IsOk());
  EXPECT_THAT(rendered->html(), HasSubstr("<div lang=\"&quot;&gt;&lt;script&gt;\""));
}

TEST(TemplateText, TheTemplateSaysWhatIsAHeading) {
  auto const paragraphs = RenderParagraphs(VersionWith(v1::PARAMETER_TYPE_TEXT, "# Head {{x}}\n\n{{x}}"), "da", With("# one"));
  ASSERT_THAT(paragraphs, IsOk());
  ASSERT_EQ(paragraphs->size(), 2U);
  EXPECT_TRUE(paragraphs->at(0).heading);
  EXPECT_EQ(paragraphs->at(0).text, "Head # one");
  EXPECT_FALSE(paragraphs->at(1).heading) << "an argument is none";
  EXPECT_EQ(paragraphs->at(1).text, "# one");
}

// Whatever a value is: it never adds an element, and read back it is what it was.
TEST(TemplateText, WhateverAValueIsTheElementsStayTheSame) {
  ForAllSeeds(500, [](SeededRandom& random) {
    static constexpr std::string_view kLetters = "<>&\"'{}# /=ab!-[]";
    std::string value;
    for (auto i = random.Next() % 30 + 1; i > 0; --i) value += kLetters[random.Next() % kLetters.size()];
    auto const rendered = Render(VersionWith(v1::PARAMETER_TYPE_TEXT, "{{x}}"), "en", With(value));
    ASSERT_THAT(rendered, IsOk()) << value;
    EXPECT_EQ(std::count(rendered->html().begin(), rendered->html().end(), '<'), 4) << rendered->html();
    EXPECT_EQ(rendered->html(), "<div lang=\"en\" dir=\"auto\">\n<p>" + EscapeMarkup(value) + "</p>\n</div>\n");
    EXPECT_EQ(rendered->plain_text(), value + "\n");
  });
}

TEST(TemplateText, SaysEverythingThatDoesNotFitAtOnce) {
  auto version = VersionWith(v1::PARAMETER_TYPE_TEXT, "{{x}}");
  auto& other = *version.add_parameters();
  other.set_parameter("y");
  other.set_type(v1::PARAMETER_TYPE_INTEGER);
  auto arguments = With("1", "z");
  arguments.MergeFrom(With("two", "y"));
  auto const status = CheckArguments(version, arguments);
  ASSERT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "PARAMETERS_INVALID"));
  EXPECT_EQ(MetadataOf(status).at("unknown"), "0");
  EXPECT_EQ(MetadataOf(status).at("mistyped"), "y");
  EXPECT_EQ(MetadataOf(status).at("missing"), "x");
}

TEST(TemplateText, NamesNoParameterTwiceAndNoLanguageThatIsNotThere) {
  auto const version = VersionWith(v1::PARAMETER_TYPE_TEXT, "{{x}}");
  auto arguments = With("1");
  arguments.MergeFrom(With("2"));
  EXPECT_EQ(MetadataOf(CheckArguments(version, arguments)).at("repeated"), "1");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_TEXT, std::string(2000, 'a')), std::string(2000, 'a'));
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_TEXT, std::string(2001, 'a')), "PARAMETERS_INVALID");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_TEXT, ""), "PARAMETERS_INVALID");
  EXPECT_EQ(Plain(v1::PARAMETER_TYPE_URI, "https://example.dk/a b"), "PARAMETERS_INVALID");
  google::protobuf::RepeatedPtrField<std::string> languages;
  *languages.Add() = "ar";
  EXPECT_THAT(CheckLanguages(version, languages), IsOk());
  *languages.Add() = "so";
  auto const missing = CheckLanguages(version, languages);
  EXPECT_THAT(missing, StatusIs(absl::StatusCode::kInvalidArgument, "LANGUAGE_MISSING"));
  EXPECT_EQ(MetadataOf(missing).at("languages"), "da, en, ar");
}

TEST(TemplateText, AVersionDeclaresWhatItNamesAndSaysEachThingOnce) {
  auto const wrong = [](v1::TemplateVersion const& version) {
    std::vector<FieldViolation> violations;
    CheckVersion(version, "version", violations);
    std::vector<std::string> fields;
    for (auto const& violation : violations) fields.push_back(violation.field);
    return fields;
  };
  using ::testing::ElementsAre;
  auto const fine = VersionWith(v1::PARAMETER_TYPE_TEXT, "{{x}}");
  EXPECT_THAT(wrong(fine), ElementsAre());
  auto version = fine;
  *version.add_parameters() = fine.parameters(0);
  *version.add_texts() = fine.texts(1);
  EXPECT_THAT(wrong(version), ElementsAre("version.parameters[1].parameter", "version.texts[3].language"));
  version = fine;
  version.mutable_texts(0)->set_subject("a\n{{x}}");
  version.mutable_texts(1)->set_body("a\tb");
  version.mutable_texts(2)->set_body("{{x");
  EXPECT_THAT(wrong(version), ElementsAre("version.texts[0].subject", "version.texts[1].body", "version.texts[2].body"));
  version = fine;
  version.mutable_texts(0)->set_body("{{y}}");
  version.mutable_texts(1)->set_subject("{{y}}");
  EXPECT_THAT(wrong(version), ElementsAre("version.texts[0].body", "version.texts[1].subject"));
  version = fine;
  version.mutable_texts()->DeleteSubrange(0, 1);
  EXPECT_THAT(wrong(version), ElementsAre("version.texts"));
}

TEST(PlainText, PartsParagraphsAndHeadings) {
  auto const paragraphs = ParagraphsOf("# One\n\n\nTwo\nlines\n \n# not\na heading");
  ASSERT_EQ(paragraphs.size(), 3U);
  EXPECT_TRUE(paragraphs[0].heading);
  EXPECT_EQ(paragraphs[0].text, "One");
  EXPECT_EQ(paragraphs[1].text, "Two\nlines");
  EXPECT_FALSE(paragraphs[2].heading);
}

}  // namespace
}  // namespace helhed::communications
