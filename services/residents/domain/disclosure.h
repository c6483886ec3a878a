#pragma once

#include <cstdint>
#include <span>
#include <vector>

// Which counts of people must be withheld so that no small one can be read, or computed from those that are published (domain.md
// P6).
//
// Who reads a table knows its equations: the cells of a row add up to the row's total, those of a column to the column's, and
// these to the grand total; and that no count is negative. From that one can often compute a cell that is left out, or bound it
// closely. So more is left out than is small (secondary suppression), until the equations allow every small count to be as large
// as one that would be published, and every other count that is left out to be something else.
//
// The method is exact and not a rule of thumb: counts with their totals are a flow in a network, and what the equations leave
// open is what flow can still be pushed through the arcs that are withheld. The cells to add are those on the cheapest ways for
// it, where a cell costs the people whom it hides. (L. H. Cox, "Network models for complementary cell suppression", JASA 90,
// 1995.)
//
// Tables about the same people share their totals. So totals are decided on their own, each dimension for itself and once for all
// tables (WithholdInLine), a total that is withheld takes its whole row or column with it, and a table adds nothing to what is
// known of them.
namespace helhed::residents {

using Count = std::int64_t;

// What to withhold of counts that add up to a total.
struct WithheldLine {
  // One for each count.
  std::vector<bool> parts;
  // Then every part is withheld, and no other table of the same people may be published either.
  bool total = false;
};

// `counts` are not negative. A count below `minimum` is withheld, and further ones, the smallest first, until those that are
// withheld are at least two and add up to `minimum`. The total is withheld when that cannot be, or when it is below `minimum`
// itself. Equal counts are told apart by their order alone.
WithheldLine WithholdInLine(std::span<Count const> counts, Count minimum);

// `counts[row][column]`, as many in every row; `rows` and `columns` say which totals are withheld, by WithholdInLine; the grand
// total is published. Returns which cells are withheld: those of a withheld row or column, those below `minimum`, and what
// protects them.
using Cells = std::vector<std::vector<Count>>;
using WithheldCells = std::vector<std::vector<bool>>;
WithheldCells WithholdInTable(Cells const& counts, std::vector<bool> const& rows, std::vector<bool> const& columns,
                              Count minimum);

}  // namespace helhed::residents
