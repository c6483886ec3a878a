#include "cli/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<CsvRecord> ReadAll(std::string_view text, char separator = ',') {
  CsvReader reader(text, separator);
  std::vector<CsvRecord> records;
  CsvRecord record;
  while (reader.Next(record)) records.push_back(record);
  return records;
}

std::vector<std::string> Texts(CsvRecord const& record) {
  std::vector<std::string> texts;
  for (auto const& cell : record.cells) texts.push_back(cell.text);
  return texts;
}

TEST(Csv, ReadsQuotesLineBreaksAndEmptyCells) {
  auto const records = ReadAll("a,\"b \"\"c\"\", d\",\r\n\"x\r\ny\",,z\n");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(Texts(records[0]), ElementsAre("a", "b \"c\", d", ""));
  EXPECT_THAT(Texts(records[1]), ElementsAre("x\r\ny", "", "z"));
}

TEST(Csv, PassesOverAByteOrderMarkAndNeedsNoLastLineBreak) {
  auto const records = ReadAll(
      "\xEF\xBB\xBF"
      "a;b\n1;2",
      ';');
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].cells[0].text, "a");
  EXPECT_EQ(records[0].cells[0].place, (Place{1, 1}));
  EXPECT_THAT(Texts(records[1]), ElementsAre("1", "2"));
  EXPECT_TRUE(ReadAll("").empty());
  EXPECT_TRUE(ReadAll("\xEF\xBB\xBF").empty());
}

TEST(Csv, PlacesCountLinesWithinQuotesAndCharactersNotBytes) {
  auto const records = ReadAll("æøå,\"1\n2\",x\nlast,y\n");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].cells[1].place, (Place{1, 5}));
  EXPECT_EQ(records[0].cells[2].place, (Place{2, 4}));
  EXPECT_EQ(records[1].line, 3u);
  EXPECT_EQ(records[1].cells[1].place, (Place{3, 6}));
}

struct FaultCase {
  std::string text;
  Place place;
  std::size_t cell;
  std::string description;
};

TEST(Csv, NamesThePlaceOfEveryFaultAndGoesOnWithTheNextLine) {
  std::vector<FaultCase> const cases = {
      {"a,b\"c,d", {1, 4}, 2, "a quote in a cell"},
      {"\"a\"b,c", {1, 4}, 1, "after the closing quote"},
      {"x,\"open", {1, 3}, 2, "never closed"},
      {"a,b\rc", {1, 4}, 2, "carriage return"},
      {"ok,K\xF8"
       "benhavn",
       {1, 5},
       2,
       "not UTF-8"},
      {std::string("a\0b", 3), {1, 2}, 1, "not UTF-8"},
      {"\xED\xA0\x80", {1, 1}, 1, "not UTF-8"},
      {"a,\"b\nc\xFF\"", {2, 2}, 2, "not UTF-8"},
  };
  for (auto const& each : cases) {
    SCOPED_TRACE(each.text);
    auto const records = ReadAll(each.text + "\nnext,row\n");
    ASSERT_TRUE(records[0].fault);
    EXPECT_EQ(records[0].fault->place, each.place) << records[0].fault->place.line << ":" << records[0].fault->place.column;
    EXPECT_EQ(records[0].fault->cell, each.cell);
    EXPECT_THAT(records[0].fault->description, HasSubstr(each.description));
    if (each.description == "never closed") continue;
    ASSERT_EQ(records.size(), 2u);
    EXPECT_THAT(Texts(records[1]), ElementsAre("next", "row"));
  }
}

TEST(Csv, KnowsRowsThatSpreadsheetsLeaveBehind) {
  auto const records = ReadAll(";;\n\nx;;\n", ';');
  ASSERT_EQ(records.size(), 3u);
  EXPECT_TRUE(records[0].blank());
  EXPECT_TRUE(records[1].blank());
  EXPECT_FALSE(records[2].blank());
}

TEST(Csv, GuessesTheSeparatorOutsideQuotes) {
  EXPECT_EQ(GuessSeparator("a,b,c\n1;2;3;4;5"), ',');
  EXPECT_EQ(GuessSeparator("afdeling;\"adresse, med, komma\";dør\n"), ';');
  EXPECT_EQ(GuessSeparator("alone"), ',');
}

TEST(Csv, WhatIsWrittenIsReadAgain) {
  static std::vector<std::string> const pieces = {"a", "\"",           ",", ";",     "\n", "\r", "\r\n", "æ", "€",
                                                  " ", "\xEF\xBB\xBF", "😀", "x\"\"y"};
  helhed::testing::ForAllSeeds(2000, [](SeededRandom& random) {
    char const separator = random.Between(0, 1) == 0 ? ',' : ';';
    std::vector<std::vector<std::string>> rows(static_cast<std::size_t>(random.Between(1, 4)));
    std::string text;
    std::vector<std::size_t> lines;
    std::size_t line = 1;
    for (auto& row : rows) {
      row.resize(static_cast<std::size_t>(random.Between(1, 4)));
      for (auto& cell : row) {
        for (auto n = random.Between(0, 4); n > 0; --n) cell += pieces[random.Next() % pieces.size()];
      }
      auto const written = CsvLine(row, separator);
      lines.push_back(line);
      line += static_cast<std::size_t>(std::count(written.begin(), written.end(), '\n'));
      text += written;
    }
    auto const records = ReadAll(text, separator);
    ASSERT_EQ(records.size(), rows.size()) << text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ASSERT_FALSE(records[i].fault) << text;
      EXPECT_EQ(Texts(records[i]), rows[i]) << text;
      EXPECT_EQ(records[i].line, lines[i]) << text;
    }
  });
}

TEST(Csv, EveryPlaceIsWhereTheCellStands) {
  helhed::testing::ForAllSeeds(500, [](SeededRandom& random) {
    // Cells of their own numbers, so that a place can be checked against the lines of the text.
    std::string text;
    std::vector<Place> places;
    Place place;
    for (auto rows = random.Between(1, 5); rows > 0; --rows) {
      place.column = 1;
      for (auto cells = random.Between(1, 5); cells > 0; --cells) {
        auto const width = random.Between(0, 3);
        places.push_back(place);
        for (auto i = width; i > 0; --i) text += "å";
        text += cells > 1 ? "," : "\n";
        place.column += static_cast<std::size_t>(width) + 1;
      }
      ++place.line;
    }
    std::vector<Place> found;
    for (auto const& record : ReadAll(text)) {
      for (auto const& cell : record.cells) found.push_back(cell.place);
    }
    EXPECT_EQ(found, places) << text;
  });
}

}  // namespace
}  // namespace helhed::cli
