#include "services/communications/domain/notice.h"

#include <gmock/gmock.h>

#include <array>

namespace helhed::communications {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

void SayIn(v1::Notice& notice, std::string const& language, std::string const& title, std::string const& body) {
  auto& text = *notice.add_texts();
  text.set_language(language);
  text.set_title(title);
  text.set_body(body);
}

v1::Notice PlanNotice() {
  v1::Notice notice;
  notice.set_name("plans/amager/notices/a");
  notice.set_kind(v1::MESSAGE_KIND_ACTIVITIES);
  notice.add_audiences()->set_level(v1::AUDIENCE_LEVEL_PLAN);
  SayIn(notice, "da", "Fælles spisning", "Kom.");
  return notice;
}

std::vector<std::string> WrongWithNotice(v1::Notice const& notice) {
  std::vector<FieldViolation> violations;
  CheckNotice(notice, violations);
  std::vector<std::string> fields;
  for (auto const& violation : violations) fields.push_back(violation.field);
  return fields;
}

// Domain rule C3.
TEST(Notice, SaysEachThingOnceInEachLanguageAndInDanish) {
  EXPECT_THAT(WrongWithNotice(PlanNotice()), ElementsAre());
  auto notice = PlanNotice();
  SayIn(notice, "da", "Igen", "Kom.");
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre("notice.texts[1].language"));
  notice = PlanNotice();
  notice.mutable_texts(0)->set_language("en");
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre("notice.texts"));
}

TEST(Notice, IsPlainText) {
  auto notice = PlanNotice();
  auto& text = *notice.mutable_texts(0);
  text.set_title("Fælles\nspisning");
  text.set_summary("Kom\u202e");
  text.set_body("Kom\tnu\nog her");
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre("notice.texts[0].title", "notice.texts[0].summary", "notice.texts[0].body"));
}

TEST(Notice, EndsAfterItHasBegun) {
  auto notice = PlanNotice();
  notice.mutable_start_time()->set_seconds(100);
  notice.mutable_expire_time()->set_seconds(100);
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre("notice.expire_time"));
  notice.mutable_expire_time()->set_seconds(101);
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre());
}

TEST(Notice, IsForAnAudienceThatItsLevelNames) {
  auto notice = PlanNotice();
  auto& audience = *notice.mutable_audiences(0);
  audience.set_organisation("organisations/9001");
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre("notice.audiences[0].organisation"));
  audience.set_level(v1::AUDIENCE_LEVEL_STAIRWELL);
  audience.clear_organisation();
  audience.set_department("organisations/9001/departments/001");
  audience.set_stairwell("Remisevej 14\nRemisevej 16");
  EXPECT_THAT(WrongWithNotice(notice), ElementsAre("notice.audiences[0].stairwell"));
}

// What people write becomes no markup in a feed, wherever it stands; what was corrected says so (C6).
TEST(Notice, IsNoMarkupInAFeed) {
  auto notice = PlanNotice();
  auto& text = *notice.mutable_texts(0);
  text.set_title("<b>\"spisning\"</b>");
  text.set_summary("<i>kort</i>");
  text.set_body("<script>alert('x')</script>");
  auto& correction = *notice.add_corrections();
  correction.mutable_correct_time()->set_seconds(60);
  auto& note = *correction.add_notes();
  note.set_language("da");
  note.set_text("<u>kl. 19</u>");
  std::array<v1::Notice const*, 1> const notices = {&notice};
  auto const atom = ToAtom("plans/<amager>", "da", notices);
  for (auto const* const markup : {"<b>", "<i>", "<u>", "<script>", "<amager>"}) EXPECT_THAT(atom, Not(HasSubstr(markup)));
  EXPECT_THAT(atom, HasSubstr("<title>&lt;b&gt;&quot;spisning&quot;&lt;/b&gt;</title>"));
  EXPECT_THAT(atom, HasSubstr("<summary>&lt;i&gt;kort&lt;/i&gt;</summary>"));
  EXPECT_THAT(atom, HasSubstr("Rettelse 1970-01-01T00:01:00Z: &lt;u&gt;kl. 19&lt;/u&gt;"));
  EXPECT_THAT(atom, HasSubstr("<updated>1970-01-01T00:01:00Z</updated>"));
}

}  // namespace
}  // namespace helhed::communications
