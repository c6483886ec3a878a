#pragma once

#include "services/platform/server/instance.h"

namespace helhed::residents {

// The residents service, for whoever puts a door before it: the binary, the suite, a test.
server::Definition ResidentsDefinition();

}  // namespace helhed::residents
