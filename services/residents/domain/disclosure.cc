#include "services/residents/domain/disclosure.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <queue>
#include <utility>

namespace helhed::residents {
namespace {

constexpr Count kUnlimited = std::numeric_limits<Count>::max();

// A table as a flow: source -> row (its total) -> column (the cell) -> sink (the column's total), and back to the source (the
// grand total, which is published and so never changes). A count that is published cannot change either; the others can, as long
// as none gets negative.
class TableFlow {
 public:
  TableFlow(Cells const& counts, std::vector<bool> const& rows, std::vector<bool> const& columns, WithheldCells& withheld)
      : cells_(counts),
        rows_(rows),
        columns_(columns),
        withheld_(withheld),
        row_totals_(rows.size()),
        column_totals_(columns.size()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = 0; j < columns.size(); ++j) {
        row_totals_[i] += counts[i][j];
        column_totals_[j] += counts[i][j];
      }
    }
  }

  // Makes it possible that the cell is larger by `wanted`, as far as the table allows, withholding further cells where that is
  // needed.
  void Protect(std::size_t row, std::size_t column, Count wanted) {
    auto const cells = cells_;
    auto const row_totals = row_totals_;
    auto const column_totals = column_totals_;
    Detour const detour{row, column, Column(column), Row(row)};
    while (wanted > 0) {
      auto way = FindWay(detour, Reach::kWithheld, 1);
      // A way that carries all that is left hides fewer cells than several that carry a little each.
      if (!way) way = FindWay(detour, Reach::kAll, wanted);
      if (!way) way = FindWay(detour, Reach::kAll, 1);
      if (!way) break;
      wanted -= Follow(detour, *way, wanted);
    }
    cells_ = cells;
    row_totals_ = row_totals;
    column_totals_ = column_totals;
  }

 private:
  // A cell, and between which nodes the flow goes that makes up for its change.
  struct Detour {
    std::size_t row, column;
    std::size_t from, to;
  };
  enum class Reach { kWithheld, kAll };
  struct Step {
    std::size_t from;
    Count capacity;
    bool forward;
  };
  using Way = std::vector<std::optional<Step>>;

  std::size_t Source() const { return 0; }
  std::size_t Row(std::size_t i) const { return 1 + i; }
  std::size_t Column(std::size_t j) const { return 1 + rows_.size() + j; }
  std::size_t Sink() const { return 1 + rows_.size() + columns_.size(); }
  bool IsRow(std::size_t node) const { return node >= Row(0) && node < Column(0); }
  bool IsColumn(std::size_t node) const { return node >= Column(0) && node < Sink(); }

  // The cheapest way on which every arc carries `least`: an arc that is withheld already costs nothing, another one the people
  // that it would hide (and one more, so that zeros are not free).
  std::optional<Way> FindWay(Detour const& detour, Reach reach, Count least) const {
    Way way(Sink() + 1);
    std::vector<Count> costs(Sink() + 1, kUnlimited);
    using Entry = std::pair<Count, std::size_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
    costs[detour.from] = 0;
    open.emplace(0, detour.from);
    while (!open.empty()) {
      auto const [cost, node] = open.top();
      open.pop();
      if (cost > costs[node]) continue;
      if (node == detour.to) return way;
      ForEachArc(node, detour, reach, [&, from = node, so_far = cost](std::size_t to, Count capacity, Count price, bool forward) {
        if (capacity < least || so_far + price >= costs[to]) return;
        costs[to] = so_far + price;
        way[to] = Step{from, capacity, forward};
        open.emplace(costs[to], to);
      });
    }
    return std::nullopt;
  }

  // Every residual arc out of a node but the detour's own cell.
  template <typename Visit>
  void ForEachArc(std::size_t node, Detour const& detour, Reach reach, Visit const& visit) const {
    auto const cell = [&](std::size_t i, std::size_t j, bool forward) {
      if ((i == detour.row && j == detour.column) || (!withheld_[i][j] && reach == Reach::kWithheld)) return;
      visit(forward ? Column(j) : Row(i), forward ? kUnlimited : cells_[i][j], withheld_[i][j] ? 0 : cells_[i][j] + 1, forward);
    };
    if (node == Source()) {
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (rows_[i]) visit(Row(i), kUnlimited, 0, true);
      }
    } else if (node == Sink()) {
      for (std::size_t j = 0; j < columns_.size(); ++j) {
        if (columns_[j]) visit(Column(j), column_totals_[j], 0, false);
      }
    } else if (IsRow(node)) {
      auto const i = node - Row(0);
      for (std::size_t j = 0; j < columns_.size(); ++j) cell(i, j, true);
      if (rows_[i]) visit(Source(), row_totals_[i], 0, false);
    } else {
      auto const j = node - Column(0);
      for (std::size_t i = 0; i < rows_.size(); ++i) cell(i, j, false);
      if (columns_[j]) visit(Sink(), kUnlimited, 0, true);
    }
  }

  // Pushes what the way carries, `limit` at most, and withholds the cells on it.
  Count Follow(Detour const& detour, Way const& way, Count limit) {
    Count amount = limit;
    for (auto node = detour.to; node != detour.from; node = way[node]->from) amount = std::min(amount, way[node]->capacity);
    for (auto node = detour.to; node != detour.from; node = way[node]->from) {
      auto const& step = *way[node];
      auto const tail = step.forward ? step.from : node;
      auto const head = step.forward ? node : step.from;
      Count& flow = tail == Source() ? row_totals_[head - Row(0)]
                    : head == Sink() ? column_totals_[tail - Column(0)]
                                     : cells_[tail - Row(0)][head - Column(0)];
      flow += step.forward ? amount : -amount;
      if (IsRow(tail) && IsColumn(head)) withheld_[tail - Row(0)][head - Column(0)] = true;
    }
    return amount;
  }

  Cells cells_;
  std::vector<bool> const& rows_;
  std::vector<bool> const& columns_;
  WithheldCells& withheld_;
  std::vector<Count> row_totals_;
  std::vector<Count> column_totals_;
};

}  // namespace

WithheldLine WithholdInLine(std::span<Count const> counts, Count minimum) {
  WithheldLine line{std::vector<bool>(counts.size(), false), false};
  if (std::accumulate(counts.begin(), counts.end(), Count{0}) < minimum) {
    line.parts.assign(counts.size(), true);
    line.total = true;
    return line;
  }
  std::vector<std::size_t> by_size(counts.size());
  std::iota(by_size.begin(), by_size.end(), 0U);
  std::stable_sort(by_size.begin(), by_size.end(), [&](auto a, auto b) { return counts[a] < counts[b]; });
  Count hidden = 0;
  std::size_t parts = 0;
  for (auto const part : by_size) {
    bool const is_protected = parts == 0 || (parts > 1 && hidden >= minimum);
    if (counts[part] >= minimum && is_protected) break;
    line.parts[part] = true;
    hidden += counts[part];
    ++parts;
  }
  return line;
}

WithheldCells WithholdInTable(Cells const& counts, std::vector<bool> const& rows, std::vector<bool> const& columns,
                              Count minimum) {
  WithheldCells withheld(rows.size(), std::vector<bool>(columns.size(), false));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) withheld[i][j] = rows[i] || columns[j] || counts[i][j] < minimum;
  }
  // What is withheld later leaves more open, never less, so that each cell is looked at once. A cell that is not small needs no
  // look: it is withheld with its row or column, whose people could all be in another one that is withheld, or because it lies on
  // a way, and varies with that.
  TableFlow flow(counts, rows, columns, withheld);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (counts[i][j] < minimum) flow.Protect(i, j, minimum - counts[i][j]);
    }
  }
  return withheld;
}

}  // namespace helhed::residents
