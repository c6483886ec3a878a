#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/csv.h"

// Whatever the bytes: reading ends, places only go forward, and what was read without a fault survives being written and read.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::cli;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  char const separator = GuessSeparator(text);
  CsvReader reader(text, separator);
  CsvRecord record;
  std::size_t line = 0;
  while (reader.Next(record)) {
    if (record.line <= line) std::abort();
    line = record.line;
    if (record.fault) continue;
    std::vector<std::string> cells;
    for (auto const& cell : record.cells) cells.push_back(cell.text);
    auto const written = CsvLine(cells, separator);
    CsvReader again(written, separator);
    CsvRecord copy;
    if (!again.Next(copy) || copy.fault || copy.cells.size() != cells.size()) std::abort();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (copy.cells[i].text != cells[i]) std::abort();
    }
    if (again.Next(copy)) std::abort();
  }
  return 0;
}
