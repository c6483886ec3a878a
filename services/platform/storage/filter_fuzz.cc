#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "helhed/residents/v1/dwelling.pb.h"
#include "services/platform/storage/filter.h"
#include "services/platform/storage/list_query.h"

// Whatever a caller writes is parsed and compiled for both engines, or refused: nothing crashes, and nothing of it but names of
// columns gets into the SQL.
namespace helhed::storage {
namespace {

Mapping const& Dwellings() {
  static Mapping const* const mapping = [] {
    constexpr auto text = ColumnType::kText;
    constexpr auto integer = ColumnType::kInteger;
    DatabaseColumn const columns[] = {
        {"organisation", text, false, true},
        {"dwelling", text, false, true},
        {"address", text, false, false},
        {"address_sort", ColumnType::kBytes, false, false},
        {"address_uuid", text, true, false},
        {"kvhx_key", text, true, false},
        {"floor", text, true, false},
        {"building_section", text, true, false},
        {"area_square_metres", integer, false, false},
        {"period_start_date", text, false, false},
        {"period_end_date", text, true, false},
        {"revision", integer, false, false},
    };
    auto made = Mapping::Make(*residents::v1::Dwelling::descriptor(), "dwellings", {}, columns);
    if (!made.ok()) std::abort();
    return made->release();
  }();
  return *mapping;
}

void Check(std::string_view text, std::string_view allowed) {
  if (text.find_first_not_of(allowed) != std::string_view::npos) std::abort();
}

}  // namespace
}  // namespace helhed::storage

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::storage;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  (void)ParseOrderBy(text);
  auto const filter = ParseFilter(text);
  if (!filter.ok() || !*filter) return 0;
  QueryFields const fields(Dwellings(), "d.", {});
  for (Engine const engine : {Engine::kSqlite, Engine::kPostgres}) {
    SqlText sql;
    if (!CompileFilter(**filter, fields, engine, sql).ok()) continue;
    // Every character that the compiler itself writes; the values stand in the binds.
    Check(sql.text(), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,()<>=$-':/ ");
    (void)sql.binds();
  }
  return 0;
}
