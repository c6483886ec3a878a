#include "services/communications/service/notice_store.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <string>

#include "helhed/communications/v1/events.pb.h"
#include "services/communications/service/names.h"
#include "services/platform/base/times.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// $2 is a JSON array of notices of the plan.
Statement const kAudiences("communications.notice_audiences",
                           "SELECT notice, level, organisation, department, stairwell FROM notice_audiences WHERE plan = $1 "
                           "AND notice IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY notice, position",
                           "SELECT notice, level, organisation, department, stairwell FROM notice_audiences WHERE plan = $1 "
                           "AND notice = ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON)))) "
                           "ORDER BY notice, position");
Statement const kNoticeTexts("communications.notice_texts",
                             "SELECT notice, correction, language, title, summary, body, correction_note, correct_time "
                             "FROM notice_texts WHERE plan = $1 "
                             "AND notice IN (SELECT wanted.value FROM json_each($2) AS wanted) "
                             "ORDER BY notice, correction DESC, position",
                             "SELECT notice, correction, language, title, summary, body, correction_note, correct_time "
                             "FROM notice_texts WHERE plan = $1 "
                             "AND notice = ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON)))) "
                             "ORDER BY notice, correction DESC, position");
Statement const kImages("communications.notice_images",
                        "SELECT i.notice, i.position, i.uri, t.language, t.text FROM notice_images i "
                        "JOIN notice_alternative_texts t ON t.plan = i.plan AND t.notice = i.notice AND t.image = i.position "
                        "WHERE i.plan = $1 AND i.notice IN (SELECT wanted.value FROM json_each($2) AS wanted) "
                        "ORDER BY i.notice, i.position, t.position",
                        "SELECT i.notice, i.position, i.uri, t.language, t.text FROM notice_images i "
                        "JOIN notice_alternative_texts t ON t.plan = i.plan AND t.notice = i.notice AND t.image = i.position "
                        "WHERE i.plan = $1 AND i.notice = ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON)))) "
                        "ORDER BY i.notice, i.position, t.position");
Statement const kDeleteAudiences("communications.delete_notice_audiences",
                                 "DELETE FROM notice_audiences WHERE plan = $1 AND notice = $2");
Statement const kDeleteTexts("communications.delete_notice_texts", "DELETE FROM notice_texts WHERE plan = $1 AND notice = $2");
Statement const kDeleteAlternatives("communications.delete_notice_alternative_texts",
                                    "DELETE FROM notice_alternative_texts WHERE plan = $1 AND notice = $2");
Statement const kDeleteImages("communications.delete_notice_images", "DELETE FROM notice_images WHERE plan = $1 AND notice = $2");
Statement const kStoreAudience(
    "communications.store_notice_audience",
    "INSERT INTO notice_audiences (plan, notice, position, level, organisation, department, stairwell) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)");
Statement const kStoreNoticeText("communications.store_notice_text",
                                 "INSERT INTO notice_texts (plan, notice, correction, position, language, title, summary, body, "
                                 "correction_note, correct_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
Statement const kStoreImage("communications.store_notice_image",
                            "INSERT INTO notice_images (plan, notice, position, uri) VALUES ($1, $2, $3, $4)");
Statement const kStoreAlternative("communications.store_notice_alternative_text",
                                  "INSERT INTO notice_alternative_texts (plan, notice, image, position, language, text) "
                                  "VALUES ($1, $2, $3, $4, $5, $6)");
Statement const kCorrect("communications.correct_notice",
                         "UPDATE notices SET correction = correction + 1 WHERE plan = $1 AND notice = $2 RETURNING correction");

using Notices = ById<v1::Notice>;

v1::NoticeText TextOf(storage::Rows const& rows, std::size_t row) {
  v1::NoticeText text;
  text.set_language(rows.Text(row, 2));
  text.set_title(rows.Text(row, 3));
  text.set_summary(rows.Text(row, 4));
  text.set_body(rows.Text(row, 5));
  return text;
}

absl::Status AddAudiences(ReadTransaction& tx, std::string_view plan, Notices const& notices) {
  auto const ids = IdsOf(notices);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kAudiences, {plan, std::string_view(ids)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& scope = *notices.at(rows.Text(i, 0))->add_audiences();
    scope.set_level(static_cast<v1::AudienceLevel>(rows.Int64(i, 1)));
    if (rows.IsNull(i, 2)) continue;
    auto const organisation = absl::StrCat("organisations/", rows.Text(i, 2));
    if (rows.IsNull(i, 3)) {
      scope.set_organisation(organisation);
    } else {
      scope.set_department(absl::StrCat(organisation, "/departments/", rows.Text(i, 3)));
    }
    if (!rows.IsNull(i, 4)) scope.set_stairwell(rows.Text(i, 4));
  }
  return absl::OkStatus();
}

// A row of a notice whose latest texts have the number `latest`. What a correction says about itself stands with the texts that
// it brought, what was there before with those of the number below.
void AddText(storage::Rows const& rows, std::size_t row, std::int64_t latest, v1::Notice& notice) {
  auto const number = rows.Int64(row, 1);
  if (number == latest) {
    *notice.add_texts() = TextOf(rows, row);
  } else {
    *notice.mutable_corrections(static_cast<int>(latest - number - 1))->add_former_texts() = TextOf(rows, row);
  }
  if (number == 0) return;
  auto const index = static_cast<int>(latest - number);
  auto& correction = index < notice.corrections_size() ? *notice.mutable_corrections(index) : *notice.add_corrections();
  correction.set_number(static_cast<int>(number));
  *correction.mutable_correct_time() = Stamp(absl::FromUnixMicros(rows.Int64(row, 7)));
  auto& note = *correction.add_notes();
  note.set_language(rows.Text(row, 2));
  note.set_text(rows.Text(row, 6));
}

// The rows of a notice come with the latest texts first.
absl::Status AddTexts(ReadTransaction& tx, std::string_view plan, Notices const& notices) {
  auto const ids = IdsOf(notices);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kNoticeTexts, {plan, std::string_view(ids)}));
  std::int64_t latest = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows.Text(i, 0) != rows.Text(i - 1, 0)) latest = rows.Int64(i, 1);
    AddText(rows, i, latest, *notices.at(rows.Text(i, 0)));
  }
  return absl::OkStatus();
}

absl::Status AddImages(ReadTransaction& tx, std::string_view plan, Notices const& notices) {
  auto const ids = IdsOf(notices);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kImages, {plan, std::string_view(ids)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& notice = *notices.at(rows.Text(i, 0));
    bool const first = i == 0 || rows.Text(i, 0) != rows.Text(i - 1, 0) || rows.Int64(i, 1) != rows.Int64(i - 1, 1);
    if (first) notice.add_images()->set_uri(rows.Text(i, 2));
    auto& text = *notice.mutable_images(notice.images_size() - 1)->add_alternative_texts();
    text.set_language(rows.Text(i, 3));
    text.set_text(rows.Text(i, 4));
  }
  return absl::OkStatus();
}

absl::Status StoreAudience(WriteTransaction& tx, std::vector<std::string> const& key, int position,
                           v1::AudienceScope const& scope) {
  auto const within = scope.department().empty()
                          ? std::vector<std::string>()
                          : contract::PatternOfType("helhed.dk/Department")->Match(scope.department()).value();
  auto const organisation =
      within.empty() ? std::string(scope.organisation().empty() ? "" : contract::LastPart(scope.organisation())) : within[0];
  return tx.Enqueue(
      kStoreAudience,
      {key[0], key[1], std::int64_t{position}, static_cast<std::int64_t>(scope.level()), storage::OrNull(organisation),
       within.empty() ? storage::Bind(nullptr) : storage::OrNull(within[1]), storage::OrNull(scope.stairwell())});
}

absl::Status StoreImage(WriteTransaction& tx, std::vector<std::string> const& key, int position, v1::NoticeImage const& image) {
  RETURN_IF_ERROR(tx.Enqueue(kStoreImage, {key[0], key[1], std::int64_t{position}, image.uri()}));
  for (int i = 0; i < image.alternative_texts_size(); ++i) {
    auto const& text = image.alternative_texts(i);
    RETURN_IF_ERROR(
        tx.Enqueue(kStoreAlternative, {key[0], key[1], std::int64_t{position}, std::int64_t{i}, text.language(), text.text()}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteNotices(ReadTransaction& tx, std::string_view plan, ById<v1::Notice> const& notices) {
  RETURN_IF_ERROR(AddAudiences(tx, plan, notices));
  RETURN_IF_ERROR(AddTexts(tx, plan, notices));
  return AddImages(tx, plan, notices);
}

absl::StatusOr<v1::Notice> LoadNotice(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto notice, tx.Get<v1::Notice>(name));
  auto const key = KeyOf<v1::Notice>(name);
  RETURN_IF_ERROR(CompleteNotices(tx, key[0], {{key[1], &notice}}));
  return notice;
}

absl::Status StoreNoticeParts(WriteTransaction& tx, v1::Notice const& notice) {
  auto const key = KeyOf<v1::Notice>(notice.name());
  for (auto const* statement : {&kDeleteAudiences, &kDeleteTexts, &kDeleteAlternatives, &kDeleteImages}) {
    RETURN_IF_ERROR(tx.Enqueue(*statement, {key[0], key[1]}));
  }
  for (int i = 0; i < notice.audiences_size(); ++i) RETURN_IF_ERROR(StoreAudience(tx, key, i, notice.audiences(i)));
  for (int i = 0; i < notice.images_size(); ++i) RETURN_IF_ERROR(StoreImage(tx, key, i, notice.images(i)));
  for (int i = 0; i < notice.texts_size(); ++i) {
    auto const& text = notice.texts(i);
    RETURN_IF_ERROR(tx.Enqueue(kStoreNoticeText, {key[0], key[1], std::int64_t{0}, std::int64_t{i}, text.language(), text.title(),
                                                  text.summary(), text.body(), nullptr, nullptr}));
  }
  return absl::OkStatus();
}

absl::Status StoreCorrection(WriteTransaction& tx, std::string_view name, Correction const& correction) {
  auto const key = KeyOf<v1::Notice>(name);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kCorrect, {key[0], key[1]}));
  if (rows.empty()) return NotFound(name);
  auto const now = absl::ToUnixMicros(tx.call().Now());
  for (int i = 0; i < correction.texts.size(); ++i) {
    auto const& text = correction.texts[i];
    auto const note = std::find_if(correction.notes.begin(), correction.notes.end(),
                                   [&](auto const& each) { return each.language() == text.language(); });
    RETURN_IF_ERROR(tx.Enqueue(kStoreNoticeText, {key[0], key[1], rows.Int64(0, 0), std::int64_t{i}, text.language(),
                                                  text.title(), text.summary(), text.body(), note->text(), now}));
  }
  return absl::OkStatus();
}

absl::Status AppendNoticeChanged(WriteTransaction& tx, v1::Notice const& notice) {
  v1::NoticeChanged event;
  *event.mutable_notice() = notice;
  return tx.Append(event, notice.name(), PlanOf(notice.name()));
}

absl::Status SaveNotice(WriteTransaction& tx, v1::Notice& notice) {
  RETURN_IF_ERROR(tx.Update(notice));
  return notice.has_publish_time() ? AppendNoticeChanged(tx, notice) : absl::OkStatus();
}

}  // namespace helhed::communications
