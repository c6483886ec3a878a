#include "services/communications/domain/notice.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>

#include "services/communications/domain/plain_text.h"
#include "services/platform/base/strings.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

std::set<std::string> LanguagesOf(v1::Notice const& notice) {
  std::set<std::string> languages;
  for (auto const& text : notice.texts()) languages.insert(text.language());
  return languages;
}

void CheckAudience(v1::AudienceScope const& scope, std::string const& field, std::vector<FieldViolation>& violations) {
  auto const level = scope.level();
  auto const expect = [&](bool wanted, std::string const& value, std::string_view name) {
    if (wanted == !value.empty()) return;
    violations.push_back({absl::StrCat(field, ".", Av(name)), wanted ? "is needed at this level" : "has no place at this level"});
  };
  expect(level == v1::AUDIENCE_LEVEL_ORGANISATION, scope.organisation(), "organisation");
  bool const within = level == v1::AUDIENCE_LEVEL_DEPARTMENT || level == v1::AUDIENCE_LEVEL_STAIRWELL;
  expect(within, scope.department(), "department");
  expect(level == v1::AUDIENCE_LEVEL_STAIRWELL, scope.stairwell(), "stairwell");
  if (!IsPlainLine(scope.stairwell())) violations.push_back({field + ".stairwell", "must be one line"});
}

void CheckImage(v1::Notice const& notice, int index, std::vector<FieldViolation>& violations) {
  auto const field = absl::StrCat("notice.images[", index, "].alternative_texts");
  std::set<std::string> languages;
  for (auto const& text : notice.images(index).alternative_texts()) {
    if (!languages.insert(text.language()).second) violations.push_back({field, "says the same language twice"});
    if (!IsPlainText(text.text())) violations.push_back({field, "must have no control characters"});
  }
  // Domain rule C3: who does not see the picture is told in the language that he reads.
  if (languages != LanguagesOf(notice)) violations.push_back({field, "must have one in each language of the notice"});
}

// Of the texts with languages, the ones to keep.
template <typename Texts>
void KeepTexts(Texts& texts, std::string_view language) {
  bool const there = std::any_of(texts.begin(), texts.end(), [&](auto const& text) { return text.language() == language; });
  std::string_view const kept = there ? language : kDanish;
  texts.erase(std::remove_if(texts.begin(), texts.end(), [&](auto const& text) { return text.language() != kept; }), texts.end());
}

// Tag URIs (RFC 4151) stay when the address of the house changes.
std::string IdOf(std::string_view name) { return absl::StrCat("tag:helhed.dk,2026:", EscapeMarkup(name)); }

absl::Time UpdatedAt(v1::Notice const& notice) {
  return notice.corrections().empty() ? TimeOf(notice.publish_time()) : TimeOf(notice.corrections(0).correct_time());
}

void AppendEntry(v1::Notice const& notice, std::string& atom) {
  auto const& text = notice.texts(0);
  std::string content;
  for (auto const& correction : notice.corrections()) {
    std::string_view const word = text.language() == kDanish ? "Rettelse" : "Correction";
    absl::StrAppend(&content, Av(word), " ", Rfc3339(TimeOf(correction.correct_time())), ": ", correction.notes(0).text(),
                    "\n\n");
  }
  content += text.body();
  auto const language = EscapeMarkup(text.language());
  absl::StrAppend(&atom, "  <entry xml:lang=\"", language, "\">\n    <id>", IdOf(notice.name()), "</id>\n    <title>",
                  EscapeMarkup(text.title()), "</title>\n    <published>", Rfc3339(TimeOf(notice.publish_time())),
                  "</published>\n    <updated>", Rfc3339(UpdatedAt(notice)), "</updated>\n    <category term=\"",
                  v1::MessageKind_Name(notice.kind()).substr(sizeof("MESSAGE_KIND_") - 1), "\"/>\n");
  if (!text.summary().empty()) absl::StrAppend(&atom, "    <summary>", EscapeMarkup(text.summary()), "</summary>\n");
  absl::StrAppend(&atom, "    <content>", EscapeMarkup(content), "</content>\n  </entry>\n");
}

}  // namespace

void CheckNoticeTexts(google::protobuf::RepeatedPtrField<v1::NoticeText> const& texts, std::string_view field,
                      std::vector<FieldViolation>& violations) {
  std::set<std::string> languages;
  for (int i = 0; i < texts.size(); ++i) {
    auto const prefix = absl::StrCat(Av(field), "[", i, "].");
    if (!languages.insert(texts[i].language()).second) violations.push_back({prefix + "language", "comes twice"});
    if (!IsPlainLine(texts[i].title())) violations.push_back({prefix + "title", "must be one line without control characters"});
    if (!IsPlainText(texts[i].summary())) violations.push_back({prefix + "summary", "must have no control characters"});
    if (!IsPlainText(texts[i].body())) violations.push_back({prefix + "body", "must have no control characters but line feeds"});
  }
  // Domain rule C3: everybody can read it in Danish at least.
  if (!languages.contains(std::string(kDanish))) violations.push_back({std::string(field), "must have one in `da`"});
}

void CheckNotice(v1::Notice const& notice, std::vector<FieldViolation>& violations) {
  CheckNoticeTexts(notice.texts(), "notice.texts", violations);
  for (int i = 0; i < notice.audiences_size(); ++i) {
    CheckAudience(notice.audiences(i), absl::StrCat("notice.audiences[", i, "]"), violations);
  }
  for (int i = 0; i < notice.images_size(); ++i) CheckImage(notice, i, violations);
  if (notice.has_start_time() && notice.has_expire_time() && TimeOf(notice.expire_time()) <= TimeOf(notice.start_time())) {
    violations.push_back({"notice.expire_time", "must be after `start_time`"});
  }
}

void KeepLanguage(v1::Notice& notice, std::string_view language) {
  if (language.empty()) return;
  KeepTexts(*notice.mutable_texts(), language);
  for (auto& image : *notice.mutable_images()) KeepTexts(*image.mutable_alternative_texts(), language);
  for (auto& correction : *notice.mutable_corrections()) {
    KeepTexts(*correction.mutable_notes(), language);
    KeepTexts(*correction.mutable_former_texts(), language);
  }
}

std::string ToAtom(std::string_view plan, std::string_view language, std::span<v1::Notice const* const> notices) {
  absl::Time updated = absl::UnixEpoch();
  for (auto const* notice : notices) updated = std::max(updated, UpdatedAt(*notice));
  auto const title = EscapeMarkup(plan.substr(plan.rfind('/') + 1));
  std::string atom =
      absl::StrCat("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"",
                   EscapeMarkup(language), "\">\n  <id>", IdOf(plan), "/notices</id>\n  <title>", title,
                   "</title>\n  <author><name>", title, "</name></author>\n  <updated>", Rfc3339(updated), "</updated>\n");
  for (auto const* notice : notices) AppendEntry(*notice, atom);
  return atom + "</feed>\n";
}

}  // namespace helhed::communications
