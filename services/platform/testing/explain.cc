#include "services/platform/testing/explain.h"

#include <algorithm>
#include <sstream>

namespace helhed::testing {
namespace {

// The table that a step of a plan reads from end to end, or empty. SQLite: `SCAN t`, `SCAN t AS x`, and `SCAN t USING INDEX i`,
// which reads all of an index, but not `SCAN CONSTANT ROW` or `SCAN 3-ROW VALUES CLAUSE`. PostgreSQL: `Seq Scan on t`.
std::string ScannedTable(std::string_view line, storage::Engine engine) {
  std::string_view const marker = engine == storage::Engine::kSqlite ? "SCAN " : "Seq Scan on ";
  std::size_t const at = line.find(marker);
  if (at == std::string_view::npos) return {};
  std::string_view rest = line.substr(at + marker.size());
  if (engine == storage::Engine::kSqlite && (rest.starts_with("CONSTANT ROW") || rest.find("VALUES CLAUSE") != rest.npos)) {
    return {};
  }
  return std::string(rest.substr(0, rest.find(' ')));
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
    std::istringstream lines(*plan);
    for (std::string line; std::getline(lines, line);) {
      std::string const table = ScannedTable(line, database.engine());
      if (table.empty() || std::find(allowed.begin(), allowed.end(), table) != allowed.end()) continue;
      found.push_back(statement->name() + ": scans " + table);
    }
  }
  return found;
}

}  // namespace helhed::testing
