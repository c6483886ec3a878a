#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Comma-separated values after RFC 4180, strictly, with the place of everything. (Debian's only CSV library in C, libcsv, hands
// over cells without their places.)
namespace helhed::cli {

// Where something stands: line from 1, column in characters (code points) from 1.
struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
  friend bool operator==(Place const&, Place const&) = default;
};

struct CsvCell {
  std::string text;
  // Its first character, a quote included.
  Place place;
};

struct CsvFault {
  Place place;
  // The cell it is in, from 1.
  std::size_t cell = 1;
  std::string description;
};

struct CsvRecord {
  std::vector<CsvCell> cells;
  // The line it begins on.
  std::size_t line = 1;
  // What is wrong with its form; the cells before the fault are there.
  std::optional<CsvFault> fault;

  // Spreadsheets leave such rows below the last one: no cell holds anything.
  bool blank() const;
};

// Reads records one by one. Lines end with CRLF or LF; a cell in quotes may hold both, separators, and quotes written twice. A
// byte order mark at the start is passed over. After a fault reading goes on with the next line.
class CsvReader {
 public:
  // `text` must outlive the reader.
  CsvReader(std::string_view text, char separator);

  // False at the end. A final line break ends the last record and starts none.
  bool Next(CsvRecord& record);

 private:
  void ReadCell(CsvRecord& record);
  void ReadQuoted(CsvRecord& record, CsvCell& cell);
  void ReadPlain(CsvRecord& record, CsvCell& cell);
  void Fail(CsvRecord& record, Place place, std::string_view description);
  // Adds one character to the cell, or fails the record when the bytes are none.
  bool TakeCharacter(CsvRecord& record, std::string& text);
  bool AtLineEnd() const;
  void SkipLineEnd();
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool AtEnd() const { return position_ >= text_.size(); }

  std::string_view text_;
  char separator_;
  std::size_t position_ = 0;
  Place place_;
};

// The separator of a file by its first line: `,` or, as Danish spreadsheets write, `;`; whichever stands there more often outside
// quotes.
char GuessSeparator(std::string_view text);

// A record as a line, with CRLF. Cells are quoted where they need it.
std::string CsvLine(std::vector<std::string> const& cells, char separator);

}  // namespace helhed::cli
