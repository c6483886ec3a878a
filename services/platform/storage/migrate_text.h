#pragma once

#include <string>
#include <string_view>

namespace helhed::storage {

// The text of a migration that is written for PostgreSQL, for SQLite: BIGINT, INTEGER, SMALLINT and BOOLEAN become INTEGER, BYTEA
// BLOB, and every CREATE TABLE is STRICT. Comments and quoted text stay as they are.
std::string ToSqlite(std::string_view text);

}  // namespace helhed::storage
