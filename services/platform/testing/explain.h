#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/database.h"

namespace helhed::testing {

// The statements that read a table, or an index, from end to end, one line each: `<statement>: scans <table>`. A statement that
// cannot be explained is such a line too. What walks an index in order and stops at a LIMIT is no scan. `allowed` names tables
// that do not grow with use. Run it on a database that has the schema; it needs no rows, since PostgreSQL is asked to plan as
// though a scan were costly.
//
//   EXPECT_THAT(FullScans(database(), storage::RegisteredStatements(), {"rules"}), IsEmpty());
std::vector<std::string> FullScans(storage::Database& database, std::span<storage::Statement const* const> statements,
                                   std::span<std::string_view const> allowed);
inline std::vector<std::string> FullScans(storage::Database& database, std::span<storage::Statement const* const> statements,
                                          std::initializer_list<std::string_view> allowed = {}) {
  return FullScans(database, statements, std::span<std::string_view const>(allowed.begin(), allowed.size()));
}

}  // namespace helhed::testing
