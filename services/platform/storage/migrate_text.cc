#include "services/platform/storage/migrate_text.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace helhed::storage {
namespace {

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

// The length of the token at the start of `text`: a comment, a quoted text, a word or one byte.
std::size_t TokenLength(std::string_view text) {
  auto const until = [&](std::string_view end, std::size_t from) {
    std::size_t const at = text.find(end, from);
    return at == std::string_view::npos ? text.size() : at + end.size();
  };
  if (text.starts_with("--")) return until("\n", 2);
  if (text.starts_with("/*")) return until("*/", 2);
  // A doubled quote within is the end of one quoted text and the begin of the next: the same to us.
  if (text.front() == '\'' || text.front() == '"') return until(text.substr(0, 1), 1);
  std::size_t length = 0;
  while (length < text.size() && IsWordByte(text[length])) ++length;
  return std::max<std::size_t>(length, 1);
}

std::string_view TypeFor(std::string_view upper) {
  if (upper == "BIGINT" || upper == "SMALLINT" || upper == "BOOLEAN") return "INTEGER";
  if (upper == "BYTEA") return "BLOB";
  return {};
}

}  // namespace

std::string ToSqlite(std::string_view text) {
  std::string result;
  std::string previous_word;
  bool in_table = false;
  int depth = 0;
  while (!text.empty()) {
    std::string_view const token = text.substr(0, TokenLength(text));
    text.remove_prefix(token.size());
    std::string const upper = Upper(token);
    if (upper == "TABLE" && previous_word == "CREATE") in_table = true;
    if (IsWordByte(token.front())) previous_word = upper;
    if (token == "(") ++depth;
    if (token == ";") in_table = false;
    std::string_view const type = TypeFor(upper);
    result += type.empty() ? token : type;
    if (token == ")" && --depth == 0 && in_table) {
      result += " STRICT";
      in_table = false;
    }
  }
  return result;
}

}  // namespace helhed::storage
