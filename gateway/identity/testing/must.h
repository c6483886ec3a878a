#pragma once

#include <cstdlib>

namespace helhed::gateway::identity::testing {

// For what cannot fail in a test that is worth going on with.
inline void Must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace helhed::gateway::identity::testing
