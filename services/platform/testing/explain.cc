#include "services/platform/testing/explain.h"

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

namespace helhed::testing {
namespace {

using Tables = std::set<std::string>;

std::vector<std::string> Lines(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Whether a scan in the order of an index ends after a page: a limit stands in the statement, and nothing has to be sorted first.
bool IsPaged(std::string const& text) { return std::regex_search(text, std::regex(R"(\bLIMIT\b)", std::regex::icase)); }

// The table that a statement gives an alias to, or the name itself where it is no alias.
std::string TableOf(std::string const& name, std::string const& text) {
  std::smatch match;
  std::regex const aliased("\\b(?:FROM|JOIN|UPDATE|INTO|,)\\s+(\\w+)\\s+(?:AS\\s+)?" + name + "\\b", std::regex::icase);
  return std::regex_search(text, match, aliased) ? match[1].str() : name;
}

// SQLite's steps: `SCAN t` reads all of a table, `SCAN t USING INDEX i` all of an index; `SEARCH` reads a part. Other scans are
// of what the statement itself has made: `SCAN CONSTANT ROW`, `SCAN 3 CONSTANT ROWS`, and what `CO-ROUTINE x` or `MATERIALIZE x`
// names.
Tables SqliteScans(std::string const& plan, std::string const& text) {
  Tables scans;
  Tables made;
  std::regex const scan(R"(^SCAN (\w+)(.*)$)");
  std::regex const making(R"(^(?:CO-ROUTINE|MATERIALIZE|RECURSIVE STEP|SETUP) ?(\w*))");
  bool const sorts = plan.find("USE TEMP B-TREE") != std::string::npos;
  for (std::string const& line : Lines(plan)) {
    std::smatch match;
    if (std::regex_search(line, match, making)) made.insert(match[1]);
    if (!std::regex_match(line, match, scan) || line.find("CONSTANT ROW") != std::string::npos) continue;
    bool const in_order = match[2].str().find("USING") != std::string::npos;
    if (in_order && IsPaged(text) && !sorts) continue;
    scans.insert(match[1]);
  }
  Tables tables;
  for (std::string const& name : scans) {
    if (!made.contains(name)) tables.insert(TableOf(name, text));
  }
  return tables;
}

// PostgreSQL's steps: `Seq Scan on t` reads all of a table, `Index Scan using i on t` all of it unless an `Index Cond` follows.
Tables PostgresScans(std::string const& plan, std::string const& text) {
  Tables tables;
  std::regex const scan(R"(^\s*(?:->\s+)?(Seq|Index|Index Only) Scan (?:Backward )?(?:using \S+ )?on (\w+).*$)");
  std::string open_index_scan;
  bool const pages = IsPaged(text) && plan.find("Sort") == std::string::npos;
  auto const close = [&] {
    if (!open_index_scan.empty() && !pages) tables.insert(open_index_scan);
    open_index_scan.clear();
  };
  for (std::string const& line : Lines(plan)) {
    std::smatch match;
    if (line.find("Index Cond:") != std::string::npos) open_index_scan.clear();
    if (line.find("->") != std::string::npos) close();
    if (!std::regex_match(line, match, scan)) continue;
    if (match[1] == "Seq") {
      tables.insert(match[2]);
    } else {
      open_index_scan = match[2];
    }
  }
  close();
  return tables;
}

}  // namespace

std::vector<std::string> FullScans(storage::Database& database, std::span<storage::Statement const* const> statements,
                                   std::span<std::string_view const> allowed) {
  std::vector<std::string> found;
  for (storage::Statement const* const statement : statements) {
    auto const plan = database.Explain(*statement);
    if (!plan.ok()) {
      found.push_back(statement->name() + ": " + plan.status().ToString());
      continue;
    }
    std::string const& text = statement->text(database.engine());
    for (std::string const& table :
         database.engine() == storage::Engine::kSqlite ? SqliteScans(*plan, text) : PostgresScans(*plan, text)) {
      if (std::find(allowed.begin(), allowed.end(), table) == allowed.end()) {
        found.push_back(statement->name() + ": scans " + table);
      }
    }
  }
  return found;
}

}  // namespace helhed::testing
