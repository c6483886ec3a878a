#include "services/communications/paper/print_run.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "services/platform/base/status.h"
#include "services/platform/testing/matchers.h"
#include "tests/e2e/process.h"

namespace helhed::communications::paper {
namespace {

using ::helhed::testing::IsOk;
using ::helhed::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Time kCreated = absl::FromUnixSeconds(1'648'450'000);

Body DanishBody() {
  return {{{"da",
            "Vandet lukkes tirsdag",
            {{"Kære beboer"}, {"Vandet er lukket fra klokken 9 til 12. Ærø, øl, Åse & <b>ikke fed</b> &amp;."}}}}};
}

PrintRunOptions Options() {
  return {.title = "Vandet lukkes",
          .sender = {"Helhedsplanen", "Remisevej 1", "2300 København S"},
          .date = "28. marts 2022",
          .created = kCreated};
}

Letter LetterTo(std::string stairwell, std::string floor, std::string door) {
  auto const line = absl::StrCat(stairwell, ", ", floor, ". ", door);
  return {.stop = {"9003-004", std::move(stairwell), std::move(floor), std::move(door), "d"},
          .department_name = "Remiseparken",
          .address = {line, "2300 København S"}};
}

// A run into memory.
class PrintRunTest : public ::testing::Test {
 protected:
  void Begin() {
    letters_.clear();
    list_.clear();
    run_ = std::make_unique<PrintRun>(Options(), Into(letters_), Into(list_));
  }
  static Sink Into(std::string& file) {
    return [&file](std::string_view bytes) {
      file.append(bytes);
      return absl::OkStatus();
    };
  }
  void Add(Letter letter) { ASSERT_THAT(run_->AddLetter(std::move(letter)), IsOk()); }
  // Prints `letters` with one body.
  void Print(std::vector<Letter> letters, Body const& body = DanishBody()) {
    Begin();
    auto const id = run_->AddBody(body);
    EXPECT_THAT(id, IsOk());
    for (auto& letter : letters) {
      letter.body = *id;
      Add(std::move(letter));
    }
    EXPECT_THAT(run_->Finish(), IsOk());
  }

  // What a reader finds in a PDF, page by page.
  static std::vector<std::string> Pages(std::string const& pdf) {
    std::vector<std::string> pages = absl::StrSplit(Read(pdf, {"-enc", "UTF-8"}), '\f');
    pages.pop_back();
    return pages;
  }
  // How far from the left the word begins, by the last page.
  static double LeftOf(std::string const& pdf, std::string const& word) {
    double left = -1;
    for (auto const line : absl::StrSplit(Read(pdf, {"-bbox"}), '\n')) {
      if (!absl::StrContains(line, absl::StrCat(">", word, "<"))) continue;
      auto const at = line.find("xMin=\"");
      EXPECT_TRUE(at != absl::string_view::npos && absl::SimpleAtod(line.substr(at + 6, line.find('"', at + 6) - at - 6), &left));
    }
    return left;
  }
  static std::string Read(std::string const& pdf, std::vector<std::string> const& options) {
    auto const folder = std::filesystem::path(::testing::TempDir()) / absl::StrCat("paper-", ::getpid());
    std::filesystem::create_directories(folder);
    auto const file = (folder / "run.pdf").string();
    std::ofstream(file, std::ios::binary) << pdf;
    std::vector<std::string> command = {"pdftotext"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {file, "-"});
    auto const outcome = testing::RunProgram(command);
    std::filesystem::remove_all(folder);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    return outcome.output;
  }
  // Without the marks that pdftotext puts round text of the other direction.
  static std::string Unmarked(std::string const& text) {
    return absl::StrReplaceAll(text, {{"\u202a", ""}, {"\u202b", ""}, {"\u202c", ""}});
  }

  std::string letters_, list_;
  std::unique_ptr<PrintRun> run_;
};

TEST_F(PrintRunTest, EveryHouseholdIsThereOnceInTheOrderOfTheRoute) {
  std::vector<Letter> letters;
  for (auto const* const stairwell : {"Remisevej 4", "Remisevej 12"}) {
    for (auto const* const floor : {"st", "1", "2", "10"}) {
      for (auto const* const door : {"tv", "mf", "th"}) letters.push_back(LetterTo(stairwell, floor, door));
    }
  }
  Print(letters);
  auto const totals = Pages(list_).back();
  EXPECT_THAT(totals, HasSubstr("9003-004 Remiseparken"));
  EXPECT_THAT(totals, HasSubstr("opgange: 2"));
  EXPECT_THAT(totals, HasSubstr("I alt breve: 24"));

  auto const pages = Pages(letters_);
  ASSERT_EQ(pages.size(), 24 + 3) << "a sheet before the department and before each stairwell";
  EXPECT_THAT(pages[0], HasSubstr("Remiseparken\n"));
  EXPECT_THAT(pages[1], HasSubstr("Remisevej 4\n"));
  EXPECT_THAT(pages[1], HasSubstr("breve: 12"));
  std::size_t page = 1;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    page += i == 12 ? 2 : 1;
    EXPECT_THAT(pages[page], HasSubstr(absl::StrCat("Til beboerne\n", letters[i].address[0], "\n2300 København S\n"))) << i;
    EXPECT_THAT(pages[page], HasSubstr("Vandet lukkes tirsdag"));
  }
}

TEST_F(PrintRunTest, TextIsTextAndDanishLettersStayWhatTheyAre) {
  auto letter = LetterTo("Ærøgade 1", "1", "tv");
  letter.address.insert(letter.address.begin(), "<i>Åse</i> & Søn");
  Print({letter});
  auto const page = Pages(letters_).back();
  EXPECT_THAT(page, HasSubstr("Til beboerne\n<i>Åse</i> & Søn\nÆrøgade 1, 1. tv\n2300 København S"));
  EXPECT_THAT(page, HasSubstr("Ærø, øl, Åse & <b>ikke fed</b>"));
  EXPECT_THAT(page, HasSubstr("&amp;."));
}

TEST_F(PrintRunTest, ArabicIsReadInItsOrderAndStandsOnTheRight) {
  auto body = DanishBody();
  body.sections.push_back({"ar", "Remisevej: خبر", {{"مرحبا بكم في بيت كبير"}, {"KAB سلام"}}});
  Print({LetterTo("Remisevej 4", "1", "tv")}, body);
  auto const page = Unmarked(Pages(letters_).back());
  EXPECT_THAT(page, HasSubstr("مرحبا بكم في"));
  // The name that comes first stands on the right, and what follows it on its left.
  EXPECT_GT(LeftOf(letters_, "KAB"), kPageWidth / 2);
  EXPECT_LT(LeftOf(letters_, "سلام"), LeftOf(letters_, "KAB"));
}

TEST_F(PrintRunTest, TheLanguageSetsTheSideEvenWhereTheTextBeginsWithADanishName) {
  Typesetter const typesetter("Noto Sans");
  auto const left_of = [&](std::string_view text, std::string_view language) {
    auto const layout = typesetter.Set(text, {11}, 400, language);
    PangoRectangle rectangle;
    pango_layout_get_extents(layout.get(), nullptr, &rectangle);
    return rectangle.x / PANGO_SCALE;
  };
  EXPECT_EQ(left_of("KAB: a", "da"), 0);
  EXPECT_GT(left_of("KAB مرحبا", "ar"), 200);
  EXPECT_GT(left_of("KAB", "ku-Arab"), 200);
  EXPECT_EQ(left_of("KAB", "ku-Latn"), 0);
  EXPECT_EQ(left_of("KAB مرحبا", ""), 0);
  EXPECT_GT(left_of("مرحبا KAB", ""), 200);
  EXPECT_EQ(left_of("مرحبا", "da"), left_of("مرحبا", "sv")) << "the tag is stronger than the letters";
  EXPECT_EQ(left_of("مرحبا", "da"), 0);
}

TEST_F(PrintRunTest, AnAddressStaysOneLineAndInItsWindowWhateverItHolds) {
  auto letter = LetterTo("Remisevej 4", "1", "tv");
  letter.address = {"Anna\nBent\u202eCarl\u2028Dora\x01", "مرحبا"};
  for (int i = 0; i < 12; ++i) letter.address.push_back(absl::StrCat("Linje ", i));
  Print({letter});
  auto const page = Pages(letters_).back();
  EXPECT_THAT(page, HasSubstr("Til beboerne\nAnna Bent Carl Dora"));
  EXPECT_THAT(page, HasSubstr("Linje 0\nLinje 1\nLinje 2\n"));
  EXPECT_THAT(page, Not(HasSubstr("Linje 3")));
}

TEST_F(PrintRunTest, LongTextGoesOnOnNumberedPages) {
  Body body{{{"da", "Langt", {}}}};
  for (int i = 0; i < 60; ++i)
    body.sections[0].paragraphs.push_back({absl::StrCat("Afsnit nummer ", i, " om arbejdet i opgangen.")});
  Print({LetterTo("Remisevej 4", "1", "tv"), LetterTo("Remisevej 4", "1", "th")}, body);
  auto const pages = Pages(letters_);
  ASSERT_EQ(pages.size(), 2 + 2 * 3);
  EXPECT_THAT(pages[2], HasSubstr("Side 1 af 3"));
  EXPECT_THAT(pages[4], HasSubstr("Afsnit nummer 59"));
  EXPECT_THAT(pages[3], Not(HasSubstr("Til beboerne")));
}

// What is a heading is told, and printed without a mark; what looks like one is text.
TEST_F(PrintRunTest, AHeadingStaysWithTheParagraphBelowIt) {
  Body body{{{"da", "Vand", {}}}};
  auto& paragraphs = body.sections[0].paragraphs;
  // A heading that just fits on a page of its own accord is taken along to the next.
  for (int i = 0; i < 60; ++i) {
    paragraphs.push_back({absl::StrCat("Overskrift ", i, "."), true});
    paragraphs.push_back({absl::StrCat("# Afsnit ", i, ".")});
  }
  Print({LetterTo("Remisevej 4", "1", "tv")}, body);
  auto const pages = Pages(letters_);
  for (int i = 0; i < 60; ++i) {
    auto const heading = absl::StrCat("Overskrift ", i, ".");
    auto const page =
        std::find_if(pages.begin(), pages.end(), [&](auto const& each) { return absl::StrContains(each, heading); });
    ASSERT_NE(page, pages.end()) << i;
    EXPECT_THAT(*page, HasSubstr(absl::StrCat("# Afsnit ", i, "."))) << i;
  }
}

TEST_F(PrintRunTest, ADepartmentWithoutANameIsItsNumber) {
  auto letter = LetterTo("Remisevej 4", "1", "tv");
  letter.department_name.clear();
  Print({letter});
  EXPECT_THAT(Pages(letters_)[0], HasSubstr("9003-004\n"));
  EXPECT_THAT(Pages(list_)[0], HasSubstr("9003-004\n"));
}

TEST_F(PrintRunTest, TheRouteListHasEveryDoor) {
  Print({LetterTo("Remisevej 4", "st", "tv"), LetterTo("Remisevej 4", "10", "44"), LetterTo("Søgade 1", "", "")});
  auto const pages = Pages(list_);
  ASSERT_EQ(pages.size(), 2);
  auto const& page = pages[0];
  EXPECT_THAT(page, HasSubstr("Vandet lukkes"));
  EXPECT_THAT(page, HasSubstr("9003-004 Remiseparken"));
  EXPECT_THAT(page, HasSubstr("Remisevej 4, breve: 2"));
  EXPECT_THAT(page, HasSubstr("44"));
  EXPECT_THAT(page, HasSubstr("Søgade 1, breve: 1"));
  EXPECT_THAT(pages[1], HasSubstr("I alt breve: 3"));
}

TEST_F(PrintRunTest, ALetterThatIsNotNextOnTheRouteEndsTheRun) {
  Begin();
  auto const body = run_->AddBody(DanishBody());
  ASSERT_THAT(body, IsOk());
  auto letter = LetterTo("Remisevej 4", "2", "tv");
  letter.body = *body;
  ASSERT_THAT(run_->AddLetter(letter), IsOk());
  EXPECT_EQ(run_->AddLetter(letter).code(), absl::StatusCode::kInternal) << "the same household again";
  EXPECT_EQ(run_->Finish().code(), absl::StatusCode::kInternal);

  Begin();
  ASSERT_THAT(run_->AddBody(DanishBody()), IsOk());
  ASSERT_THAT(run_->AddLetter(letter), IsOk());
  letter.stop.floor = "1";
  EXPECT_EQ(run_->AddLetter(letter).code(), absl::StatusCode::kInternal) << "a floor below";
}

TEST_F(PrintRunTest, WhatCannotBePrintedIsNamedBeforeAnyLetter) {
  Begin();
  auto const fields = [&](Body const& body) {
    std::vector<std::string> names;
    for (auto const& violation : ViolationsOf(run_->AddBody(body, "campaign").status())) names.push_back(violation.field);
    return names;
  };
  EXPECT_THAT(fields({}), ElementsAre("campaign"));
  EXPECT_THAT(fields({{{"da", "", {{""}}}}}), ElementsAre("campaign"));
  EXPECT_THAT(
      fields({{{"da", "a\x01", {{"b"}, {"c\xff"}, {"\U0001F9FF\U0010FFFD"}}}}}),
      ElementsAre("campaign.sections[0].title", "campaign.sections[0].paragraphs[1]", "campaign.sections[0].paragraphs[2]"));
  Body endless{{{"da", "Langt", {}}}};
  for (int i = 0; i < 1000; ++i) endless.sections[0].paragraphs.push_back({"Afsnit"});
  EXPECT_THAT(fields(endless), ElementsAre("campaign"));
}

TEST_F(PrintRunTest, AnAddressThatNoFontHasIsPrintedAllTheSame) {
  auto letter = LetterTo("Remisevej 4", "1", "tv");
  letter.address[0] = "\U0010FFFD";
  Print({letter});
  EXPECT_THAT(Pages(letters_).back(), HasSubstr("Til beboerne"));
}

TEST_F(PrintRunTest, TheSameRunGivesTheSameBytesWhateverTheLocale) {
  std::vector<Letter> const letters = {LetterTo("Remisevej 4", "1", "tv"), LetterTo("Remisevej 4", "1", "th")};
  Print(letters);
  auto const first = letters_;
  auto const first_list = list_;
  auto* const old = std::setlocale(LC_ALL, "C");
  ASSERT_NE(old, nullptr);
  Print(letters);
  EXPECT_EQ(letters_, first);
  EXPECT_EQ(list_, first_list);
  EXPECT_THAT(first, HasSubstr("20220328064640"));
}

TEST_F(PrintRunTest, AFullDiskEndsTheRunAndNothingHalfIsTakenForWhole) {
  std::string file;
  std::size_t const room = 20'000;
  auto const sink = [&](std::string_view bytes) -> absl::Status {
    if (file.size() + bytes.size() > room) return absl::ResourceExhaustedError("full");
    file.append(bytes);
    return absl::OkStatus();
  };
  auto run = std::make_unique<PrintRun>(Options(), sink, Into(list_));
  auto const body = run->AddBody(DanishBody());
  ASSERT_THAT(body, IsOk());
  absl::Status status;
  for (int i = 1; i < 1000 && status.ok(); ++i) {
    auto letter = LetterTo(absl::StrCat("Remisevej ", i), "1", "tv");
    letter.body = *body;
    status = run->AddLetter(std::move(letter));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(run->Finish().code(), absl::StatusCode::kResourceExhausted);
  run.reset();
  EXPECT_THAT(file, Not(HasSubstr("%%EOF")));

  file.clear();
  run = std::make_unique<PrintRun>(Options(), Into(file), Into(list_));
  run.reset();
  EXPECT_THAT(file, Not(HasSubstr("%%EOF"))) << "a run that was not finished";
}

TEST_F(PrintRunTest, FourThousandHouseholdsAreEachThereOnceAndPagesLeaveAsTheyCome) {
  Begin();
  auto const body = run_->AddBody(DanishBody());
  ASSERT_THAT(body, IsOk());
  std::size_t written_at_half = 0;
  constexpr int kHouseholds = 4135;
  for (int i = 0; i < kHouseholds; ++i) {
    auto letter = LetterTo(absl::StrCat("Remisevej ", 1 + i / 24), absl::StrCat(1 + i / 3 % 8), absl::StrCat(i % 3 + 1));
    letter.body = *body;
    Add(std::move(letter));
    if (i == kHouseholds / 2) written_at_half = letters_.size();
  }
  ASSERT_THAT(run_->Finish(), IsOk());
  EXPECT_GT(written_at_half, letters_.size() * 4 / 10);

  std::map<std::string, int> seen;
  auto const pages = Pages(letters_);
  for (auto const& page : pages) {
    std::vector<std::string> const lines = absl::StrSplit(page, '\n');
    auto const at = std::find(lines.begin(), lines.end(), "Til beboerne");
    if (at != lines.end()) ++seen[*(at + 1)];
  }
  EXPECT_EQ(seen.size(), kHouseholds);
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](auto const& door) { return door.second == 1; }));
}

TEST_F(PrintRunTest, AStairwellThatIsTooLargeToHoldComesInParts) {
  std::vector<Letter> letters;
  for (int i = 1; i <= 501; ++i) letters.push_back(LetterTo("", "1", absl::StrCat(i)));
  Print(letters);
  EXPECT_THAT(Pages(list_).back(), HasSubstr("opgange: 1"));
  EXPECT_THAT(Pages(list_).back(), HasSubstr("I alt breve: 501"));
  EXPECT_EQ(Pages(letters_).size(), 501 + 3);
  EXPECT_THAT(Pages(letters_)[502], HasSubstr("Uden opgang, fortsat (2)"));
}

}  // namespace
}  // namespace helhed::communications::paper
