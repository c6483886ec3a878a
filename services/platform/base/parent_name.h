#pragma once

#include <string_view>

namespace helhed {

// What comes before its collection in a resource's name (AIP-122): `organisations/9001/departments/001` -> `organisations/9001`;
// empty for a top-level name. For pure rules, which know no contract; others use contract::ParentOf, which is this.
constexpr std::string_view ParentName(std::string_view name) {
  auto const value = name.rfind('/');
  if (value == std::string_view::npos || value == 0) return {};
  auto const collection = name.rfind('/', value - 1);
  return collection == std::string_view::npos ? std::string_view() : name.substr(0, collection);
}

}  // namespace helhed
