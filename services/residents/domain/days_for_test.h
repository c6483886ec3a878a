#pragma once

#include <absl/time/civil_time.h>

#include <string_view>

#include "services/platform/base/civil.h"

namespace helhed::residents {

inline absl::CivilDay Day(int year) { return absl::CivilDay(year, 1, 1); }
inline absl::CivilDay Day(std::string_view iso) { return FromIsoDate(iso).value(); }

}  // namespace helhed::residents
