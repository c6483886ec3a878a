#include "services/communications/domain/template_text.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/time/civil_time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "helhed/communications/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/strings.h"

namespace helhed::communications {
namespace {

constexpr std::array<std::string_view, 12> kDanishMonths = {"januar", "februar", "marts",     "april",   "maj",      "juni",
                                                            "juli",   "august",  "september", "oktober", "november", "december"};
constexpr std::array<std::string_view, 12> kEnglishMonths = {
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};

// `da-DK` is Danish.
bool IsLanguage(std::string_view tag, std::string_view language) {
  return tag.starts_with(language) && (tag.size() == language.size() || tag[language.size()] == '-');
}

std::optional<std::string> WriteDateTime(std::string_view value, std::string_view language) {
  absl::CivilMinute minute;
  if (value.size() != 16 || value[10] != 'T' || !absl::ParseCivilTime(Av(value), &minute)) return std::nullopt;
  auto const day = FromIsoDate(value.substr(0, 10));
  if (!day || absl::CivilDay(minute) != *day) return std::nullopt;
  std::string_view const between = IsLanguage(language, "da") ? " kl. " : " ";
  return absl::StrCat(WriteDate(*day, language), Av(between), Av(value.substr(11, 2)), IsLanguage(language, "da") ? "." : ":",
                      Av(value.substr(14, 2)));
}

// Øre: an amount is never more than what the house counts anywhere.
std::optional<std::string> WriteMoney(std::string_view value, std::string_view language) {
  std::int64_t ore = 0;
  if (!absl::SimpleAtoi(Av(value), &ore) || ore < 0 || ore > 100'000'000'000'000) return std::nullopt;
  if (!IsLanguage(language, "da")) return absl::StrFormat("DKK %d.%02d", ore / 100, ore % 100);
  std::string kroner = absl::StrCat(ore / 100);
  for (auto i = static_cast<std::ptrdiff_t>(kroner.size()) - 3; i > 0; i -= 3) kroner.insert(static_cast<std::size_t>(i), 1, '.');
  return absl::StrFormat("%s,%02d kr.", kroner, ore % 100);
}

bool IsUri(std::string_view value) {
  return value.size() > 8 && value.size() <= 500 && value.starts_with("https://") &&
         std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// What stands for a value in a text; nullopt when it is not in the form of its type.
std::optional<std::string> Write(v1::ParameterType type, std::string const& value, std::string_view language) {
  std::int64_t number = 0;
  switch (type) {
    case v1::PARAMETER_TYPE_TEXT:
      if (value.empty() || value.size() > 2000 || !IsPlainLine(value)) return std::nullopt;
      return value;
    case v1::PARAMETER_TYPE_INTEGER:
      if (!absl::SimpleAtoi(value, &number)) return std::nullopt;
      return absl::StrCat(number);
    case v1::PARAMETER_TYPE_DATE: {
      auto const day = FromIsoDate(value);
      return day ? std::optional(WriteDate(*day, language)) : std::nullopt;
    }
    case v1::PARAMETER_TYPE_DATE_TIME:
      return WriteDateTime(value, language);
    case v1::PARAMETER_TYPE_MONEY:
      return WriteMoney(value, language);
    case v1::PARAMETER_TYPE_URI:
      return IsUri(value) ? std::optional(value) : std::nullopt;
    default:
      return std::nullopt;
  }
}

// Calls `on_text` with what stands between parameters and `on_parameter` with the names of those, in order. False when a `{{` has
// no end.
bool Walk(std::string_view text, std::function<void(std::string_view)> const& on_text,
          std::function<void(std::string_view)> const& on_parameter) {
  for (;;) {
    auto const open = text.find("{{");
    on_text(text.substr(0, open));
    if (open == std::string_view::npos) return true;
    auto const close = text.find("}}", open);
    if (close == std::string_view::npos) return false;
    on_parameter(text.substr(open + 2, close - open - 2));
    text.remove_prefix(close + 2);
  }
}

v1::TemplateParameter const* FindParameter(v1::TemplateVersion const& version, std::string_view name) {
  auto const& all = version.parameters();
  auto const found = std::find_if(all.begin(), all.end(), [&](auto const& parameter) { return parameter.parameter() == name; });
  return found == all.end() ? nullptr : &*found;
}

v1::TemplateText const* FindText(v1::TemplateVersion const& version, std::string_view language) {
  auto const& all = version.texts();
  auto const found = std::find_if(all.begin(), all.end(), [&](auto const& text) { return text.language() == language; });
  return found == all.end() ? nullptr : &*found;
}

void CheckText(v1::TemplateVersion const& version, std::string_view text, std::string const& field,
               std::vector<FieldViolation>& violations) {
  bool known = true;
  bool const closed = Walk(
      text, [](std::string_view) {}, [&](std::string_view name) { known = known && FindParameter(version, name) != nullptr; });
  if (!closed) violations.push_back({field, "has a {{ without its }}"});
  if (!known) violations.push_back({field, "names a parameter that is not declared"});
}

absl::Status LanguageMissing(v1::TemplateVersion const& version) {
  std::vector<std::string> there;
  for (auto const& text : version.texts()) there.push_back(text.language());
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_LANGUAGE_MISSING,
               "the template says nothing in a language that is needed; enter a version that does",
               {{"languages", absl::StrJoin(there, ", ")}});
}

// A text of the version with each parameter replaced by its argument.
std::string Fill(v1::TemplateVersion const& version, std::string_view language, Arguments const& arguments,
                 std::string_view text) {
  std::string filled;
  auto const fill_in = [&](std::string_view name) {
    for (auto const& argument : arguments) {
      if (argument.parameter() != name) continue;
      filled += Write(FindParameter(version, name)->type(), argument.value(), language).value_or("");
      return;
    }
  };
  Walk(
      text, [&](std::string_view part) { filled += part; }, fill_in);
  return filled;
}

}  // namespace

std::string WriteDate(absl::CivilDay day, std::string_view language) {
  auto const month = static_cast<std::size_t>(day.month() - 1);
  if (IsLanguage(language, "da")) return absl::StrCat(day.day(), ". ", Av(kDanishMonths.at(month)), " ", day.year());
  if (IsLanguage(language, "en")) return absl::StrCat(day.day(), " ", Av(kEnglishMonths.at(month)), " ", day.year());
  return ToIsoDate(day);
}

void CheckVersion(v1::TemplateVersion const& version, std::string_view field, std::vector<FieldViolation>& violations) {
  std::set<std::string> seen;
  for (int i = 0; i < version.parameters_size(); ++i) {
    if (seen.insert(version.parameters(i).parameter()).second) continue;
    violations.push_back({absl::StrCat(Av(field), ".parameters[", i, "].parameter"), "comes twice"});
  }
  seen.clear();
  for (int i = 0; i < version.texts_size(); ++i) {
    auto const& text = version.texts(i);
    auto const prefix = absl::StrCat(Av(field), ".texts[", i, "].");
    if (!seen.insert(text.language()).second) violations.push_back({prefix + "language", "comes twice"});
    if (!IsPlainLine(text.subject())) violations.push_back({prefix + "subject", "must be one line without control characters"});
    if (!IsPlainText(text.body())) violations.push_back({prefix + "body", "must have no control characters but line feeds"});
    CheckText(version, text.subject(), prefix + "subject", violations);
    CheckText(version, text.body(), prefix + "body", violations);
  }
  if (FindText(version, kDanish) == nullptr) violations.push_back({absl::StrCat(Av(field), ".texts"), "must have one in `da`"});
}

absl::Status CheckArguments(v1::TemplateVersion const& version, Arguments const& arguments) {
  std::vector<std::string> unknown;
  std::vector<std::string> repeated;
  std::vector<std::string> missing;
  std::vector<std::string> mistyped;
  std::set<std::string> given;
  for (int i = 0; i < arguments.size(); ++i) {
    auto const* const parameter = FindParameter(version, arguments[i].parameter());
    if (parameter == nullptr) {
      unknown.push_back(absl::StrCat(i));
    } else if (!given.insert(parameter->parameter()).second) {
      repeated.push_back(absl::StrCat(i));
    } else if (!Write(parameter->type(), arguments[i].value(), kDanish)) {
      mistyped.push_back(parameter->parameter());
    }
  }
  for (auto const& parameter : version.parameters()) {
    if (!parameter.optional() && !given.contains(parameter.parameter())) missing.push_back(parameter.parameter());
  }
  if (unknown.empty() && repeated.empty() && missing.empty() && mistyped.empty()) return absl::OkStatus();
  auto const list = [](std::vector<std::string> const& values) { return absl::StrJoin(values, ", "); };
  return Error(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PARAMETERS_INVALID,
      "what is to be filled in does not fit the template's parameters",
      {{"unknown", list(unknown)}, {"repeated", list(repeated)}, {"missing", list(missing)}, {"mistyped", list(mistyped)}});
}

absl::Status CheckLanguages(v1::TemplateVersion const& version,
                            google::protobuf::RepeatedPtrField<std::string> const& languages) {
  bool const all = std::all_of(languages.begin(), languages.end(),
                               [&](std::string const& language) { return FindText(version, language) != nullptr; });
  return all ? absl::OkStatus() : LanguageMissing(version);
}

absl::StatusOr<std::vector<Paragraph>> RenderParagraphs(v1::TemplateVersion const& version, std::string_view language,
                                                        Arguments const& arguments) {
  auto const* const text = FindText(version, language);
  if (text == nullptr) return LanguageMissing(version);
  RETURN_IF_ERROR(CheckArguments(version, arguments));
  auto paragraphs = ParagraphsOf(text->body());
  for (auto& paragraph : paragraphs) paragraph.text = Fill(version, language, arguments, paragraph.text);
  return paragraphs;
}

absl::StatusOr<v1::RenderedText> Render(v1::TemplateVersion const& version, std::string_view language,
                                        Arguments const& arguments) {
  ASSIGN_OR_RETURN(auto const paragraphs, RenderParagraphs(version, language, arguments));
  v1::RenderedText rendered;
  rendered.set_language(std::string(language));
  rendered.set_subject(Fill(version, language, arguments, FindText(version, language)->subject()));
  std::string html = absl::StrCat("<div lang=\"", EscapeMarkup(language), "\" dir=\"auto\">\n");
  std::vector<std::string> plain;
  for (auto const& [heading, paragraph] : paragraphs) {
    plain.push_back(paragraph);
    std::string_view const tag = heading ? "h2" : "p";
    absl::StrAppend(&html, "<", Av(tag), ">", EscapeMarkup(paragraph), "</", Av(tag), ">\n");
  }
  rendered.set_plain_text(absl::StrJoin(plain, "\n\n") + "\n");
  rendered.set_html(html + "</div>\n");
  return rendered;
}

}  // namespace helhed::communications
