#include "services/residents/domain/disclosure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "services/platform/testing/matchers.h"

namespace helhed::residents {
namespace {

using ::testing::ElementsAre;
using testing::ForAllSeeds;

// What is published of a table with its totals: nullopt where it is withheld. The grand total is published.
struct Published {
  std::vector<std::vector<std::optional<Count>>> cells;
  std::vector<std::optional<Count>> rows;
  std::vector<std::optional<Count>> columns;
  Count total = 0;
};

std::vector<Count> RowTotals(Cells const& counts) {
  std::vector<Count> totals;
  for (auto const& row : counts) totals.push_back(std::accumulate(row.begin(), row.end(), Count{0}));
  return totals;
}
std::vector<Count> ColumnTotals(Cells const& counts) {
  std::vector<Count> totals(counts.front().size());
  for (auto const& row : counts) {
    for (std::size_t j = 0; j < row.size(); ++j) totals[j] += row[j];
  }
  return totals;
}

// As a table is published: totals first, each dimension by itself, then the cells. nullopt when nothing is.
std::optional<Published> Publish(Cells const& counts, Count row_minimum, Count minimum) {
  auto const row_totals = RowTotals(counts);
  auto const column_totals = ColumnTotals(counts);
  auto const rows = WithholdInLine(row_totals, row_minimum);
  auto const columns = WithholdInLine(column_totals, minimum);
  if (rows.total || columns.total) return std::nullopt;
  auto const cells = WithholdInTable(counts, rows.parts, columns.parts, minimum);
  Published published;
  published.total = std::accumulate(row_totals.begin(), row_totals.end(), Count{0});
  for (std::size_t i = 0; i < counts.size(); ++i) {
    published.rows.push_back(rows.parts[i] ? std::nullopt : std::optional(row_totals[i]));
    published.cells.emplace_back();
    for (std::size_t j = 0; j < counts[i].size(); ++j) {
      published.cells.back().push_back(cells[i][j] ? std::nullopt : std::optional(counts[i][j]));
    }
  }
  for (std::size_t j = 0; j < column_totals.size(); ++j) {
    published.columns.push_back(columns.parts[j] ? std::nullopt : std::optional(column_totals[j]));
  }
  return published;
}

// Everything an attacker can know: which values each unknown takes in any table that agrees with what is published. By going
// through all of them, so it shares nothing with the method. For small tables.
class Attacker {
 public:
  explicit Attacker(Published const& published) : published_(published), values_(published.cells.size()) {
    for (auto& row : values_) row.resize(published.columns.size());
    row_values_.resize(published.rows.size());
    column_values_.resize(published.columns.size());
    table_.assign(published.rows.size(), std::vector<Count>(published.columns.size()));
    left_ = published.total;
    Try(0, 0);
  }
  std::set<Count> const& Cell(std::size_t i, std::size_t j) const { return values_[i][j]; }
  std::set<Count> const& Row(std::size_t i) const { return row_values_[i]; }
  std::set<Count> const& Column(std::size_t j) const { return column_values_[j]; }

 private:
  void Try(std::size_t i, std::size_t j) {
    if (j == published_.columns.size()) {
      auto const& row = table_[i];
      auto const sum = std::accumulate(row.begin(), row.end(), Count{0});
      if (published_.rows[i] && *published_.rows[i] != sum) return;
      if (i + 1 < published_.rows.size()) return Try(i + 1, 0);
      return Record();
    }
    Count low = 0;
    Count high = left_;
    if (auto const& known = published_.cells[i][j]) low = high = *known;
    if (auto const& column = published_.columns[j]) {
      Count above = 0;
      for (std::size_t k = 0; k < i; ++k) above += table_[k][j];
      high = std::min(high, *column - above);
      if (i + 1 == published_.rows.size()) low = std::max(low, *column - above);
    }
    if (auto const& row = published_.rows[i]) {
      auto const before = std::accumulate(table_[i].begin(), table_[i].begin() + static_cast<std::ptrdiff_t>(j), Count{0});
      high = std::min(high, *row - before);
    }
    for (Count value = low; value <= high && value <= left_; ++value) {
      table_[i][j] = value;
      left_ -= value;
      Try(i, j + 1);
      left_ += value;
    }
    table_[i][j] = 0;
  }
  void Record() {
    if (left_ != 0) return;
    auto const rows = RowTotals(table_);
    auto const columns = ColumnTotals(table_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      row_values_[i].insert(rows[i]);
      for (std::size_t j = 0; j < columns.size(); ++j) values_[i][j].insert(table_[i][j]);
    }
    for (std::size_t j = 0; j < columns.size(); ++j) column_values_[j].insert(columns[j]);
  }

  Published const& published_;
  Cells table_;
  Count left_ = 0;
  std::vector<std::vector<std::set<Count>>> values_;
  std::vector<std::set<Count>> row_values_;
  std::vector<std::set<Count>> column_values_;
};

// A count that is withheld may be another one for all that the attacker knows; one that is small may be one that would be
// published.
void ExpectHidden(std::set<Count> const& possible, Count actual, Count minimum) {
  EXPECT_TRUE(possible.contains(actual));
  EXPECT_GT(possible.size(), 1U) << "is determined as " << actual;
  if (actual < minimum) {
    EXPECT_GE(*possible.rbegin(), minimum) << "is known to be small";
  }
}

void ExpectNothingFound(Cells const& counts, Published const& published, Count row_minimum, Count minimum) {
  Attacker const attacker(published);
  auto const rows = RowTotals(counts);
  auto const columns = ColumnTotals(counts);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE("row " + std::to_string(i));
    if (published.rows[i]) {
      EXPECT_GE(rows[i], row_minimum);
    } else {
      ExpectHidden(attacker.Row(i), rows[i], row_minimum);
    }
    for (std::size_t j = 0; j < columns.size(); ++j) {
      SCOPED_TRACE("column " + std::to_string(j));
      if (published.cells[i][j]) {
        EXPECT_GE(counts[i][j], minimum);
      } else {
        ExpectHidden(attacker.Cell(i, j), counts[i][j], minimum);
      }
    }
  }
  for (std::size_t j = 0; j < columns.size(); ++j) {
    SCOPED_TRACE("total of column " + std::to_string(j));
    if (published.columns[j]) {
      EXPECT_GE(columns[j], minimum);
    } else {
      ExpectHidden(attacker.Column(j), columns[j], minimum);
    }
  }
}

std::string Print(Cells const& counts) { return ::testing::PrintToString(counts); }

TEST(DisclosureOfALine, WithholdsTheNextSmallestWithTheSmallOne) {
  // 3 alone would be the total less the others; so would it be with 0, if they did not add up to 5 either.
  EXPECT_THAT(WithholdInLine(std::vector<Count>{3, 20, 8, 9}, 5).parts, ElementsAre(true, false, true, false));
  EXPECT_THAT(WithholdInLine(std::vector<Count>{3, 20, 1, 9}, 5).parts, ElementsAre(true, false, true, true));
  EXPECT_THAT(WithholdInLine(std::vector<Count>{3, 20, 4, 9}, 5).parts, ElementsAre(true, false, true, false));
  EXPECT_THAT(WithholdInLine(std::vector<Count>{5, 20, 8, 9}, 5).parts, ElementsAre(false, false, false, false));
  EXPECT_THAT(WithholdInLine(std::vector<Count>{0, 20}, 5).parts, ElementsAre(true, true));
  // Departments below 100 residents, and one above that protects the one below.
  EXPECT_THAT(WithholdInLine(std::vector<Count>{99, 100, 300}, 100).parts, ElementsAre(true, true, false));
}

TEST(DisclosureOfALine, WithholdsTheTotalWhenItIsSmallItself) {
  auto const line = WithholdInLine(std::vector<Count>{2, 1}, 5);
  EXPECT_TRUE(line.total);
  EXPECT_THAT(line.parts, ElementsAre(true, true));
  EXPECT_FALSE(WithholdInLine(std::vector<Count>{5}, 5).total);
  EXPECT_TRUE(WithholdInLine(std::vector<Count>{}, 5).total);
}

TEST(DisclosureOfALine, GivesNothingAway) {
  ForAllSeeds(500, [](SeededRandom& random) {
    Count const minimum = random.Between(1, 6);
    Cells counts(static_cast<std::size_t>(random.Between(1, 5)));
    for (auto& row : counts) row = {random.Between(0, random.Between(0, 1) == 0 ? 4 : 12)};
    SCOPED_TRACE(Print(counts) + " minimum " + std::to_string(minimum));
    auto const totals = RowTotals(counts);
    auto const line = WithholdInLine(totals, minimum);
    if (line.total) {
      EXPECT_LT(ColumnTotals(counts)[0], minimum);
      return;
    }
    Published published{{}, {}, {ColumnTotals(counts)[0]}, ColumnTotals(counts)[0]};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      auto const shown = line.parts[i] ? std::nullopt : std::optional(totals[i]);
      published.rows.push_back(shown);
      published.cells.push_back({shown});
    }
    ExpectNothingFound(counts, published, minimum, minimum);
  });
}

TEST(DisclosureOfATable, WithholdsARectangleOfFewPeople) {
  Cells const counts = {{3, 20, 30}, {40, 9, 50}, {60, 70, 8}};
  auto const published = Publish(counts, 5, 5);
  ASSERT_TRUE(published.has_value());
  // 3 with 20, 40 and 9 in the other corners: no other rectangle hides so few people.
  WithheldCells withheld;
  for (auto const& row : published->cells) {
    withheld.emplace_back();
    for (auto const& cell : row) withheld.back().push_back(!cell.has_value());
  }
  EXPECT_THAT(withheld,
              ElementsAre(ElementsAre(true, true, false), ElementsAre(true, true, false), ElementsAre(false, false, false)));
}

TEST(DisclosureOfATable, WithholdsNothingWhereNothingIsSmall) {
  ForAllSeeds(100, [](SeededRandom& random) {
    Cells counts(static_cast<std::size_t>(random.Between(1, 6)),
                 std::vector<Count>(static_cast<std::size_t>(random.Between(1, 6))));
    for (auto& row : counts) {
      for (auto& cell : row) cell = random.Between(5, 90);
    }
    auto const published = Publish(counts, 5, 5);
    ASSERT_TRUE(published.has_value());
    for (auto const& row : published->cells) {
      for (auto const& cell : row) EXPECT_TRUE(cell.has_value());
    }
  });
}

// The attacker goes through every table that agrees with what is published: no cell and no total that is withheld may be the same
// in all of them.
TEST(DisclosureOfATable, GivesNothingAway) {
  int published_tables = 0;
  int withheld_cells = 0;
  ForAllSeeds(120, [&](SeededRandom& random) {
    Count const minimum = random.Between(1, 3);
    Count const row_minimum = random.Between(0, 2) == 0 ? minimum * 3 : minimum;
    auto const rows = static_cast<std::size_t>(random.Between(1, 4));
    Cells counts(rows, std::vector<Count>(static_cast<std::size_t>(random.Between(1, rows == 4 ? 2 : 3))));
    for (auto& row : counts) {
      for (auto& cell : row) cell = random.Between(0, 3) == 0 ? 0 : random.Between(0, 5);
    }
    SCOPED_TRACE(Print(counts) + " minimum " + std::to_string(minimum) + ", of rows " + std::to_string(row_minimum));
    auto const published = Publish(counts, row_minimum, minimum);
    if (!published) return;
    ++published_tables;
    for (auto const& row : published->cells) withheld_cells += static_cast<int>(std::count(row.begin(), row.end(), std::nullopt));
    ExpectNothingFound(counts, *published, row_minimum, minimum);
  });
  // The test would prove nothing with tables that are withheld as a whole, or not at all.
  EXPECT_GT(published_tables, 60);
  EXPECT_GT(withheld_cells, 150);
}

// The attacker of large tables: bounds each unknown by each equation that it stands in, over and over.
TEST(DisclosureOfATable, GivesNothingAwayInLargeTables) {
  ForAllSeeds(30, [](SeededRandom& random) {
    Count const minimum = 5;
    Count const row_minimum = 100;
    Cells counts(static_cast<std::size_t>(random.Between(2, 40)),
                 std::vector<Count>(static_cast<std::size_t>(random.Between(2, 12))));
    for (auto& row : counts) {
      auto const size = random.Between(2, 60);
      for (auto& cell : row) cell = random.Between(0, 4) == 0 ? 0 : random.Between(0, size);
    }
    auto const published = Publish(counts, row_minimum, minimum);
    if (!published) return;
    auto const rows = counts.size();
    auto const columns = counts[0].size();
    Count const far = published->total;
    // Unknowns with their bounds: the cells, then the totals of rows and of columns.
    std::vector<std::pair<Count, Count>> bounds;
    auto const add = [&](std::optional<Count> const& known) { bounds.emplace_back(known.value_or(0), known.value_or(far)); };
    for (auto const& row : published->cells) std::for_each(row.begin(), row.end(), add);
    std::for_each(published->rows.begin(), published->rows.end(), add);
    std::for_each(published->columns.begin(), published->columns.end(), add);
    bounds.emplace_back(far, far);
    // Each equation: the parts add up to the whole.
    std::vector<std::pair<std::vector<std::size_t>, std::size_t>> equations;
    for (std::size_t i = 0; i < rows; ++i) {
      equations.push_back({{}, rows * columns + i});
      for (std::size_t j = 0; j < columns; ++j) equations.back().first.push_back(i * columns + j);
    }
    for (std::size_t j = 0; j < columns; ++j) {
      equations.push_back({{}, rows * columns + rows + j});
      for (std::size_t i = 0; i < rows; ++i) equations.back().first.push_back(i * columns + j);
    }
    for (auto const& [first, size] : {std::pair(rows * columns, rows), std::pair(rows * columns + rows, columns)}) {
      equations.push_back({std::vector<std::size_t>(size), bounds.size() - 1});
      std::iota(equations.back().first.begin(), equations.back().first.end(), first);
    }
    for (bool changed = true; changed;) {
      changed = false;
      auto const narrow = [&](std::size_t unknown, Count low, Count high) {
        auto& [from, to] = bounds[unknown];
        if (low > from || high < to) changed = true;
        from = std::max(from, low);
        to = std::min(to, high);
      };
      for (auto const& [parts, whole] : equations) {
        Count low = 0;
        Count high = 0;
        for (auto const part : parts) {
          low += bounds[part].first;
          high += bounds[part].second;
        }
        narrow(whole, low, high);
        auto const [whole_low, whole_high] = bounds[whole];
        for (auto const part : parts) {
          auto const [from, to] = bounds[part];
          narrow(part, whole_low - (high - to), whole_high - (low - from));
        }
      }
    }
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        auto const [low, high] = bounds[i * columns + j];
        if (published->cells[i][j]) continue;
        EXPECT_LT(low, high) << i << ", " << j;
        if (counts[i][j] < minimum) {
          EXPECT_GE(high, minimum) << i << ", " << j;
        }
      }
    }
  });
}

}  // namespace
}  // namespace helhed::residents
