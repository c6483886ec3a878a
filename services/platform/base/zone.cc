#include "services/platform/base/zone.h"

#include <cstdio>
#include <cstdlib>

namespace helhed {

absl::TimeZone Copenhagen() {
  static absl::TimeZone const zone = [] {
    absl::TimeZone loaded;
    if (!absl::LoadTimeZone("Europe/Copenhagen", &loaded)) {
      std::fputs("no time zone data for Europe/Copenhagen; install the package tzdata\n", stderr);
      std::abort();
    }
    return loaded;
  }();
  return zone;
}

absl::CivilDay DateIn(absl::Time time) { return absl::ToCivilDay(time, Copenhagen()); }

}  // namespace helhed
