#include <gmock/gmock.h>

#include "services/communications/testing/fixture.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class NoticesTest : public CommunicationsTest {
 protected:
  static v1::CreateNoticeRequest Request(std::string const& id, v1::AudienceLevel level = v1::AUDIENCE_LEVEL_PLAN) {
    v1::CreateNoticeRequest request;
    request.set_parent("plans/amager");
    request.set_notice_id(id);
    auto& notice = *request.mutable_notice();
    notice.set_kind(v1::MESSAGE_KIND_ACTIVITIES);
    notice.add_audiences()->set_level(level);
    Add(notice.add_texts(), "da", "Fælles spisning", "Kom & spis <sammen>.");
    Add(notice.add_texts(), "en", "Dinner", "Come.");
    return request;
  }
  static void Add(v1::NoticeText* text, std::string const& language, std::string const& title, std::string const& body) {
    text->set_language(language);
    text->set_title(title);
    text->set_body(body);
  }
  v1::Notice Published(v1::CreateNoticeRequest const& request) {
    v1::PublishNoticeRequest publish;
    publish.set_name(Must<v1::Notice>("NoticeService/CreateNotice", request).name());
    return Must<v1::Notice>("NoticeService/PublishNotice", publish);
  }
  std::vector<std::string> Listed(v1::ListPublishedNoticesRequest request = {}) {
    request.set_parent("plans/amager");
    auto const page = Anonymous<v1::ListPublishedNoticesResponse>("NoticeService/ListPublishedNotices", request);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? ListedIn(*page) : std::vector<std::string>();
  }
  static v1::CorrectNoticeRequest Correction(v1::Notice const& notice) {
    v1::CorrectNoticeRequest request;
    request.set_name(notice.name());
    *request.mutable_texts() = notice.texts();
    request.mutable_texts(0)->set_body("Kl. 19.");
    for (auto const& text : notice.texts()) {
      auto& note = *request.add_notes();
      note.set_language(text.language());
      note.set_text("Not 18, 19");
    }
    return request;
  }
  std::string Feed(std::string const& language = "") {
    v1::GetNoticeFeedRequest request;
    request.set_parent("plans/amager");
    request.set_language(language);
    return Anonymous<v1::NoticeFeed>("NoticeService/GetNoticeFeed", request)->content();
  }
};

TEST_P(NoticesTest, KeepWhatTheyWereTold) {
  auto request = Request("spisning");
  auto& image = *request.mutable_notice()->add_images();
  image.set_uri("https://example.dk/a.jpg");
  for (auto const* language : {"da", "en"}) {
    auto& text = *image.add_alternative_texts();
    text.set_language(language);
    text.set_text("A table");
  }
  auto& stairwell = *request.mutable_notice()->add_audiences();
  stairwell.set_level(v1::AUDIENCE_LEVEL_STAIRWELL);
  stairwell.set_department("organisations/9001/departments/001");
  stairwell.set_stairwell("Remisevej 14");
  auto const created = Must<v1::Notice>("NoticeService/CreateNotice", request);
  v1::GetNoticeRequest get;
  get.set_name(created.name());
  EXPECT_THAT(Must<v1::Notice>("NoticeService/GetNotice", get), EqualsProto(created));
}

TEST_P(NoticesTest, AreSeenByEverybodyWhileTheyAreValid) {
  Must<v1::Notice>("NoticeService/CreateNotice", Request("draft"));
  Published(Request("now"));
  auto later = Request("later");
  *later.mutable_notice()->mutable_start_time() = Instant("2126-03-02T00:00:00Z");
  *later.mutable_notice()->mutable_expire_time() = Instant("2126-03-03T00:00:00Z");
  Published(later);
  EXPECT_THAT(Listed(), ElementsAre("now"));
  clock().Advance(absl::Hours(24));
  EXPECT_THAT(Listed(), ElementsAre("later", "now"));
  clock().Advance(absl::Hours(24));
  EXPECT_THAT(Listed(), ElementsAre("now"));
  v1::WithdrawNoticeRequest withdraw;
  withdraw.set_name("plans/amager/notices/now");
  Must<v1::Notice>("NoticeService/WithdrawNotice", withdraw);
  EXPECT_THAT(Listed(), IsEmpty());
}

TEST_P(NoticesTest, ConcernDepartmentsAndLanguages) {
  auto request = Request("here", v1::AUDIENCE_LEVEL_DEPARTMENT);
  request.mutable_notice()->mutable_audiences(0)->set_department("organisations/9001/departments/001");
  Published(request);
  Published(Request("plan"));
  v1::ListPublishedNoticesRequest list;
  list.set_department("organisations/9001/departments/002");
  EXPECT_THAT(Listed(list), ElementsAre("plan"));
  list.set_department("organisations/9001/departments/001");
  EXPECT_EQ(Listed(list).size(), 2U);
  list.set_parent("plans/amager");
  list.set_language("en");
  list.set_page_size(1);
  auto const page = Anonymous<v1::ListPublishedNoticesResponse>("NoticeService/ListPublishedNotices", list);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->notices(0).texts_size(), 1);
  EXPECT_EQ(page->notices(0).texts(0).title(), "Dinner");
  list.set_page_token(page->next_page_token());
  EXPECT_EQ(Listed(list).size(), 1U);
  list.set_language("so");
  EXPECT_THAT(Anonymous<v1::ListPublishedNoticesResponse>("NoticeService/ListPublishedNotices", list),
              StatusIs(kInvalid, "PAGE_TOKEN_INVALID"));
}

// Domain rule C6.
TEST_P(NoticesTest, ACorrectionIsVisibleAsOne) {
  auto const notice = Published(Request("spisning"));
  v1::UpdateNoticeRequest update;
  *update.mutable_notice() = notice;
  update.mutable_notice()->mutable_texts(0)->set_body("Behind their backs");
  Refused<v1::Notice>("NoticeService/UpdateNotice", update, kPrecondition, "NOTICE_STATE");

  clock().Advance(absl::Hours(1));
  auto const corrected = Must<v1::Notice>("NoticeService/CorrectNotice", Correction(notice));
  clock().Advance(absl::Hours(1));
  auto const again = Must<v1::Notice>("NoticeService/CorrectNotice", Correction(corrected));
  ASSERT_EQ(again.corrections_size(), 2);
  EXPECT_EQ(again.texts(0).body(), "Kl. 19.");
  EXPECT_EQ(again.corrections(0).number(), 2);
  EXPECT_EQ(again.corrections(1).notes(0).text(), "Not 18, 19");
  EXPECT_EQ(again.corrections(1).former_texts(0).body(), "Kom & spis <sammen>.");
  EXPECT_EQ(LastEvent<v1::NoticeChanged>(notice.name()).notice().corrections_size(), 2);
  EXPECT_THAT(Feed(), HasSubstr("Rettelse 2126-03-01T09:00:00Z: Not 18, 19"));
  EXPECT_THAT(Feed(), HasSubstr("<updated>2126-03-01T10:00:00Z</updated>"));

  auto silent = Correction(again);
  silent.mutable_notes()->RemoveLast();
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CorrectNotice", silent, kInvalid, "BAD_REQUEST").fields, ElementsAre("notes"));
}

// Domain rule C3.
TEST_P(NoticesTest, SpeakDanishAndSayWhatPicturesShow) {
  auto request = Request("a");
  request.mutable_notice()->mutable_texts(0)->set_language("so");
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CreateNotice", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("notice.texts"));
  request = Request("a");
  auto& image = *request.mutable_notice()->add_images();
  image.set_uri("https://example.dk/a.jpg");
  auto& text = *image.add_alternative_texts();
  text.set_language("da");
  text.set_text("Et bord");
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CreateNotice", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("notice.images[0].alternative_texts"));
}

TEST_P(NoticesTest, AreReadByProgramsAsAtom) {
  Published(Request("spisning"));
  auto const feed = Feed();
  EXPECT_THAT(feed, HasSubstr("<title>Fælles spisning</title>"));
  EXPECT_THAT(feed, HasSubstr("<content>Kom &amp; spis &lt;sammen&gt;.</content>"));
  EXPECT_THAT(Feed("en"), HasSubstr("xml:lang=\"en\""));
  EXPECT_THAT(Feed("en"), Not(HasSubstr("Fælles")));
  v1::GetNoticeFeedRequest request;
  request.set_parent("plans/amager");
  request.set_if_none_match(Anonymous<v1::NoticeFeed>("NoticeService/GetNoticeFeed", request)->etag());
  EXPECT_TRUE(Anonymous<v1::NoticeFeed>("NoticeService/GetNoticeFeed", request)->not_modified());
}

TEST_P(NoticesTest, RefuseAnAudienceThatIsNone) {
  auto request = Request("a", v1::AUDIENCE_LEVEL_STAIRWELL);
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CreateNotice", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("notice.audiences[0].department", "notice.audiences[0].stairwell"));
}

// Domain rules C3 and C6: whoever read the notice reads what was wrong with it, and whatever language it had it keeps.
TEST_P(NoticesTest, ACorrectionTakesNoLanguageAway) {
  auto const notice = Published(Request("spisning"));
  auto shorter = Correction(notice);
  shorter.mutable_texts()->RemoveLast();
  shorter.mutable_notes()->RemoveLast();
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CorrectNotice", shorter, kInvalid, "BAD_REQUEST").fields, ElementsAre("texts"));
  auto treacherous = Correction(notice);
  treacherous.mutable_notes(0)->set_text("Not 18,\u202e 19");
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CorrectNotice", treacherous, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("notes"));

  auto request = Request("med-billede");
  auto& image = *request.mutable_notice()->add_images();
  image.set_uri("https://example.dk/a.jpg");
  for (auto const* language : {"da", "en"}) {
    auto& text = *image.add_alternative_texts();
    text.set_language(language);
    text.set_text("A table");
  }
  auto longer = Correction(Published(request));
  Add(longer.add_texts(), "so", "Casho", "Kaalay.");
  auto& note = *longer.add_notes();
  note.set_language("so");
  note.set_text("19");
  EXPECT_THAT(Refused<v1::Notice>("NoticeService/CorrectNotice", longer, kInvalid, "BAD_REQUEST").fields, ElementsAre("texts"));
}

TEST_P(NoticesTest, ArePublishedOnceAndCorrectedAfterThat) {
  auto const draft = Must<v1::Notice>("NoticeService/CreateNotice", Request("a"));
  Refused<v1::Notice>("NoticeService/CorrectNotice", Correction(draft), kPrecondition, "NOTICE_STATE");
  v1::PublishNoticeRequest publish;
  publish.set_name(draft.name());
  Must<v1::Notice>("NoticeService/PublishNotice", publish);
  clock().Advance(absl::Hours(1));
  Refused<v1::Notice>("NoticeService/PublishNotice", publish, kPrecondition, "NOTICE_STATE");
  v1::WithdrawNoticeRequest withdraw;
  withdraw.set_name(draft.name());
  Must<v1::Notice>("NoticeService/WithdrawNotice", withdraw);
  Refused<v1::Notice>("NoticeService/PublishNotice", publish, kPrecondition, "NOTICE_STATE");
  Refused<v1::Notice>("NoticeService/CorrectNotice", Correction(draft), kPrecondition, "NOTICE_STATE");
}

TEST_P(NoticesTest, AreAskedForByKind) {
  Published(Request("spisning"));
  auto request = Request("byggeri");
  request.mutable_notice()->set_kind(v1::MESSAGE_KIND_CONSTRUCTION);
  Published(request);
  v1::ListPublishedNoticesRequest list;
  list.set_kind(v1::MESSAGE_KIND_CONSTRUCTION);
  EXPECT_THAT(Listed(list), ElementsAre("byggeri"));
}

HELHED_BOTH_ENGINES(NoticesTest);

}  // namespace
}  // namespace helhed::communications::testing
