#include "cli/csv.h"

#include <algorithm>

namespace helhed::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The bytes of the well-formed UTF-8 character (Unicode, table 3-7) at the start of `text`, or 0. NUL counts as none: no text
// has it, and spreadsheets saved as UTF-16 are full of it.
std::size_t CharacterBytes(std::string_view text) {
  auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto const within = [&](std::size_t i, unsigned low, unsigned high) { return low <= byte(i) && byte(i) <= high; };
  auto const first = byte(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (0xC2 <= first && first <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (0xE0 <= first && first <= 0xEF) {
    bool const second = within(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (0xF0 <= first && first <= 0xF4) {
    bool const second = within(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool CsvRecord::blank() const {
  return !fault && std::all_of(cells.begin(), cells.end(), [](CsvCell const& cell) { return cell.text.empty(); });
}

CsvReader::CsvReader(std::string_view text, char separator) : text_(text), separator_(separator) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

bool CsvReader::Next(CsvRecord& record) {
  record = {};
  if (AtEnd()) return false;
  record.line = place_.line;
  while (true) {
    ReadCell(record);
    if (record.fault) {
      while (!AtEnd() && Peek() != '\n') ++position_;
      SkipLineEnd();
      return true;
    }
    if (AtEnd()) return true;
    if (AtLineEnd()) {
      SkipLineEnd();
      return true;
    }
    ++position_;  // the separator
    ++place_.column;
  }
}

void CsvReader::ReadCell(CsvRecord& record) {
  CsvCell cell;
  cell.place = place_;
  if (Peek() == '"') {
    ReadQuoted(record, cell);
  } else {
    ReadPlain(record, cell);
  }
  if (!record.fault) record.cells.push_back(std::move(cell));
}

void CsvReader::ReadQuoted(CsvRecord& record, CsvCell& cell) {
  auto const open = place_;
  ++position_;
  ++place_.column;
  while (!AtEnd()) {
    if (Peek() == '"') {
      ++position_;
      ++place_.column;
      if (Peek() != '"') {
        if (AtEnd() || Peek() == separator_ || AtLineEnd()) return;
        return Fail(record, place_, "text after the closing quote; a quote within a quoted cell is written twice");
      }
    }
    if (!TakeCharacter(record, cell.text)) return;
  }
  Fail(record, open, "the quote is never closed");
}

void CsvReader::ReadPlain(CsvRecord& record, CsvCell& cell) {
  while (!AtEnd() && Peek() != separator_ && !AtLineEnd()) {
    if (Peek() == '"') return Fail(record, place_, "a quote in a cell that does not begin with one; quote the whole cell");
    if (Peek() == '\r') return Fail(record, place_, "a carriage return without a line feed");
    if (!TakeCharacter(record, cell.text)) return;
  }
}

bool CsvReader::TakeCharacter(CsvRecord& record, std::string& text) {
  auto const bytes = CharacterBytes(text_.substr(position_));
  if (bytes == 0) {
    Fail(record, place_, "not UTF-8; save the file as \"CSV UTF-8\"");
    return false;
  }
  text.append(text_, position_, bytes);
  position_ += bytes;
  ++place_.column;
  if (text.back() == '\n') place_ = {place_.line + 1, 1};
  return true;
}

void CsvReader::Fail(CsvRecord& record, Place place, std::string_view description) {
  record.fault = CsvFault{place, record.cells.size() + 1, std::string(description)};
}

bool CsvReader::AtLineEnd() const {
  return text_.substr(position_).starts_with("\n") || text_.substr(position_).starts_with("\r\n");
}

void CsvReader::SkipLineEnd() {
  if (Peek() == '\r') ++position_;
  if (!AtEnd()) ++position_;
  place_ = {place_.line + 1, 1};
}

char GuessSeparator(std::string_view text) {
  std::size_t commas = 0;
  std::size_t semicolons = 0;
  bool quoted = false;
  for (char const c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    commas += c == ',';
    semicolons += c == ';';
  }
  return semicolons > commas ? ';' : ',';
}

std::string CsvLine(std::vector<std::string> const& cells, char separator) {
  std::string line;
  for (auto const& cell : cells) {
    if (!line.empty() || &cell != &cells.front()) line.push_back(separator);
    bool const special = cell.find_first_of(std::string("\"\r\n") + separator) != std::string::npos;
    // A lone empty cell would be no line at all, and a leading byte order mark would be passed over.
    if (!special && !(cells.size() == 1 && cell.empty()) && !cell.starts_with(kByteOrderMark)) {
      line += cell;
      continue;
    }
    line.push_back('"');
    for (char const c : cell) line.append(c == '"' ? 2 : 1, c);
    line.push_back('"');
  }
  return line + "\r\n";
}

}  // namespace helhed::cli
