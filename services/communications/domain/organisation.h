#pragma once

#include <string_view>

namespace helhed::communications {

// `organisations/9001/departments/001` -> `organisations/9001`.
inline std::string_view OrganisationOf(std::string_view name) { return name.substr(0, name.find('/', name.find('/') + 1)); }

}  // namespace helhed::communications
