#include "services/platform/storage/collation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

namespace helhed::storage {
namespace {

bool Before(std::string_view a, std::string_view b) { return DanishSortKey(a) < DanishSortKey(b); }

TEST(DanishSortKey, SortsPlaceNamesAsDanesDo) {
  std::vector<std::string> sorted = {"Åby",    "Zen",     "Ølby",  "Aarhus", "Ærø",        "Albertslund",
                                     "Ålborg", "Brøndby", "Århus", "Odense", "Ærøskøbing", "Aabenraa"};
  std::sort(sorted.begin(), sorted.end(), Before);
  // Åbenrå < Åby < Ålborg < Århus: aa counts as å, and only what is otherwise equal is told apart by how it is written.
  std::vector<std::string> const expected = {"Albertslund", "Brøndby",  "Odense", "Zen",    "Ærø",   "Ærøskøbing",
                                             "Ølby",        "Aabenraa", "Åby",    "Ålborg", "Århus", "Aarhus"};
  EXPECT_THAT(sorted, ::testing::ElementsAreArray(expected));
}

TEST(DanishSortKey, AaIsTheLetterÅAndSortsLast) {
  EXPECT_TRUE(Before("Zen", "Aarhus"));
  EXPECT_TRUE(Before("Ærø", "Ølby"));
  EXPECT_TRUE(Before("Ølby", "Åby"));
  EXPECT_TRUE(Before("Åby", "Aarhus"));
}

TEST(DanishSortKey, TellsCaseAndAccentsApartOnlyAmongEquals) {
  EXPECT_TRUE(Before("Allé", "alléen"));
  EXPECT_TRUE(Before("alle", "allé"));
  EXPECT_TRUE(Before("allé", "allf"));
  EXPECT_NE(DanishSortKey("vej"), DanishSortKey("Vej"));
}

TEST(DanishSortKey, EmptyTextSortsFirstAndHasNoKey) {
  EXPECT_TRUE(DanishSortKey("").empty());
  EXPECT_TRUE(Before("", "a"));
}

TEST(DanishSortKey, IsBoundedWhateverTheText) {
  EXPECT_LE(DanishSortKey(std::string(100'000, 'a')).size(), kDanishSortKeyBytesMax);
  EXPECT_LE(DanishSortKey(std::string(100'000, '\xff')).size(), kDanishSortKeyBytesMax);
  std::string emoji;
  for (int i = 0; i < 10'000; ++i) emoji += "🏠";
  EXPECT_LE(DanishSortKey(emoji).size(), kDanishSortKeyBytesMax);
}

TEST(DanishSortKey, IsTheSameFromManyThreads) {
  auto const expected = DanishSortKey("Gårdhaven 3");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) EXPECT_EQ(DanishSortKey("Gårdhaven 3"), expected);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace helhed::storage
