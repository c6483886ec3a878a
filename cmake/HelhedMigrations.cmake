# Compiles a folder of numbered SQL migrations into a target. In a CMakeLists.txt, after the target is made (it must link
# helhed_storage):
#
#   helhed_embed_migrations(helhed_events events ${CMAKE_CURRENT_SOURCE_DIR}/schema)
#
# and in C++ (the component `audit_log` gives AuditLogMigrations):
#
#   #include "helhed_migrations/events.h"
#   Migrate(database, helhed::migrations::EventsMigrations());
#
# The folder holds NNNN_name.sql, one text for both engines, or NNNN_name.sqlite.sql with NNNN_name.pg.sql where they must differ;
# numbers run from 0001 without a gap. Several components are joined by copying their spans into one vector.
function(helhed_embed_migrations target component schema_dir)
  string(REPLACE "_" ";" words ${component})
  set(camel "")
  foreach(word IN LISTS words)
    string(SUBSTRING ${word} 0 1 first)
    string(SUBSTRING ${word} 1 -1 rest)
    string(TOUPPER ${first} first)
    string(APPEND camel ${first}${rest})
  endforeach()

  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${schema_dir} ${schema_dir}/*.sql)
  list(FILTER files EXCLUDE REGEX "\\.pg\\.sql$")
  list(SORT files)
  set(number 0)
  set(texts "")
  set(entries "")
  foreach(file IN LISTS files)
    math(EXPR number "${number} + 1")
    if(NOT file MATCHES "^0*${number}_([a-z0-9_]+)(\\.sqlite)?\\.sql$")
      message(FATAL_ERROR "${schema_dir}/${file}: migration ${number} should be named NNNN_name.sql or NNNN_name.sqlite.sql")
    endif()
    set(name ${CMAKE_MATCH_1})
    set(sqlite_file ${schema_dir}/${file})
    string(REGEX REPLACE "\\.sqlite\\.sql$" ".pg.sql" postgres_file ${sqlite_file})
    _helhed_migration_text(texts kSqlite${number} ${sqlite_file})
    if(sqlite_file STREQUAL postgres_file)
      set(postgres_constant kSqlite${number})
    else()
      set(postgres_constant kPostgres${number})
      _helhed_migration_text(texts ${postgres_constant} ${postgres_file})
    endif()
    string(APPEND entries "    {\"${component}\", ${number}, \"${name}\", kSqlite${number}, ${postgres_constant}},\n")
  endforeach()
  if(number EQUAL 0)
    message(FATAL_ERROR "${schema_dir} holds no migrations")
  endif()

  set(directory ${CMAKE_BINARY_DIR}/generated_migrations)
  _helhed_write(${directory}/helhed_migrations/${component}.h "#pragma once

#include <span>

#include \"services/platform/storage/migrate.h\"

namespace helhed::migrations {

std::span<storage::Migration const> ${camel}Migrations();

}  // namespace helhed::migrations
")
  _helhed_write(${directory}/helhed_migrations/${component}.cc "#include \"helhed_migrations/${component}.h\"

namespace helhed::migrations {
namespace {

${texts}
constexpr storage::Migration kMigrations[] = {
${entries}};

}  // namespace

std::span<storage::Migration const> ${camel}Migrations() { return kMigrations; }

}  // namespace helhed::migrations
")
  target_sources(${target} PRIVATE ${directory}/helhed_migrations/${component}.cc)
  target_include_directories(${target} PUBLIC ${directory})
endfunction()

# Appends a constant that holds the text of `file` to the variable `out`.
function(_helhed_migration_text out constant file)
  file(READ ${file} text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(${out} "${${out}}constexpr char ${constant}[] = R\"helhed_sql(${text})helhed_sql\";\n" PARENT_SCOPE)
endfunction()

# Writes a file unless it holds just that, so that nothing is compiled again for nothing.
function(_helhed_write file text)
  if(EXISTS ${file})
    file(READ ${file} old)
    if(old STREQUAL text)
      return()
    endif()
  endif()
  file(WRITE ${file} "${text}")
endfunction()
